import Machine
import TraceFile

/// Cores whose TLBs are all exact LRU and whose first level is split between instructions and data, in
/// any number of configurations over the same tables: the fast way through a trace that only touches
/// pages.
///
/// A block goes through the levels one after another. The front makes its pages translate and gives
/// them numbers, the first level sees every run and leaves a list of its misses, and each machine's
/// backend takes its list through further TLBs and walk caches. That order is exact: a TLB's state
/// depends on its own lookups alone, which each list has in the order of the trace, and a page that
/// translates fills what it missed whatever its walk reads. `CoreReplay` does the same one touch after
/// another, for any machine, and a test wants every counter equal.
///
/// The steps of one block follow one another, and so do the blocks in each step; different steps may
/// be at different blocks at the same time, as long as each block in flight has a slot of its own.
final class NumberedReplay {
  private let front: any Front
  private let firstLevel: UnsafeMutablePointer<FirstLevel>
  private let backends: UnsafeMutablePointer<NumberedBackend>
  /// How many machines there are.
  let count: Int
  private let slots: [NumberedBlock]
  /// The slot of the last block.
  private var last = 0

  /// - Parameters:
  ///   - machines: ones that `TLBPlan` suits, whose tables are the same, with no more different first
  ///     levels than `FirstLevel` has configurations.
  ///   - slots: for blocks in flight.
  init(_ machines: [MachineDescription], slots: Int = 1) {
    precondition(!machines.isEmpty && slots > 0)
    let isNested = machines[0].secondStage?.format == .npt
    let front: any Front =
      isNested
      ? NestedFront(machines, keepsOld: slots > 1) : ExtendedFront(machines, keepsOld: slots > 1)
    let pairs = FirstLevelPairs(machines)
    firstLevel = .allocate(capacity: 1)
    firstLevel.initialize(to: FirstLevel(pairs.different))
    count = machines.count
    backends = .allocate(capacity: machines.count)
    for (at, machine) in machines.enumerated() {
      (backends + at).initialize(
        to: NumberedBackend(machine, configuration: pairs.configuration[at]))
    }
    self.front = front
    self.slots = (0..<slots).map { _ in front.makeBlock(configurations: pairs.different.count) }
  }

  deinit {
    firstLevel.deinitialize(count: 1)
    firstLevel.deallocate()
    backends.deinitialize(count: count)
    backends.deallocate()
  }

  /// Replays a block.
  ///
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  func replay(_ block: TraceBlock) throws(TraceError) {
    try prepare(block, slot: 0)
    replayFirstLevel(block, slot: 0)
    for at in 0..<count { replayBackend(at, block, slot: 0) }
  }

  /// The first step of a block.
  func prepare(_ block: TraceBlock, slot: Int) throws(TraceError) {
    try front.prepare(block, into: slots[slot])
  }

  /// The second step of a block.
  func replayFirstLevel(_ block: TraceBlock, slot: Int) {
    firstLevel.pointee.replay(block, slots[slot])
    last = slot
  }

  /// The last step of a block, for one of the machines.
  func replayBackend(_ machine: Int, _ block: TraceBlock, slot: Int) {
    backends[machine].replay(block, slots[slot])
  }

  /// What one of the machines counted.
  func report(of machine: Int) -> CoreReport {
    front.report(
      walks: backends[machine].walkStatistics, caches: backends[machine].cacheCounters
    ) { cpu in backends[machine].tlbCounters(firstLevel.pointee, cpu) }
  }

  /// The time line of one of the machines, to the last block.
  func samples(of machine: Int) -> SampleSeries {
    backends[machine].finish(slots[last])
    return backends[machine].samples
  }
}

/// A front whatever its formats; crossed once a block.
private protocol Front: AnyObject {
  func makeBlock(configurations: Int) -> NumberedBlock
  func prepare(_ block: TraceBlock, into numbered: NumberedBlock) throws(TraceError)
  func report(
    walks: WalkStatistics, caches: [(name: String, lookups: Int, hits: Int)],
    tlbs: (CPUCounters) -> [CoreReport.TLBCounters]
  ) -> CoreReport
}

// One class for each pair of formats, as with cores.

/// x86-64 alone or over EPT.
private final class ExtendedFront: Front {
  private var front: NumberedFront<X86PageTable, ExtendedPageTable>

  init(_ machines: [MachineDescription], keepsOld: Bool) {
    front = NumberedFront(machines, keepsOld: keepsOld)
  }

  func makeBlock(configurations: Int) -> NumberedBlock {
    NumberedBlock(configurations: configurations, front.tables)
  }

  func prepare(_ block: TraceBlock, into numbered: NumberedBlock) throws(TraceError) {
    try front.prepare(block, into: numbered)
  }

  func report(
    walks: WalkStatistics, caches: [(name: String, lookups: Int, hits: Int)],
    tlbs: (CPUCounters) -> [CoreReport.TLBCounters]
  ) -> CoreReport {
    front.report(walks: walks, caches: caches, tlbs: tlbs)
  }
}

/// x86-64 over AMD's nested tables.
private final class NestedFront: Front {
  private var front: NumberedFront<X86PageTable, NestedPageTable>

  init(_ machines: [MachineDescription], keepsOld: Bool) {
    front = NumberedFront(machines, keepsOld: keepsOld)
  }

  func makeBlock(configurations: Int) -> NumberedBlock {
    NumberedBlock(configurations: configurations, front.tables)
  }

  func prepare(_ block: TraceBlock, into numbered: NumberedBlock) throws(TraceError) {
    try front.prepare(block, into: numbered)
  }

  func report(
    walks: WalkStatistics, caches: [(name: String, lookups: Int, hits: Int)],
    tlbs: (CPUCounters) -> [CoreReport.TLBCounters]
  ) -> CoreReport {
    front.report(walks: walks, caches: caches, tlbs: tlbs)
  }
}
