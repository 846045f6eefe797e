import ArgumentParser
import Machine
import Reporting
import Results
import TraceFile
import Translation

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show how a machine serves one record or event, or what led to a finding.",
    discussion: """
      For a record: what each TLB and walk cache answered, every table entry that its walk read, what \
      it cost, what was filled and displaced; with -o FILE.html as a picture. For an event, a device's \
      transfer or interrupt message: what the remapping unit's caches answered, filled and displaced, \
      what it read, and what became of it. For a finding: the events that led to it, and with --shrink \
      the smallest trace that still shows it, as a scenario that can be read, changed and replayed.

      EXAMPLES:
        nestwalk explain traces/sqlite-probe-8m.nwt -m zen5 --record 1000000
        nestwalk explain traces/sqlite-probe-8m.nwt -m reference --record 17 -o walk.html
        nestwalk explain dump.nwt -m zen5 --image tables.nwsp --first x86-64:4@0x100000 --record 0
        nestwalk explain traces/isolation/stale-window.txt -m qemu-vtd --event 12
        nestwalk explain traces/forged-interrupts.scenario -m qemu-vtd --event 24 -o message.html
        nestwalk explain traces/isolation/stale-window.txt -m qemu-vtd --finding V6
        nestwalk explain dma.nwt -m qemu-vtd --finding V6 --shrink smallest.txt
      """)

  @Argument(help: "A container or any importable trace.")
  var file: String

  @Option(
    name: [.short, .customLong("machine")],
    help: "A preset of `nestwalk machine list`, or a description's file.")
  var machine: String

  @Option(name: .customLong("set"), help: MachineInput.setHelp)
  var settings: [String] = []

  @Option(help: "The record to explain, counted from 0 as nestwalk inspect does.")
  var record: Int?

  @Option(
    help: ArgumentHelp(
      "The device's transfer or interrupt message to explain: an event, counted from 0 as findings and "
        + "nestwalk inspect do."))
  var event: Int?

  @Option(
    help: ArgumentHelp(
      "The finding to explain: the first of a rule (V6), or a later one (V6:2).",
      valueName: "rule"))
  var finding: FindingName?

  @Option(
    help: ArgumentHelp(
      "Write the smallest trace that still shows the finding, as a scenario.", valueName: "file"))
  var shrink: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the story of a record or event as a page, FILE.html.", valueName: "file"))
  var output: String?

  @OptionGroup var memory: ImageOptions

  @OptionGroup var trace: TraceOptions

  func validate() throws {
    guard [record != nil, event != nil, finding != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("Give one of --record N, --event N and --finding RULE.")
    }
    if let record, record < 0 { throw ValidationError("--record counts from 0") }
    if let event, event < 0 { throw ValidationError("--event counts from 0") }
    guard shrink == nil || memory.image == nil else {
      throw ValidationError("--shrink writes a trace that needs no --image")
    }
    guard shrink == nil || finding != nil else {
      throw ValidationError("--shrink belongs to --finding")
    }
    guard finding == nil || file != "-" else {
      throw ValidationError("A finding's trace is read twice, so it cannot be -.")
    }
    if let output {
      guard finding == nil else { throw ValidationError("-o belongs to --record and --event") }
      guard suffix(of: output).lowercased() == "html" else {
        throw ValidationError("-o \(output): a story is written as FILE.html")
      }
      try refuseOverwriting([file], with: output)
    }
    if let shrink { try refuseOverwriting([file], with: shrink) }
  }

  func run() throws {
    try refusing {
      let machine = try MachineInput.load(machine, settings: settings)
      if let record { return try explain(record, on: machine) }
      if let event { return try explain(event: event, on: machine) }
      if let finding { try explain(finding, on: machine) }
    }
  }

  private func reader() throws -> TraceReader {
    try TraceReader(path: file, format: trace.format, salvage: trace.salvage)
  }

  private func explain(_ record: Int, on machine: ResolvedMachine) throws {
    let pending = try output.map { try PendingFile($0) }
    let reader = try reader()
    let explainer = AccessExplainer(machine, memory.plan(of: reader), record: record)
    try memory.read(into: explainer.addPage)
    let block = TraceBlock()
    while !explainer.isDone, try reader.next(into: block) { try explainer.replay(block) }
    guard let story = explainer.story(of: reader.fileName) else {
      throw FileError(
        file, "has no record \(record)", cure: "nestwalk inspect says how many there are")
    }
    if let pending {
      try write(storyPage(story), to: pending)
    } else {
      printResult(storyText(story, width: Terminal.width))
    }
  }

  private func explain(event: Int, on machine: ResolvedMachine) throws {
    let pending = try output.map { try PendingFile($0) }
    let reader = try reader()
    guard let explainer = DeviceExplainer(machine, event: event) else {
      throw FileError(
        file, "has events of devices, and \(machine.description.name) has no IOMMU",
        cure: "try -m qemu-vtd, or another machine with one")
    }
    try memory.read(into: explainer.addPage)
    let block = TraceBlock()
    while !explainer.isDone, try reader.next(into: block) { try explainer.replay(block) }
    switch try explainer.finish(reader.fileName) {
    case .story(let story):
      if let pending {
        try write(storyPage(story), to: pending)
      } else {
        printResult(storyText(story, width: Terminal.width))
      }
    case .other(let name):
      throw FileError(
        file, "event \(event) is of kind \(name), which no unit translates or delivers",
        cure: "nestwalk inspect --events lists them; choose a dma or interruptMessage")
    case nil:
      throw FileError(
        file, "has no event \(event)", cure: "nestwalk inspect says how many there are")
    }
  }

  private func write(_ page: String, to pending: PendingFile) throws {
    try writeAll(Array(page.utf8), to: pending.descriptor, file: pending.path)
    try pending.commit()
    if pending.path != "-" { printError("nestwalk: wrote \(pending.path)") }
  }

  private func explain(_ name: FindingName, on machine: ResolvedMachine) throws {
    let pending = try shrink.map { try PendingFile($0) }
    let reader = try reader()
    let plan = memory.plan(of: reader)
    let replay = Replay(machine, plan)
    try memory.read(into: replay.addPage)
    var items = TraceItems()
    try reader.forEachBlock(quiet: trace.quiet) { block in
      try replay.replay(block)
      guard pending != nil else { return }
      try items.append(block)
      guard items.items.count <= Self.mostItems else {
        throw FileError(
          file, "has more than \(grouped(Self.mostItems)) records and events",
          cure: "cut out the part around the finding with nestwalk import --records A..B")
      }
    }
    let summary = try reader.finish()
    let identity = TraceIdentity(
      name: summary.name, sha256: summary.sha256, records: 0, tables: "", notes: [])
    let result = try replay.result(of: identity)
    let findings = result.findings.filter { $0.rule == name.rule }
    guard name.number <= findings.count else {
      let found = result.findings.map(\.rule).reduce(into: [String]()) {
        if !$0.contains($1) { $0.append($1) }
      }
      throw FileError(
        file, "shows \(findings.count) findings of \(name.rule) on \(machine.description.name)",
        cure: found.isEmpty
          ? "it shows none of any rule" : "it shows \(found.joined(separator: ", "))")
    }
    let finding = findings[name.number - 1]
    printResult(try told(finding))
    if let pending { try write(pending, items, finding, machine, plan) }
  }

  private static let mostItems = 4_000_000

  private func told(_ finding: Finding) throws -> String {
    let reader = try reader()
    var lines = FindingStoryLines(FindingEvidence(finding))
    let block = TraceBlock()
    while !lines.isDone, try reader.next(into: block) { try lines.take(block) }
    lines.finish()
    return findingStory(
      finding, of: reader.fileName, lines.lines, left: lines.left, width: Terminal.width)
  }

  private func write(
    _ pending: PendingFile, _ items: TraceItems, _ finding: Finding, _ machine: ResolvedMachine,
    _ plan: ReplayPlan
  ) throws {
    var shrinker = TraceShrinker(items, machine, plan, finding)
    let kept = try shrinker.shrink()
    let text = items.scenario(
      of: kept,
      comments: [
        "Shows \(finding.rule) \(finding.severity.rawValue) on \(machine.description.name): "
          + "\(kept.count) of \(items.items.count) records and events."
      ])
    try writeAll(Array(text.utf8), to: pending.descriptor, file: pending.path)
    try pending.commit()
    printError(
      "nestwalk: \(grouped(items.items.count)) records and events shrank to \(kept.count) in "
        + "\(grouped(shrinker.replays)) replays")
    if pending.path != "-" { printError("nestwalk: wrote \(pending.path)") }
  }
}

/// `V6` or `V6:2`.
struct FindingName: ExpressibleByArgument {
  var rule: String
  /// Counted from 1.
  var number: Int

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let rule = IsolationRule.named(String(parts[0])) else {
      return nil
    }
    self.rule = rule.id
    number = 1
    if parts.count == 2 {
      guard let wanted = Int(parts[1]), wanted > 0 else { return nil }
      number = wanted
    }
  }
}
