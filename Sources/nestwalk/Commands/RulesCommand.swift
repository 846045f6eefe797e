import ArgumentParser
import Reporting
import Results

struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules",
    abstract: "List the isolation rules, or explain some.",
    discussion: """
      EXAMPLES:
        nestwalk rules
        nestwalk rules V6 V7
      """)

  @Argument(help: "Rules to explain; all are listed without.")
  var rules: [String] = []

  func validate() throws {
    for rule in rules where IsolationRule.named(rule) == nil {
      throw ValidationError("\(rule) is no rule; nestwalk rules lists them")
    }
  }

  func run() throws {
    printResult(
      rules.isEmpty
        ? ruleListing(width: Terminal.width)
        : rules.compactMap { Reporting.explain($0) }.joined(separator: "\n"))
  }
}
