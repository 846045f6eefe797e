import Results

/// What a core counted, whatever its loops were, and its names in results.
struct CoreReport {
  /// One TLB's counters.
  struct TLBCounters {
    var name: String
    var latencyCycles: Int
    var lookups: Int
    var misses: Int
    var fills: Int
    var evictions: Int
    /// Valid entries at the end.
    var occupied: Int

    var hits: Int { lookups - misses }
  }

  var cpu: CPUCounters
  /// Distinct base pages touched.
  var touchedPages: Int
  /// In the order of the machine.
  var tlbs: [TLBCounters]
  var walks: WalkStatistics
  /// Accessed and dirty bits set by walks, and dirty bits set by stores that hit a TLB.
  var updates: Int
  var caches: [(name: String, lookups: Int, hits: Int)]
  var roots: WalkContext
  var firstStageFrames: Int
  var secondStageFrames: Int
  /// Frames that tables stand in.
  var tableFrames: Int

  func addCounters(to result: inout RunResult) {
    addCPU(to: &result)
    addTLBs(to: &result)
    addWalks(to: &result)
    result.counters["cpu.pages"] = touchedPages
  }

  private func addCPU(to result: inout RunResult) {
    result.counters["cpu.instructions"] = cpu.instructions
    result.counters["cpu.fetches"] = cpu.fetches
    result.counters["cpu.loads"] = cpu.loads
    result.counters["cpu.stores"] = cpu.stores
    result.counters["cpu.modifies"] = cpu.modifies
    result.counters["cpu.accesses"] = cpu.accesses
    result.counters["cpu.touches"] = cpu.touches
  }

  private func addTLBs(to result: inout RunResult) {
    var cycles = 0
    for tlb in tlbs {
      let name = "tlb.\(tlb.name)"
      result.counters["\(name).lookups"] = tlb.lookups
      result.counters["\(name).hits"] = tlb.hits
      result.counters["\(name).misses"] = tlb.misses
      result.counters["\(name).fills"] = tlb.fills
      result.counters["\(name).evictions"] = tlb.evictions
      // No event of this version invalidates.
      result.counters["\(name).invalidations"] = 0
      cycles += tlb.lookups * tlb.latencyCycles
    }
    result.counters["tlb.cycles"] = cycles
  }

  private func addWalks(to result: inout RunResult) {
    let first = walks.firstStageReferences
    result.counters["walk.count"] = walks.walks
    result.counters["walk.references"] = walks.references
    result.counters["walk.references.firstStage"] = first
    result.counters["walk.references.secondStage"] = walks.references - first
    result.counters["walk.cycles"] = walks.cycles
    result.counters["walk.updates"] = updates
    result.counters["walk.splintered"] = walks.splintered
    result.counters["frames.firstStage"] = firstStageFrames
    result.counters["frames.secondStage"] = secondStageFrames
    for (name, count) in walks.faults { result.counters["fault.\(name)"] = count }
    for cache in caches {
      result.counters["walkCache.\(cache.name).lookups"] = cache.lookups
      result.counters["walkCache.\(cache.name).hits"] = cache.hits
    }
    addGrid(to: &result)
    result.histograms["walk.references"] = walks.byReferences.enumerated()
      .filter { $0.element > 0 }.map { HistogramBar(value: $0.offset, count: $0.element) }
    result.histograms["walk.cycles"] = walks.byCycles.sorted { $0.key < $1.key }
      .map { HistogramBar(value: $0.key, count: $0.value) }
  }

  /// The steps that the machine's walks have, whether or not a reference fell on them.
  private func addGrid(to result: inout RunResult) {
    let data = Int(WalkPath.data)
    for first in Array(0..<roots.firstLevels) + [data] {
      for second in Array(0..<roots.secondLevels) + (first == data ? [] : [Int(WalkPath.entry)]) {
        let name =
          "walk.grid.\(WalkStatistics.step(first, last: "data"))."
          + WalkStatistics.step(second, last: "entry")
        result.counters[name] = walks.grid[first * WalkPath.steps + second]
      }
    }
  }

  /// Every sum that must come out.
  func checkLaws() throws(ConservationError) {
    var laws = Conservation()
    var hits = 0
    for tlb in tlbs {
      hits += tlb.hits
      laws.nonnegative(tlb.hits, "hits of \(tlb.name)")
      laws.equal(
        tlb.fills, tlb.evictions + tlb.occupied, "fills of \(tlb.name) = its evictions and entries")
    }
    laws.equal(cpu.touches, hits + walks.walks, "touches = TLB hits and walks")
    laws.equal(
      walks.byReferences.reduce(0, +), walks.walks, "walks of the histogram = walks")
    laws.equal(
      walks.byReferences.enumerated().reduce(0) { $0 + $1.offset * $1.element },
      walks.references, "references of the histogram = references")
    laws.equal(walks.grid.reduce(0, +), walks.references, "references of the grid = references")
    laws.equal(
      walks.byCycles.reduce(0) { $0 + $1.key * $1.value }, walks.cycles,
      "cycles of the histogram = cycles")
    laws.equal(
      tableFrames <= firstStageFrames + secondStageFrames ? 0 : 1, 0,
      "tables stand in frames that were handed out")
    try laws.check()
  }
}
