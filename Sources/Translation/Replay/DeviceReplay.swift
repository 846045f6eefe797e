import Machine
import Results
import TraceFile

/// A machine's devices; crossed once a block and once a run.
final class DeviceReplay {
  private var io: IOReplay

  init(_ machine: IOMMUDescription, _ interrupts: InterruptDescription?) {
    io = IOReplay(machine, interrupts)
  }

  func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    io.addPage(at: address, bytes)
  }

  func replay(_ block: TraceBlock) throws(TraceError) { try io.replay(block) }

  /// Judges what still waits, and checks every sum.
  func finish() throws(ConservationError) {
    io.finish()
    try io.checkLaws()
  }

  func addResults(to result: inout RunResult) { io.addCounters(to: &result) }
}
