import Machine

/// What the rules take for too much.
struct IsolationPolicy: Sendable {
  /// Of a window over which rates are counted.
  var windowNanoseconds: UInt64 = 10_000_000
  /// Requests of a window, in traces without times.
  var windowRequests: UInt64 = 10_000
  /// Faults of one device in a window.
  var faults = 256
  /// Interrupt messages of one device in a window: 400,000 a second, twice what a processor that does
  /// nothing else handles at 5 microseconds each.
  var interrupts = 4_000
  /// Present interrupt entries of one guest.
  var entries = 2_048
}
