import ArgumentParser
import Results

/// What makes a command end with exit code 1.
enum GateInput {
  static let help = ArgumentHelp(
    "End with exit code 1 on a finding of this severity or above (low, medium, high, critical), or of "
      + "one rule (V6); may be repeated.", valueName: "severity|rule")

  /// Says which machines contradict what their traces recorded.
  ///
  /// - Returns: whether none does.
  static func agrees(_ results: [RunResult]) -> Bool {
    var agrees = true
    for result in results {
      let contradicted = result.contradicted
      guard contradicted > 0 else { continue }
      agrees = false
      let agreed = result.agreed
      printError(
        "nestwalk: --check-recorded: \(result.trace.name) on \(result.machine.name): "
          + "\(grouped(contradicted)) recorded outcomes are contradicted, \(grouped(agreed)) agree")
    }
    return agrees
  }

  /// Ends the command where a gate stops one of its results.
  static func judge(_ results: [RunResult], by gates: [Gate]) throws {
    var isStopped = false
    for result in results {
      for gate in gates {
        guard let objection = gate.objection(to: result) else { continue }
        isStopped = true
        printError(
          "nestwalk: \(gate.name): \(result.trace.name) on \(result.machine.name): \(objection)")
      }
    }
    if isStopped { throw Exit.stopped }
  }
}

extension Gate: ExpressibleByArgument {
  /// Reads a severity or a rule.
  public init?(argument: String) { self.init(argument) }

  /// The severities; rules are listed by `nestwalk rules`.
  public static var allValueStrings: [String] { Severity.allCases.map(\.rawValue) }
}
