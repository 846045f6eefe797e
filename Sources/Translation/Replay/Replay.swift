import Machine
import Results
import TraceFile

/// Replays one trace on one machine, block by block, and reports what it found.
public final class Replay {
  private let machine: ResolvedMachine
  private let core: any ReplayCore
  private let io: DeviceReplay?
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
    io = machine.description.iommu.map { DeviceReplay($0, machine.description.interrupts) }
  }

  /// Adds a page of the image in which memory starts.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    io?.addPage(at: address, bytes) ?? true
  }

  /// Replays a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    try core.replay(block)
    if block.counts.events > 0 { try io?.replay(block) }
    records += Int(block.counts.records)
  }

  /// What the blocks replayed so far gave.
  ///
  /// - Parameter trace: its name, hash and notes; records and tables are filled in here.
  /// - Returns: the result, whose counters obey every conservation law.
  /// - Throws: the laws that are broken, which is a defect of this program.
  public func result(of trace: TraceIdentity) throws(ConservationError) -> RunResult {
    let report = core.report
    try report.checkLaws()
    try io?.finish()
    var identity = trace
    identity.records = records
    identity.tables = MachineAssembly.tables(of: machine.description)
    var result = RunResult(
      trace: identity,
      machine: MachineIdentity(
        name: machine.description.name, sha256: machine.sha256,
        resolvedJSON: machine.canonicalJSON))
    report.addCounters(to: &result)
    if let overlap = machine.description.memory.overlapPercent {
      let latency =
        result.counters["tlb.cycles", default: 0] + result.counters["walk.cycles", default: 0]
      result.counters["stall.cycles"] = latency * 100 / overlap
    }
    let pages = result.counters["cpu.pages", default: 0]
    result.notes =
      MachineAssembly.footprintNotes(of: machine.description, pages: pages)
      + MachineAssembly.modelNotes(of: machine.description)
    io?.addResults(to: &result)
    return result
  }
}
