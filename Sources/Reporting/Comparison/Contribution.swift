import Results

/// What moved, the most telling first.
extension Comparison.Pair {
  /// Changes that stop before those that do not, and in each the ones that moved most of their unit.
  ///
  /// - Returns: each with its share of what its unit's whole moved, or all of its numbers.
  var ranked: [(change: Comparison.Change, share: String)] {
    var sums: [String: Double] = [:]
    for change in changes { sums[change.unit, default: 0] += change.distance }
    // Of references there is a whole, which every other counter of them is a part of.
    if let whole = changes.first(where: { $0.name == "walk.references" }), whole.distance > 0 {
      sums[whole.unit] = whole.distance
    }
    let scored = changes.enumerated().map { place, change in
      let sum = sums[change.unit] ?? 0
      return (place: place, change: change, share: sum > 0 ? change.distance / sum : 0)
    }
    return scored.sorted { one, other in
      if one.change.stops != other.change.stops { return one.change.stops }
      let units = (rank(one.change.unit), rank(other.change.unit))
      if units.0 != units.1 { return units.0 < units.1 }
      return one.share != other.share ? one.share > other.share : one.place < other.place
    }.map { score in
      let thousandths = Int((score.share * 1_000).rounded())
      return (
        score.change,
        score.change.distance > 0 ? "\(thousandths / 10).\(thousandths % 10) %" : ""
      )
    }
  }

  /// What costs stands before what is counted on the way.
  private func rank(_ unit: String) -> Int {
    ["finding", "cycles", "references", "walks", "faults", "exits"].firstIndex(of: unit) ?? 9
  }

  /// Bars of what moved most, and both histograms over each other.
  var pictures: Markup {
    guard !changes.isEmpty else { return "" }
    let histograms = new.histograms.keys.sorted().filter {
      base.histograms[$0] != nil && base.histograms[$0] != new.histograms[$0]
    }
    let overlays = histograms.map { name in
      overlay(name, base.histograms[name] ?? [], new.histograms[name] ?? [])
    }
    return "\(moves)\(overlays)"
  }

  private var moves: Markup {
    let shown = ranked.map(\.change).filter { $0.base ?? 0 != 0 && $0.new != nil }.prefix(12)
    let less = -(shown.map { $0.relative }.min() ?? 0)
    let span = max(less, 0) + max(shown.map { $0.relative }.max() ?? 0, 0)
    guard span > 0 else { return "" }
    // What became less has its bars on the left, and as much room as it needs.
    let (left, line, room) = (230.0, 22.0, 400.0)
    let middle = left + 20 + room * max(less, 0) / span
    let bars = shown.enumerated().map { place, change -> Markup in
      let y = 8 + Double(place) * line
      let length = change.relative.magnitude / span * room
      let isMore = change.relative > 0
      let kind: Markup = change.verdict == .worse ? "bar two" : "bar"
      return """
        <text class="axis" x="\(left)" y="\(y + 12)" text-anchor="end">\(change.name)</text>
        <rect class="\(kind)" x="\(isMore ? middle : middle - length)" y="\(y)" \
        width="\(max(length, 1))" height="15"><title>\(change.name): \(change.movement), \
        \(change.verdict.rawValue)</title></rect>
        <text class="axis" x="\(isMore ? middle + length + 5 : middle + 5)" y="\(y + 12)">\
        \(change.difference)</text>

        """
    }
    let height = 16 + Double(shown.count) * line
    let told = shown.map { "\($0.name) \($0.difference)" }.joined(separator: "; ")
    return scrolling(
      """
      <svg viewBox="0 0 760 \(height)" role="img" aria-label="What moved most">
      <title>What moved most</title>
      <desc>\(told)</desc>
      <line class="base" x1="\(middle)" y1="4" x2="\(middle)" y2="\(height - 4)"/>
      \(bars)</svg>
      """, label: "What moved most")
  }

  /// A histogram of the base behind the new one's, value by value.
  private func overlay(_ name: String, _ old: [[Int]], _ fresh: [[Int]]) -> Markup {
    func distribution(_ bars: [[Int]]) -> Distribution {
      Distribution(
        name: name,
        bars: bars.compactMap {
          $0.count == 2 ? HistogramBar(value: $0[0], count: $0[1]) : nil
        })
    }
    let (one, other) = (distribution(old), distribution(fresh))
    let bins = (one.bins(limit: 40), other.bins(limit: 40))
    var counts: [String: (low: Int, base: Int, new: Int)] = [:]
    for bin in bins.0 { counts[bin.label] = (bin.low, bin.count, 0) }
    for bin in bins.1 {
      counts[bin.label] = (bin.low, counts[bin.label]?.base ?? 0, bin.count)
    }
    let rows = counts.sorted { $0.value.low < $1.value.low }
    let scale = CountScale(
      counts: rows.flatMap { [$0.value.base, $0.value.new] }.filter { $0 > 0 }, top: 40,
      bottom: 200)
    let slot = 640.0 / Double(max(rows.count, 1))
    let width = min(slot * 0.38, 20)
    let bars = rows.enumerated().map { place, row -> Markup in
      let centre = 60 + (Double(place) + 0.5) * slot
      let (before, after) = (scale.y(row.value.base), scale.y(row.value.new))
      let label: Markup =
        slot > 26 || place % max(1, Int(40 / slot)) == 0
        ? "<text class=\"axis\" x=\"\(centre)\" y=\"216\" text-anchor=\"middle\">\(row.key)</text>"
        : ""
      return """
        <rect class="bar faint" x="\(centre - width)" y="\(before)" width="\(width)" \
        height="\(200 - before)"><title>\(row.key), base: \(grouped(row.value.base))</title></rect>
        <rect class="bar" x="\(centre)" y="\(after)" width="\(width)" height="\(200 - after)">\
        <title>\(row.key), new: \(grouped(row.value.new))</title></rect>\(label)

        """
    }
    let title = "\(one.title), base and new"
    return """
      <h3>\(title)</h3>
      <p class="muted">Base: \(one.quantiles) New: \(other.quantiles)</p>
      \(scrolling(
        """
        <svg viewBox="0 0 720 236" role="img" aria-label="\(title)">
        <title>\(title)</title>
        <desc>Base: \(one.quantiles) New: \(other.quantiles)</desc>
        \(scale.markup(one.unit, left: 58, right: 708))<rect class="bar faint" x="500" y="8" \
        width="12" height="12"/><text class="axis" x="518" y="18">base</text>
        <rect class="bar" x="570" y="8" width="12" height="12"/>\
        <text class="axis" x="588" y="18">new</text>
        \(bars)</svg>
        """, label: title))
      """
  }
}

extension Comparison.Change {
  /// What is counted, as its definition says.
  var unit: String {
    if name.hasPrefix("finding.") { return "finding" }
    if name.hasSuffix(" (bars)") { return "bars" }
    return Metric.definition(of: name)?.unit ?? ""
  }

  /// How far it moved; a number that is missing on one side moved all its way.
  var distance: Double {
    name.hasSuffix(" (bars)") ? 0 : (Double(new ?? 0) - Double(base ?? 0)).magnitude
  }

  /// By how much of the base.
  var relative: Double {
    guard let base, let new, base != 0, !name.hasSuffix(" (bars)") else { return 0 }
    return (Double(new) - Double(base)) / Double(base).magnitude
  }
}
