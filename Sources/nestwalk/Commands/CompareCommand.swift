import ArgumentParser
import Reporting

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare two results; exit code 1 where a number moved that may not.",
    discussion: """
      Results are deterministic, so every number has to be equal unless --allow lets it move. A new \
      finding stops the comparison, one that is gone does not, nor does a counter that only a newer \
      version has.

      EXAMPLES:
        nestwalk compare base.json new.json
        nestwalk compare base.json new.json --allow 'walk.cycles<=+1%' --allow 'tlb.*.fills+-100'
        nestwalk compare base.json new.json --allow 'walk.grid.*=*' -o changes.md -o gate.xml
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

  @Flag(help: "Compare results of different machines.")
  var acrossMachines = false

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
      let texts = (try wholeText(of: base), try wholeText(of: new))
      let files = try output.map { try PendingFile($0) }
      let comparison: Comparison
      do throws(ComparisonFailure) {
        comparison = try Comparison(
          base: texts.0, new: texts.1, allowances: allow, acrossMachines: acrossMachines)
      } catch {
        switch error {
        case .base(let error): throw FileError(base, error.problem, cure: error.cure)
        case .new(let error): throw FileError(new, error.problem, cure: error.cure)
        }
      }
      for file in files {
        guard let format = Self.format(of: file.path) else { continue }
        try writeAll(
          Array(comparison.render(as: format).utf8), to: file.descriptor, file: file.path)
      }
      for file in files { try file.commit() }
      for file in files where file.path != "-" { printError("nestwalk: wrote \(file.path)") }
      if files.isEmpty { printResult(comparison.summary(width: Terminal.width)) }
      if !comparison.passes {
        printError("nestwalk: compare: \(new) differs from \(base) by more than is allowed")
        throw Exit.stopped
      }
    }
  }
}

extension Allowance: ExpressibleByArgument {
  /// Reads `COUNTER<=+1%` and its like.
  public init?(argument: String) { self.init(argument) }
}
