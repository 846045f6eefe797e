import Machine
import Results
import TraceFile

/// The devices of a machine that differs from the one that was asked about, replayed beside it.
final class DeviceVariant {
  let name: String
  private let io: any DeviceReplay
  private var counters: [String: Int] = [:]

  /// - Returns: nothing where the machine has no IOMMU.
  init?(_ name: String, _ machine: MachineDescription) {
    guard let io = MachineAssembly.devices(of: machine, checksRecorded: false) else { return nil }
    self.name = name
    self.io = io
  }

  func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    io.addPage(at: address, bytes)
  }

  func replay(_ block: TraceBlock) throws(TraceError) {
    if block.counts.events > 0 { try io.replay(block) }
  }

  /// Checks every sum and keeps the counters.
  func finish() throws(ConservationError) {
    try io.finish()
    var result = RunResult(
      trace: TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: []),
      machine: MachineIdentity(name: "", sha256: "", resolvedJSON: "{}"))
    io.addResults(to: &result)
    counters = result.counters
  }

  /// A counter; 0 where the variant has none.
  subscript(_ name: String) -> Int { counters[name, default: 0] }
}
