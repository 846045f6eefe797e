import Results

/// Findings by rule, severity and subject: how often, where first, and a few later places.
///
/// Nothing is allocated for a finding whose like was told often enough.
struct FindingLog: ~Copyable {
  /// Whom a finding is about.
  struct Subject: BitwiseCopyable {
    var device: UInt32 = Self.none
    var domain: UInt32 = Self.none
    /// A guest where there is neither, or an interrupt entry's index.
    var other: UInt32 = Self.none

    static let none: UInt32 = .max
  }

  private struct Entry {
    var rule: Int
    var severity: Severity
    var subject: Subject
    var count: Int
    var places: [Finding.Place]
  }

  private var entries: [Entry] = []
  private var numbers = PairTable()
  /// Findings of subjects beyond the limit.
  private(set) var untold = 0

  /// Places that a finding tells besides the first.
  static let examples = 4
  /// Subjects that are told apart.
  static let maximumEntries = 4096

  /// Counts a finding.
  ///
  /// - Returns: where its evidence belongs; nothing where enough of its like was told.
  mutating func count(_ rule: Int, _ severity: Severity, _ subject: Subject) -> Int? {
    let level: UInt64 =
      switch severity {
      case .low: 0
      case .medium: 1
      case .high: 2
      case .critical: 3
      }
    let kind = UInt64(rule) << 34 | level << 32 | UInt64(subject.other)
    let who = UInt64(subject.device) << 32 | UInt64(subject.domain)
    if let number = numbers.number(of: kind, who) {
      entries[number].count += 1
      return entries[number].places.count <= Self.examples ? number : nil
    }
    guard entries.count < Self.maximumEntries else {
      untold += 1
      return nil
    }
    numbers.set(kind, who, to: entries.count)
    entries.append(
      Entry(rule: rule, severity: severity, subject: subject, count: 1, places: []))
    return entries.count - 1
  }

  /// Adds the evidence of a finding that was just counted.
  mutating func tell(_ number: Int, _ place: EventPlace, _ detail: [String: String]) {
    entries[number].places.append(
      Finding.Place(
        record: Int(clamping: place.record), event: Int(clamping: place.event),
        time: Int(clamping: place.time), detail: detail))
  }

  /// Adds the evidence of a finding in tables, which have no events.
  mutating func tell(_ number: Int, _ detail: [String: String]) {
    entries[number].places.append(
      Finding.Place(record: Finding.Place.noRecord, time: 0, detail: detail))
  }

  /// How often a rule fired.
  func count(of rule: Int) -> Int {
    entries.reduce(0) { $0 + ($1.rule == rule ? $1.count : 0) }
  }

  /// The findings, most severe first, then by rule and first place.
  ///
  /// - Parameter subject: names a subject's parts.
  /// - Returns: one for each rule, severity and subject.
  func findings(_ subject: (Subject) -> [String: String]) -> [Finding] {
    entries.compactMap { entry -> Finding? in
      guard let first = entry.places.first else { return nil }
      return Finding(
        rule: "V\(entry.rule)", severity: entry.severity, count: entry.count,
        subject: subject(entry.subject), first: first, examples: Array(entry.places.dropFirst()))
    }.sorted { one, other in
      if one.severity != other.severity { return one.severity > other.severity }
      if one.rule != other.rule {
        return IsolationRule.order(of: one.rule) < IsolationRule.order(of: other.rule)
      }
      return (one.first.event ?? 0) < (other.first.event ?? 0)
    }
  }
}
