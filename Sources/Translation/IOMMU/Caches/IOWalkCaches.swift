import Machine

/// Where a table below an entry stands, and what the entries down to that one allow.
struct IOTablePlace: BitwiseCopyable {
  var table: UInt64
  var rights: Rights
  /// The level of the table; below the entry's by one, or by more where a format skips levels.
  var level: UInt8
}

/// Paging-structure caches of one stage: from an address's upper bits to the table below.
///
/// The cache of level `l` maps a space and an address shifted right by 12 + 9l to the table of level
/// `l - 1`, as the walk caches of a processor do.
struct IOWalkCaches: ~Copyable {
  private let caches: UnsafeMutablePointer<IOCache<IOTablePlace>>
  private let levels: [Int]
  private(set) var lookups: [Int]
  private(set) var hits: [Int]

  /// - Parameters:
  ///   - descriptions: of one stage, at most one for each level.
  ///   - seed: of what policies draw by chance.
  init(_ descriptions: [IOWalkCacheDescription], seed: UInt64) {
    let deepestFirst = descriptions.sorted { $0.level < $1.level }
    levels = deepestFirst.map(\.level)
    lookups = levels.map { _ in 0 }
    hits = levels.map { _ in 0 }
    caches = .allocate(capacity: max(levels.count, 1))
    for (at, one) in deepestFirst.enumerated() {
      (caches + at).initialize(
        to: IOCache(
          one.cache, seed: seed &+ UInt64(at), initial: IOTablePlace(table: 0, rights: [], level: 0)
        ))
    }
  }

  deinit {
    caches.deinitialize(count: levels.count)
    caches.deallocate()
  }

  /// The deepest cached table on an address's way, one lookup counted for each cache probed.
  @inline(__always)
  mutating func deepest(
    _ space: UInt64, _ address: UInt64, below top: Int
  ) -> IOTablePlace? {
    for at in 0..<levels.count where levels[at] <= top {
      lookups[at] += 1
      if let found = caches[at].find(space, address >> UInt64(12 + 9 * levels[at])) {
        hits[at] += 1
        return found.pointee
      }
    }
    return nil
  }

  @inline(__always)
  mutating func insert(_ space: UInt64, _ address: UInt64, level: Int, _ place: IOTablePlace) {
    for at in 0..<levels.count where levels[at] == level {
      _ = caches[at].insert(space, address >> UInt64(12 + 9 * level), place)
    }
  }

  mutating func removeAll() {
    for at in 0..<levels.count { caches[at].removeAll() }
  }

  /// Removes what a rule picks by space, first address and size of what an entry translates.
  mutating func remove(where isGone: (UInt64, UInt64, UInt8) -> Bool) {
    for at in 0..<levels.count {
      let shift = UInt8(12 + 9 * levels[at])
      caches[at].remove { space, key, _ in isGone(space, key << UInt64(shift), shift) }
    }
  }

  /// Removes a space's entries with a page in a range, by asking for each where they are few.
  ///
  /// The range has so many pages of 4 KiB, 0 for all that there are.
  @inline(__always)
  mutating func removePages(_ space: UInt64, _ address: UInt64, pages: UInt64) {
    let address = pages == 0 ? 0 : address
    let last = pages == 0 ? .max : address &+ ((pages << 12) &- 1)
    for at in 0..<levels.count where caches[at].occupied > 0 {
      let shift = UInt64(12 + 9 * levels[at])
      let (first, end) = (address >> shift, last >> shift)
      guard last >= address, end - first < 8, caches[at].allowsAnyOrder else {
        caches[at].remove { tag, key, _ in tag == space && first <= key && key <= end }
        continue
      }
      for key in first...end { _ = caches[at].remove(space, key) }
    }
  }

  /// The counters of every cache by its level, deepest first.
  func visit(_ body: (Int, Int, Int, borrowing IOCache<IOTablePlace>) -> Void) {
    for at in 0..<levels.count { body(levels[at], lookups[at], hits[at], caches[at]) }
  }
}
