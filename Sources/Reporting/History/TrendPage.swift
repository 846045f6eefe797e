import Results

/// One stored result, as a history keeps it.
public struct HistoryEntry: Sendable, Equatable {
  /// Whatever tells one state of the sources from another, such as a commit.
  public var label: String
  /// The trace's name and digest.
  public var trace: (name: String, sha256: String)
  /// The machine's name and digest.
  public var machine: (name: String, sha256: String)
  /// The version that wrote it.
  public var tool: String
  /// Every counter.
  public var counters: [String: Int]

  /// Creates an entry of its parts.
  public init(
    label: String, trace: (name: String, sha256: String), machine: (name: String, sha256: String),
    tool: String, counters: [String: Int]
  ) {
    self.label = label
    self.trace = trace
    self.machine = machine
    self.tool = tool
    self.counters = counters
  }

  /// Whether all parts are the same.
  public static func == (one: HistoryEntry, other: HistoryEntry) -> Bool {
    one.label == other.label && one.trace == other.trace && one.machine == other.machine
      && one.tool == other.tool && one.counters == other.counters
  }

  /// Reads a file of one result or several.
  ///
  /// - Parameters:
  ///   - text: as `nestwalk run -o FILE.json` wrote it.
  ///   - label: of all of them.
  /// - Returns: an entry for each result.
  /// - Throws: what the file is not.
  public static func all(
    in text: String, label: String
  ) throws(ComparisonError) -> [HistoryEntry] {
    try StoredResult.all(text).map { result in
      HistoryEntry(
        label: label, trace: (result.trace, result.traceHash),
        machine: (result.machine, result.machineHash), tool: result.tool,
        counters: result.counters)
    }
  }
}

/// Counters over the states of the sources, a picture and a table each.
///
/// - Parameters:
///   - entries: in the order in which they were added.
///   - counters: in the order in which they are shown.
/// - Returns: a page that needs nothing but itself.
public func trendPage(_ entries: [HistoryEntry], counters: [String]) -> String {
  var groups: [(name: String, entries: [HistoryEntry])] = []
  for entry in entries {
    let name = "\(entry.trace.name) on \(entry.machine.name)"
    if let at = groups.firstIndex(where: { $0.name == name }) {
      groups[at].entries.append(entry)
    } else {
      groups.append((name, [entry]))
    }
  }
  let sections = groups.map { group -> Markup in
    let trends = counters.compactMap { Trend($0, of: group.entries)?.markup }
    guard !trends.isEmpty else { return "" }
    return "<section>\n<h2>\(group.name)</h2>\n\(trends)</section>\n"
  }
  return htmlPage(
    title: "trends", schema: "history of \(counted(entries.count, "result"))",
    """
    <h1>Trends of \(counted(groups.count, "trace and machine", plural: "traces and machines"))</h1>
    \(sections)
    """)
}

private func counted(_ count: Int, _ one: String, plural: String) -> String {
  "\(grouped(count)) \(count == 1 ? one : plural)"
}

/// One counter of one trace on one machine.
private struct Trend {
  var counter: String
  var points: [(label: String, value: Int, note: String)]

  init?(_ counter: String, of entries: [HistoryEntry]) {
    self.counter = counter
    points = []
    var last: HistoryEntry?
    for entry in entries {
      guard let value = entry.counters[counter] else { continue }
      // What is not comparable is said where it begins.
      var notes: [String] = []
      if let last, last.trace.sha256 != entry.trace.sha256 { notes.append("another trace") }
      if let last, last.machine.sha256 != entry.machine.sha256 { notes.append("another machine") }
      if let last, last.tool != entry.tool { notes.append("nestwalk \(entry.tool)") }
      points.append((entry.label, value, notes.joined(separator: ", ")))
      last = entry
    }
    if points.isEmpty { return nil }
  }

  private static let (width, height, left, right, top, bottom) =
    (720.0, 180.0, 74.0, 700.0, 22.0, 140.0)

  var markup: Markup {
    let metric = Metric.definition(of: counter)
    return """
      <h3>\(counter)</h3>
      <p class="muted">\(metric.map { "\($0.definition) In \($0.unit)." } ?? "")</p>
      \(scrolling(picture, label: counter))\
      <details><summary>As a table</summary>
      \(table.markup)</details>

      """
  }

  private var picture: Markup {
    let values = points.map(\.value)
    let (low, high) = (values.min() ?? 0, values.max() ?? 0)
    // From zero, unless all of it moves in the upper half.
    let isHigh = low > 0 && Double(high) < 2 * Double(low) && high > low
    let floor = isHigh ? Double(low) - (Double(high) - Double(low)) * 0.15 : min(0, Double(low))
    let ceiling = max(Double(high), floor + 1)
    func y(_ value: Double) -> Double {
      Self.bottom - (value - floor) / (ceiling - floor) * (Self.bottom - Self.top)
    }
    func x(_ place: Int) -> Double {
      points.count == 1
        ? (Self.left + Self.right) / 2
        : Self.left + 8 + Double(place) / Double(points.count - 1) * (Self.right - Self.left - 16)
    }
    let lines = points.indices.dropFirst().map { place -> Markup in
      """
      <line class="trend" x1="\(x(place - 1))" y1="\(y(Double(points[place - 1].value)))" \
      x2="\(x(place))" y2="\(y(Double(points[place].value)))"/>

      """
    }
    let dots = points.enumerated().map { place, point -> Markup in
      """
      <circle class="bar" cx="\(x(place))" cy="\(y(Double(point.value)))" r="3.5"><title>\(point.label): \
      \(grouped(point.value))\(point.note == "" ? "" : " (\(point.note))")</title></circle>

      """
    }
    let ends = [0, points.count - 1].map { place -> Markup in
      let isFirst = place == 0 && points.count > 1
      let anchor = points.count == 1 ? "middle" : isFirst ? "start" : "end"
      return """
        <text class="axis" x="\(x(place))" y="\(Self.bottom + 20)" \
        text-anchor="\(anchor)">\(shortened(printable(points[place].label), to: 40))</text>

        """
    }
    return """
      <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="\(counter)">
      <title>\(counter)</title>
      <desc>\(points.map { "\($0.label) \(grouped($0.value))" }.joined(separator: "; "))</desc>
      <line class="grid" x1="\(Self.left)" y1="\(y(ceiling))" x2="\(Self.right)" y2="\(y(ceiling))"/>
      <text class="axis" x="\(Self.left - 7)" y="\(y(ceiling) + 4)" text-anchor="end">\(compact(high))</text>
      <line class="base" x1="\(Self.left)" y1="\(Self.bottom)" x2="\(Self.right)" y2="\(Self.bottom)"/>
      <text class="axis" x="\(Self.left - 7)" y="\(Self.bottom + 4)" text-anchor="end">\
      \(isHigh ? compact(Int(floor.rounded(.down))) : "0")</text>
      \(lines)\(dots)\(points.count == 1 ? [ends[0]] : ends)</svg>
      """
  }

  private var table: Table {
    var last: Int?
    return Table(
      counter,
      [.text("label"), .number("value"), .number("change"), .text("note")],
      points.map { point in
        defer { last = point.value }
        let moved = last.map { point.value.subtractingReportingOverflow($0).partialValue }
        let change = moved.map { moved in
          guard moved != 0 else { return "0" }
          let share = last.flatMap { Ratio(moved, over: $0 == 0 ? nil : $0)?.percent }
          return (moved > 0 ? "+" : "") + (share ?? grouped(moved))
        }
        return [point.label, grouped(point.value), change ?? "", point.note]
      })
  }
}
