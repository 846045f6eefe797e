import Results

/// A core's counters under the names of results, filled in once at the end of a run.
extension CoreReplay {
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
    for index in 0..<tlbs.count {
      tlbs.withTLB(index) { tlb in
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
    result.counters["walk.updates"] = walker.updates + dirtied
    result.counters["walk.splintered"] = walks.splintered
    result.counters["frames.firstStage"] = space.firstStageFrames
    result.counters["frames.secondStage"] = space.secondStageFrames
    for (name, count) in walks.faults { result.counters["fault.\(name)"] = count }
    for cache in walker.cacheCounters() {
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
    let roots = space.roots
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
    for index in 0..<tlbs.count {
      tlbs.withTLB(index) { tlb in
        hits += tlb.hits
        laws.nonnegative(tlb.hits, "hits of \(tlb.name)")
        laws.equal(
          tlb.fills, tlb.evictions + tlb.occupied,
          "fills of \(tlb.name) = its evictions and entries")
      }
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
      space.memory.frameCount <= space.firstStageFrames + space.secondStageFrames
        ? 0 : 1, 0, "tables stand in frames that were handed out")
    try laws.check()
  }
}
