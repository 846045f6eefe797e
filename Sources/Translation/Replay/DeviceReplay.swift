import Machine
import Results
import TraceFile

/// A machine's devices, whatever their unit's architecture; crossed once a block and once a run.
protocol DeviceReplay: AnyObject {
  func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool
  func replay(_ block: TraceBlock) throws(TraceError)

  /// Shows somebody how an event of a device is served.
  func watch(_ watch: DeviceWatch)

  /// Judges what still waits, and checks every sum.
  func finish() throws(ConservationError)

  func addResults(to result: inout RunResult)
}

// One class for each architecture, and not a generic one, as with cores.

/// Devices behind VT-d.
final class VTdReplay: DeviceReplay {
  private var io: IOReplay<VTdUnit>

  init(_ machine: MachineDescription, _ iommu: IOMMUDescription, checksRecorded: Bool) {
    io = IOReplay(machine, iommu, checksRecorded: checksRecorded)
  }

  func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    io.addPage(at: address, bytes)
  }

  func replay(_ block: TraceBlock) throws(TraceError) { try io.replay(block) }

  func watch(_ watch: DeviceWatch) { io.watch(watch) }

  func finish() throws(ConservationError) {
    io.finish()
    try io.checkLaws()
  }

  func addResults(to result: inout RunResult) { io.addCounters(to: &result) }
}

/// Devices behind AMD-Vi.
final class AMDViReplay: DeviceReplay {
  private var io: IOReplay<AMDViUnit>

  init(_ machine: MachineDescription, _ iommu: IOMMUDescription, checksRecorded: Bool) {
    io = IOReplay(machine, iommu, checksRecorded: checksRecorded)
  }

  func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    io.addPage(at: address, bytes)
  }

  func replay(_ block: TraceBlock) throws(TraceError) { try io.replay(block) }

  func watch(_ watch: DeviceWatch) { io.watch(watch) }

  func finish() throws(ConservationError) {
    io.finish()
    try io.checkLaws()
  }

  func addResults(to result: inout RunResult) { io.addCounters(to: &result) }
}

extension MachineAssembly {
  /// The devices' side of a machine; nothing where it has no IOMMU.
  static func devices(of machine: MachineDescription, checksRecorded: Bool) -> DeviceReplay? {
    guard let iommu = machine.iommu else { return nil }
    return switch iommu.architecture {
    case .vtd: VTdReplay(machine, iommu, checksRecorded: checksRecorded)
    case .amdvi: AMDViReplay(machine, iommu, checksRecorded: checksRecorded)
    }
  }
}
