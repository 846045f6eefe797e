import ArgumentParser
import Machine
import Reporting
import Results
import TraceFile
import Translation

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
        nestwalk run dma.nwt -m qemu-vtd --fail-on high -o findings.sarif -o rules.xml
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

  @OptionGroup var summary: StepSummary

  @Option(name: .customLong("fail-on"), help: GateInput.help)
  var gates: [Gate] = []

  @Option(
    help: ArgumentHelp(
      "The physical memory that the run starts with: a sparse page image, a raw dump (with "
        + "--image-base) or an ELF core.", valueName: "file"))
  var image: String?

  @Option(help: "A raw image's first physical address.")
  var imageBase: Address?

  @Option(
    help: ArgumentHelp(
      "Walk the image's tables from this root instead of making tables; CR3 loads of the trace lead "
        + "to others.", valueName: "format@root"))
  var first: TableRoot?

  @Option(
    help: ArgumentHelp(
      "The image's second stage, for --first of a guest.", valueName: "format@root"))
  var second: TableRoot?

  @Flag(
    help: ArgumentHelp(
      "Compare what devices' requests become with what the trace recorded of them, and end with exit "
        + "code 1 where the machine contradicts it."))
  var checkRecorded = false

  @Option(
    name: .customLong("answer"),
    help: ArgumentHelp(
      "Answer a question in a table of the result: "
        + (Answer.allCases.map(\.rawValue) + ["all"]).joined(separator: ", ")
        + ". May be repeated.",
      valueName: "question"))
  var questions: [Questions] = []

  @OptionGroup var trace: TraceOptions

  @OptionGroup var cores: ThreadOptions

  @Option(
    help: ArgumentHelp(
      "Say what a counter or an isolation rule means, and replay nothing.", valueName: "name"))
  var explain: String?

  func validate() throws {
    if explain != nil { return }
    guard !traces.isEmpty else { throw ValidationError("Missing expected argument '<traces> ...'") }
    guard image != nil || imageBase == nil else {
      throw ValidationError("--image-base belongs to --image")
    }
    guard first == nil || image != nil, second == nil || first != nil else {
      throw ValidationError("--first belongs to --image, and --second to --first")
    }
    if let answer = questions.flatMap(\.answers).first(where: \.needsSynthesis), first != nil,
      !questions.contains(where: { $0.answers.count > 1 })
    {
      throw ValidationError("--answer \(answer.rawValue) needs tables that are made, not --first")
    }
    if let first, first.format != .x86 {
      throw ValidationError("--first has the format of guests' tables, x86-64:4 or x86-64:5")
    }
    if let second, second.format == .x86 {
      throw ValidationError("--second has the format of a second stage, ept:4 or npt:4")
    }
    guard !machines.isEmpty else {
      throw ValidationError("Missing expected option '-m <machine>'; try -m reference")
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
      try checkQuestions(of: machines)
      // Opened first, so that a place that cannot be written is known before the work.
      let files = try output.map { try PendingFile($0) }
      var results: [RunResult] = []
      for path in traces { results += try replay(path, on: machines) }
      for file in files {
        guard let output = RunOutput(path: file.path) else { continue }
        let part = window.map { TraceWindow(first: $0.first, end: $0.end) } ?? .whole
        let bytes = output.bytes(of: results, gates: gates, window: part)
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

  /// A question that was asked by its name has to have an answer.
  private func checkQuestions(of machines: [ResolvedMachine]) throws {
    let asked = questions.filter { $0.answers.count == 1 }.flatMap(\.answers)
    guard let question = asked.first(where: \.needsDevices) else { return }
    if let machine = machines.first(where: { $0.description.iommu == nil }) {
      throw ValidationError(
        "--answer \(question.rawValue) needs a machine with an IOMMU, which "
          + "\(machine.description.name) does not have; try -m qemu-vtd")
    }
  }

  /// One pass over a trace for all machines.
  private func replay(_ path: String, on machines: [ResolvedMachine]) throws -> [RunResult] {
    let reader = try TraceReader(path: path, format: trace.format, salvage: trace.salvage)
    let plan = ReplayPlan(
      hasEvents: reader.mayHaveProcessorEvents,
      recorded: first.map { RecordedTables(first: $0, second: second) })
    let slots = BlockPipeline.slots(for: cores.threads)
    let sweep = Sweep(
      machines, plan, slots: slots, threads: cores.threads, checksRecorded: checkRecorded)
    let answers = answers()
    let runs = answers.isEmpty ? [] : machines.map { AnswerRun(answers, of: $0, plan) }
    if let image { try readImage(image, into: sweep, runs) }
    try reader.forEachBlock(
      quiet: trace.quiet, threads: cores.threads,
      BlockPipeline.lanes(of: sweep) + runs.flatMap(BlockPipeline.lanes(of:)))
    let summary = try reader.finish()
    let identity = TraceIdentity(
      name: summary.name, sha256: summary.sha256, records: 0, tables: "", notes: summary.notes)
    var results = try sweep.results(of: identity)
    for (place, run) in runs.enumerated() { results[place].tables += try run.finish() }
    return results
  }

  /// Every question once, in the order of the list; those that tables of an image cannot answer are
  /// left out of `all`.
  private func answers() -> [Answer] {
    let asked = Set(questions.flatMap(\.answers))
    return Answer.allCases.filter { asked.contains($0) && (first == nil || !$0.needsSynthesis) }
  }

  private func readImage(
    _ path: String, into sweep: Sweep, _ runs: [AnswerRun]
  ) throws {
    var refused: UInt64?
    _ = try MemoryImage.read(path: path, format: nil, base: imageBase?.value) {
      (address, bytes) throws(TraceError) in
      if !sweep.addPage(at: address, bytes) && refused == nil { refused = address }
      for run in runs where !run.addPage(at: address, bytes) && refused == nil { refused = address }
    }
    if let refused {
      throw FileError(
        path, "page 0x\(String(refused, radix: 16)) comes twice or finds no memory",
        cure: "give an image with each page once")
    }
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

/// What `--answer` names: one question or all of them.
struct Questions: ExpressibleByArgument {
  var answers: [Answer]

  init?(argument: String) {
    if argument == "all" {
      answers = Answer.allCases
    } else if let answer = Answer(rawValue: argument) {
      answers = [answer]
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { Answer.allCases.map(\.rawValue) + ["all"] }
}
