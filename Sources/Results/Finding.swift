/// How much a finding matters.
public enum Severity: String, Sendable, Comparable, CaseIterable {
  case low
  case medium
  case high
  case critical

  /// Orders severities from `low` to `critical`.
  public static func < (one: Severity, other: Severity) -> Bool { one.rank < other.rank }

  private var rank: Int {
    switch self {
    case .low: 0
    case .medium: 1
    case .high: 2
    case .critical: 3
    }
  }
}

/// An isolation rule that fired for one device and domain, or one place in tables.
public struct Finding: Sendable, Equatable {
  /// One time that it fired.
  public struct Place: Sendable, Equatable {
    /// Records of the trace before it; `noRecord` where tables alone were looked at.
    public var record: Int
    /// The number of the event, as `nestwalk inspect --events` counts; nothing where tables alone
    /// were looked at.
    public var event: Int?
    /// In the trace's unit; 0 where the trace has none.
    public var time: Int
    /// Evidence, by name.
    public var detail: [String: String]

    /// The record of what is in tables and not in a trace.
    public static let noRecord = -1

    /// Creates a place of its parts.
    public init(record: Int, event: Int? = nil, time: Int, detail: [String: String]) {
      self.record = record
      self.event = event
      self.time = time
      self.detail = detail
    }
  }

  /// The rule's identifier, such as `V6`.
  public var rule: String
  /// How much it matters here, which a rule's row explains.
  public var severity: Severity
  /// How often it fired.
  public var count: Int
  /// Of what, such as a device and its domain: findings of one rule and severity differ in it.
  public var subject: [String: String]
  /// The first time.
  public var first: Place
  /// Some of the later times, in order.
  public var examples: [Place]

  /// Creates a finding of its parts.
  public init(
    rule: String, severity: Severity, count: Int, subject: [String: String] = [:], first: Place,
    examples: [Place] = []
  ) {
    self.rule = rule
    self.severity = severity
    self.count = count
    self.subject = subject
    self.first = first
    self.examples = examples
  }

  /// What is the same whenever the same thing is found: rule and subject, but neither places nor
  /// counts.
  public var identity: String {
    rule + subject.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
  }

  /// Names of evidence in the order in which they make a sentence; others come after them.
  private static let evidence = [
    "device", "alias", "guest", "otherGuest", "domain", "pasid", "iova", "gpa", "address", "bytes",
    "access", "fault", "frame", "owner", "format", "entry", "level", "index", "vector",
    "deliveryMode", "destination", "vcpu", "core", "mapped", "unmapped", "invalidated", "window",
    "assigned",
  ]

  /// Evidence in its order.
  ///
  /// - Parameter detail: by name.
  /// - Returns: names with values.
  public static func ordered(_ detail: [String: String]) -> [(name: String, value: String)] {
    func place(_ name: String) -> Int { evidence.firstIndex(of: name) ?? evidence.count }
    return detail.sorted { one, other in
      let places = (place(one.key), place(other.key))
      return places.0 == places.1 ? one.key < other.key : places.0 < places.1
    }.map { ($0.key, $0.value) }
  }
}
