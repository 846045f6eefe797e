import CFloor
import Foundation
import Machine
import Results
import TraceFile
import Translation

/// Whole blocks of a trace, their pages decoded.
func blocks(of path: String) throws -> [TraceBlock] {
  let reader = try TraceReader(path: path)
  var blocks: [TraceBlock] = []
  while true {
    let block = TraceBlock()
    guard try reader.next(into: block) else { return blocks }
    try block.loadPages()
    blocks.append(block)
  }
}

/// Reads a trace from its file, block by block.
func forEachBlock(of path: String, _ body: (TraceBlock) throws -> Void) rethrows {
  guard let reader = try? TraceReader(path: path) else { return }
  let block = TraceBlock()
  while (try? reader.next(into: block)) == true { try body(block) }
}

/// Decoding: pages alone against every column; and one machine from the file against both.
func decoding(_ path: String, _ machine: ResolvedMachine) {
  var records = 0
  var sum: UInt64 = 0
  let timings = Measure.inTurn(
    5,
    [
      (
        "pages",
        {
          records = 0
          forEachBlock(of: path) {
            try? $0.loadPages()
            records += Int($0.counts.records)
          }
        }
      ),
      ("all", { forEachBlock(of: path) { try? $0.forEachRecord { sum ^= $0.address } } }),
      ("replay", { _ = counters(of: path, machine) }),
    ])
  let all = timings[1].median
  print(
    """
    \(name(path)), M records/s from the file: pages \(millions(records, timings[0])), all columns \
    \(millions(records, timings[1])), replay on \(machine.description.name) \
    \(millions(records, timings[2])); replay / all columns \
    \(hundredths(timings[2].median / all)), pages / all columns \(hundredths(timings[0].median / all))
    """)
  if sink(sum) { print("") }
}

/// One machine's counters of a trace in its file.
func counters(of path: String, _ machine: ResolvedMachine) -> [String: Int] {
  let replay = Replay(machine)
  forEachBlock(of: path) { try? replay.replay($0) }
  return result(of: replay)
}

func result(of replay: Replay) -> [String: Int] {
  let identity = TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: [])
  return (try? replay.result(of: identity))?.counters ?? [:]
}

/// Replay of decoded blocks: level by level with batches, and one touch after another with one walk
/// after another.
func replays(_ path: String, _ machine: ResolvedMachine) throws {
  let blocks = try blocks(of: path)
  let records = blocks.reduce(0) { $0 + Int($1.counts.records) }
  func count(everyTouch: Bool) -> [String: Int] {
    let replay = Replay(machine, everyTouch: everyTouch)
    for block in blocks { try? replay.replay(block) }
    return result(of: replay)
  }
  require(count(everyTouch: false) == count(everyTouch: true), "counters of both ways")
  let timings = Measure.inTurn(
    3,
    [
      ("fast", { _ = count(everyTouch: false) }), ("touches", { _ = count(everyTouch: true) }),
    ])
  print(
    """
    \(name(path)), decoded, on \(machine.description.name): \(millions(records, timings[0])) M \
    records/s, \(hundredths(timings[1].median / timings[0].median)) times the speed of touch after \
    touch with the scalar walker
    """)
}

/// Import of a lackey trace as it is written, against the plainest loop in C over its bytes.
func imports(_ path: String) throws {
  let text = try Data(contentsOf: URL(filePath: path), options: .alwaysMapped)
  func readInC() -> floor_accesses {
    text.withUnsafeBytes { floor_lackey($0.bindMemory(to: CChar.self).baseAddress, $0.count) }
  }
  var accesses = floor_accesses()
  func read() {
    accesses = floor_accesses()
    forEachBlock(of: path) { block in
      try? block.forEachRecord { record in
        guard record.kind != .fetch else { return }
        accesses.count += 1
        accesses.sum &+= record.address
      }
    }
  }
  let lines = text.reduce(0) { $0 + ($1 == 10 ? 1 : 0) }
  let inC = readInC()
  read()
  require(accesses.count == inC.count && accesses.sum == inC.sum, "data accesses of C and Swift")
  let timings = Measure.inTurn(
    5, [("Swift", { forEachBlock(of: path) { _ in } }), ("C", { _ = readInC() })])
  print(
    """
    \(name(path)), import: \(millions(lines, timings[0])) M lines/s into columns, C without them \
    \(millions(lines, timings[1])); Swift's time / C's \
    \(hundredths(timings[0].median / timings[1].median))
    """)
}

/// The time of 32 machines from one decode against that of one.
func sweeps(_ path: String) throws {
  guard let preset = Preset.named("zen5") else { return }
  let machines = try (0..<32).map {
    try MachineDescription.load(
      json: preset.json, file: "zen5",
      settings: ["tlbs.L1D.ways=\(16 + 16 * ($0 / 4))", "tlbs.L2D.ways=\(4 + 4 * ($0 % 4))"])
  }
  func run(_ machines: [ResolvedMachine]) -> [[String: Int]] {
    let sweep = Sweep(machines)
    forEachBlock(of: path) { try? sweep.replay($0) }
    let identity = TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: [])
    return ((try? sweep.results(of: identity)) ?? []).map(\.counters)
  }
  require(run([machines[20]]) == [run(machines)[20]], "a machine alone and among others")
  let timings = Measure.inTurn(
    3, [("one", { _ = run([machines[20]]) }), ("all", { _ = run(machines) })])
  print(
    "\(name(path)), swept from the file: 32 machines in "
      + "\(hundredths(timings[1].median / timings[0].median)) times the time of one")
}

func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

func millions(_ count: Int, _ timing: Measure.Timing) -> String {
  hundredths(Double(count) / timing.median / 1e6)
}

/// Never true, and the compiler does not know.
func sink(_ value: UInt64) -> Bool { value == 0x5eed }
