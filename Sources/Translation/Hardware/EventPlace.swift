/// Where an event stands in its trace.
struct EventPlace: BitwiseCopyable, Equatable, Sendable {
  /// The event's number in the trace, from 0, as `nestwalk inspect --events` counts.
  var event: UInt64 = 0
  /// Records before it.
  var record: UInt64 = 0
  /// Nanoseconds; 0 where the trace has no times.
  var time: UInt64 = 0
}
