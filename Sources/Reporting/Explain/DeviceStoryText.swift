import Results

extension DeviceStory {
  /// The event in one line.
  var headline: String {
    let size = bytes > 0 ? " of \(counted(bytes, "byte"))" : ""
    return "Event \(grouped(event)): \(kind) by device \(device)\(size) at \(hex(address))"
  }

  /// What a reader has to know of pages that are not shown.
  var rest: String? {
    left > 0 ? "And \(counted(left, "page")) more, served alike." : nil
  }
}

extension DeviceStory.Step {
  /// What the unit's caches answered.
  var cacheTable: Table { AccessStory.Cache.table("Caches of the unit", caches) }

  /// What it cost in one sentence.
  var cost: String {
    reads.isEmpty
      ? "No word of a table was read"
      : "\(counted(reads.count, "word")) of tables read, one after another"
  }

  var readTable: Table {
    Table(
      "Words of tables that were read",
      [.number("step"), .text("at"), .text("value")],
      reads.enumerated().map { [String($0 + 1), hex($1.address), hex($1.value)] })
  }
}

/// An event's story for a terminal.
///
/// - Parameters:
///   - story: of one transfer or message.
///   - width: columns to fill.
/// - Returns: lines that end in a newline.
public func storyText(_ story: DeviceStory, width: Int) -> String {
  let width = max(width, 60)
  var lines = [
    "\(printable(story.trace)) on \(printable(story.machine))", story.headline + ".",
  ]
  for step in story.steps {
    lines += ["", step.title] + (step.outcome + [step.cost]).map { "  \($0)." }
    for table in [step.cacheTable, step.readTable] where !table.rows.isEmpty {
      lines += ["", "  " + table.title]
      lines += table.lines(width: width - 4).map { "    " + $0 }
    }
  }
  if let rest = story.rest { lines += ["", rest] }
  return lines.map { $0 + "\n" }.joined()
}

/// An event's story as a page.
///
/// - Parameter story: of one transfer or message.
/// - Returns: a page that needs nothing but itself.
public func storyPage(_ story: DeviceStory) -> String {
  let steps = story.steps.map { step -> Markup in
    let lines = (step.outcome + [step.cost]).map { "<li>\($0).</li>\n" as Markup }
    let tables = [step.cacheTable, step.readTable].filter { !$0.rows.isEmpty }.map {
      "<h3>\($0.title)</h3>\n\($0.markup)" as Markup
    }
    return """
      <section>
      <h2>\(step.title)</h2>
      <ul class="notes">
      \(lines)</ul>
      \(tables)</section>

      """
  }
  let rest: Markup = story.rest.map { "<p>\($0)</p>\n" } ?? ""
  return htmlPage(
    title: "\(story.trace), event \(grouped(story.event))", schema: "explanation of an event",
    """
    <h1>\(story.headline)</h1>
    <p>\(story.trace) on \(story.machine)</p>
    \(steps)\(rest)
    """)
}
