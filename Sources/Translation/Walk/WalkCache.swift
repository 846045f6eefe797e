import Machine

/// A cache of partial walks: from an address's upper bits to what the walk would find with them.
///
/// The cache of level `l` maps an address shifted right by 12 + 9l to the host-physical address of
/// the table of level `l - 1`; the nested TLB maps a guest-physical page to a host-physical one. What
/// the entries on the way allow stands in the low bits, and for the nested TLB the page's size.
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

  /// What the cache has for an address; it becomes the most recent of its set.
  @inline(__always)
  mutating func find(_ address: UInt64) -> UInt64? {
    lookups += 1
    guard let value = entries.find(address >> UInt64(12 + 9 * level)) else { return nil }
    hits += 1
    return value.pointee
  }

  /// Adds what a walk found, which a lookup of this walk just missed.
  @inline(__always)
  func insert(_ address: UInt64, _ value: UInt64) {
    _ = entries.insert(address >> UInt64(12 + 9 * level), value)
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

  /// The deepest cached table on an address's way: its level, its place, what the way allows.
  ///
  /// Probing stops at the first hit, and one lookup is counted for each cache probed.
  @inline(__always)
  func deepest(for address: UInt64) -> (level: Int, table: HPA, rights: Rights)? {
    for at in 0..<count {
      if let value = caches[at].find(address) {
        let rights = Rights(rawValue: UInt8(truncatingIfNeeded: value & 15))
        return (caches[at].level - 1, HPA(value & ~0xfff), rights)
      }
    }
    return nil
  }

  /// Keeps where the table below an entry of `level` stands, and what the entries down to that one
  /// allow.
  @inline(__always)
  func insert(_ address: UInt64, level: Int, _ table: HPA, _ rights: Rights) {
    let at = places[level]
    if at >= 0 { caches[at].insert(address, table.rawValue | UInt64(rights.rawValue)) }
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
