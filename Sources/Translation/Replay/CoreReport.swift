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
    cpu.add(to: &result)
    addTLBs(to: &result)
    addWalks(to: &result)
    result.counters["cpu.pages"] = touchedPages
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
    walks.add(to: &result, levels: (roots.firstLevels, roots.secondLevels))
    result.counters["walk.updates"] = updates
    result.counters["frames.firstStage"] = firstStageFrames
    result.counters["frames.secondStage"] = secondStageFrames
    for cache in caches {
      result.counters["walkCache.\(cache.name).lookups"] = cache.lookups
      result.counters["walkCache.\(cache.name).hits"] = cache.hits
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
    walks.check(&laws)
    laws.equal(
      tableFrames <= firstStageFrames + secondStageFrames ? 0 : 1, 0,
      "tables stand in frames that were handed out")
    try laws.check()
  }
}
