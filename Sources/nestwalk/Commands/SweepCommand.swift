import ArgumentParser
import Machine
import Reporting
import Results
import TraceFile
import Translation

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Replay traces on many variants of a machine from one decode, and draw miss curves.",
    discussion: """
      Every combination of the values of all --vary options is one machine. The folder gets
      sweep.csv (a row for each replay), results.json, curves.csv (misses of LRU tables of all sizes
      and associativities, exact) and sweep.html.

      EXAMPLES:
        nestwalk sweep app.nwt -m reference --vary tlbs.L2.ways=4,8,12,16 -o sweep
        nestwalk sweep app.nwt -m zen5 --vary tlbs.L1D.ways=48,64,96 \\
          --vary walkCaches.nested.ways=16,64 -o sweep
      """)

  @Argument(help: "Containers or any importable traces, or - for standard input.")
  var traces: [String]

  @Option(
    name: [.short, .customLong("machine")],
    help: "A preset of `nestwalk machine list`, or a description's file.")
  var machine: String

  @Option(name: .customLong("set"), help: MachineInput.setHelp)
  var settings: [String] = []

  @Option(
    help: ArgumentHelp(
      "Values that a part of the machine takes in turn; may be repeated.",
      valueName: "path=a,b,c"))
  var vary: [String] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write.", valueName: "folder"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Numbers of sets for which the misses of 1 to 32 ways are counted.", valueName: "counts"))
  var curveSets = "16,128"

  @Flag(inversion: .prefixedNo, help: "Count the misses of tables of every size.")
  var curves = true

  @OptionGroup var trace: TraceOptions

  @OptionGroup var cores: ThreadOptions

  /// Machines of one sweep.
  private static let maximumMachines = 4096

  private var variations: [Variation] { vary.compactMap(Variation.init) }
  private var setCounts: [Int]? {
    let counts = curveSets.split(separator: ",").map { Int($0) ?? 0 }
    return counts.allSatisfy { 1...65_536 ~= $0 && $0 & ($0 - 1) == 0 } ? counts : nil
  }

  func validate() throws {
    guard !traces.isEmpty else { throw ValidationError("Missing expected argument '<traces> ...'") }
    for text in vary where Variation(text) == nil {
      throw ValidationError("--vary \(text): expected path=a,b,c")
    }
    guard setCounts != nil else {
      throw ValidationError("--curve-sets \(curveSets): expected powers of two, 1 to 65536")
    }
    let count = variations.reduce(1) { $0 > Self.maximumMachines ? $0 : $0 * $1.values.count }
    guard count <= Self.maximumMachines else {
      throw ValidationError("--vary asks for more than \(Self.maximumMachines) machines.")
    }
  }

  func run() throws {
    try refusing {
      let combinations = Variation.combinations(of: variations)
      let machines = try MachineInput.load(
        machine,
        variants: combinations.map { values in
          settings + zip(variations, values).map { "\($0.path)=\($1)" }
        })
      if mkdir(output, 0o777) != 0, errno != EEXIST {
        throw FileError(output, "cannot be created (\(systemReason()))")
      }
      let files = try ["sweep.csv", "results.json", "curves.csv", "sweep.html"].map {
        try PendingFile("\(output)/\($0)")
      }
      var results = SweepResults(paths: variations.map(\.path), runs: [], curves: [])
      for path in traces {
        let one = try replay(path, on: machines)
        results.runs += zip(combinations, one.results).map {
          SweepResults.Run(values: $0, result: $1)
        }
        results.curves.append((one.name, one.curves))
      }
      let texts = [
        results.csv, render(results.runs.map(\.result), as: .json), results.curvesCSV, results.html,
      ]
      for (file, text) in zip(files, texts) {
        try writeAll(Array(text.utf8), to: file.descriptor, file: file.path)
      }
      for file in files { try file.commit() }
      printError("nestwalk: wrote \(output)/sweep.html and the tables beside it")
    }
  }

  private func replay(
    _ path: String, on machines: [ResolvedMachine]
  ) throws -> (name: String, results: [RunResult], curves: [MissCurve]) {
    let pass = curves ? MissCurves(setCounts: setCounts ?? []) : nil
    let reader = try TraceReader(path: path, format: trace.format, salvage: trace.salvage)
    let sweep = Sweep(
      machines, ReplayPlan(hasEvents: reader.mayHaveProcessorEvents),
      slots: BlockPipeline.slots(for: cores.threads), threads: cores.threads)
    var lanes = BlockPipeline.lanes(of: sweep)
    if let pass {
      lanes += (0..<pass.parts).map { part in
        BlockPipeline.Lane { block, _ in try pass.add(block, part: part) }
      }
    }
    try reader.forEachBlock(quiet: trace.quiet, threads: cores.threads, lanes)
    let summary = try reader.finish()
    let identity = TraceIdentity(
      name: summary.name, sha256: summary.sha256, records: 0, tables: "", notes: summary.notes)
    return (summary.name, try sweep.results(of: identity), pass?.curves ?? [])
  }
}

/// A place of a machine and the values that it takes in turn.
struct Variation {
  var path: String
  var values: [String]

  /// Reads `path=a,b,c`; commas within brackets, braces and quotes belong to a value.
  init?(_ text: String) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else { return nil }
    path = String(text[..<equals])
    values = [""]
    var depth = 0
    var quote: Character?
    for character in text[text.index(after: equals)...] {
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if "[{".contains(character) {
        depth += 1
      } else if "]}".contains(character) {
        depth -= 1
      } else if character == ",", depth == 0 {
        values.append("")
        continue
      }
      values[values.count - 1].append(character)
    }
    guard values.allSatisfy({ !$0.isEmpty }) else { return nil }
  }

  /// A value of each, the last varying fastest.
  static func combinations(of variations: [Variation]) -> [[String]] {
    variations.reduce([[]]) { combinations, variation in
      combinations.flatMap { before in variation.values.map { before + [$0] } }
    }
  }
}
