import ArgumentParser
import Reporting

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two results; exit code 1 where a number moved that may not.",
    discussion: """
      Results are deterministic, so every number has to be equal unless --allow lets it move. A new \
      finding stops the comparison, one that is gone does not, nor does a counter that only a newer \
      version has. The verdict is equal, better, worse, changed or missing (a base that is not there \
      too); results of other traces or machines are incomparable and refused.

      A gates file has an allowance a line, as --allow takes it, and comments after #.

      EXAMPLES:
        nestwalk compare base.json new.json
        nestwalk compare base.json new.json --allow 'walk.cycles<=+1%' --allow 'tlb.*.fills+-100'
        nestwalk compare base.json new.json --allow 'walk.grid.*=*' -o changes.html -o gate.xml
        nestwalk compare reports/app.json new.json --across-machines --gates gates.txt
      """)

  @Argument(help: "A result as nestwalk run -o FILE.json wrote it.")
  var base: String

  @Argument(help: "The result to judge, or - for standard input.")
  var new: String

  @Option(
    help: ArgumentHelp(
      "Let a counter move: COUNTER<=+1% upwards, COUNTER>=-100 downwards, COUNTER+-0.5% both ways, "
        + "COUNTER=* in any way; * in its name stands for anything. May be repeated.",
      valueName: "counter<=+n%"))
  var allow: [Allowance] = []

  @Option(
    help: ArgumentHelp("Read allowances from a file, one a line.", valueName: "file"))
  var gates: String?

  @Flag(help: "Compare results of different machines.")
  var acrossMachines = false

  @Flag(help: "Let pass what only became better.")
  var allowBetter = false

  @OptionGroup var stepSummary: StepSummary

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the comparison; the suffix picks the format: "
        + ComparisonFormat.allCases.map { ".\($0.rawValue)" }.joined(separator: " ")
        + ". May be repeated.", valueName: "file"))
  var output: [String] = []

  func validate() throws {
    guard base != "-" || new != "-" else { throw ValidationError("Only one file can be -.") }
    guard Set(output.map(FilePlace.init)).count == output.count else {
      throw ValidationError("Two -o options name one file.")
    }
    for path in output {
      guard Self.format(of: path) != nil else {
        throw ValidationError(
          "-o \(path): its suffix names no format of this version; expected "
            + ComparisonFormat.allCases.map { ".\($0.rawValue)" }.joined(separator: ", "))
      }
      try refuseOverwriting([base, new], with: path)
    }
  }

  private static func format(of path: String) -> ComparisonFormat? {
    if path == "-" { return .json }
    return ComparisonFormat(suffix: suffix(of: path))
  }

  func run() throws {
    try refusing {
      let allowances = allow + (try gates.map(Self.allowances) ?? [])
      let text = try wholeText(of: new)
      let files = try output.map { try PendingFile($0) }
      let comparison = try comparison(text, allowances)
      for file in files {
        guard let format = Self.format(of: file.path) else { continue }
        try writeAll(
          Array(comparison.render(as: format).utf8), to: file.descriptor, file: file.path)
      }
      for file in files { try file.commit() }
      for file in files where file.path != "-" { printError("nestwalk: wrote \(file.path)") }
      try stepSummary.append(comparison.render(as: .markdown))
      if files.isEmpty { printResult(comparison.summary(width: Terminal.width)) }
      if !comparison.passes {
        printError(
          comparison.hasBase
            ? "nestwalk: compare: \(new) differs from \(base) by more than is allowed "
              + "(\(comparison.verdict.rawValue))"
            : "nestwalk: compare: \(base): missing: there is no baseline; if \(new) is right, put it "
              + "there")
        throw Exit.stopped
      }
    }
  }

  private func comparison(_ text: String, _ allowances: [Allowance]) throws -> Comparison {
    guard base == "-" || FilePlace.exists(base) else {
      return Comparison(withoutBase: "\(base) is not there")
    }
    let old = try wholeText(of: base)
    do throws(ComparisonFailure) {
      return try Comparison(
        base: old, new: text, allowances: allowances, acrossMachines: acrossMachines,
        improvementsPass: allowBetter)
    } catch {
      switch error {
      case .base(let error): throw FileError(base, error.problem, cure: error.cure)
      case .new(let error): throw FileError(new, error.problem, cure: error.cure)
      }
    }
  }

  /// The allowances of a gates file.
  private static func allowances(_ path: String) throws -> [Allowance] {
    let lines = try wholeText(of: path).split(separator: "\n", omittingEmptySubsequences: false)
    var allowances: [Allowance] = []
    for (number, line) in lines.enumerated() {
      var text = String(line.prefix { $0 != "#" }.drop(while: \.isWhitespace))
      while text.last?.isWhitespace == true { text.removeLast() }
      guard text != "" else { continue }
      guard let allowance = Allowance(text) else {
        throw FileError(
          path, "line \(number + 1) is no allowance",
          cure: "write COUNTER<=+1%, COUNTER>=-100, COUNTER+-0.5% or COUNTER=*")
      }
      allowances.append(allowance)
    }
    return allowances
  }
}

extension Allowance: ExpressibleByArgument {
  /// Reads `COUNTER<=+1%` and its like.
  public init?(argument: String) { self.init(argument) }
}
