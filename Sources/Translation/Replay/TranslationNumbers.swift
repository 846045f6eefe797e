import CLanes

/// Numbers the translations of the pages that a trace touches, in order of first touch.
///
/// What follows indexes arrays by these numbers instead of hashing pages. A page's number stands in a
/// table of its 2 MiB region, so that neighbours stand together as they do in real tables; only pages
/// of large translations and those without any are hashed.
struct TranslationNumbers: ~Copyable {
  /// A translation's number with its reach; nothing where the page was not seen before.
  struct Numbered {
    /// One more than the number, shifted left by two, with the reach below.
    var bits: UInt32

    init(bits: UInt32) { self.bits = bits }
    init(number: UInt32, reach: PageSize) { bits = (number + 1) << 2 | UInt32(reach.rawValue) }

    var isKnown: Bool { bits != 0 }
    @inline(__always) var number: UInt32 { bits >> 2 &- 1 }
    @inline(__always) var reach: PageSize {
      PageSize(rawValue: UInt8(truncatingIfNeeded: bits & 3)) ?? .base4K
    }
  }

  typealias Region = UnsafeMutablePointer<UInt32>

  private var regions = PointerTable()
  private var slabs: [UnsafeMutableRawPointer] = []
  private var freeInSlab = 0
  private var large = PointerTable()
  private var faulting = PointerTable()
  /// Translations, those of pages that fault among them.
  private(set) var count = 0
  /// Distinct base pages.
  private(set) var pages = 0

  /// As many as fill a large page.
  private static var slabRegions: Int { LargePages.bytes / regionBytes }
  private static var regionBytes: Int { 512 * MemoryLayout<UInt32>.stride }

  init() {}

  deinit { for slab in slabs { LargePages.unmap(slab, LargePages.bytes) } }

  /// The table of the region that a page belongs to; nothing where no page of it translates yet.
  @inline(__always)
  func region(of page: UInt64) -> Region? {
    regions[page >> 9].flatMap { Region(bitPattern: $0) }
  }

  /// Asks for the number of a page.
  @inline(__always)
  func prefetch(_ page: UInt64) {
    if let region = region(of: page) {
      lanes_prefetch(region + Int(truncatingIfNeeded: page & 511))
    }
  }

  /// The number of a page that was found to have no translation.
  func faulting(_ page: UInt64) -> Numbered? {
    faulting[page].map { Numbered(bits: UInt32(truncatingIfNeeded: $0)) }
  }

  /// Numbers a page that was not seen before.
  ///
  /// - Parameters:
  ///   - page: its number in base pages.
  ///   - reach: of its translation.
  /// - Returns: its number, which other pages of a large translation share; nothing where there is no
  ///   memory for it.
  mutating func add(_ page: UInt64, reach: PageSize) -> Numbered? {
    guard let region = region(of: page) ?? addRegion(page >> 9) else { return nil }
    var numbered = Numbered(number: UInt32(truncatingIfNeeded: count), reach: reach)
    if reach != .base4K {
      let tag = page >> reach.logFrames | UInt64(reach.rawValue) << 54
      if let known = large[tag] {
        numbered = Numbered(bits: UInt32(truncatingIfNeeded: known))
      } else {
        large.insert(tag, UInt(numbered.bits))
        count += 1
      }
    } else {
      count += 1
    }
    region[Int(page & 511)] = numbered.bits
    pages += 1
    return numbered
  }

  /// Numbers a page that has no translation, each by itself.
  mutating func addFaulting(_ page: UInt64, intended reach: PageSize) -> Numbered {
    let numbered = Numbered(number: UInt32(truncatingIfNeeded: count), reach: reach)
    faulting.insert(page, UInt(numbered.bits))
    count += 1
    pages += 1
    return numbered
  }

  private mutating func addRegion(_ number: UInt64) -> Region? {
    if freeInSlab == 0 {
      // The first on small pages, so that few regions take little memory.
      guard let slab = LargePages.map(LargePages.bytes, isSmall: slabs.isEmpty) else { return nil }
      slabs.append(slab)
      freeInSlab = Self.slabRegions
    }
    guard let slab = slabs.last else { return nil }
    let region = slab + (Self.slabRegions - freeInSlab) * Self.regionBytes
    freeInSlab -= 1
    regions.insert(number, UInt(bitPattern: region))
    return region.assumingMemoryBound(to: UInt32.self)
  }
}

/// A growing hash table from numbers to words that are not 0.
struct PointerTable: ~Copyable {
  private struct Cell {
    var key: UInt64
    /// 0 for an empty cell.
    var word: UInt
  }

  private var cells: UnsafeMutablePointer<Cell>
  private var logCells: UInt64 = 10
  private(set) var count = 0

  init() {
    cells = .allocate(capacity: 1 << 10)
    cells.initialize(repeating: Cell(key: 0, word: 0), count: 1 << 10)
  }

  deinit { cells.deallocate() }

  @inline(__always)
  private func cell(of key: UInt64) -> UnsafeMutablePointer<Cell> {
    let mask = 1 << logCells - 1
    var at = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> (64 - logCells))
    while true {
      let cell = cells + at
      if cell.pointee.word == 0 || cell.pointee.key == key { return cell }
      at = (at &+ 1) & mask
    }
  }

  /// The word of a key.
  @inline(__always)
  subscript(_ key: UInt64) -> UInt? {
    let word = cell(of: key).pointee.word
    return word == 0 ? nil : word
  }

  /// Adds a key that is not there.
  mutating func insert(_ key: UInt64, _ word: UInt) {
    if 2 * count >= 1 << logCells { grow() }
    cell(of: key).pointee = Cell(key: key, word: word)
    count += 1
  }

  private mutating func grow() {
    let (old, oldCount) = (cells, 1 << logCells)
    logCells += 1
    cells = .allocate(capacity: 1 << logCells)
    cells.initialize(repeating: Cell(key: 0, word: 0), count: 1 << logCells)
    for at in 0..<oldCount where old[at].word != 0 { cell(of: old[at].key).pointee = old[at] }
    old.deallocate()
  }
}
