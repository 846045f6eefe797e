import Machine
import Testing

@testable import Translation

/// The structures of the fast way against lists in the order of use.
@Suite("Tables of numbered translations are exact LRU")
struct NumberedTests {
  static func description(_ sets: Int, _ ways: Int) throws -> TLBDescription {
    let described = try machine(
      "reference",
      "tlbs=[{name: 'T', serves: ['fetch', 'load', 'store'], pageSizes: ['4K'], sets: \(sets), "
        + "ways: \(ways), replacement: 'lru', latencyCycles: 0}]")
    return try #require(described.description.tlbs.first)
  }

  /// One configuration of the oracle: a list for each class.
  struct NaivePair {
    var lists: [NaiveLRU]
    var misses = [0, 0]
    var evictions = [0, 0]

    init(_ fetch: (Int, Int), _ data: (Int, Int)) {
      lists = [NaiveLRU(sets: fetch.0, ways: fetch.1), NaiveLRU(sets: data.0, ways: data.1)]
    }

    /// Whether it missed.
    mutating func use(_ page: UInt64, _ access: Int) -> Bool {
      if lists[access].find(page) != nil { return false }
      misses[access] += 1
      if lists[access].insert(page) { evictions[access] += 1 }
      return true
    }
  }

  static let geometries = [
    (1, 1), (1, 16), (1, 17), (1, 40), (1, 96), (4, 1), (16, 4), (8, 20), (32, 8), (1, 200),
  ]

  /// Uses with locality, stretches without misses and stretches of misses alone.
  static func uses(_ count: Int, pages: UInt64, seed: UInt64) -> [(page: UInt64, access: Int)] {
    var random = SeededGenerator(state: seed)
    var hot: UInt64 = 0
    return (0..<count).map { at in
      if at % 500 == 0 { hot = UInt64.random(in: 0..<pages, using: &random) }
      let draw = Int.random(in: 0..<100, using: &random)
      // Every third stretch of 5,000 uses stays in few pages, every third roams everywhere.
      let share = [97, 60, 5][at / 5000 % 3]
      let page =
        draw < share
        ? (hot + UInt64.random(in: 0..<24, using: &random)) % pages
        : UInt64.random(in: 0..<pages, using: &random)
      return (page, Int.random(in: 0...1, using: &random))
    }
  }

  // The second begins near the last time that 32 bits hold, so that times are given anew on the way.
  @Test("the first level, in many configurations at once", arguments: [1, UInt32.max - 9000])
  func firstLevel(firstTime: UInt32) throws {
    let pairs = try Self.geometries.map {
      (fetch: try Self.description($0, $1), data: try Self.description($0, $1))
    }
    var level = FirstLevel(pairs, firstTime: firstTime)
    var naive = Self.geometries.map { NaivePair($0, $0) }
    let pages: UInt64 = 700
    level.reserve(Int(pages))
    let all = Self.uses(60_000, pages: pages, seed: 7)
    var disagreements = 0
    var start = 0
    while start < all.count {
      // Blocks of several sizes: what a block knows of its uses is gone with it.
      let block = all[start..<min(start + 2500 + start % 3000, all.count)]
      start = block.endIndex
      let entries = block.map { UInt16($0.page * 2 + UInt64($0.access)) }
      let indices = (0..<UInt32(2 * pages)).map { $0 }
      let base = level.begin(uses: entries.count)
      entries.withUnsafeBufferPointer { entries in
        indices.withUnsafeBufferPointer { indices in
          guard let first = entries.baseAddress, let numbers = indices.baseAddress else { return }
          let log = UseLog(entries: first, stride: 1, indices: numbers, base: base)
          for at in 0..<entries.count {
            let index = UInt32(entries[at])
            level.cells[Int(index)].recent = base + UInt32(at)
            let absent = level.all & ~level.cells[Int(index)].resident
            for one in 0..<naive.count {
              let missed = naive[one].use(UInt64(index >> 1), Int(index & 1))
              if missed != (absent >> UInt32(one) & 1 == 1) { disagreements += 1 }
              if missed { level.fill(index, page: UInt64(index >> 1), one, log, now: at) }
            }
          }
        }
      }
    }
    #expect(disagreements == 0)
    for one in 0..<naive.count {
      for access in 0...1 {
        let counters = level.counters(one, access)
        #expect(counters.misses == naive[one].misses[access])
        #expect(counters.evictions == naive[one].evictions[access])
        #expect(counters.occupied == naive[one].lists[access].sets.reduce(0) { $0 + $1.count })
      }
    }
  }

  static func miss(of page: UInt64, _ number: UInt32, faults: Bool = false) -> Miss {
    Miss(
      TranslationNumbers.Numbered(number: number, reach: .base4K), entry: 0, page: page,
      isData: true, writes: false, faults: faults)
  }

  @Test("a level behind it", arguments: Self.geometries.indices)
  func lower(index: Int) throws {
    let (sets, ways) = Self.geometries[index]
    var tlb = NumberedTLB(try Self.description(sets, ways))
    tlb.reserve(701)
    var naive = NaivePair((sets, ways), (sets, ways))
    var disagreements = 0
    for use in Self.uses(30_000, pages: 700, seed: 11) {
      // Numbers are given in another order than pages have.
      let number = UInt32(use.page * 37 % 701)
      let hit = tlb.lookup(Self.miss(of: use.page, number))
      let missed = naive.use(use.page, 0)
      if hit == missed { disagreements += 1 }
    }
    #expect(disagreements == 0)
    let (misses, evictions, occupied) = (tlb.misses, tlb.evictions, tlb.occupied)
    #expect(misses == naive.misses[0] && evictions == naive.evictions[0])
    #expect(occupied == naive.lists[0].sets.reduce(0) { $0 + $1.count })
    // A page without a translation leaves nothing behind.
    for _ in 0..<2 {
      let hit = tlb.lookup(Self.miss(of: 9000, 9000, faults: true))
      #expect(!hit)
    }
    let fills = tlb.fills
    #expect(fills == naive.misses[0])
  }

  @Test("heap sort sorts", arguments: [0, 1, 2, 3, 10, 97, 1000])
  func heapSort(count: Int) {
    var random = SeededGenerator(state: 3)
    var keys = (0..<count).map { _ in UInt64.random(in: 0..<500, using: &random) }
    let sorted = keys.sorted()
    keys.withUnsafeMutableBufferPointer { HeapSort.sort($0) }
    #expect(keys == sorted)
  }
}
