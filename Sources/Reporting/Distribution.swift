import Results

/// A histogram, ready to be drawn and asked for its quantiles.
struct Distribution {
  /// What is counted in the bars, such as `walks`.
  var unit: String
  /// What a heading calls it.
  var title: String
  /// Ascending by value, without empty bars.
  var bars: [HistogramBar]
  /// How many there are in all.
  var count: Int

  init(name: String, bars: [HistogramBar]) {
    (title, unit) =
      switch name {
      case "walk.references": ("References per walk", "walks")
      case "walk.cycles": ("Cycles per walk", "walks")
      case "interrupt.latency": ("Nanoseconds per interrupt", "interrupts")
      default: (name, "count")
      }
    self.bars = bars.filter { $0.count > 0 }.sorted { $0.value < $1.value }
    count = total(self.bars.map(\.count))
  }

  /// The smallest value that `percent` of a hundred do not exceed (nearest rank).
  func quantile(percent: Int) -> Int? {
    var seen = 0
    for bar in bars {
      seen = total([seen, bar.count])
      // seen / count >= percent / 100, without a product that could overflow.
      let wanted = count / 100 * percent + (count % 100 * percent + 99) / 100
      if seen >= wanted { return bar.value }
    }
    return bars.last?.value
  }

  /// Neighbouring values joined until at most `limit` bins are left.
  ///
  /// - Returns: the bins that hold something, ascending; one value each where they fit.
  func bins(limit: Int) -> [Bin] {
    guard let first = bars.first, let last = bars.last else { return [] }
    let (span, overflow) = last.value.subtractingReportingOverflow(first.value)
    let width = niceStep(atLeast: (overflow ? .max : span) / limit + 1)
    var bins: [Bin] = []
    for bar in bars {
      let remainder = bar.value % width
      let low = bar.value &- (remainder < 0 ? remainder + width : remainder)
      if bins.last?.low == low {
        bins[bins.count - 1].count = total([bins[bins.count - 1].count, bar.count])
      } else {
        bins.append(Bin(low: low, width: width, count: bar.count))
      }
    }
    return bins
  }

  struct Bin: Equatable {
    var low: Int
    /// Values `low` to `low + width - 1` are counted.
    var width: Int
    var count: Int

    var label: String {
      width == 1 ? grouped(low) : grouped(low) + " to " + grouped(low &+ width &- 1)
    }
  }

  /// Its bins with their shares.
  var table: Table {
    Table(
      title, [.text(title), .number(unit), .number("share")],
      bins(limit: 48).map {
        [$0.label, grouped($0.count), Ratio($0.count, over: count)?.share ?? ""]
      })
  }

  /// One sentence of quantiles.
  var quantiles: String {
    let points = [(50, "Median"), (90, "90th percentile"), (99, "99th")].compactMap {
      percent, name in quantile(percent: percent).map { "\(name) \(grouped($0))" }
    }
    let largest = bars.last.map { ["largest \(grouped($0.value))"] } ?? []
    return (points + largest).joined(separator: ", ") + "."
  }
}
