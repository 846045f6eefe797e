import ArgumentParser
import Machine
import Reporting
import Results

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Replay traces on machines and report what translation cost.",
    discussion: """
      Every trace is read once and replayed on every machine. Without -o a summary is printed.

      EXAMPLES:
        nestwalk run app.nwt -m reference
        nestwalk run app.nwt -m zen5 --set tlbs.L2D.ways=8 -o report.html -o result.json
        nestwalk run a.nwt b.champsimtrace.xz -m reference -m mine.json -o all.csv
        nestwalk run dma.nwt -m qemu-vtd --fail-on high --trace-folder traces -o findings.sarif
        nestwalk run --explain walk.references
      """)

  @Argument(help: "Containers or any importable traces, or - for standard input.")
  var traces: [String] = []

  @Option(
    name: [.short, .customLong("machine")],
    help: "A preset of `nestwalk machine list`, or a description's file; may be repeated.")
  var machines: [String] = []

  @Option(name: .customLong("set"), help: MachineInput.setHelp)
  var settings: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write a report; the suffix picks the format: "
        + RunOutput.suffixes.map { ".\($0)" }.joined(separator: " ")
        + ". May be repeated; - is JSON on standard output.", valueName: "file"))
  var output: [String] = []

  @Option(
    help: ArgumentHelp(
      "The part of the trace that a .pftrace shows, in records, or events where it has those alone.",
      valueName: "a..b"))
  var window: RecordRange?

  @Option(
    help: ArgumentHelp(
      "The folder of the traces in the repository, put before their names in a .sarif.",
      valueName: "folder"))
  var traceFolder: String?

  @OptionGroup var summary: StepSummary

  @Option(name: .customLong("fail-on"), help: GateInput.help)
  var gates: [Gate] = []

  @OptionGroup var replay: ReplayOptions

  @Option(
    help: ArgumentHelp(
      "Say what a counter or an isolation rule means, and replay nothing.", valueName: "name"))
  var explain: String?

  func validate() throws {
    if explain != nil { return }
    guard !traces.isEmpty else { throw ValidationError("Missing expected argument '<traces> ...'") }
    guard !machines.isEmpty else {
      throw ValidationError("Missing expected option '-m <machine>'; try -m reference")
    }
    if let traceFolder, !isRelative(traceFolder) {
      throw ValidationError(
        "--trace-folder \(traceFolder): expected a folder below the repository's root, such as traces"
      )
    }
    guard Set(output.map(FilePlace.init)).count == output.count else {
      throw ValidationError("Two -o options name one file.")
    }
    for path in output where RunOutput(path: path) == nil {
      throw ValidationError(
        "-o \(path): its suffix names no format of this version; expected "
          + RunOutput.suffixes.map { ".\($0)" }.joined(separator: ", "))
    }
  }

  func run() throws {
    if let explain { return try explainCounter(explain) }
    try refusing {
      let machines = try machines.map { try MachineInput.load($0, settings: settings) }
      try replay.checkQuestions(of: machines)
      // Opened first, so that a place that cannot be written is known before the work.
      let files = try output.map { try PendingFile($0) }
      var results: [RunResult] = []
      for path in traces { results += try replay.replay(path, on: machines) }
      for file in files {
        guard let output = RunOutput(path: file.path) else { continue }
        let part = window.map { TraceWindow(first: $0.first, end: $0.end) } ?? .whole
        let bytes = output.bytes(
          of: results, gates: gates, window: part, traceFolder: traceFolder ?? "")
        try writeAll(bytes, to: file.descriptor, file: file.path)
      }
      for file in files { try file.commit() }
      for file in files where file.path != "-" { printError("nestwalk: wrote \(file.path)") }
      if summary.stepSummary { try summary.append(render(results, as: .markdown)) }
      if files.isEmpty { printSummary(results) }
      let agrees = GateInput.agrees(results)
      try GateInput.judge(results, by: gates)
      if !agrees { throw Exit.stopped }
    }
  }

  /// Whether a path stays below the folder that it starts in.
  private func isRelative(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
  }

  private func printSummary(_ results: [RunResult]) {
    printResult(Reporting.summary(results, color: Terminal.hasColor, width: Terminal.width))
  }

  private func explainCounter(_ counter: String) throws {
    guard let text = Reporting.explain(counter) else {
      let near = nearNames(counter).joined(separator: ", ")
      throw ValidationError(
        "\(counter) is no counter and no rule\(near.isEmpty ? "" : "; did you mean \(near)?")")
    }
    printResult(text.hasSuffix("\n") ? text : text + "\n")
  }
}
