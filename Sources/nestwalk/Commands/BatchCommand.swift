import ArgumentParser
import Reporting
import Results
import TraceFile
import Translation

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

struct BatchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch",
    abstract: "Replay many traces on many machines into a folder with an index page.",
    discussion: """
      Writes index.html, a page and a JSON for each trace and machine, and all.csv. A trace that cannot \
      be read is told on stderr and in the index, the others are replayed all the same, and the exit \
      code is 2 at the end.

      EXAMPLES:
        nestwalk batch traces/*.nwt -m reference -m zen5 -o out
        nestwalk batch traces/isolation/*.txt -m qemu-vtd --fail-on critical -o findings
        nestwalk batch a.nwt b.nwt -m zen5 --answer modes --answer page-sizes -o answers
      """)

  @Argument(help: "Containers or any importable traces.")
  var traces: [String]

  @Option(
    name: [.short, .customLong("machine")],
    help: "A preset of `nestwalk machine list`, or a description's file; may be repeated.")
  var machines: [String]

  @Option(name: .customLong("set"), help: MachineInput.setHelp)
  var settings: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The folder to write into; it is made if need be.", valueName: "folder"))
  var output: String

  @Option(name: .customLong("fail-on"), help: GateInput.help)
  var gates: [Gate] = []

  @OptionGroup var replay: ReplayOptions

  func validate() throws {
    guard !machines.isEmpty, !traces.isEmpty else {
      throw ValidationError("A batch has traces and machines.")
    }
    guard !traces.contains("-") else {
      throw ValidationError("A batch reads files and not standard input.")
    }
  }

  func run() throws {
    try refusing {
      let machines = try machines.map { try MachineInput.load($0, settings: settings) }
      try replay.checkQuestions(of: machines)
      try makeFolder()
      var entries: [BatchEntry] = []
      var failures: [BatchFailure] = []
      for (place, path) in traces.enumerated() {
        do {
          for result in try replay.replay(path, on: machines) {
            let page = pageName(
              entries.count + 1, "\(result.trace.name)-\(result.machine.name)")
            try write(render([result], as: .html, gates: gates), to: "\(page).html")
            try write(render([result], as: .json), to: "\(page).json")
            entries.append(BatchEntry(result, page: "\(page).html"))
          }
        } catch let error as TraceError {
          failures.append(note(path, error.description))
        } catch let error as ConservationError {
          failures.append(note(path, error.description))
        }
        if !replay.trace.quiet {
          printError("nestwalk: \(place + 1) of \(traces.count) traces done: \(path)")
        }
      }
      try write(render(entries.map(\.result), as: .csv), to: "all.csv")
      try write(batchIndex(entries, failures: failures), to: "index.html")
      printError("nestwalk: wrote \(output)/index.html")
      guard failures.isEmpty else {
        printError("nestwalk: \(failures.count) of \(traces.count) traces could not be replayed")
        throw Exit.refused
      }
      let agrees = GateInput.agrees(entries.map(\.result))
      try GateInput.judge(entries.map(\.result), by: gates)
      if !agrees { throw Exit.stopped }
    }
  }

  private func note(_ path: String, _ problem: String) -> BatchFailure {
    let line = problem.split(whereSeparator: \.isNewline).joined(separator: " ")
    printError("nestwalk: \(line)")
    return BatchFailure(file: path, problem: line)
  }

  private func makeFolder() throws(FileError) {
    guard mkdir(output, 0o777) == 0 || FilePlace.isFolder(output) else {
      throw FileError(output, "cannot be made a folder (\(systemReason()))")
    }
  }

  private func write(_ text: String, to name: String) throws(FileError) {
    let file = try PendingFile("\(output)/\(name)")
    try writeAll(Array(text.utf8), to: file.descriptor, file: file.path)
    try file.commit()
  }
}
