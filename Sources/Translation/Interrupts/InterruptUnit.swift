import Results
import TraceFile

/// A device's interrupt message.
struct InterruptMessage: BitwiseCopyable, Sendable {
  var device: UInt32
  var address: UInt64
  /// What is written.
  var data: UInt64
  /// The recorder said what is written; a plain DMA write to the interrupt range has no data.
  var hasData: Bool
  var place: EventPlace
}

/// Where interrupt messages and the events of interrupt remapping arrive.
struct InterruptUnit: ~Copyable {
  private var messages = 0

  /// Takes a message.
  mutating func receive(_ message: InterruptMessage) { messages += 1 }

  /// Takes an event of interrupt remapping: entries, registers and commands among them.
  mutating func see(_ event: TraceEvent, at place: EventPlace) {}

  func addCounters(to result: inout RunResult) {
    result.counters["interrupt.requests"] = messages
  }

  func checkLaws(_ laws: inout Conservation) {}
}
