import Machine

/// A cache of partial walks: from an address's upper bits to what the walk would find with them.
///
/// The cache of level `l` maps an address shifted right by 12 + 9l to the host-physical address of
/// the table of level `l - 1`; the nested TLB maps a guest-physical page to a host-physical one. The
/// space's tag stands in bits 63:48 of the key. Bits 11:0 of a value hold what the entries on the way
/// allow and more of that kind (`CachedTable`, `CachedPage`).
struct WalkCache: ~Copyable {
  let level: Int
  private let entries: AssociativeTable<UInt64>
  private(set) var lookups = 0
  private(set) var hits = 0

  init(level: Int, _ geometry: WalkCacheGeometry) {
    self.level = level
    entries = AssociativeTable(
      sets: geometry.sets, ways: geometry.ways, policy: geometry.policy, seed: geometry.seed,
      initial: 0)
  }

  /// The key of an address in a space.
  ///
  /// An address shifted by 12 bits and more has at most 45, or 43 where it is sign-extended.
  @inline(__always)
  private func key(_ address: UInt64, _ tag: UInt16) -> UInt64 {
    address >> UInt64(12 + 9 * level) | UInt64(tag) << 48
  }

  /// What the cache has for an address, where it stands; it becomes the most recent of its set.
  @inline(__always)
  mutating func find(_ address: UInt64, _ tag: UInt16) -> UnsafeMutablePointer<UInt64>? {
    lookups += 1
    guard let value = entries.find(key(address, tag)) else { return nil }
    hits += 1
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

/// A page of the second stage in the nested TLB.
struct CachedPage {
  var host: HPA
  var size: PageSize
  var rights: Rights
  var isDirty: Bool
  var type: UInt8

  @inline(__always)
  init(host: HPA, size: PageSize, rights: Rights, isDirty: Bool, type: UInt8) {
    self.host = host
    self.size = size
    self.rights = rights
    self.isDirty = isDirty
    self.type = type
  }

  /// Where there is no second stage.
  @inline(__always)
  static func identity(_ address: GPA) -> CachedPage {
    CachedPage(
      host: HPA(address.rawValue), size: .huge1G, rights: .all, isDirty: true, type: 0)
  }

  @inline(__always)
  init(word: UInt64) {
    self.init(
      host: HPA(word & ~0xfff),
      size: PageSize(rawValue: UInt8(truncatingIfNeeded: word & 3)) ?? .huge1G,
      rights: Rights(rawValue: UInt8(truncatingIfNeeded: word >> 2 & 31)),
      isDirty: word & 1 << 7 != 0, type: UInt8(truncatingIfNeeded: word >> 8 & 15))
  }

  /// With the address's frame; its offset is left out.
  @inline(__always)
  var word: UInt64 {
    host.rawValue & ~0xfff | UInt64(size.rawValue) | UInt64(rights.rawValue) << 2
      | (isDirty ? 1 << 7 : 0) | UInt64(type) << 8
  }
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
  /// Where the cache of a level stands; -1 where the machine has none.
  private var places: [Int] = Array(repeating: -1, count: WalkPath.steps)

  /// - Parameter descriptions: of one stage, at most one for each level.
  init(_ descriptions: [(level: Int, geometry: WalkCacheGeometry)]) {
    let deepestFirst = descriptions.sorted { $0.level < $1.level }
    count = deepestFirst.count
    caches = .allocate(capacity: max(count, 1))
    for (at, one) in deepestFirst.enumerated() {
      (caches + at).initialize(to: WalkCache(level: one.level, one.geometry))
      places[one.level] = at
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
    for at in 0..<count {
      if let value = caches[at].find(address, tag) {
        return CachedTable(level: caches[at].level - 1, word: value.pointee)
      }
    }
    return nil
  }

  /// Keeps the table below an entry of `level`.
  @inline(__always)
  func insert(_ address: UInt64, _ tag: UInt16, level: Int, _ table: CachedTable) {
    let at = places[level]
    if at >= 0 { caches[at].insert(address, tag, table.word) }
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
