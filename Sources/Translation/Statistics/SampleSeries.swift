import Results

/// Sums of counters at places along a trace: at most 512 places, whatever its length.
///
/// A sample is a sum from the trace's start, so that when there is no more room every second one is
/// dropped and nothing has to be added up. From then on samples are taken twice as far apart.
struct SampleSeries {
  private var ends: [Int] = []
  private var sums: [[Int]] = []
  /// How far apart samples are at least.
  private var step: Int

  static let most = 512

  init(step: Int) { self.step = step }

  /// The first place that is far enough from the last sample.
  var nextPlace: Int { (ends.last ?? 0) + step }

  /// Whether the place is far enough from the last sample.
  @inline(__always)
  func isDue(at place: Int) -> Bool { place >= nextPlace }

  /// Keeps the sums at a place; a later sample of the same place takes the earlier one's.
  mutating func take(_ values: [Int], at place: Int) {
    if ends.last == place {
      sums[sums.count - 1] = values
      return
    }
    if ends.count == Self.most { fold() }
    ends.append(place)
    sums.append(values)
  }

  private mutating func fold() {
    // The later one of each pair stays, so that the last sample does.
    let kept = stride(from: 1, to: ends.count, by: 2)
    (ends, sums) = (kept.map { ends[$0] }, kept.map { sums[$0] })
    step = max(2 * step, (ends.last ?? 0) / ends.count)
  }

  /// What each interval added, by counter in the order of the samples' values.
  ///
  /// - Returns: nothing for less than two intervals, which show no course.
  func timeLine(of counters: [String], by unit: TimeLine.Unit) -> TimeLine? {
    guard ends.count > 1 else { return nil }
    let series = counters.enumerated().map { place, counter in
      TimeLine.Series(
        counter: counter,
        values: sums.indices.map { sums[$0][place] - ($0 == 0 ? 0 : sums[$0 - 1][place]) })
    }
    return TimeLine(unit: unit, ends: ends, series: series)
  }
}
