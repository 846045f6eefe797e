import ArgumentParser
import Machine
import Results
import TraceFile
import Translation

/// What commands that report on whole replays share: where memory starts, what is asked, how it is read.
struct ReplayOptions: ParsableArguments {
  @OptionGroup var memory: ImageOptions

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

  func validate() throws {
    if let answer = questions.flatMap(\.answers).first(where: \.needsSynthesis),
      memory.first != nil, !questions.contains(where: { $0.answers.count > 1 })
    {
      throw ValidationError("--answer \(answer.rawValue) needs tables that are made, not --first")
    }
  }

  /// A question that was asked by its name has to have an answer.
  func checkQuestions(of machines: [ResolvedMachine]) throws {
    let asked = questions.filter { $0.answers.count == 1 }.flatMap(\.answers)
    guard let question = asked.first(where: \.needsDevices) else { return }
    if let machine = machines.first(where: { $0.description.iommu == nil }) {
      throw ValidationError(
        "--answer \(question.rawValue) needs a machine with an IOMMU, which "
          + "\(machine.description.name) does not have; try -m qemu-vtd")
    }
  }

  /// One pass over a trace for all machines.
  func replay(_ path: String, on machines: [ResolvedMachine]) throws -> [RunResult] {
    let reader = try TraceReader(path: path, format: trace.format, salvage: trace.salvage)
    let plan = memory.plan(of: reader)
    let slots = BlockPipeline.slots(for: cores.threads)
    let sweep = Sweep(
      machines, plan, slots: slots, threads: cores.threads, checksRecorded: checkRecorded)
    let answers = answers()
    let runs = answers.isEmpty ? [] : machines.map { AnswerRun(answers, of: $0, plan) }
    try memory.read { address, bytes in
      var isTaken = sweep.addPage(at: address, bytes)
      for run in runs where !run.addPage(at: address, bytes) { isTaken = false }
      return isTaken
    }
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
    return Answer.allCases.filter {
      asked.contains($0) && (memory.first == nil || !$0.needsSynthesis)
    }
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
