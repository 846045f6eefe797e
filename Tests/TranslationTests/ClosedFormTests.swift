import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Walks whose length follows from the number of levels alone.
@Suite("Closed forms of walks without caches")
struct ClosedFormTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var first: String
    var second: String
    var references: Int
    var testDescription: String { "\(first) over \(second)" }
  }

  /// With g first-stage and h second-stage entries a walk reads (g + 1)(h + 1) - 1.
  ///
  /// That is a second-stage walk of h for the table of each first-stage entry, that entry, and a
  /// second-stage walk for the data; g = 4, 3, 2 for 4K, 2M, 1G, and so is h.
  static let matrix = [
    Row(first: "4K", second: "4K", references: 24), Row(first: "4K", second: "2M", references: 19),
    Row(first: "4K", second: "1G", references: 14), Row(first: "2M", second: "4K", references: 19),
    Row(first: "2M", second: "2M", references: 15), Row(first: "2M", second: "1G", references: 11),
    Row(first: "1G", second: "4K", references: 14), Row(first: "1G", second: "2M", references: 11),
    Row(first: "1G", second: "1G", references: 8),
  ]

  static let allSizes =
    "tlbs=[{name: 'L1', serves: ['fetch', 'load', 'store'], "
    + "pageSizes: ['4K', '2M', '1G'], sets: 1, ways: 64, replacement: 'lru', latencyCycles: 0}]"

  @Test("a cold nested walk reads (g + 1)(h + 1) - 1 entries", arguments: matrix)
  func nested(_ row: Row) throws {
    let machine = try machine(
      "reference", Self.allSizes, "synthesis.firstStagePage=\(row.first)",
      "synthesis.secondStagePage=\(row.second)")
    let result = try replay(loads(0x7f12_3456_7890), on: machine)
    #expect(result.counters["walk.count"] == 1)
    #expect(result.counters["walk.references"] == row.references)
    #expect(result.histograms["walk.references"] == [HistogramBar(value: row.references, count: 1)])
    // 40 cycles a reference.
    #expect(result.counters["walk.cycles"] == 40 * row.references)
    let isSplintered = ["1G", "2M", "4K"].firstIndex(of: row.first) ?? 0
    let reach = ["1G", "2M", "4K"].firstIndex(of: row.second) ?? 0
    #expect(result.counters["walk.splintered"] == (reach > isSplintered ? 1 : 0))
  }

  /// (g + 1)(h + 1) - 1 with g and h the levels: 29, 29 and 35.
  @Test(
    "five levels in either stage or both",
    arguments: [
      ("x86-64:5", "ept:4", 29), ("x86-64:4", "ept:5", 29), ("x86-64:5", "ept:5", 35),
      ("x86-64:5", "npt:5", 35), ("x86-64:4", "npt:4", 24),
    ])
  func fiveLevels(first: String, second: String, references: Int) throws {
    let machine = try machine(
      "reference", "firstStage.format=\(first)", "secondStage.format=\(second)")
    let result = try replay(loads(0x12_3456_7890), on: machine)
    #expect(result.counters["walk.references"] == references)
    // Every place of the grid once.
    let grid = result.counters.filter { $0.key.hasPrefix("walk.grid.") }
    #expect(grid.count == references)
    #expect(grid.values.allSatisfy { $0 == 1 })
  }

  @Test("57 bits of address with five levels")
  func fiveLevelAddresses() throws {
    let machine = try machine("reference", "firstStage.format=x86-64:5")
    let result = try replay(loads(1 << 55, 1 << 56), on: machine)
    #expect(result.counters["walk.count"] == 2)
    #expect(result.counters["fault.generalProtection"] == 1)
  }

  @Test("a native walk reads one entry a level", arguments: [("4K", 4), ("2M", 3), ("1G", 2)])
  func native(size: String, references: Int) throws {
    let machine = try machine(
      "reference", Self.allSizes, "virtualization.mode=native",
      "synthesis.firstStagePage=\(size)")
    let result = try replay(loads(0x7f12_3456_7890), on: machine)
    #expect(result.counters["walk.references"] == references)
    #expect(result.counters["walk.references.secondStage"] == 0)
  }

  @Test("the second touch of a page walks no more, whatever the pages' size", arguments: matrix)
  func secondTouch(_ row: Row) throws {
    let machine = try machine(
      "reference", Self.allSizes, "synthesis.firstStagePage=\(row.first)",
      "synthesis.secondStagePage=\(row.second)")
    let result = try replay(loads(0x40_0000, 0x40_0fff, 0x40_0000), on: machine)
    #expect(result.counters["walk.count"] == 1)
    #expect(result.counters["tlb.L1.hits"] == 2)
  }

  @Test("a TLB without bounds misses once a page")
  func infinite() throws {
    let machine = try machine(
      "reference", "tlbs.L1D.ways=65536", "tlbs.L1D.sets=1", "tlbs.L1I.sets=1",
      "tlbs.L1I.ways=65536")
    var random = SeededGenerator(state: 7)
    let records = (0..<30_000).map { _ in
      TraceRecord(
        address: UInt64.random(in: 0..<5000, using: &random) << 12, kind: .load, size: 8,
        instructions: 1)
    }
    let pages = Set(records.map { $0.address >> 12 }).count
    let result = try replay(records, on: machine)
    #expect(result.counters["tlb.L1D.misses"] == pages)
    #expect(result.counters["walk.count"] == pages)
  }

  @Test("the grid of a cold 4x4 walk is one reference in each of its 24 places")
  func grid() throws {
    let result = try replay(loads(0), on: try machine("reference"))
    let grid = result.counters.filter { $0.key.hasPrefix("walk.grid.") }
    #expect(grid.count == 24)
    #expect(grid.values.allSatisfy { $0 == 1 })
    // The data row has no first-stage entry.
    #expect(grid["walk.grid.data.entry"] == nil)
    #expect(grid["walk.grid.L0.entry"] == 1)
  }

  @Test("an access that crosses a page is two touches and one access")
  func crossing() throws {
    let record = TraceRecord(address: 0xffe, kind: .modify, size: 4, instructions: 1)
    let result = try replay([record], on: try machine("reference"))
    #expect(result.counters["cpu.accesses"] == 1)
    #expect(result.counters["cpu.touches"] == 2)
    #expect(result.counters["tlb.L1D.lookups"] == 2)
    #expect(result.counters["walk.count"] == 2)
  }

  @Test("accessed and dirty bits are set once each")
  func updates() throws {
    // A load sets A in four entries. A load of the next page sets A in its leaf alone. A store to
    // the first page hits the TLB and sets D. Another store sets nothing more. A store to a third
    // page sets A and D in its leaf: 4 + 1 + 1 + 0 + 2 = 8.
    let records =
      loads(0x1000, 0x2000)
      + [0x1008, 0x1010, 0x3000].map {
        TraceRecord(address: $0, kind: .store, size: 8, instructions: 1)
      }
    let result = try replay(records, on: try machine("reference"))
    #expect(result.counters["walk.updates"] == 8)
  }

  @Test("an address that is not canonical faults before anything is read, each time")
  func nonCanonical() throws {
    let records = loads(1 << 47, 1 << 47, 0x1000, UInt64.max - 4096, 1 << 47)
    let result = try replay(records, on: try machine("reference"))
    #expect(result.counters["fault.generalProtection"] == 3)
    #expect(result.counters["walk.count"] == 5)
    #expect(result.histograms["walk.references"]?.first == HistogramBar(value: 0, count: 3))
    #expect(result.counters["tlb.L2.fills"] == 2)
  }
}

/// Lookups and hits counted by hand from the walk's definition.
@Suite("Walk caches, step by step")
struct WalkCacheStepTests {
  struct Step: Sendable, CustomTestStringConvertible {
    var address: UInt64
    var why: String
    /// First-stage and second-stage entries read by the walk of this address.
    var first: Int
    var second: Int
    var testDescription: String { "\(String(address, radix: 16)): \(why)" }
  }

  /// Sequential frames: the root is guest frame 1, and the first walk's tables 2, 3, 4 and page 5.
  ///
  /// All guest frames here lie in the first 2 MiB, so after the first second-stage walk (4 entries)
  /// each further one starts at the cached last table (1 entry), unless the nested TLB has the page.
  static let steps = [
    Step(
      address: 0x0000_0000,
      why: "all four levels; root 4 entries, then 1 for each of 3 tables "
        + "and the page", first: 4, second: 8),
    Step(
      address: 0x0000_1000, why: "L1 cache has the last table, so its place costs nothing",
      first: 1, second: 1),
    Step(
      address: 0x0020_0000,
      why: "L2 cache has the level-1 table; the new last table and the page "
        + "cost 1 each", first: 2, second: 2),
    Step(
      address: 0x4000_0000, why: "L3 cache has the level-2 table; two new tables and the page",
      first: 3, second: 3),
    Step(
      address: 0x80_0000_0000,
      why: "nothing is cached; the root's page is in the nested TLB; "
        + "three new tables and the page", first: 4, second: 4),
    Step(address: 0x0020_1000, why: "L1 cache again", first: 1, second: 1),
  ]

  @Test("each walk reads just what no cache has")
  func steps() throws {
    let machine = try machine("reference-cached")
    for count in 1...Self.steps.count {
      let before = try replay(
        Self.steps.prefix(count - 1).flatMap { loads($0.address) }, on: machine)
      let after = try replay(Self.steps.prefix(count).flatMap { loads($0.address) }, on: machine)
      let step = Self.steps[count - 1]
      func more(_ name: String) -> Int {
        (after.counters[name] ?? 0) - (before.counters[name] ?? 0)
      }
      #expect(more("walk.references.firstStage") == step.first, "\(step)")
      #expect(more("walk.references.secondStage") == step.second, "\(step)")
    }
  }

  @Test("probes stop at the first hit and count one lookup for each cache")
  func lookups() throws {
    let result = try replay(
      Self.steps.flatMap { loads($0.address) }, on: try machine("reference-cached"))
    // Six walks probe L1; walks 2 and 6 hit it. Four probe L2; walk 3 hits. Three probe L3; walk 4
    // hits, walks 1 and 5 do not.
    #expect(result.counters["walkCache.firstStage.L1.lookups"] == 6)
    #expect(result.counters["walkCache.firstStage.L1.hits"] == 2)
    #expect(result.counters["walkCache.firstStage.L2.lookups"] == 4)
    #expect(result.counters["walkCache.firstStage.L2.hits"] == 1)
    #expect(result.counters["walkCache.firstStage.L3.lookups"] == 3)
    #expect(result.counters["walkCache.firstStage.L3.hits"] == 1)
    // Second-stage translations: 5 + 1 + 2 + 3 + 5 + 1 = 17, of which the root's second one hits.
    #expect(result.counters["walkCache.nested.lookups"] == 17)
    #expect(result.counters["walkCache.nested.hits"] == 1)
    // Of the 16 others the very first misses all three caches, and 15 hit the deepest.
    #expect(result.counters["walkCache.secondStage.L1.lookups"] == 16)
    #expect(result.counters["walkCache.secondStage.L1.hits"] == 15)
    #expect(result.counters["walkCache.secondStage.L2.lookups"] == 1)
    #expect(result.counters["walkCache.secondStage.L3.hits"] == 0)
  }
}

@Suite("What a result says of its trace")
struct FootprintNoteTests {
  @Test("a trace of fewer pages than twice the TLB's reach says so, and no other")
  func small() throws {
    // The reference machine's L2 has 128 x 12 = 1536 entries of 4 KiB, so 3072 pages are enough.
    for (pages, isSmall) in [(3071, true), (3072, false)] {
      let records = (0..<pages).map {
        TraceRecord(address: UInt64($0) << 12, kind: .load, size: 8, instructions: 1)
      }
      let result = try replay(records, on: try machine("reference"))
      #expect(result.counters["cpu.pages"] == pages)
      let notes = result.notes.filter { $0.hasPrefix("The trace touches") }
      #expect(
        notes
          == (isSmall
            ? [
              "The trace touches 3071 pages of 4 KiB, fewer than twice the 1536 that L2 reaches: "
                + "most walks are first touches. A longer trace would say more."
            ] : []))
    }
  }
}
