import Machine
import Results
import TraceFile

/// Replays one trace on one machine, block by block, and reports what it found.
public final class Replay {
  private let machine: ResolvedMachine
  private let plan: ReplayPlan
  private let core: any ReplayCore
  private let io: (any DeviceReplay)?
  private var records = 0
  /// For a core that takes none of its own.
  private var samples = SampleSeries(step: 1)
  private let coreSamples: Bool

  /// Builds the machine.
  ///
  /// - Parameters:
  ///   - machine: checked, so that nothing here can fail.
  ///   - plan: what the trace brings.
  ///   - everyTouch: take one touch after another through the reference walker, which is slower and
  ///     gives the same result.
  ///   - checksRecorded: compare what devices' requests become with what the trace recorded of them.
  public init(
    _ machine: ResolvedMachine, _ plan: ReplayPlan = ReplayPlan(), everyTouch: Bool = false,
    checksRecorded: Bool = false
  ) {
    self.machine = machine
    self.plan = plan
    core = MachineAssembly.core(of: machine.description, plan, everyTouch: everyTouch)
    coreSamples = core.samples != nil
    io = MachineAssembly.devices(of: machine.description, checksRecorded: checksRecorded)
  }

  /// Adds a page of the image in which memory starts.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard core.addPage(address >> 12, bytes) else { return false }
    return io?.addPage(at: address, bytes) ?? true
  }

  /// Replays a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    try replayCore(block)
    try replayDevices(block)
  }

  /// The processor's part of `replay`, which may be done while the devices' part is.
  func replayCore(_ block: TraceBlock) throws(TraceError) {
    try core.replay(block)
    records += Int(block.counts.records)
    if !coreSamples, block.counts.records > 0, samples.isDue(at: records) {
      samples.take(core.progress.values, at: records)
    }
  }

  /// The devices' part of `replay`.
  func replayDevices(_ block: TraceBlock) throws(TraceError) {
    if block.counts.events > 0 { try io?.replay(block) }
  }

  /// Whether there are devices.
  var hasDevices: Bool { io != nil }

  /// What the blocks replayed so far gave.
  ///
  /// - Parameter trace: its name, hash and notes; records and tables are filled in here.
  /// - Returns: the result, whose counters obey every conservation law.
  /// - Throws: the laws that are broken, which is a defect of this program.
  public func result(of trace: TraceIdentity) throws(ConservationError) -> RunResult {
    try core.checkLaws()
    try io?.finish()
    var result = Self.result(on: machine, plan, trace, records: records) {
      core.addCounters(to: &$0)
    }
    addTimeLine(to: &result)
    io?.addResults(to: &result)
    return result
  }

  /// A result with one machine's counters.
  static func result(
    on machine: ResolvedMachine, _ plan: ReplayPlan, _ trace: TraceIdentity, records: Int,
    addCounters: (inout RunResult) -> Void
  ) -> RunResult {
    var identity = trace
    identity.records = records
    identity.tables = MachineAssembly.tables(of: machine.description, plan)
    var result = RunResult(
      trace: identity,
      machine: MachineIdentity(
        name: machine.description.name, sha256: machine.sha256,
        resolvedJSON: machine.canonicalJSON))
    addCounters(&result)
    if let overlap = machine.description.memory.overlapPercent {
      let latency =
        result.counters["tlb.cycles", default: 0] + result.counters["walk.cycles", default: 0]
      result.counters["stall.cycles"] = latency * 100 / overlap
    }
    // What a processor's model leaves out matters where a processor did something.
    guard records > 0 else { return result }
    let pages = result.counters["cpu.pages", default: 0]
    result.notes =
      MachineAssembly.footprintNotes(of: machine.description, pages: pages)
      + MachineAssembly.modelNotes(of: machine.description)
    return result
  }

  private func addTimeLine(to result: inout RunResult) {
    var line = core.samples ?? samples
    if records > 0 { line.take(core.progress.values, at: records) }
    Self.add(line, of: machine, to: &result)
  }

  /// Adds a time line of a machine's counters.
  static func add(_ samples: SampleSeries, of machine: ResolvedMachine, to result: inout RunResult)
  {
    let tlbs = machine.description.tlbs.map { "tlb.\($0.name).misses" }
    guard
      var line = samples.timeLine(of: CoreProgress.counters + tlbs, by: .records)
    else { return }
    // Only what the result counts too.
    line.series.removeAll { result.counters[$0.counter] == nil }
    result.timeLines.append(line)
  }
}
