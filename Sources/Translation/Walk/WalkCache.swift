import Machine

/// A cache of partial walks: from an address's upper bits to what the walk would find with them.
///
/// The cache of level `l` maps an address shifted right by 12 + 9l to the host-physical address of
/// the table of level `l - 1`; the nested TLB maps a guest-physical page to a host-physical one. The
/// space's tag stands in bits 63:48 of the key. Bits 11:0 of a value hold what the entries on the way
/// allow and more of that kind (`CachedTable`, `CachedPage`).
struct WalkCache: ~Copyable {
  let level: Int
  private let shift: UInt64
  private let entries: AssociativeTable<UInt64>
  private(set) var lookups = 0
  private(set) var hits = 0

  init(level: Int, _ geometry: WalkCacheGeometry) {
    self.level = level
    shift = TableLevel.shift(level)
    entries = AssociativeTable(
      sets: geometry.sets, ways: geometry.ways, policy: geometry.policy, seed: geometry.seed,
      initial: 0)
  }

  /// The key of an address in a space.
  ///
  /// An address shifted by 12 bits and more has at most 45, or 43 where it is sign-extended.
  @inline(__always)
  private func key(_ address: UInt64, _ tag: UInt16) -> UInt64 {
    address &>> shift | UInt64(tag) &<< 48
  }

  /// What the cache has for an address, where it stands; it becomes the most recent of its set.
  @inline(__always)
  mutating func find(_ address: UInt64, _ tag: UInt16) -> UnsafeMutablePointer<UInt64>? {
    lookups &+= 1
    guard let value = entries.find(key(address, tag)) else { return nil }
    hits &+= 1
    return value
  }

  /// Adds what a walk found, which a lookup of this walk just missed.
  @inline(__always)
  func insert(_ address: UInt64, _ tag: UInt16, _ value: UInt64) {
    _ = entries.insert(key(address, tag), value)
  }

  /// Removes the entries that a rule picks by their prefix, tag and value.
  ///
  /// - Parameter isGone: gets the address shifted right by 12 + 9 * `level` with its bits above 47
  ///   dropped, the space's tag, and the value.
  /// - Returns: how many they were.
  func remove(where isGone: (_ prefix: UInt64, _ tag: UInt16, _ value: UInt64) -> Bool) -> Int {
    entries.remove {
      isGone($0 & (1 << 48 - 1), UInt16(truncatingIfNeeded: $0 >> 48), $1)
    }
  }
}

/// A table in a walk cache of either stage.
struct CachedTable {
  var level: Int
  var table: HPA
  /// What the entries down to the table's allow.
  var rights: Rights
  /// The table is still a shadow table, and not a guest's.
  var isShadow: Bool

  @inline(__always)
  init(level: Int, table: HPA, rights: Rights, isShadow: Bool = false) {
    self.level = level
    self.table = table
    self.rights = rights
    self.isShadow = isShadow
  }

  @inline(__always)
  init(level: Int, word: UInt64) {
    self.init(
      level: level, table: HPA(word & ~0xfff),
      rights: Rights(rawValue: UInt8(truncatingIfNeeded: word & 31)),
      isShadow: word & 32 != 0)
  }

  @inline(__always)
  var word: UInt64 { table.rawValue | UInt64(rights.rawValue) | (isShadow ? 32 : 0) }
}

/// A page of the second stage, as the nested TLB keeps it: two words, so that it is handed on in
/// registers.
struct CachedPage: BitwiseCopyable {
  /// Of the address that was asked for.
  var host: HPA
  /// Bits 1:0 the size, 6:2 what the entries allow, 7 that the leaf is dirty, 11:8 its memory type; all
  /// set for no page.
  private var facts: UInt64

  @inline(__always)
  init(host: HPA, level: Int, rights: Rights, isDirty: Bool, type: UInt8) {
    self.host = host
    facts =
      UInt64(truncatingIfNeeded: level) & 3 | UInt64(rights.rawValue & 31) &<< 2
      | (isDirty ? 1 << 7 : 0) | UInt64(type & 15) &<< 8
  }

  /// From the nested TLB's word, for an address in its page.
  @inline(__always)
  init(word: UInt64, at address: GPA) {
    host = HPA(word & ~0xfff | address.rawValue & 0xfff)
    facts = word & 0xfff
  }

  private init(facts: UInt64) {
    host = HPA(0)
    self.facts = facts
  }

  /// Where there is no second stage.
  @inline(__always)
  static func identity(_ address: GPA) -> CachedPage {
    CachedPage(host: HPA(address.rawValue), level: 2, rights: .all, isDirty: true, type: 0)
  }

  /// The walk faulted.
  static let none = CachedPage(facts: .max)

  @inline(__always)
  var isNone: Bool { facts == .max }
  @inline(__always)
  var size: PageSize { PageSize(rawValue: UInt8(truncatingIfNeeded: facts & 3)) ?? .huge1G }
  @inline(__always)
  var rights: Rights { Rights(rawValue: UInt8(truncatingIfNeeded: facts &>> 2 & 31)) }
  @inline(__always)
  var isDirty: Bool { facts & 1 << 7 != 0 }
  @inline(__always)
  var type: UInt8 { UInt8(truncatingIfNeeded: facts &>> 8 & 15) }

  mutating func becomeDirty() { facts |= 1 << 7 }

  /// With the page's address of 4 KiB, and without the offset.
  @inline(__always)
  var word: UInt64 { host.rawValue & ~0xfff | facts }
}

/// The size and policy of a walk cache.
struct WalkCacheGeometry {
  var sets: Int
  var ways: Int
  var policy: ReplacementName
  var seed: UInt64
}

/// The walk caches of one stage, deepest first.
struct WalkCaches: ~Copyable {
  private let caches: UnsafeMutablePointer<WalkCache>
  let count: Int
  /// Four bits a level: where its cache stands; all set where the machine has none.
  private var places = ~UInt64(0)

  /// - Parameter descriptions: of one stage, at most one for each level.
  init(_ descriptions: [(level: Int, geometry: WalkCacheGeometry)]) {
    let deepestFirst = descriptions.sorted { $0.level < $1.level }
    count = deepestFirst.count
    caches = .allocate(capacity: max(count, 1))
    for (at, one) in deepestFirst.enumerated() {
      (caches + at).initialize(to: WalkCache(level: one.level, one.geometry))
      places &= ~(15 << UInt64(4 * one.level))
      places |= UInt64(at) << UInt64(4 * one.level)
    }
  }

  deinit {
    caches.deinitialize(count: count)
    caches.deallocate()
  }

  /// The deepest cached table on an address's way.
  ///
  /// Probing stops at the first hit, and one lookup is counted for each cache probed.
  @inline(__always)
  func deepest(for address: UInt64, _ tag: UInt16) -> CachedTable? {
    let (level, word) = probe(address, tag)
    return level < 0 ? nil : CachedTable(level: level, word: word)
  }

  /// As `deepest`, in two registers; the level is below 0 where no cache has anything.
  private func probe(_ address: UInt64, _ tag: UInt16) -> (level: Int, word: UInt64) {
    var at = 0
    while at < count {
      if let value = caches[at].find(address, tag) { return (caches[at].level &- 1, value.pointee) }
      at &+= 1
    }
    return (-1, 0)
  }

  /// Keeps the table below an entry of `level`.
  @inline(__always)
  func insert(_ address: UInt64, _ tag: UInt16, level: Int, _ table: CachedTable) {
    let at = Int(truncatingIfNeeded: places &>> UInt64(truncatingIfNeeded: 4 &* level) & 15)
    if at < 15 { caches[at].insert(address, tag, table.word) }
  }

  /// Reads one cache's counters, the deepest first.
  func withCache<Result>(_ index: Int, _ body: (borrowing WalkCache) -> Result) -> Result {
    body(caches[index])
  }
}

/// All walk caches of a core.
struct WalkCacheSet: ~Copyable {
  let first: WalkCaches
  let second: WalkCaches
  let nested: WalkCache
  let hasNested: Bool

  /// - Parameters:
  ///   - descriptions: of every cache of the machine.
  ///   - hasSecondStage: false in native mode, where the caches of the second stage serve nothing.
  ///   - seed: of what policies draw by chance.
  init(_ descriptions: [WalkCacheDescription], hasSecondStage: Bool, seed: UInt64 = 0) {
    var firstStage: [(level: Int, geometry: WalkCacheGeometry)] = []
    var secondStage: [(level: Int, geometry: WalkCacheGeometry)] = []
    var ofPages: WalkCacheGeometry?
    for (index, one) in descriptions.enumerated() {
      let geometry = WalkCacheGeometry(
        sets: one.sets, ways: one.ways, policy: one.replacement, seed: seed &+ UInt64(index))
      switch one.kind {
      case .firstStage(let level): firstStage.append((level, geometry))
      case .secondStage(let level): secondStage.append((level, geometry))
      case .nested: ofPages = geometry
      }
    }
    first = WalkCaches(firstStage)
    second = WalkCaches(hasSecondStage ? secondStage : [])
    hasNested = hasSecondStage && ofPages != nil
    nested = WalkCache(
      level: 0, ofPages ?? WalkCacheGeometry(sets: 1, ways: 1, policy: .lru, seed: 0))
  }
}
