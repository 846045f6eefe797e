import Results

/// A time line as pictures under each other that share their axis, with the findings on it.
struct TimeLineChart {
  var line: TimeLine
  var findings: [Finding]
  /// What the elements of its part of the page are named after.
  var id: String

  private static let width = 1_000.0
  private static let left = 64.0
  private static let right = 988.0
  private static let panel = 62.0
  private static let gap = 22.0
  private static let top = 22.0
  /// Findings that are drawn at most; tables have more.
  private static let mostMarks = 400

  /// At most `limit` intervals: neighbours are joined until they fit.
  init(_ line: TimeLine, findings: [Finding], id: String, limit: Int) {
    self.findings = findings
    self.id = id
    let every = max(1, (line.ends.count + limit - 1) / limit)
    guard every > 1 else {
      self.line = line
      return
    }
    let groups = stride(from: 0, to: line.ends.count, by: every).map { start in
      start..<min(start + every, line.ends.count)
    }
    self.line = TimeLine(
      unit: line.unit, ends: groups.map { line.ends[$0.upperBound - 1] },
      series: line.series.map { one in
        TimeLine.Series(
          counter: one.counter, values: groups.map { total(one.values[$0]) })
      })
  }

  /// Series that are not zero all along.
  private var shown: [TimeLine.Series] {
    line.series.filter { $0.values.contains { $0 != 0 } }
  }

  private var end: Int { max(line.ends.last ?? 1, 1) }

  private func x(_ place: Int) -> Double {
    Self.left + Double(min(max(place, 0), end)) / Double(end) * (Self.right - Self.left)
  }

  /// Where a finding is on the axis; nothing where the axis does not have it.
  static func place(_ place: Finding.Place, on unit: TimeLine.Unit) -> Int? {
    switch unit {
    case .records: place.record < 0 ? nil : place.record
    case .events: place.event
    }
  }

  private var marks: [(at: Int, finding: Finding)] {
    findings.flatMap { finding in
      ([finding.first] + finding.examples).compactMap { place in
        Self.place(place, on: line.unit).map { ($0, finding) }
      }
    }
  }

  var markup: Markup {
    let shown = shown
    guard !shown.isEmpty else { return "" }
    let marks = marks
    let bottom = Self.top + Double(shown.count) * (Self.panel + Self.gap)
    let height = bottom + (marks.isEmpty ? 0 : 26) + 28
    let panels = shown.enumerated().map { place, one in
      panel(one, top: Self.top + Double(place) * (Self.panel + Self.gap))
    }
    let name = "What happened when, by \(line.unit.rawValue)"
    let summary = shown.map { "\($0.counter): \(grouped(total($0.values)))" }
      .joined(separator: "; ")
    return """
      <div class="timeline" id="\(id)" data-unit="\(line.unit.rawValue)" data-end="\(end)" \
      data-left="\(Self.left)" data-right="\(Self.right)" data-width="\(Self.width)">
      \(scrolling(svg(name, summary, height, "\(panels)\(findingMarks(marks, top: bottom))\(axis(y: height - 26))"), label: name))\
      <script type="application/json" class="data">\(data)</script>
      <div class="selection" aria-live="polite"></div>
      </div>

      """
  }

  private func svg(
    _ name: String, _ summary: String, _ height: Double, _ body: Markup
  ) -> Markup {
    """
    <svg class="wide" viewBox="0 0 \(Self.width) \(height)" role="img" aria-label="\(name)">
    <title>\(name)</title>
    <desc>\(summary)</desc>
    \(body)<rect class="brush" x="0" y="0" width="0" height="\(height - 28)"/>
    <line class="cursor" x1="-9" y1="0" x2="-9" y2="\(height - 28)"/>
    </svg>
    """
  }

  /// The series for the script: it holds numbers and names of counters alone.
  private var data: Markup {
    var text = "{\"ends\":[" + line.ends.map(String.init).joined(separator: ",") + "],\"series\":["
    text += shown.map { one in
      "{\"counter\":" + jsonString(one.counter).replacing("<", with: "\\u003c") + ",\"values\":["
        + one.values.map(String.init).joined(separator: ",") + "]}"
    }.joined(separator: ",")
    var markup: Markup = ""
    markup.text = text + "]}"
    return markup
  }

  /// One counter as steps: how much of it fell on a thousand records or events.
  private func panel(_ one: TimeLine.Series, top: Double) -> Markup {
    let base = top + Self.panel
    // In thousandths of what falls on one, so that short intervals compare with long ones.
    var rates: [Double] = []
    var start = 0
    for (end, value) in zip(line.ends, one.values) {
      rates.append(Double(value) / Double(max(end - start, 1)) * 1_000)
      start = end
    }
    let most = rates.max() ?? 0
    let step = niceStep(atLeast: max(1, Int((most / 2).rounded(.up))))
    let ceiling = Double(step) * (most > Double(step) ? 2 : 1)
    var path = "M\(point(Self.left)) \(point(base))"
    start = 0
    for (end, rate) in zip(line.ends, rates) {
      let y = base - min(rate / ceiling, 1) * Self.panel
      path += "V\(point(y))H\(point(x(end)))"
      start = end
    }
    path += "V\(point(base))Z"
    let unit = line.unit == .records ? "1,000 records" : "1,000 events"
    return """
      <g><text class="panel" x="\(Self.left)" y="\(top - 6)">\(one.counter) in \(unit)</text>
      <line class="grid" x1="\(Self.left)" y1="\(top)" x2="\(Self.right)" y2="\(top)"/>
      <text class="axis" x="\(Self.left - 7)" y="\(top + 4)" text-anchor="end">\(compact(Int(ceiling)))</text>
      <text class="axis" x="\(Self.left - 7)" y="\(base + 4)" text-anchor="end">0</text>
      <path class="area" d="\(path)"/>
      <line class="base" x1="\(Self.left)" y1="\(base)" x2="\(Self.right)" y2="\(base)"/></g>

      """
  }

  private func findingMarks(_ marks: [(at: Int, finding: Finding)], top: Double) -> Markup {
    guard !marks.isEmpty else { return "" }
    let y = top + 6
    let drawn = marks.prefix(Self.mostMarks).map { at, finding -> Markup in
      let tip =
        "\(finding.rule) \(finding.severity.rawValue), \(line.unit == .records ? "record" : "event") "
        + "\(grouped(at)): \(sentence(finding.subject))"
      let x = x(at)
      return """
        <path class="find \(finding.severity.rawValue)" d="M\(x) \(y - 6)l5 10h-10z"><title>\(tip)</title></path>

        """
    }
    let more = marks.count > Self.mostMarks ? " (the first \(Self.mostMarks))" : ""
    return """
      <text class="axis" x="\(Self.left - 7)" y="\(y + 4)" text-anchor="end">findings</text>
      \(drawn)<text class="axis" x="\(Self.left)" y="\(y + 18)">\(counted(marks.count, "place")) of findings\(more)</text>

      """
  }

  private func axis(y: Double) -> Markup {
    let step = niceStep(atLeast: max(end / 8, 1))
    let ticks = stride(from: 0, through: end, by: step).map { place -> Markup in
      // The last one's middle may be too near to the picture's edge.
      let anchor: Markup = x(place) > Self.right - 16 ? "end" : "middle"
      return """
        <line class="base" x1="\(x(place))" y1="\(y)" x2="\(x(place))" y2="\(y + 5)"/>
        <text class="axis" x="\(x(place))" y="\(y + 18)" text-anchor="\(anchor)">\(compact(place))</text>

        """
    }
    return """
      <line class="base" x1="\(Self.left)" y1="\(y)" x2="\(Self.right)" y2="\(y)"/>
      \(ticks)<text class="axis" x="2" y="\(y + 18)">\(line.unit.rawValue)</text>

      """
  }

  private func point(_ length: Double) -> String {
    let tenths = Int((length * 10).rounded())
    return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(abs(tenths % 10))"
  }

  private var brief: TimeLine { TimeLineChart(line, findings: [], id: id, limit: 32).line }

  /// Where the rows of `table` end.
  var briefEnds: [Int] { brief.ends }

  /// The intervals as rows, at most 32 of them.
  var table: Table {
    let brief = brief
    let shown = brief.series.filter { $0.values.contains { $0 != 0 } }
    return Table(
      "Intervals",
      [.number("up to \(line.unit == .records ? "record" : "event")")]
        + shown.map { .number($0.counter) },
      brief.ends.indices.map { at in
        [grouped(brief.ends[at])] + shown.map { grouped($0.values[at]) }
      })
  }
}
