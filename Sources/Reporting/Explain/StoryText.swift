import Results

extension AccessStory {
  /// The access in one line.
  var headline: String {
    "Record \(grouped(record)): \(kind) of \(counted(max(size, 1), "byte")) at \(hex(address))"
  }

  /// What caches answered.
  var cacheTable: Table { Cache.table("Caches of translations", caches) }

  /// What it cost in one sentence.
  var cost: String {
    let references = walks.reduce(0) { $0 + $1.references.count }
    let work =
      references == 0
      ? "No table was read" : "\(counted(references, "reference")), \(counted(walkCycles, "cycle"))"
    return work + "; TLB lookups \(counted(lookupCycles, "cycle"))"
      + (exits.isEmpty ? "" : "; exits: " + exits.joined(separator: ", ")) + "."
  }

  func table(of walk: Walk) -> Table {
    var sum = 0
    return Table(
      "Walk of \(hex(walk.address))",
      [
        .number("step"), .text("for the first stage's"), .text("reads"), .text("at"),
        .text("value"), .number("cycles"), .number("in all"),
      ],
      walk.references.enumerated().map { place, reference in
        sum += reference.cycles
        return [
          String(place + 1),
          reference.first == "data" ? "data address" : "\(reference.first) table",
          reference.second == "entry" ? "its entry" : "second stage's \(reference.second)",
          hex(reference.address), hex(reference.value), grouped(reference.cycles), grouped(sum),
        ]
      })
  }
}

extension AccessStory.Cache {
  /// What caches answered, of those that were asked or changed.
  static func table(_ title: String, _ caches: [Self]) -> Table {
    Table(
      title, [.text("cache"), .text("answer"), .prose("filled"), .prose("displaced")],
      caches.filter { $0.lookups > 0 || !$0.filled.isEmpty || !$0.removed.isEmpty }.map { cache in
        [cache.name, cache.answer, told(cache.filled), told(cache.removed)]
      })
  }

  /// A few entries, and how many more there are.
  private static func told(_ entries: [String]) -> String {
    let shown = entries.prefix(4).joined(separator: "; ")
    return entries.count > 4 ? "\(shown); and \(entries.count - 4) more" : shown
  }

  var answer: String {
    switch (lookups, hits) {
    case (0, _): "not asked"
    case (1, 0): "miss"
    case (1, _): "hit"
    default: "\(counted(hits, "hit")) of \(lookups)"
    }
  }
}

func hex(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

/// An access's story for a terminal.
///
/// - Parameters:
///   - story: of one record.
///   - width: columns to fill.
/// - Returns: lines that end in a newline.
public func storyText(_ story: AccessStory, width: Int) -> String {
  let width = max(width, 60)
  var lines = [
    "\(printable(story.trace)) on \(printable(story.machine))", story.headline + ".",
  ]
  lines += story.outcomes.map { "  \($0)" } + ["  \(story.cost)", "", "Caches of translations"]
  lines += story.cacheTable.lines(width: width - 2).map { "  " + $0 }
  for walk in story.walks {
    let table = story.table(of: walk)
    lines += ["", table.title] + table.lines(width: width - 2).map { "  " + $0 }
  }
  if story.walks.isEmpty { lines += ["", "No walk: a TLB knew the translation."] }
  return lines.map { $0 + "\n" }.joined()
}

/// An access's story as a page with a picture of its walks.
///
/// - Parameter story: of one record.
/// - Returns: a page that needs nothing but itself.
public func storyPage(_ story: AccessStory) -> String {
  let walks = story.walks.map { walk -> Markup in
    let table = story.table(of: walk)
    return """
      <section>
      <h2>\(table.title)</h2>
      \(scrolling(WalkPicture(walk: walk, levels: story.levels).markup, label: table.title))\
      \(table.markup)</section>

      """
  }
  let told: Markup =
    walks.isEmpty ? "<p>No walk: a TLB knew the translation.</p>\n" : "\(walks)"
  let outcomes = story.outcomes.map { "<li>\($0)</li>\n" as Markup }
  return htmlPage(
    title: "\(story.trace), record \(grouped(story.record))", schema: "explanation of a record",
    """
    <h1>\(story.headline)</h1>
    <p>\(story.trace) on \(story.machine)</p>
    <ul class="notes">
    \(outcomes)<li>\(story.cost)</li>
    </ul>
    <section>
    <h2>\(story.cacheTable.title)</h2>
    \(story.cacheTable.markup)</section>
    \(told)
    """)
}
