/// An isolation rule: what it means that it fired, and what to do about it.
///
/// Help texts, reports and SARIF are made of these rows, and of nothing else.
public struct IsolationRule: Sendable, Equatable {
  /// Where a rule can be judged.
  public enum Scope: String, Sendable {
    /// By the events of a trace.
    case replay
    /// By tables alone.
    case tables
    /// By either.
    case both
  }

  /// Such as `V6`.
  public var id: String
  /// A few words.
  public var title: String
  /// Unless the finding says otherwise.
  public var severity: Severity
  /// Where it can be judged.
  public var scope: Scope
  /// When it fires and what that means, with what makes it less or more severe.
  public var meaning: String
  /// What to do when it fires.
  public var remedy: String
  /// Where the rule comes from.
  public var reference: String

  init(
    _ id: String, _ title: String, _ severity: Severity, _ scope: Scope = .replay,
    meaning: String, remedy: String, reference: String
  ) {
    self.id = id
    self.title = title
    self.severity = severity
    self.scope = scope
    self.meaning = meaning
    self.remedy = remedy
    self.reference = reference
  }

  /// Every rule, V1 first.
  public static let all = dma + interrupts + memory + processor

  /// The rule of an identifier.
  ///
  /// - Parameter id: in any case.
  /// - Returns: nothing where there is no such rule.
  public static func named(_ id: String) -> IsolationRule? {
    let wanted = id.uppercased()
    return all.first { $0.id == wanted }
  }

  /// Where a finding of the rule stands among those of others: V2 before V10.
  ///
  /// - Parameter id: as in `id`.
  /// - Returns: one past the last for a rule that this version does not know.
  public static func order(of id: String) -> Int {
    all.firstIndex { $0.id == id } ?? all.count
  }
}
