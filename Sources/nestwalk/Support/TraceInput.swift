import ArgumentParser
import Foundation
import TraceFile
import Translation

/// The options of every command that reads traces.
struct TraceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What the trace is, where its content and suffix do not tell.", valueName: "name"))
  var format: TraceFormat?

  @Flag(help: "Read what stands before the first damage of a container that is not whole.")
  var salvage = false

  @Flag(name: .shortAndLong, help: "Show no progress on the terminal.")
  var quiet = false
}

extension TraceFormat: ExpressibleByArgument {}

/// Refuses an output that would take the place of a trace that is read.
func refuseOverwriting(_ inputs: [String], with output: String) throws {
  guard output == "-" || !inputs.map(FilePlace.init).contains(FilePlace(output)) else {
    throw ValidationError("-o \(output) is an input.")
  }
}

/// Asked once: Foundation reads the limits of the process's control group each time.
private let availableProcessors = ProcessInfo.processInfo.activeProcessorCount

/// The option of commands that can use several cores.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to use; results do not depend on it.")
  var threads = min(availableProcessors, 8)

  func validate() throws {
    guard 1...256 ~= threads else { throw ValidationError("--threads is 1 to 256") }
  }
}

extension TraceReader {
  /// Takes every block through lanes of work, with progress on the terminal.
  func forEachBlock(quiet: Bool, threads: Int, _ lanes: [BlockPipeline.Lane]) throws {
    var progress = Progress(name, isQuiet: quiet)
    defer { progress.end() }
    let total = totalBytes
    try BlockPipeline(self, lanes, threads: threads).run { records, bytes in
      progress.show(records: records, bytes: bytes, of: total)
    }
  }

  /// Writes every block into a container, where reading a block, packing another and writing a third
  /// take place at the same time.
  func write(to writer: ContainerWriter, quiet: Bool) throws {
    var progress = Progress(name, isQuiet: quiet)
    defer { progress.end() }
    let total = totalBytes
    // As many on every machine: what a packer makes of a block may depend on those before it.
    let slots = BlockPipeline.slots(for: 2)
    let packers = (0..<slots).map { _ in writer.makePacker() }
    let lane = BlockPipeline.Lane { try writer.write($0, packedBy: packers[$1]) }
    try BlockPipeline(
      self, [lane], threads: min(ProcessInfo.processInfo.activeProcessorCount, slots),
      slots: slots, prepare: { try packers[$1].pack($0) }
    ).run { records, bytes in progress.show(records: records, bytes: bytes, of: total) }
  }

  /// Reads every block, with progress on the terminal.
  func forEachBlock(quiet: Bool, _ body: (TraceBlock) throws -> Void) throws {
    var progress = Progress(name, isQuiet: quiet)
    defer { progress.end() }
    let block = TraceBlock()
    var records = 0
    while try next(into: block) {
      try body(block)
      records += Int(block.counts.records)
      progress.show(records: records, bytes: bytesRead, of: totalBytes)
    }
  }
}

extension BlockPipeline {
  /// The lanes of machines that are replayed together.
  static func lanes(of sweep: Sweep) -> [Lane] {
    sweep.lanes.indices.map { lane in
      Lane(after: sweep.lanes[lane].after) { try sweep.replay($0, lane: lane, slot: $1) }
    }
  }

  /// The lanes of questions.
  static func lanes(of run: AnswerRun) -> [Lane] {
    (0..<run.parts).map { part in Lane { block, _ in try run.replay(block, part: part) } }
  }
}

/// A range of records, written `A..B` with B left out of it, or `A..` to the end.
struct RecordRange: ExpressibleByArgument {
  var first: Int
  var end: Int

  init?(argument: String) {
    guard let dots = argument.firstRange(of: ".."),
      let first = Int(argument[..<dots.lowerBound]), first >= 0
    else { return nil }
    let rest = argument[dots.upperBound...]
    guard let end = rest.isEmpty ? Int.max : Int(rest), end >= first else { return nil }
    self.first = first
    self.end = end
  }
}

/// A count with a thin separator every three digits, for people.
func grouped(_ count: Int) -> String {
  var text = ""
  let digits = String(count)
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index) % 3 == 0, text != "-" { text += "," }
    text.append(digit)
  }
  return text
}

/// A ratio with four digits after its point.
func decimal(_ numerator: Int, over denominator: Int) -> String {
  guard denominator > 0 else { return "-" }
  let scaled = (numerator * 10_000 + denominator / 2) / denominator
  let fraction = String(scaled % 10_000)
  return "\(scaled / 10_000).\(String(repeating: "0", count: 4 - fraction.count))\(fraction)"
}
