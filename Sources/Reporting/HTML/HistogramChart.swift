/// A histogram as a picture: bars with their counts, on a logarithmic scale where they differ much.
struct HistogramChart {
  var distribution: Distribution
  /// Values that mean something, each drawn as a line after it.
  var marks: [(value: Int, label: String)]

  private static let width = 720.0
  private static let left = 58.0
  private static let right = 708.0
  private static let top = 48.0
  private static let bottom = 262.0
  private static let height = 304.0

  var markup: Markup {
    let bins = distribution.bins(limit: 48)
    guard let first = bins.first, let last = bins.last else { return "" }
    let width = first.width
    let (low, slots) = domain(first: first.low, last: last.low, width: width)
    let slot = (Self.right - Self.left) / Double(slots)
    func centre(_ value: Int) -> Double {
      // Two values of one domain are at most `slots` widths apart.
      Self.left + (Double(value) - Double(low)) / Double(width) * slot + slot / 2
    }
    let scale = CountScale(counts: bins.map(\.count), top: Self.top, bottom: Self.bottom)
    return """
      <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="\(distribution.title)">
      <title>\(distribution.title)</title>
      <desc>\(distribution.quantiles)</desc>
      \(scale.markup(distribution.unit, left: Self.left, right: Self.right))\(marks(low: low, slots: slots, width: width, centre))\
      \(bars(bins, slot: slot, scale, centre))\(values(low, slots, width, slot: slot, centre))</svg>

      """
  }

  /// Marks beside the bars belong to the picture where they do not squeeze it.
  private func domain(first: Int, last: Int, width: Int) -> (low: Int, slots: Int) {
    // In floating point, where no distance between two integers can overflow.
    func slots(_ low: Int, _ high: Int) -> Int {
      Int((Double(high) - Double(low)) / Double(width)) + 1
    }
    let wide = max(last, marks.map(\.value).max() ?? last)
    let low = marks.isEmpty ? first : min(1, first)
    let fits = width == 1 && Double(wide) - Double(low) < 48
    return fits ? (low, slots(low, wide)) : (first, slots(first, last))
  }

  private func bars(
    _ bins: [Distribution.Bin], slot: Double, _ scale: CountScale, _ centre: (Int) -> Double
  ) -> Markup {
    let width = min(slot * 0.74, 44)
    var end = (x: -1.0, y: 0.0)
    let bars = bins.map { bin -> Markup in
      let x = centre(bin.low)
      let y = scale.y(bin.count)
      let share = Ratio(bin.count, over: distribution.count)?.percent ?? ""
      let label = compact(bin.count).filter { $0 != " " }
      let half = Double(label.count) * 3.1
      var text: Markup = ""
      // A count that would run into its neighbour's is left to the table and the tooltip.
      if x - half > end.x || (y - end.y).magnitude > 12 {
        text = """
          <text class="count" x="\(x)" y="\(y - 4)" text-anchor="middle">\(label)</text>
          """
        end = (x + half, y)
      }
      let tip = "\(bin.label): \(grouped(bin.count)) \(distribution.unit), \(share)"
      return """
        <rect class="bar" x="\(x - width / 2)" y="\(y)" width="\(width)" \
        height="\(Self.bottom - y)"><title>\(tip)</title></rect>\(text)

        """
    }
    return "\(bars)"
  }

  /// The axis of values.
  private func values(
    _ low: Int, _ slots: Int, _ width: Int, slot: Double, _ centre: (Int) -> Double
  ) -> Markup {
    let longest = grouped(low &+ (slots - 1) &* width).count
    let step = niceStep(atLeast: Int((Double(longest) * 7 + 6) / slot) + 1)
    let ticks = (0..<slots).compactMap { place -> Markup? in
      let value = low &+ place &* width
      let isTick = step == 1 || (value / width) % step == 0
      guard isTick else { return nil }
      return """
        <text class="axis" x="\(centre(value))" y="\(Self.bottom + 16)" \
        text-anchor="middle">\(grouped(value))</text>

        """
    }
    let steps = width == 1 ? "" : ", in steps of \(grouped(width))"
    let name = distribution.title.lowercased() + steps
    return """
      <line class="base" x1="\(Self.left)" y1="\(Self.bottom)" x2="\(Self.right)" \
      y2="\(Self.bottom)"/>
      \(ticks)<text class="axis" x="\((Self.left + Self.right) / 2)" y="\(Self.height - 6)" \
      text-anchor="middle">\(name)</text>

      """
  }

  private func marks(low: Int, slots: Int, width: Int, _ centre: (Int) -> Double) -> [Markup] {
    guard width == 1 else { return [] }
    let slot = (Self.right - Self.left) / Double(slots)
    return marks.filter { 0..<Double(slots) ~= Double($0.value) - Double(low) }.map { mark in
      let x = centre(mark.value) + slot / 2
      let room = Double(mark.label.count) * 6.2
      // The label stands before its line, unless the picture's edge is too near.
      let before = x - room > Self.left
      return """
        <line class="mark" x1="\(x)" y1="\(Self.top - 44)" x2="\(x)" y2="\(Self.bottom)"/>
        <text class="marked" x="\(before ? x - 5 : x + 5)" y="\(Self.top - 35)" \
        text-anchor="\(before ? "end" : "start")">\(mark.label)</text>

        """
    }
  }
}
