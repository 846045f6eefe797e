import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// The product against the naive machine on seeded random records and geometries.
@Suite("Every counter equals the naive machine's")
struct DifferentialTests {
  /// Machines of every shape: split, unified, with stores apart, several sizes, many ways, no second
  /// level, odd walk caches, native.
  static let machines: [[String]] = [
    [],
    ["virtualization.mode=native"],
    ["tlbs.L1D.sets=1", "tlbs.L1D.ways=1", "tlbs.L2.sets=2", "tlbs.L2.ways=3"],
    ["tlbs.L1D.sets=1", "tlbs.L1D.ways=40", "tlbs.L2.sets=4", "tlbs.L2.ways=17"],
    // One first level for everything: runs do not suffice.
    [
      "tlbs=[\(tlb("L1", "'fetch','load','store'", "'4K'", 4, 4)), "
        + "\(tlb("L2", "'fetch','load','store'", "'4K'", 16, 4))]"
    ],
    // Stores apart from loads.
    [
      "tlbs=[\(tlb("I", "'fetch'", "'4K'", 4, 2)), \(tlb("Ld", "'load'", "'4K'", 4, 4)), "
        + "\(tlb("St", "'store'", "'4K'", 1, 3)), \(tlb("L2", "'fetch','load','store'", "'4K'", 8, 8))]"
    ],
    // Three levels.
    [
      "tlbs=[\(tlb("I", "'fetch'", "'4K'", 1, 2)), \(tlb("D", "'load','store'", "'4K'", 1, 2)), "
        + "\(tlb("M", "'load','store'", "'4K'", 1, 5)), "
        + "\(tlb("L", "'fetch','load','store'", "'4K'", 1, 20))]"
    ],
    // Large pages in TLBs of their own.
    [
      "synthesis.firstStagePage=2M", "synthesis.secondStagePage=2M",
      "tlbs=[\(tlb("I", "'fetch'", "'4K','2M'", 2, 2)), \(tlb("D", "'load','store'", "'2M'", 2, 2)), "
        + "\(tlb("L2", "'fetch','load','store'", "'2M'", 4, 2))]",
    ],
    [
      "synthesis.firstStagePage=1G", "synthesis.secondStagePage=2M",
      "tlbs=[\(tlb("A", "'fetch','load','store'", "'2M'", 2, 2))]",
    ],
    ["synthesis.firstStagePage=2M"],
    [
      "walkCaches=[{stage: 'first', level: 2, sets: 2, ways: 2, replacement: 'lru'}, "
        + "{stage: 'second', level: 1, sets: 1, ways: 18, replacement: 'lru'}, "
        + "{stage: 'nested', sets: 4, ways: 2, replacement: 'lru'}]"
    ],
    ["firstStage.format=x86-64:5"],
    ["firstStage.format=x86-64:5", "secondStage.format=ept:5"],
    ["secondStage.format=npt:4"],
    [
      "secondStage.format=npt:5", "synthesis.firstStagePage=2M",
      "walkCaches=[{stage: 'second', level: 4, sets: 1, ways: 2, replacement: 'lru'}, "
        + "{stage: 'first', level: 3, sets: 1, ways: 2, replacement: 'lru'}]",
    ],
    ["walkCaches=[{stage: 'nested', sets: 1, ways: 33, replacement: 'lru'}]"],
  ]

  private static func tlb(
    _ name: String, _ serves: String, _ sizes: String, _ sets: Int, _ ways: Int
  ) -> String {
    "{name: '\(name)', serves: [\(serves)], pageSizes: [\(sizes)], sets: \(sets), ways: \(ways), "
      + "replacement: 'lru', latencyCycles: 1}"
  }

  /// Records with locality, crossings, sparse regions and now and then an address that faults.
  static func records(seed: UInt64, count: Int, faults: Bool) -> [TraceRecord] {
    var random = SeededGenerator(state: seed &* 2 + 1)
    var recent: [UInt64] = [0x40_0000, 0x7fff_0000_0000]
    return (0..<count).map { _ in
      let draw = Int.random(in: 0..<100, using: &random)
      var address = recent.randomElement(using: &random) ?? 0
      if draw < 30 {
        address = address &+ UInt64.random(in: 0..<20_000, using: &random)
      } else if draw < 34 {
        address = UInt64.random(in: 0..<1 << 47, using: &random)
      } else if draw < 45 {
        address = UInt64.random(in: 0..<200, using: &random) << 12
      } else if draw == 46, faults {
        address = 1 << 50 | UInt64.random(in: 0..<8192, using: &random)
      }
      if address >> 47 == 0 {
        recent.append(address)
        if recent.count > 12 { recent.removeFirst() }
      }
      return TraceRecord(
        address: address,
        kind: AccessKind(rawValue: UInt8.random(in: 0...3, using: &random)) ?? .load,
        size: [1, 4, 8, 64][Int.random(in: 0..<4, using: &random)],
        instructions: UInt32.random(in: 0...3, using: &random))
    }
  }

  @Test(
    "run by run, touch by touch, by the general replay and naive", arguments: machines.indices,
    [false, true])
  func equal(index: Int, faults: Bool) throws {
    for base in ["reference", "reference-cached"] {
      let preset = try #require(Preset.named(base))
      let machine = try MachineDescription.load(
        json: preset.json, file: base, settings: Self.machines[index])
      for seed in 0..<3 {
        let records = Self.records(seed: UInt64(seed), count: 4000, faults: faults)
        var naive = NaiveMachine(machine.description)
        for record in records { naive.replay(record) }
        let byRuns = try replay(records, on: machine, blockRecords: 700)
        let byTouches = try replay(records, on: machine, everyTouch: true, blockRecords: 1311)
        #expect(byRuns.counters == byTouches.counters)
        #expect(byRuns.histograms == byTouches.histograms)
        let general = try replay(
          records, on: machine, blockRecords: 977, plan: ReplayPlan(hasEvents: true))
        #expect(byRuns.counters == general.counters)
        #expect(byRuns.histograms == general.histograms)
        for (name, value) in naive.results {
          #expect(byRuns.counters[name, default: 0] == value, "\(name), \(base), seed \(seed)")
        }
        let bars = naive.referencesPerWalk.sorted { $0.key < $1.key }
          .map { HistogramBar(value: $0.key, count: $0.value) }
        #expect(byRuns.histograms["walk.references"] == bars)
      }
    }
  }
}
