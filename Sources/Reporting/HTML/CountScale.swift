/// The axis of counts of a histogram, logarithmic where they differ much.
struct CountScale {
  private var isLogarithmic: Bool
  /// The count at the top of the picture.
  private var most: Int
  private var ticks: [Int]
  private var top: Double
  private var bottom: Double

  /// Where the logarithmic scale begins: a count of one has a bar that can be seen.
  private static let rise = 14.0

  init(counts: [Int], top: Double, bottom: Double) {
    (self.top, self.bottom) = (top, bottom)
    let largest = counts.max() ?? 1
    isLogarithmic = largest / max(counts.min() ?? 1, 1) >= 1_000
    if isLogarithmic {
      var power = 1
      var powers = [1]
      while power < largest && power < .max / 10 {
        power *= 10
        powers.append(power)
      }
      most = max(power, largest)
      ticks = powers
    } else {
      let step = niceStep(atLeast: max(largest / 5, 1))
      let steps = largest / step + (largest % step == 0 ? 0 : 1)
      ticks = (0...steps).compactMap {
        let (tick, overflow) = step.multipliedReportingOverflow(by: $0)
        return overflow ? nil : tick
      }
      most = max(ticks.last ?? largest, largest)
    }
  }

  func y(_ count: Int) -> Double {
    let room = bottom - top
    guard isLogarithmic else { return bottom - Double(count) / Double(most) * room }
    guard count > 0 else { return bottom }
    let share = decimalLogarithm(count) / decimalLogarithm(most)
    return bottom - Self.rise - share * (room - Self.rise)
  }

  func markup(_ unit: String, left: Double, right: Double) -> Markup {
    let every = isLogarithmic ? (ticks.count + 6) / 7 : 1
    let lines = ticks.enumerated().filter { $0.offset % every == 0 }.map { _, tick -> Markup in
      let y = self.y(tick)
      return """
        <line class="grid" x1="\(left)" y1="\(y)" x2="\(right)" y2="\(y)"/>
        <text class="axis" x="\(left - 7)" y="\(y + 4)" text-anchor="end">\(compact(tick))</text>

        """
    }
    let name = unit + (isLogarithmic ? " (log)" : "")
    return """
      <text class="axis" x="2" y="\(top - 15)">\(name)</text>
      \(lines)
      """
  }
}
