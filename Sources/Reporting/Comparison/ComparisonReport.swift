import Results

/// The name and version of the shape of a comparison.
let comparisonSchema = "nestwalk.comparison/1"

/// A form in which a comparison is written.
public enum ComparisonFormat: String, Sendable, CaseIterable {
  case json
  case csv
  case html
  case markdown = "md"
  case junit = "xml"

  /// The format that a file's suffix asks for.
  ///
  /// - Parameter suffix: without its dot, in any case.
  public init?(suffix: String) { self.init(rawValue: suffix.lowercased()) }
}

extension Comparison {
  /// Writes the comparison.
  ///
  /// - Parameter format: of the whole text.
  /// - Returns: text that ends in a newline.
  public func render(as format: ComparisonFormat) -> String {
    switch format {
    case .json: json
    case .csv: csv
    case .html: html
    case .markdown: markdownText
    case .junit: junit
    }
  }

  /// The comparison for a terminal.
  ///
  /// - Parameter width: columns to fill.
  /// - Returns: lines that end in a newline.
  public func summary(width: Int) -> String {
    var lines: [String] = []
    for pair in pairs {
      lines.append(printable(pair.headline))
      if let table = pair.table {
        lines += table.brief.lines(width: max(width, 40) - 2).map { "  " + $0 }
      }
      lines += pair.meanings(width: max(width, 40))
    }
    lines += absences.map(printable)
    lines.append(conclusion)
    return lines.map { $0 + "\n" }.joined()
  }

  private var absences: [String] {
    (absence.map { ["no baseline: \($0)"] } ?? [])
      + missing.map { "missing from the new file: \($0)" }
      + added.map { "not in the base: \($0)" }
  }

  private var conclusion: String {
    let words = "Verdict: \(verdict.rawValue). "
    guard verdict == .better else {
      return words + (passes ? "The new result passes." : "The new result does not pass.")
    }
    return words
      + (passes
        ? "The new result passes. Write the baseline anew, so that it keeps what was won."
        : "The new result is better, which passes with --allow-better or as a new baseline.")
  }

  private var json: String {
    func optional(_ number: Int?) -> JSONText { .literal(number.map(String.init) ?? "null") }
    return JSONText.object([
      ("schema", .string(comparisonSchema)), ("tool", .string(toolVersion)),
      ("verdict", .string(verdict.rawValue)), ("passes", .literal(String(passes))),
      (
        "pairs",
        .array(
          pairs.map { pair in
            .object([
              ("trace", .string(pair.trace)), ("machine", .string(pair.machine)),
              ("compared", .literal(String(pair.compared))),
              (
                "changes",
                .array(
                  pair.changes.map { change in
                    .object([
                      ("name", .string(change.name)), ("base", optional(change.base)),
                      ("new", optional(change.new)), ("verdict", .string(change.verdict.rawValue)),
                    ])
                  })
              ),
            ])
          })
      ),
      ("missing", .array(missing.map { .string($0) })),
      ("added", .array(added.map { .string($0) })),
    ]).text(indent: "") + "\n"
  }

  private var csv: String {
    var text = "trace,machine,metric,base,new,verdict\n"
    for pair in pairs {
      for change in pair.changes {
        let cells = [
          pair.trace, pair.machine, change.name, change.base.map(String.init) ?? "",
          change.new.map(String.init) ?? "", change.verdict.rawValue,
        ]
        // Numbers stay numbers, negative ones too.
        text +=
          cells.enumerated().map { $0 == 3 || $0 == 4 ? $1 : csvField($1) }.joined(separator: ",")
          + "\n"
      }
    }
    return text
  }

  private var markdownText: String {
    var blocks = ["# Nestwalk: \(verdict.rawValue)"]
    for pair in pairs {
      blocks.append("## " + markdown(pair.headline))
      if let table = pair.table { blocks.append(markdown(table)) }
    }
    if !absences.isEmpty {
      blocks.append(absences.map { "- " + markdown($0) }.joined(separator: "\n"))
    }
    return (blocks + [conclusion]).joined(separator: "\n\n") + "\n"
  }

  private var html: String {
    let sections = pairs.map { pair -> Markup in
      """
      <section>
      <h2>\(pair.headline)</h2>
      \(pair.pictures)\(pair.table?.markup ?? "<p>Nothing moved.</p>\n")</section>

      """
    }
    return htmlPage(
      title: "comparison", schema: comparisonSchema,
      "<h1>Comparison</h1>\n<p>\(conclusion)</p>\n\(sections)\(bullets(absences))")
  }

  private var junit: String {
    var cases = ""
    var (count, failures) = (0, 0)
    func add(_ name: String, _ objection: String?) {
      count += 1
      cases +=
        "    <testcase name=\"\(xml(printable(name)))\" classname=\"nestwalk.compare\" time=\"0\""
      guard let objection else { return cases += "/>\n" }
      failures += 1
      cases += ">\n      <failure type=\"difference\" message=\"\(xml(printable(objection)))\"/>\n"
      cases += "    </testcase>\n"
    }
    for pair in pairs {
      let stopping = pair.changes.filter(\.stops)
      if stopping.isEmpty { add("\(pair.trace) on \(pair.machine)", nil) }
      for change in stopping {
        add(
          "\(pair.trace) on \(pair.machine): \(change.name)",
          "\(change.verdict.rawValue): \(change.movement)")
      }
    }
    for name in missing { add(name, "missing from the new file") }
    if let absence { add("baseline", absence) }
    return """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="nestwalk compare" tests="\(count)" failures="\(failures)" errors="0" time="0">
        <testsuite name="compare" tests="\(count)" failures="\(failures)" errors="0" time="0">
      \(cases)  </testsuite>
      </testsuites>

      """
  }
}

extension Comparison.Pair {
  var headline: String {
    let moved = changes.isEmpty ? "nothing moved" : "\(grouped(changes.count)) moved"
    let stopped = changes.count(where: \.stops)
    return "\(trace) on \(machine): \(counted(compared, "number")) compared, \(moved)"
      + (stopped > 0 ? ", \(grouped(stopped)) more than allowed" : "")
  }

  var table: Table? {
    guard !changes.isEmpty else { return nil }
    var definition = Table.Column.prose("definition")
    definition.isDetail = true
    return Table(
      "Changes",
      [
        .text("metric"), .number("base"), .number("new"), .number("change"),
        .number("of its unit's moves"), .text("verdict"), definition,
      ],
      ranked.map { change, share in
        [
          change.name, change.base.map(grouped) ?? "", change.new.map(grouped) ?? "",
          change.difference, share, change.verdict.rawValue, change.definition,
        ]
      })
  }

  /// Definitions of what moved further than it may, once each.
  fileprivate func meanings(width: Int) -> [String] {
    var told: Set<String> = []
    return changes.filter(\.stops).flatMap { change -> [String] in
      let definition = change.definition
      guard definition != "", told.insert(definition).inserted else { return [] }
      return wrapped(
        printable("\(change.name): \(definition)"), width: width, indent: "  ", hanging: "  ")
    }
  }
}

extension Comparison.Change {
  var movement: String {
    "\(base.map(grouped) ?? "nothing") to \(new.map(grouped) ?? "nothing")"
      + (difference == "" ? "" : " (\(difference))")
  }

  /// The share of the base where there is one.
  var difference: String {
    guard let base, let new else { return "" }
    let (moved, overflow) = new.subtractingReportingOverflow(base)
    guard !overflow else { return "" }
    let sign = moved > 0 ? "+" : ""
    guard base > 0, let share = Ratio(moved, over: base)?.percent else {
      return sign + grouped(moved)
    }
    return sign + share
  }

  var definition: String {
    if name.hasPrefix("finding.") {
      let rule = name.split(separator: ".").dropFirst().first.map(String.init) ?? ""
      return IsolationRule.named(rule).map { "\($0.title): \($0.meaning)" } ?? ""
    }
    let metric = name.hasSuffix(" (bars)") ? String(name.dropLast(7)) : name
    return Metric.definition(of: metric)?.definition ?? ""
  }
}
