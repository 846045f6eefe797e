import Results
import TraceFile

/// Watches what devices reach.
///
/// It sees every event before the remapping unit acts on it, every request once it was judged, and
/// every invalidation from the moment at which it holds.
struct IsolationMonitor: ~Copyable {
  /// Sees an event of domains, tables, owners or interrupts.
  mutating func see(_ event: TraceEvent, at place: EventPlace) {}

  /// Sees what a request became.
  mutating func judge(_ outcome: DMAOutcome) {}

  /// Sees an invalidation that has just taken effect.
  mutating func see(_ invalidation: IOInvalidation) {}

  /// Adds what it found.
  func addFindings(to result: inout RunResult) {}
}
