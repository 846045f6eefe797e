import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Many machines and all sizes from one pass.
@Suite("One pass gives what many would")
struct SweepTests {
  /// Blocks of records, as a reader would give them.
  static func blocks(
    of records: [TraceRecord], each count: Int, _ body: (TraceBlock) throws -> Void
  ) throws {
    for block in try blocks(of: records, each: count) { try body(block) }
  }

  /// More different first levels than one word of bits has, further levels, walk caches, tables of
  /// their own, and machines that the fast way does not suit.
  static var settings: [[String]] {
    let many = (1...36).map { ["tlbs.L1D.ways=\($0)", "tlbs.L2.ways=\(1 + $0 % 12)"] }
    return many + [
      ["tlbs.L1D.sets=1", "tlbs.L1D.ways=33"], ["walkCaches.nested.ways=3"],
      ["virtualization.mode=native"], ["synthesis.secondStagePage=2M"],
      ["tlbs.L1D.replacement=fifo"], ["tlbs.L2.sets=1", "tlbs.L2.ways=100"],
      ["tlbs.L2.sets=4", "tlbs.L2.ways=20"],
    ]
  }

  @Test("each machine of a sweep counts what it counts alone", arguments: [false, true], [1, 3])
  func equal(faults: Bool, slots: Int) throws {
    let records = DifferentialTests.records(seed: 3, count: 6000, faults: faults)
    let preset = try #require(Preset.named("reference-cached"))
    let machines = try Self.settings.map {
      try MachineDescription.load(json: preset.json, file: "reference-cached", settings: $0)
    }
    let sweep = Sweep(machines, slots: slots, threads: slots)
    try Self.pass(Self.blocks(of: records, each: 900), through: sweep, slots: slots)
    let results = try sweep.results(
      of: TraceIdentity(name: "test", sha256: "", records: 0, tables: "", notes: []))
    #expect(results.count == machines.count)
    for (machine, result) in zip(machines, results) {
      var alone = try replay(records, on: machine, everyTouch: true, blockRecords: 1311)
      var counted = result
      // Intervals end where blocks do, and these blocks are others; their sums are the same.
      for line in [alone, result].flatMap(\.timeLines) {
        for one in line.series {
          #expect(one.values.reduce(0, +) == result.counters[one.counter], "\(one.counter)")
        }
      }
      (alone.timeLines, counted.timeLines) = ([], [])
      #expect(counted == alone, "\(machine.canonicalJSON)")
    }
  }

  /// Takes blocks through the lanes of a sweep, the lane of each step picked at random among those
  /// that may go on.
  static func pass(_ blocks: [TraceBlock], through sweep: Sweep, slots: Int) throws {
    var generator = SeededGenerator(state: 5)
    var done = Array(repeating: 0, count: sweep.lanes.count)
    while true {
      let least = done.min() ?? 0
      let ready = done.indices.filter { lane in
        let block = done[lane]
        return block < blocks.count && block - least < slots
          && sweep.lanes[lane].after.map { done[$0] > block } ?? true
      }
      guard let lane = ready.randomElement(using: &generator) else { break }
      try sweep.replay(blocks[done[lane]], lane: lane, slot: done[lane] % slots)
      done[lane] += 1
    }
    #expect(done.allSatisfy { $0 == blocks.count })
  }

  static func blocks(of records: [TraceRecord], each count: Int) throws -> [TraceBlock] {
    stride(from: 0, to: records.count, by: count).map { start in
      var builder = BlockBuilder()
      for record in records[start..<min(start + count, records.count)] {
        builder.append(
          address: record.address, kind: record.kind, size: record.size, thread: 0,
          instructions: record.instructions)
      }
      let block = TraceBlock()
      builder.finish(into: block)
      return block
    }
  }

  /// Touches of each class in order, by the definition of a record.
  static func touches(of records: [TraceRecord], data: Bool) -> [UInt64] {
    records.filter { ($0.kind != .fetch) == data }.flatMap { record -> [UInt64] in
      let last = record.address &+ UInt64(max(record.size, 1) - 1)
      let pages = [record.address >> 12, last >> 12]
      return pages[0] == pages[1] ? [pages[0]] : pages
    }
  }

  @Test("the curves are what lists in the order of use count", arguments: [0, 9, 18])
  func curves(shift: UInt64) throws {
    // Far more pages than the short list of recent ones holds, used again at every distance.
    let records = DifferentialTests.records(seed: 9, count: 9000, faults: false)
    let curves = MissCurves(setCounts: [1, 8])
    try Self.blocks(of: records, each: 700) { try curves.add($0) }
    let size = ["4K", "2M", "1G"][Int(shift / 9)]
    for (accesses, isData) in [("instructions", false), ("data", true)] {
      let touches = Self.touches(of: records, data: isData)
      for (sets, sizes) in [
        (nil, [1, 2, 16, 31, 32, 33, 40, 100, 700]), (1, [1, 7, 32]), (8, [1, 3, 32]),
      ]
        as [(Int?, [Int])]
      {
        let curve = try #require(
          curves.curves.first {
            $0.accesses == accesses && $0.pageSize == size && $0.sets == sets
          })
        #expect(curve.touches == touches.count)
        #expect(curve.pages == Set(touches.map { $0 >> shift }).count)
        for ways in sizes {
          var naive = NaiveLRU(sets: sets ?? 1, ways: ways)
          var misses = 0
          for touch in touches where naive.find(touch >> shift) == nil {
            misses += 1
            _ = naive.insert(touch >> shift)
          }
          let counted = curve.misses[min(ways, curve.misses.count) - 1]
          #expect(counted == misses, "\(accesses), \(size), \(sets ?? 0) sets, \(ways) ways")
        }
      }
    }
  }

  @Test("a fully associative curve ends where only first touches miss")
  func end() throws {
    let records = (0..<5000).map {
      TraceRecord(address: UInt64($0 % 1100) << 12, kind: .load, size: 1, instructions: 0)
    }
    let curves = MissCurves(setCounts: [])
    try Self.blocks(of: records, each: 5000) { try curves.add($0) }
    let curve = try #require(curves.curves.first)
    // A loop over 1100 pages misses always in 1099 entries and never again in 1100.
    #expect(curve.misses.count == 1100)
    #expect(curve.misses[1098] == 5000)
    #expect(curve.misses[1099] == 1100)
  }
}
