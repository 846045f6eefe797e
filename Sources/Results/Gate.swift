/// What a run must not show for a gate to let it pass.
public enum Gate: Sendable, Equatable {
  /// Findings of this severity or above.
  case severity(Severity)
  /// Findings of this rule.
  case rule(String)
  /// Outcomes that the trace recorded and that the model contradicts.
  case recorded

  /// Reads what `--fail-on` takes: `low`, `medium`, `high`, `critical` or a rule.
  ///
  /// - Parameter text: in any case.
  public init?(_ text: String) {
    if let severity = Severity(rawValue: text.lowercased()) {
      self = .severity(severity)
    } else if let rule = IsolationRule.named(text) {
      self = .rule(rule.id)
    } else {
      return nil
    }
  }

  /// As an option of the command line.
  public var name: String {
    switch self {
    case .severity(let severity): "--fail-on \(severity.rawValue)"
    case .rule(let rule): "--fail-on \(rule)"
    case .recorded: "--check-recorded"
    }
  }

  /// Whether a finding is one that the gate does not let pass.
  ///
  /// - Parameter finding: any.
  /// - Returns: false for all where the gate is not about findings.
  public func stops(_ finding: Finding) -> Bool {
    switch self {
    case .severity(let severity): finding.severity >= severity
    case .rule(let rule): finding.rule == rule
    case .recorded: false
    }
  }

  /// Why a run does not pass.
  ///
  /// - Parameter result: of the run.
  /// - Returns: a sentence, nothing where it passes.
  public func objection(to result: RunResult) -> String? {
    if self == .recorded {
      let count = result.contradicted
      return count > 0
        ? "\(count) recorded \(count == 1 ? "outcome is" : "outcomes are") contradicted." : nil
    }
    let stopped = result.findings.filter(stops)
    guard !stopped.isEmpty else { return nil }
    var rules: [String] = []
    for finding in stopped where !rules.contains(finding.rule) { rules.append(finding.rule) }
    return "\(stopped.count) \(stopped.count == 1 ? "finding" : "findings"): "
      + rules.joined(separator: ", ") + "."
  }
}
