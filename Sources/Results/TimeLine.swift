/// What some counters did along a trace, interval by interval.
public struct TimeLine: Sendable, Equatable {
  /// What a trace is measured in.
  public enum Unit: String, Sendable {
    case records
    case events
  }

  /// What `ends` counts.
  public var unit: Unit
  /// Where each interval ends, ascending; the first one begins at 0.
  public var ends: [Int]
  /// By counter, what each interval added; together they are the counter.
  public var series: [Series]

  /// One counter along the trace.
  public struct Series: Sendable, Equatable {
    /// The counter's name.
    public var counter: String
    /// One number for each interval.
    public var values: [Int]

    /// Creates a series of its parts.
    public init(counter: String, values: [Int]) {
      self.counter = counter
      self.values = values
    }
  }

  /// Creates a time line of its parts.
  public init(unit: Unit, ends: [Int], series: [Series]) {
    self.unit = unit
    self.ends = ends
    self.series = series
  }
}
