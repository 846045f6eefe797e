import Testing

@testable import Translation

/// Lengths of walks of tables that stand in memory, against arithmetic.
///
/// A walk reads g first-stage entries, each after finding its table with h_i second-stage entries, and
/// then finds the data with h_data: sum(h_i + 1) + h_data, which is (g + 1)(h + 1) - 1 where all h are
/// alike.
@Suite("Lengths of walks through tables in memory")
struct WalkLengthTests {
  static let address: UInt64 = 0x12_3456_7890

  /// First-stage entries g 1 to 5 by second-stage entries h 0 to 5.
  static let matrix: [[Int]] = [
    [1, 3, 5, 7, 9, 11], [2, 5, 8, 11, 14, 17], [3, 7, 11, 15, 19, 23], [4, 9, 14, 19, 24, 29],
    [5, 11, 17, 23, 29, 35],
  ]

  /// Levels as deep as g and h ask; one level in either stage is a table of pages of 4 KiB.
  @Test("g entries over h", arguments: 1...5, 0...5)
  func matrix(g: Int, h: Int) throws {
    for format in [NaiveWalker.Format.extended, .nested, .longMode] {
      // Regions of 1 GiB do not fit one or two levels of the second stage: there every page is one of
      // the few frames that they reach.
      let count =
        h == 1 || h == 2
        ? try shallow(format, g, h)
        : walked(TestTables(firstLevels: g, second: format, secondLevels: h), g, 0)
      #expect(count == Self.matrix[g - 1][h])
    }
  }

  private func walked(_ tables: TestTables, _ levels: Int, _ size: Int) -> Int {
    // No more bits than the levels translate, and none for the sign.
    let address = Self.address & (1 << UInt64(11 + 9 * levels) - 1)
    tables.mapFirst(address, size: size)
    let (outcome, count) = tables.walk(address)
    guard case .translated(let found) = outcome else {
      Issue.record("\(outcome)")
      return 0
    }
    #expect(found.first.leafLevel == size)
    return count
  }

  /// One or two second-stage levels, whose reach is 2 MiB or 1 GiB.
  private func shallow(_ format: NaiveWalker.Format, _ g: Int, _ h: Int) throws -> Int {
    let image = ImageMemory()
    func table(_ frame: UInt64) throws -> UnsafeMutablePointer<UInt64> {
      let words = image.memory.addFrame(frame)
      return try #require(words)
    }
    // Guest frame n is host frame 100 + n; second-stage tables are frames 1 and 2.
    let last = try table(UInt64(h))
    for at in 0..<512 { last[at] = UInt64(100 + at) << 12 | (format == .extended ? 0x37 : 0x67) }
    if h == 2 { try table(1)[0] = 2 << 12 | 7 }
    // First-stage tables are guest frames 1 to g, the page is g + 1.
    let address = Self.address & (1 << UInt64(11 + 9 * g) - 1)
    for step in 0..<g {
      let words = try table(UInt64(101 + step))
      let index = address >> UInt64(12 + 9 * (g - 1 - step)) % 512
      words[Int(index)] = UInt64(2 + step) << 12 | 0x67
    }
    let context = WalkContext(
      firstLevels: g, secondLevels: h, first: GPA(frame: 1), second: HPA(frame: 1))
    let stages = StageWalk(.x86, format.product, image)
    var path = WalkPath()
    guard case .translated = stages.walk(GVA(address), .read, context, &path) else { return 0 }
    return path.count
  }

  struct Sizes: Sendable, CustomTestStringConvertible {
    var levels: String
    /// First-stage leaf 4K, 2M, 1G by second-stage leaf 4K, 2M, 1G.
    var counts: [Int]
    var testDescription: String { levels }
  }

  /// With n and m levels: (n - f + 1)(m - s + 1) - 1 for leaves at levels f and s.
  static let sizes = [
    Sizes(levels: "44", counts: [24, 19, 14, 19, 15, 11, 14, 11, 8]),
    Sizes(levels: "54", counts: [29, 23, 17, 24, 19, 14, 19, 15, 11]),
    Sizes(levels: "45", counts: [29, 24, 19, 23, 19, 15, 17, 14, 11]),
    Sizes(levels: "55", counts: [35, 29, 23, 29, 24, 19, 23, 19, 15]),
  ]

  @Test("leaves of every size under leaves of every size", arguments: sizes)
  func pageSizes(_ row: Sizes) throws {
    let digits = row.levels.compactMap(\.wholeNumberValue)
    for first in 0..<3 {
      for second in 0..<3 {
        for format in [NaiveWalker.Format.extended, .nested] {
          let tables = TestTables(
            firstLevels: digits[0], second: format, secondLevels: digits[1],
            backing: Array(repeating: second, count: 8))
          tables.mapFirst(Self.address, size: first)
          let (outcome, count) = tables.walk(Self.address)
          #expect(count == row.counts[3 * first + second])
          guard case .translated(let found) = outcome else {
            Issue.record("\(outcome)")
            continue
          }
          // A TLB entry maps no more than the smaller page: it is splintered where that is the
          // second stage's.
          #expect(found.first.leafLevel == first && found.second.leafLevel == second)
          #expect(found.reach.leafLevel == min(first, second))
        }
      }
    }
  }

  @Test("tables and data backed by pages of different sizes: every combination of a 4-level walk")
  func mixed() {
    // Leaf levels of the four tables and the data; with level s a second-stage walk of four levels
    // reads 4 - s entries.
    for combination in 0..<243 {
      var left = combination
      let backing = (0..<5).map { _ -> Int in
        defer { left /= 3 }
        return left % 3
      }
      let tables = TestTables(firstLevels: 4, secondLevels: 4, backing: backing)
      tables.mapFirst(Self.address)
      // sum(h_i + 1) + h_data
      let expected = backing.reduce(0) { $0 + 4 - $1 } + 4
      #expect(tables.walk(Self.address).count == expected, "\(backing)")
    }
    // 4 * (4 + 1) + 3 = 23: only the data is on a 2 MiB page.
    let tables = TestTables(firstLevels: 4, secondLevels: 4, backing: [0, 0, 0, 0, 1])
    tables.mapFirst(Self.address)
    #expect(tables.walk(Self.address).count == 23)
  }

  /// The shadow table's entries above the switch, then m guest entries of which the first needs no
  /// second stage, and the data: (4 - m) + m + 4(m - 1) + 4 = 4(m + 1) for m of at least 1.
  @Test("agile walks", arguments: [(0, 4), (1, 8), (2, 12), (3, 16), (4, 20)])
  func agile(nestedLevels m: Int, references: Int) throws {
    let tables = TestTables(firstLevels: 4, secondLevels: 4)
    let places = tables.mapFirst(Self.address)
    let nested = tables.walk(Self.address)
    #expect(nested.count == 24)
    guard case .translated(let expected) = nested.outcome else {
      Issue.record("\(nested.outcome)")
      return
    }
    if m == 4 {
      tables.context.start = .guestAtHost
      tables.context.first = GPA(places[0] & ~0xfff)
    } else {
      // Shadow tables of the upper levels; the last leads to the guest's table of level m - 1, or is
      // the page's own entry.
      var table = tables.newFrame()
      tables.context.start = .shadow
      tables.context.first = GPA(table)
      for level in stride(from: 3, through: m, by: -1) {
        let place = table + Self.address >> UInt64(12 + 9 * level) % 512 * 8
        if level > m {
          table = tables.newFrame()
          tables[place] = table | 0x27
        } else if m > 0 {
          tables[place] = places[4 - m] & ~0xfff | 0x27 | WalkContext.switchesToGuest
        } else {
          tables[place] = expected.address.rawValue & ~0xfff | 0x67
        }
      }
    }
    let (outcome, count) = tables.walk(Self.address)
    #expect(count == references)
    guard case .translated(let found) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(found.address == expected.address)
  }

  @Test("shadow tables of any depth cost what native ones do", arguments: [4, 5])
  func shadow(levels: Int) {
    for size in 0..<3 {
      let tables = TestTables(firstLevels: levels)
      tables.mapFirst(Self.address, size: size)
      tables.context.start = .shadow
      // Whatever the second stage is, a shadow table's leaf names host memory.
      tables.context.secondLevels = 4
      #expect(tables.walk(Self.address).count == levels - size)
    }
  }
}
