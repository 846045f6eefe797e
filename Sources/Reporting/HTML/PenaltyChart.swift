/// A distribution of costs over a logarithmic axis of values, with its quantiles.
struct PenaltyChart {
  var distribution: Distribution

  private static let width = 720.0
  private static let height = 304.0
  private static let left = 58.0
  private static let right = 708.0
  private static let top = 66.0
  private static let bottom = 262.0
  /// Bars at most, each as wide as the others on the logarithmic axis.
  private static let slots = 56

  /// Values of one bar.
  private struct Bin {
    var slot: Int
    var low: Int
    var high: Int
    var count: Int
  }

  private var low: Int { max(distribution.bars.first?.value ?? 1, 1) }
  private var high: Int { max(distribution.bars.last?.value ?? 1, 1) }

  /// The axis, from a nice number below the first value to one above the last.
  private var ends: (low: Double, high: Double) {
    let first = decimalLogarithm(low)
    let last = decimalLogarithm(high)
    // A margin of a bar on either side, and at least a factor of two in all.
    let span = max(last - first, 0.3)
    return (first - span * 0.03, first + span * 1.03)
  }

  private func x(_ value: Int) -> Double {
    let share = (decimalLogarithm(max(value, 1)) - ends.low) / (ends.high - ends.low)
    return Self.left + min(max(share, 0), 1) * (Self.right - Self.left)
  }

  private var bins: [Bin] {
    let width = (Self.right - Self.left) / Double(Self.slots)
    var bins: [Bin] = []
    for bar in distribution.bars {
      let slot = min(Int((x(bar.value) - Self.left) / width), Self.slots - 1)
      if bins.last?.slot == slot {
        bins[bins.count - 1].high = bar.value
        bins[bins.count - 1].count = total([bins[bins.count - 1].count, bar.count])
      } else {
        bins.append(Bin(slot: slot, low: bar.value, high: bar.value, count: bar.count))
      }
    }
    return bins
  }

  var markup: Markup {
    let bins = bins
    guard !bins.isEmpty else { return "" }
    let scale = CountScale(counts: bins.map(\.count), top: Self.top, bottom: Self.bottom)
    let width = (Self.right - Self.left) / Double(Self.slots)
    let bars = bins.map { bin -> Markup in
      let y = scale.y(bin.count)
      let values =
        bin.low == bin.high ? grouped(bin.low) : grouped(bin.low) + " to " + grouped(bin.high)
      let share = Ratio(bin.count, over: distribution.count)?.percent ?? ""
      return """
        <rect class="bar" x="\(Self.left + Double(bin.slot) * width + 0.75)" y="\(y)" \
        width="\(width - 1.5)" height="\(Self.bottom - y)"><title>\(values) cycles: \
        \(grouped(bin.count)) \(distribution.unit), \(share)</title></rect>

        """
    }
    return """
      <svg viewBox="0 0 \(Self.width) \(Self.height)" role="img" aria-label="\(distribution.title)">
      <title>\(distribution.title)</title>
      <desc>\(distribution.quantiles)</desc>
      \(scale.markup(distribution.unit, left: Self.left, right: Self.right))\(bars)\(quantiles)\(axis)</svg>

      """
  }

  /// Quantiles as lines, those of one value together.
  private var quantiles: Markup {
    let wanted = [(50, "p50"), (90, "p90"), (99, "p99"), (100, "max")]
    var marks: [(value: Int, name: String)] = []
    for (percent, name) in wanted {
      guard let value = distribution.quantile(percent: percent) else { continue }
      if marks.last?.value == value {
        marks[marks.count - 1].name += ", " + name
      } else {
        marks.append((value, name))
      }
    }
    let lines = marks.enumerated().map { place, mark -> Markup in
      let x = x(mark.value)
      // Each label has a line of its own, so that near ones never meet.
      let y = 12.0 + Double(place) * 13
      let label = "\(mark.name) \(grouped(mark.value))"
      let isRight = x + Double(label.count) * 6.4 > Self.right
      return """
        <line class="mark" x1="\(x)" y1="\(y - 8)" x2="\(x)" y2="\(Self.bottom)"/>
        <text class="marked" x="\(isRight ? x - 5 : x + 5)" y="\(y)" \
        text-anchor="\(isRight ? "end" : "start")">\(label)</text>

        """
    }
    return "\(lines)"
  }

  private var axis: Markup {
    var ticks: [Int] = []
    var power = 1
    while power <= high && power < .max / 10 {
      ticks += [1, 2, 5].map { $0 * power }
      power *= 10
    }
    ticks = ticks.filter {
      let place = decimalLogarithm($0)
      return place >= ends.low && place <= ends.high
    }
    var end = -1.0
    let labels = ticks.compactMap { tick -> Markup? in
      let x = x(tick)
      let half = Double(grouped(tick).count) * 3.6
      guard x - half > end + 6 else { return nil }
      end = x + half
      return """
        <line class="base" x1="\(x)" y1="\(Self.bottom)" x2="\(x)" y2="\(Self.bottom + 4)"/>
        <text class="axis" x="\(x)" y="\(Self.bottom + 17)" text-anchor="middle">\(grouped(tick))</text>

        """
    }
    return """
      <line class="base" x1="\(Self.left)" y1="\(Self.bottom)" x2="\(Self.right)" y2="\(Self.bottom)"/>
      \(labels)<text class="axis" x="\((Self.left + Self.right) / 2)" y="\(Self.height - 6)" \
      text-anchor="middle">\(distribution.title.lowercased()) (log)</text>

      """
  }
}
