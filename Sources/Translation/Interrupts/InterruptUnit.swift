import Results
import TraceFile

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
