import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// What is skipped where nothing changed changes nothing: every result, place and finding is that of
/// the replay that looks up every touch.
@Suite("Events between records, by runs and touch by touch")
struct EventDifferentialTests {
  private static let pages: [UInt64] =
    (0..<40).map { 0x40_0000 + $0 << 12 } + (0..<20).map { 0x7f00_0000_0000 + $0 << 21 }

  /// Events as systems have them, with few values, so that spaces, tags and pages come back.
  private static func event(
    _ random: inout SeededGenerator, changes: Bool
  ) -> (EventTag, [UInt64]) {
    func draw(_ range: ClosedRange<UInt64>) -> UInt64 { .random(in: range, using: &random) }
    let page = pages.randomElement(using: &random) ?? 0
    switch draw(0...(changes ? 17 : 13)) {
    case 0, 1: return (.cr3, [draw(1...3) << 12 | draw(1...3), draw(0...1)])
    case 2: return (.vcpuIn, [draw(0...2), draw(0...1)])
    case 3: return (.vmExit, [draw(0...2), 10])
    case 4: return (.vmEntry, [draw(0...2)])
    case 5: return (.invlpg, [page])
    case 6: return (.invpcid, [draw(0...3), draw(1...3), page])
    case 7: return (.invept, [draw(1...2), draw(1...2)])
    case 8: return (.invvpid, [draw(0...3), draw(0...2), page])
    case 9: return (.privilege, [draw(0...1) * 3, draw(0...1)])
    // PAE and PCIDE, then PGE, SMEP and SMAP as they come.
    case 10: return (.control, [4, 0x20020 | draw(0...1) << 7 | draw(0...3) << 20])
    case 11: return (.sensitive, [10])
    case 12: return (.pageFault, [page])
    case 13: return (.map, [1, page, 0x4000, 3])
    case 14: return (.unmap, [draw(1...2), page, 0x2000])
    case 15: return (.protect, [1, page, 0x3000, draw(0...7)])
    case 16: return (.tableWrite, [1, draw(0...20) << 12 | draw(0...511) << 3, 0])
    default: return (.tlbControl, [draw(0...7), draw(0...2)])
    }
  }

  /// Blocks of some records, now and then with a burst of events and now and then with none for long.
  private static func blocks(seed: UInt64, changes: Bool, faults: Bool) -> [TraceBlock] {
    var random = SeededGenerator(state: seed &* 7919 &+ 3)
    var blocks: [TraceBlock] = []
    for _ in 0..<4 {
      var builder = BlockBuilder()
      builder.append(.vcpuDefine, words: [0, 1, 1, 1, 0x1000])
      builder.append(.vcpuDefine, words: [1, 2, 2, 2, 0x1000])
      builder.append(.vcpuDefine, words: [2, 1, 3, 1, 0x2000])
      var recent = pages[0]
      for _ in 0..<1500 {
        if Int.random(in: 0..<40, using: &random) == 0 {
          for _ in 0..<Int.random(in: 1...3, using: &random) {
            let (tag, words) = event(&random, changes: changes)
            builder.append(tag, words: words)
          }
        }
        let draw = Int.random(in: 0..<100, using: &random)
        if draw < 30 { recent = pages.randomElement(using: &random) ?? 0 }
        var address = recent &+ UInt64.random(in: 0..<4096, using: &random)
        if draw == 99, faults { address |= 1 << 50 }
        builder.append(
          address: address, kind: AccessKind(rawValue: UInt8(draw % 4)) ?? .load, size: 8,
          thread: 0, instructions: 1)
      }
      let block = TraceBlock()
      builder.finish(into: block)
      blocks.append(block)
    }
    return blocks
  }

  private static func result(
    _ blocks: [TraceBlock], _ machine: ResolvedMachine, everyTouch: Bool
  ) throws -> RunResult {
    let replay = Replay(machine, ReplayPlan(hasEvents: true), everyTouch: everyTouch)
    for block in blocks { try replay.replay(block) }
    return try replay.result(
      of: TraceIdentity(name: "test", sha256: "", records: 0, tables: "", notes: []))
  }

  private static let exits =
    "exits={hypervisor: 'full', roundTripCycles: 1000, userSpaceCycles: 5000, "
    + "calloutCycles: 100, handlerCycles: 500}"

  static let machines: [(preset: String, settings: [String])] = [
    ("reference-cached", []),
    ("reference-cached", ["virtualization.vpid=false", exits]),
    ("reference-cached", ["virtualization.pcid=false", "synthesis.firstStagePage=2M", exits]),
    ("zen5", ["virtualization.mode=native", "synthesis.firstStagePage=THP:50%"]),
    ("zen5", ["synthesis.secondStagePage=2M", "synthesis.firstStagePage=THP:30%"]),
    ("reference-cached", ["virtualization.mode=shadow"]),
    ("reference-cached", ["virtualization.mode=agile", "virtualization.nestedLevels=2"]),
    (
      "reference-cached",
      ["tlbs.L1D.sets=1", "tlbs.L1D.ways=24", "tlbs.L1I.sets=1", "tlbs.L1I.ways=20"]
    ),
    ("reference-cached", ["tlbs.L1D.replacement=fifo", "secondStage.format=npt:4"]),
    ("reference-cached", ["tlbs.L2.index=xor", "virtualization.invalidation=conservative"]),
  ]

  @Test("every result is equal", arguments: machines.indices, [false, true])
  func equal(index: Int, changes: Bool) throws {
    let (name, settings) = Self.machines[index]
    let preset = try #require(Preset.named(name))
    let machine = try MachineDescription.load(
      json: preset.json, file: "test", settings: settings + ["cores=2"])
    for seed in 0..<9 {
      let blocks = Self.blocks(
        seed: UInt64(seed), changes: changes, faults: seed % 3 == 2)
      let quick = try Self.result(blocks, machine, everyTouch: false)
      let slow = try Self.result(blocks, machine, everyTouch: true)
      #expect(quick == slow, "seed \(seed)")
      #expect(slow.counters["walk.count", default: 0] > 100)
    }
  }
}
