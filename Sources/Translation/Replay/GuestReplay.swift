import Machine
import TraceFile

/// Cores, guests and their tables, replayed touch by touch with every event between the records.
///
/// The general replay: address spaces under tags, invalidations, exits, shadow and agile mode, tables
/// that change, tables of an image. Where a trace has none of it, `CoreReplay` does the same faster, and
/// a test wants every counter equal.
struct GuestReplay<First: EditableFormat, Second: EditableFormat>: ~Copyable {
  /// What a core has of its own.
  struct Core: ~Copyable {
    var tlbs: TaggedTLBs
    var walker: Walker<First, Second>
    var vcpu = 0
  }

  let machine: MachineDescription
  var tables: GuestTables<First, Second>
  let cores: UnsafeMutablePointer<Core>
  var vcpus: [VirtualProcessor] = []
  var tags = TagTable()
  var running = RunningContext()
  var shadow: ShadowTables
  var pages = PageStates()
  var changes = TableChanges()
  var stale = StaleUses()
  var flushes = FlushLedger()
  var ledger: ExitLedger
  let intercepts: InterceptPolicy
  /// Exits that the model derives are counted: without an `exits` section they are where the mode is
  /// made of them.
  let derivesExits: Bool
  var derived = DerivedExits()
  var walks = WalkStatistics()
  /// Sums along the records.
  var samples = SampleSeries(step: 256)
  /// Of each address space.
  var spaceWalks: [WalkObserver.Cost] = []
  var cpu = CPUCounters()
  /// TLB entries that such walks replaced.
  var replaced = 0
  /// Walks for a permission that a cached translation lacked.
  var rewalks = 0
  /// Dirty bits set by stores that hit a TLB.
  var dirtied = 0
  /// Reads tables as they are, without caches and without setting anything.
  var checker: Walker<First, Second>
  var path = WalkPath()
  var checkerPath = WalkPath()
  let latency: FlatLatency
  /// Sizes that any TLB has been filled with.
  var filledReaches: [PageSize] = []
  /// Records before the block, for places in findings.
  var recordsBefore = 0
  /// The record of the moment, from the trace's first.
  var record = 0
  /// Ids of the trace's guests and address spaces.
  var guestNumbers: [UInt64: Int] = [:]
  var spaceNumbers: [SpaceName: Int] = [:]
  /// The space that the run began with has a root of the trace's.
  var isFirstSpaceNamed = false
  /// Exits that the trace recorded, events that might exit, and writes of tables that are not there.
  var recordedExits = 0
  var sensitive = 0
  var strayWrites = 0
  /// Where walks are counted by region and by set, if someone asked.
  var observer: WalkObserver?
  /// For each class (fetch, data) what its last touch allows the next one on the same page to skip.
  var last = (fetch: Repeatable(), data: Repeatable())
  var hot = HotPages()
  /// Whose translations a core has under a tag: by core and tag the space, -1 for several.
  var tagOwners: [UInt32: Int] = [:]
  let splitsFirstLevel: Bool

  /// An address space by its guest and the root that CR3 names.
  struct SpaceName: Hashable {
    var guest: Int
    var root: UInt64
  }

  /// Builds a checked machine.
  ///
  /// - Parameters:
  ///   - machine: checked.
  ///   - plan: what the trace brings.
  ///   - everyTouch: look every touch up, to check by it what is done otherwise.
  init(_ machine: MachineDescription, _ plan: ReplayPlan, everyTouch: Bool = false) {
    let recorded = plan.recorded
    self.machine = machine
    let mode = machine.mode
    let secondLevels = mode.isVirtualized ? machine.secondStage?.levels ?? 0 : 0
    tables = GuestTables(
      firstLevels: recorded?.first.levels ?? machine.firstStage.levels,
      secondLevels: recorded.map { $0.second?.levels ?? 0 } ?? secondLevels,
      policy: recorded == nil ? machine.synthesis : nil)
    cores = .allocate(capacity: machine.cores)
    let hasSecondStage = mode == .nested || mode == .agile
    for core in 0..<machine.cores {
      let seed = machine.synthesis.seed &+ UInt64(core) &* 1009
      (cores + core).initialize(
        to: Core(
          tlbs: TaggedTLBs(machine.tlbs, seed: seed),
          walker: Walker(
            caches: WalkCacheSet(
              machine.walkCaches, hasSecondStage: hasSecondStage, seed: seed &+ 64))))
    }
    checker = Walker(caches: WalkCacheSet([], hasSecondStage: false), setsBits: false)
    shadow = ShadowTables(
      nestedLevels: mode == .agile ? machine.virtualization.nestedLevels ?? 0 : 0)
    intercepts = InterceptPolicy(mode: mode, hypervisor: machine.exits?.hypervisor ?? .full)
    derivesExits = machine.exits != nil || mode == .shadow || mode == .agile
    ledger = ExitLedger(machine.exits)
    latency = FlatLatency(referenceCycles: machine.memory.referenceCycles)
    splitsFirstLevel =
      !everyTouch && TLBHierarchy(machine.tlbs, seed: 0).splitsFirstLevel
    observer = plan.observer
    begin(recorded)
  }

  deinit {
    cores.deinitialize(count: machine.cores)
    cores.deallocate()
  }

  /// One guest with one address space on core 0, as a trace without events has it.
  private mutating func begin(_ recorded: RecordedTables?) {
    let tag: UInt16 = machine.mode.isVirtualized && machine.virtualization.hasVPID ? 1 : 0
    var guest = 0
    var space = 0
    if let recorded {
      guest = tables.addRecordedGuest(second: HPA(recorded.second?.address ?? 0))
      space = tables.addRecordedSpace(of: guest, first: GPA(recorded.first.address))
      spaceNumbers[SpaceName(guest: guest, root: recorded.first.address)] = space
    } else {
      guest = tables.addGuest() ?? 0
      space = tables.addSpace(of: guest) ?? 0
    }
    vcpus = [VirtualProcessor(id: 0, guest: guest, tag: tag, space: space, core: 0)]
    refresh()
  }

  /// Adds a page of the image that holds the tables.
  ///
  /// - Returns: whether it was new and there was memory for it.
  mutating func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == 4096, tables.memory.words(in: frame) == nil,
      let words = tables.memory.addFrame(frame)
    else { return false }
    for at in 0..<512 {
      words[at] = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * at, as: UInt64.self))
    }
    return true
  }
}
