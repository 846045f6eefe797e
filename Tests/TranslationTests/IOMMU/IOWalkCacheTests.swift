import Testing

@testable import Machine
@testable import Translation

/// Paging-structure caches of first-stage and nested walks, by the arithmetic of the walk: four levels
/// read 4 entries, four over four 24; a cached lowest table leaves the leaf alone.
@Suite("Walk caches of first-stage and nested DMA walks")
struct IOWalkCacheTests {
  private static func fixture(first: [Int], second: [Int]) -> VTdFixture {
    var fixture = VTdFixture(isScalable: true) {
      $0.walkCaches =
        first.map { .init(stage: .first, level: $0, cache: VTdFixture.cache(8)) }
        + second.map { .init(stage: .second, level: $0, cache: VTdFixture.cache(8)) }
    }
    // A second page beside page 7.
    fixture.memory.write(0xe030, 0x6007)
    return fixture
  }

  /// Of the two pages' walks: the root and context entries and the PASID's are read before the first.
  private static func references(
    _ fixture: inout VTdFixture, _ pasid: UInt32, between: (inout VTdFixture) -> Void = { _ in }
  ) -> [Int] {
    var counts: [Int] = []
    for address in [0x7000, 0x6000] as [UInt64] {
      let before = fixture.unit.references.tables
      let outcome = fixture.translate(VTdFixture.request(address, pasid: pasid))
      #expect(outcome.result == .translated)
      counts.append(fixture.unit.references.tables - before)
      between(&fixture)
    }
    return counts
  }

  @Test("a first-stage walk reads 4 entries, and 1 with its lowest table cached")
  func firstStage() {
    for (levels, second) in [([], 4), ([1], 1), ([2], 2), ([3], 3), ([1, 2, 3], 1)]
      as [([Int], Int)]
    {
      var fixture = Self.fixture(first: levels, second: [])
      #expect(Self.references(&fixture, 1) == [4, second])
    }
  }

  /// What is read where which tables are known.
  ///
  /// With the first stage's lowest table known and the second stage's lowest for its page too, the
  /// second walk reads the first stage's leaf and one entry for the data. Without second-stage caches it
  /// reads four for the data; with those of level 1 alone each of five walks reads 4, 1, 1, 1, 1 for
  /// pages of the same 2 MiB.
  @Test("a nested walk reads 24 entries, and 2 with both lowest tables cached")
  func nested() {
    for (first, second, counts) in [
      ([], [], [24, 24]), ([1], [], [24, 5]), ([], [1], [4 + 4 + 4, 4 + 5]),
      ([1], [1], [4 + 4 + 4, 2]), ([1, 2, 3], [1, 2, 3], [4 + 4 + 4, 2]),
    ] as [([Int], [Int], [Int])] {
      var fixture = Self.fixture(first: first, second: second)
      #expect(Self.references(&fixture, 2) == counts)
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var low: UInt64
    var high: UInt64 = 0
    /// Entries that the second page's walk reads: first stage alone (PASID 1), nested (PASID 2).
    var first: Int
    var nested: Int
    var why: String
    var testDescription: String { why }
  }

  /// Everything cached, a walk reads 1 and 2; with nothing cached it reads 4 and, filling the second
  /// stage's caches as it goes, 12; with the second stage's left 4 + 5.
  static let rows = [
    Row(low: 0x12, first: 4, nested: 12, why: "global"),
    Row(low: 0x5_0022, first: 4, nested: 12, why: "domain 5"),
    Row(low: 0x6_0022, first: 1, nested: 2, why: "domain 6"),
    Row(low: 0x5_0032, high: 0x4000, first: 1, nested: 12, why: "a page of the second stage"),
    Row(
      low: 0x5_0032, high: 0x4040, first: 1, nested: 9,
      why: "a page of the second stage with IH, which may hold a first-stage table"),
    Row(low: 0x1_0005_0026, first: 4, nested: 2, why: "PASID 1"),
    Row(low: 0x2_0005_0026, first: 1, nested: 9, why: "PASID 2"),
    Row(low: 0x1_0005_0036, high: 0x7000, first: 4, nested: 2, why: "a page of PASID 1"),
    Row(low: 0x1_0005_0036, high: 0x7040, first: 1, nested: 2, why: "a page of PASID 1 with IH"),
    Row(
      low: 0x1_0005_0036, high: 0x8000_0000, first: 1, nested: 2, why: "another 2 MiB of PASID 1"),
  ]

  @Test("go with invalidations as their tags and the hint say", arguments: rows)
  func invalidations(_ row: Row) {
    for (pasid, count) in [(1, row.first), (2, row.nested)] as [(UInt32, Int)] {
      var fixture = Self.fixture(first: [1, 2, 3], second: [1, 2, 3])
      let counts = Self.references(&fixture, pasid) { $0.command(row.low, row.high) }
      #expect(counts.last == count, "PASID \(pasid)")
    }
  }

  @Test("more spaces than tags begin anew, and no space sees another's tables")
  func spaces() {
    var tags = IOSpaceTags()
    for space in 0..<65_536 as Range<UInt64> { #expect(tags.number(of: space) == UInt16(space)) }
    #expect(tags.isFull)
    #expect(tags.number(of: 77) == 77)
    tags.removeAll()
    #expect(!tags.isFull && tags.number(of: 1 << 40) == 0)
  }

  /// A guest's walk of four levels over three under AMD-Vi.
  ///
  /// It reads the guest's CR3 entry and four entries, each
  /// found by three: 4 * 5 + 3 = 23 with the data's three. A second page of the same 2 MiB reads its
  /// leaf and three for the data with the guest's lowest table cached, and the leaf and one with the
  /// host's too, which also leaves one entry for each of the first walk's later places: 3 + 5 + 5.
  @Test("AMD-Vi's guest walks keep where the host has the guest's tables")
  func guest() {
    for (first, second, counts) in [
      ([], [], [23, 19]), ([1], [], [23, 4]), ([1], [1], [13, 2]),
    ] as [([Int], [Int], [Int])] {
      var fixture = Self.guestFixture(first: first, second: second)
      #expect(Self.guestReferences(&fixture) == counts)
    }
  }

  @Test("AMD-Vi's go with PDE or a host page of the domain, and stay for leaves of the guest")
  func guestInvalidations() {
    // INVALIDATE_IOMMU_PAGES is opcode 3, domain 47:32, PASID 15:0; GN bit 2, PDE bit 1 of the second word.
    let command: UInt64 = 3 << 60 | 5 << 32
    for (word0, word1, count) in [
      (command | 1, 0x7004, 4), (command | 1, 0x7006, 19 + 4), (command, 0x5000, 19),
      (command, 0x5002, 19 + 4), (command ^ 3 << 32, 0x5002, 4), (8 << 60, 0, 23),
    ] as [(UInt64, UInt64, Int)] {
      var fixture = Self.guestFixture(first: [1, 2, 3], second: [])
      let counts = Self.guestReferences(&fixture) { $0.command(word0, word1) }
      #expect(counts.last == count, "\(String(word0, radix: 16)) \(String(word1, radix: 16))")
    }
  }

  /// Device 0x38 of domain 5, three host levels that map each page to itself; PASID 1's guest tables
  /// stand at 0x21000 to 0x24000, where pages 6 and 7 lead to 0x8000 and 0x9000; the table of guest
  /// CR3s has one level at 0x20000.
  private static func guestFixture(first: [Int], second: [Int]) -> AMDViTests.Fixture {
    var fixture = AMDViTests.Fixture {
      $0.walkCaches =
        first.map { .init(stage: .first, level: $0, cache: VTdFixture.cache(8)) }
        + second.map { .init(stage: .second, level: $0, cache: VTdFixture.cache(8)) }
    }
    for page in 0..<64 as Range<UInt64> {
      fixture.memory.write(0x5000 + 8 * page, page << 12 | 1 | 3 << 61)
    }
    // GV; GCR3 14:12 in bits 60:58 and 30:15 in bits 31:16 of the second word: 0x20000 is bit 17.
    fixture.memory.write(0x10_0700, 0x3000 | 3 << 9 | 3 | 3 << 61 | 1 << 55)
    fixture.memory.write(0x10_0708, 5 | (0x20000 >> 15) << 16)
    for (address, value) in [
      (0x20008, 0x21001), (0x21000, 0x22007), (0x22000, 0x23007), (0x23000, 0x24007),
      (0x24030, 0x8007), (0x24038, 0x9007),
    ] as [(UInt64, UInt64)] { fixture.memory.write(address, value) }
    return fixture
  }

  private static func guestReferences(
    _ fixture: inout AMDViTests.Fixture, between: (inout AMDViTests.Fixture) -> Void = { _ in }
  ) -> [Int] {
    var counts: [Int] = []
    for address in [0x7000, 0x6000] as [UInt64] {
      let before = fixture.unit.references.tables
      let outcome = fixture.translate(address, pasid: 1)
      #expect(outcome.result == .translated)
      counts.append(fixture.unit.references.tables - before)
      between(&fixture)
    }
    return counts
  }
}
