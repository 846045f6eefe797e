import Machine
import Results
import TraceFile

/// Replays one trace on one machine, block by block, and reports what it found.
public final class Replay {
  private let machine: ResolvedMachine
  private var core: MachineAssembly.Core
  private var records = 0

  /// Builds the machine.
  ///
  /// - Parameter machine: checked, so that nothing here can fail.
  public convenience init(_ machine: ResolvedMachine) {
    self.init(machine, everyTouch: false)
  }

  init(_ machine: ResolvedMachine, everyTouch: Bool) {
    self.machine = machine
    core = MachineAssembly.core(of: machine.description, everyTouch: everyTouch)
  }

  /// Replays a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    try core.replay(block)
    records += Int(block.counts.records)
  }

  /// What the blocks replayed so far gave.
  ///
  /// - Parameter trace: its name, hash and notes; records and tables are filled in here.
  /// - Returns: the result, whose counters obey every conservation law.
  /// - Throws: the laws that are broken, which is a defect of this program.
  public func result(of trace: TraceIdentity) throws(ConservationError) -> RunResult {
    try checkLaws()
    var identity = trace
    identity.records = records
    identity.tables = MachineAssembly.tables(of: machine.description)
    var result = RunResult(
      trace: identity,
      machine: MachineIdentity(
        name: machine.description.name, sha256: machine.sha256,
        resolvedJSON: machine.canonicalJSON))
    addCPU(to: &result)
    addTLBs(to: &result)
    addWalks(to: &result)
    result.notes = MachineAssembly.modelNotes(of: machine.description)
    return result
  }

  private func addCPU(to result: inout RunResult) {
    let cpu = core.cpu
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
    for index in 0..<core.tlbs.count {
      core.tlbs.withTLB(index) { tlb in
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
    if let overlap = machine.description.memory.overlapPercent {
      result.counters["stall.cycles"] = (cycles + core.walks.cycles) * 100 / overlap
    }
  }

  private func addWalks(to result: inout RunResult) {
    let walks = core.walks
    let first = walks.firstStageReferences
    result.counters["walk.count"] = walks.walks
    result.counters["walk.references"] = walks.references
    result.counters["walk.references.firstStage"] = first
    result.counters["walk.references.secondStage"] = walks.references - first
    result.counters["walk.cycles"] = walks.cycles
    result.counters["walk.updates"] = core.walker.updates + core.dirtied
    result.counters["walk.splintered"] = walks.splintered
    result.counters["frames.firstStage"] = core.space.firstStageFrames
    result.counters["frames.secondStage"] = core.space.secondStageFrames
    for (name, count) in walks.faults { result.counters["fault.\(name)"] = count }
    for cache in core.walker.cacheCounters() {
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
    let roots = core.space.roots
    let data = Int(WalkPath.data)
    for first in Array(0..<roots.firstLevels) + [data] {
      for second in Array(0..<roots.secondLevels) + (first == data ? [] : [Int(WalkPath.entry)]) {
        let name =
          "walk.grid.\(WalkStatistics.step(first, last: "data"))."
          + WalkStatistics.step(second, last: "entry")
        result.counters[name] = core.walks.grid[first * WalkPath.steps + second]
      }
    }
  }

  /// Every sum that must come out.
  private func checkLaws() throws(ConservationError) {
    var laws = Conservation()
    var hits = 0
    for index in 0..<core.tlbs.count {
      core.tlbs.withTLB(index) { tlb in
        hits += tlb.hits
        laws.nonnegative(tlb.hits, "hits of \(tlb.name)")
        laws.equal(
          tlb.fills, tlb.evictions + tlb.occupied,
          "fills of \(tlb.name) = its evictions and entries")
      }
    }
    let walks = core.walks
    laws.equal(core.cpu.touches, hits + walks.walks, "touches = TLB hits and walks")
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
      core.space.memory.frameCount <= core.space.firstStageFrames + core.space.secondStageFrames
        ? 0 : 1, 0, "tables stand in frames that were handed out")
    try laws.check()
  }
}
