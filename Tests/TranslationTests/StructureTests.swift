import Machine
import Testing

@testable import Translation

@Suite("Entry layouts")
struct LayoutTests {
  static let layouts: [(type: String, layout: [(name: String, bits: BitRange)])] = [
    ("X86PageTableEntry", X86PageTableEntry.layout),
    ("ExtendedPageTableEntry", ExtendedPageTableEntry.layout),
  ]

  @Test("fields tile the word without gaps or overlap", arguments: layouts.indices)
  func tiles(index: Int) {
    var next = 63
    for (name, bits) in Self.layouts[index].layout {
      #expect(bits.high == next, "\(Self.layouts[index].type).\(name)")
      next = bits.low - 1
    }
    #expect(next == -1)
  }

  @Test("a range's mask is its bits in place")
  func masks() {
    #expect(BitRange(0).mask == 1)
    #expect(BitRange(63).mask == 1 << 63)
    #expect(BitRange(51, 12).mask == 0x000f_ffff_ffff_f000)
    #expect(BitRange(63, 0).mask == .max)
  }
}

/// Intel SDM volume 3A, June 2016, "4-Level Paging", figure "Formats of CR3 and Paging-Structure
/// Entries with 4-Level Paging".
@Suite("x86-64 entries")
struct X86EntryTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var entry: UInt64
    var level: Int
    var isPresent = true
    var isLeaf = false
    var isMalformed = false
    var why: String
    var testDescription: String { why }
  }

  static let table = [
    Row(entry: 0, level: 0, isPresent: false, isLeaf: true, why: "P clear"),
    Row(entry: 0x5007, level: 3, why: "a PML4 entry for a table"),
    Row(entry: 0x5087, level: 3, isLeaf: true, isMalformed: true, why: "PS is reserved in PML4"),
    Row(entry: 0x4000_0087, level: 2, isLeaf: true, why: "a 1 GiB page"),
    Row(entry: 0x4000_1087, level: 2, isLeaf: true, why: "bit 12 of a 1 GiB page is PAT"),
    Row(
      entry: 0x4000_2087, level: 2, isLeaf: true, isMalformed: true,
      why: "bit 13 of a 1 GiB page is reserved"),
    Row(
      entry: 0x6000_0087, level: 2, isLeaf: true, isMalformed: true,
      why: "bit 29 of a 1 GiB page is reserved"),
    Row(entry: 0x20_0087, level: 1, isLeaf: true, why: "a 2 MiB page"),
    Row(
      entry: 0x30_0087, level: 1, isLeaf: true, isMalformed: true,
      why: "bit 20 of a 2 MiB page is reserved"),
    Row(entry: 0x5087, level: 0, isLeaf: true, why: "bit 7 of a 4 KiB page is PAT"),
  ]

  @Test("present, leaf and malformed", arguments: table)
  func rows(_ row: Row) {
    #expect(X86PageTable.isPresent(row.entry, .standard) == row.isPresent)
    #expect(X86PageTable.isLeaf(row.entry, level: row.level) == row.isLeaf)
    #expect(X86PageTable.isMalformed(row.entry, level: row.level, .standard) == row.isMalformed)
  }

  @Test("addresses lose the offset of their page and every bit outside 51:12")
  func addresses() {
    #expect(X86PageTable.address(in: 0xfff0_1234_5678_9fff, leafLevel: 0) == 0x1234_5678_9000)
    #expect(X86PageTable.address(in: 0x1234_5678_9fff, leafLevel: 1) == 0x1234_5660_0000)
    #expect(X86PageTable.address(in: 0x1234_5678_9fff, leafLevel: 2) == 0x1234_4000_0000)
  }
}

/// Intel SDM volume 3C, June 2016, "EPT Misconfigurations".
@Suite("EPT entries")
struct ExtendedEntryTests {
  @Test("permissions: write needs read; execute-only is supported", arguments: 0..<8)
  func permissions(rwx: Int) {
    let leaf = UInt64(rwx) | 6 << 3
    #expect(ExtendedPageTable.isPresent(leaf, .standard) == (rwx != 0))
    // 010b and 110b: write without read.
    #expect(ExtendedPageTable.isMalformed(leaf, level: 0, .standard) == (rwx == 2 || rwx == 6))
  }

  @Test("leaf memory types 2, 3 and 7 do not exist", arguments: 0..<8)
  func memoryTypes(type: Int) {
    let leaf = 7 | UInt64(type) << 3
    #expect(ExtendedPageTable.isMalformed(leaf, level: 0, .standard) == [2, 3, 7].contains(type))
    // An entry for a table has no memory type: bits 6:3 are reserved.
    #expect(ExtendedPageTable.isMalformed(leaf, level: 1, .standard) == (type != 0))
  }

  @Test("a large page is aligned, and none is larger than 1 GiB")
  func largePages() {
    #expect(!ExtendedPageTable.isMalformed(0x20_00b7, level: 1, .standard))
    #expect(ExtendedPageTable.isMalformed(0x20_10b7, level: 1, .standard))
    #expect(!ExtendedPageTable.isMalformed(0x4000_00b7, level: 2, .standard))
    #expect(ExtendedPageTable.isMalformed(0x4020_00b7, level: 2, .standard))
    #expect(ExtendedPageTable.isMalformed(0xb7, level: 3, .standard))
  }
}

@Suite("Addresses")
struct AddressTests {
  @Test(
    "canonical: bits 63 to 47 are equal",
    arguments: [
      (0, true), (0x7fff_ffff_ffff, true), (0x8000_0000_0000, false),
      (0xffff_7fff_ffff_ffff, false), (0xffff_8000_0000_0000, true), (UInt64.max, true),
    ])
  func canonical(address: UInt64, isCanonical: Bool) {
    #expect(GVA(address).isCanonical(levels: 4) == isCanonical)
  }

  @Test("an index is nine bits from 12 + 9l")
  func indices() {
    // 0x7f12_3456_7890 >> 12 = 0x7_f123_4567 = 254 . 72 . 418 . 359 in base 512.
    let address = GVA(0x7f12_3456_7890)
    #expect((0..<4).map { address.index(at: $0) } == [359, 418, 72, 254])
  }
}

@Suite("Frames are handed out once")
struct FrameAllocatorTests {
  @Test(
    "each frame once, aligned, never 0", arguments: FramePolicy.allCases, [0, 1, 77] as [UInt64])
  func unique(policy: FramePolicy, seed: UInt64) {
    var frames = FrameAllocator(policy: policy, seed: seed)
    var seen: Set<UInt64> = []
    // More 4 KiB frames than one pool of 2^20 has, and some of the other sizes.
    for at in 0..<1_100_000 {
      let frame = frames.take(.base4K) ?? 0
      guard frame != 0, seen.insert(frame).inserted else {
        Issue.record("frame \(frame) is handed out twice or is 0, at \(at)")
        return
      }
    }
    for size in [PageSize.large2M, .huge1G] {
      for _ in 0..<20_000 {
        let frame = frames.take(size) ?? 0
        #expect(frame % (1 << size.logFrames) == 0)
        guard seen.insert(frame).inserted else {
          Issue.record("frame \(frame) is handed out twice")
          return
        }
      }
    }
    #expect(frames.frameCount == 1_100_000 + 20_000 * (512 + 262_144))
  }

  @Test("sequential frames go up from 1")
  func sequential() {
    var frames = FrameAllocator(policy: .sequential, seed: 1)
    #expect((0..<5).map { _ in frames.take(.base4K) } == [1, 2, 3, 4, 5])
  }

  @Test("fragmented frames come in runs of eight")
  func fragmented() {
    var frames = FrameAllocator(policy: .fragmented, seed: 9)
    let taken = (0..<8192).compactMap { _ in frames.take(.base4K) }
    let neighbours = zip(taken, taken.dropFirst()).filter { $1 == $0 + 1 }.count
    // Seven of each eight steps stay in a run; runs meet by chance alone.
    #expect((7 * 1023...7 * 1024 + 16).contains(neighbours))
  }

  @Test("a zone that is used up gives nothing")
  func exhausted() {
    var frames = FrameAllocator(policy: .sequential, seed: 1)
    // 64 TiB to 256 TiB in pages of 1 GiB.
    for _ in 0..<(192 * 1024) { #expect(frames.take(.huge1G) != nil) }
    #expect(frames.take(.huge1G) == nil)
  }
}

@Suite("Tables with exact LRU")
struct AssociativeTableTests {
  @Test(
    "every geometry equals a list",
    arguments: [(1, 1), (1, 2), (16, 4), (4, 16), (1, 17), (8, 33), (1, 256), (1, 500), (128, 12)])
  func geometry(sets: Int, ways: Int) {
    let table = AssociativeTable<UInt64>(sets: sets, ways: ways, initial: 0)
    var naive = NaiveLRU(sets: sets, ways: ways)
    var random = SeededGenerator(state: UInt64(sets * 1000 + ways))
    let span = UInt64(sets * ways * 3 / 2 + 2)
    for step in 0..<20_000 {
      let tag = UInt64.random(in: 0..<span, using: &random)
      let expected = naive.find(tag)
      let found = table.find(tag)?.pointee
      guard found == expected else {
        Issue.record("step \(step): tag \(tag) gives \(found as Any), not \(expected as Any)")
        return
      }
      if expected == nil {
        let evicts = naive.insert(tag, tag ^ 0xabc)
        guard table.insert(tag, tag ^ 0xabc) == evicts else {
          Issue.record("step \(step): another entry should have gone")
          return
        }
      }
    }
    #expect(table.occupied == naive.sets.reduce(0) { $0 + $1.count })
  }

  @Test("times of use that run out are given anew in their order", arguments: [1, 4])
  func renumbered(sets: Int) {
    let table = LRUStamps<UInt64>(sets: sets, ways: 20, initial: 0)
    var naive = NaiveLRU(sets: sets, ways: 20)
    var random = SeededGenerator(state: 5)
    for step in 0..<4000 {
      // Every hundred steps the last time is near, and some entries are removed.
      if step % 100 == 99 {
        table.clock.pointee = .max - 30
        let gone = UInt64.random(in: 0..<5, using: &random)
        let removed = table.remove { tag, _ in tag % 5 == gone }
        var expected = 0
        for set in naive.sets.indices {
          expected += naive.sets[set].count { $0 % 5 == gone }
          naive.sets[set].removeAll { $0 % 5 == gone }
        }
        #expect(removed == expected)
      }
      let tag = UInt64.random(in: 0..<UInt64(30 * sets), using: &random)
      let isThere = naive.find(tag) != nil || naive.sets[Int(tag) % sets].contains(tag)
      #expect((table.find(tag) != nil) == isThere, "step \(step)")
      if !isThere { #expect(table.insert(tag, 0) == naive.insert(tag)) }
    }
    #expect(table.occupied == naive.sets.reduce(0) { $0 + $1.count })
  }
}

@Suite("Memory has only the frames that were added")
struct PhysicalMemoryTests {
  @Test("frames far apart keep their words while the table grows")
  func sparse() throws {
    var memory = PhysicalMemory()
    let frames = (0..<5000).map { UInt64($0) &* 0x9_8765_4321 % (1 << 40) }
    for frame in frames {
      let added = memory.addFrame(frame)
      let words = try #require(added)
      #expect(words[511] == 0)
      words[511] = frame
    }
    for frame in frames { #expect(memory.words(in: frame)?[511] == frame) }
    #expect(memory.words(in: 3) == nil)
    #expect(memory.frameCount == 5000)
  }
}

@Suite("Conservation laws")
struct ConservationTests {
  @Test("a broken law ends the run and names both sides")
  func broken() {
    var laws = Conservation()
    laws.equal(3, 3, "kept")
    laws.equal(3, 4, "hits and misses are lookups")
    laws.nonnegative(-1, "hits of L1")
    let error = #expect(throws: ConservationError.self) { try laws.check() }
    #expect(error?.broken == ["hits and misses are lookups: 3 and 4", "hits of L1 is -1"])
  }
}
