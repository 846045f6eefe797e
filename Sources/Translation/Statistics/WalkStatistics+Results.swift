import Results

extension WalkStatistics {
  /// Fills counters and histograms into a result.
  ///
  /// - Parameters:
  ///   - result: of the run.
  ///   - levels: of both stages, whose steps are named whether or not a reference fell on them.
  func add(to result: inout RunResult, levels: (first: Int, second: Int)) {
    let first = firstStageReferences
    result.counters["walk.count"] = walks
    result.counters["walk.references"] = references
    result.counters["walk.references.firstStage"] = first
    result.counters["walk.references.secondStage"] = references - first
    result.counters["walk.cycles"] = cycles
    result.counters["walk.splintered"] = splintered
    for (name, count) in faults { result.counters["fault.\(name)"] = count }
    addGrid(to: &result, levels)
    result.histograms["walk.references"] = byReferences.enumerated()
      .filter { $0.element > 0 }.map { HistogramBar(value: $0.offset, count: $0.element) }
    result.histograms["walk.cycles"] = byCycles.sorted { $0.key < $1.key }
      .map { HistogramBar(value: $0.key, count: $0.value) }
  }

  private func addGrid(to result: inout RunResult, _ levels: (first: Int, second: Int)) {
    let data = Int(WalkPath.data)
    for first in Array(0..<levels.first) + [data] {
      for second in Array(0..<levels.second) + (first == data ? [] : [Int(WalkPath.entry)]) {
        let name =
          "walk.grid.\(Self.step(first, last: "data"))." + Self.step(second, last: "entry")
        result.counters[name] = grid[first * WalkPath.steps + second]
      }
    }
  }

  /// The sums over walks that must come out.
  func check(_ laws: inout Conservation) {
    laws.equal(byReferences.reduce(0, +), walks, "walks of the histogram = walks")
    laws.equal(
      byReferences.enumerated().reduce(0) { $0 + $1.offset * $1.element }, references,
      "references of the histogram = references")
    laws.equal(grid.reduce(0, +), references, "references of the grid = references")
    laws.equal(
      byCycles.reduce(0) { $0 + $1.key * $1.value }, cycles, "cycles of the histogram = cycles")
  }
}
