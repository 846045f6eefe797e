import Machine

/// Numbers for devices' address spaces, by which the processor's walk caches tag their entries.
struct IOSpaceTags {
  private var numbers: [UInt64: UInt16] = [:]
  /// The space of each number.
  private(set) var spaces: [UInt64] = []

  /// Spaces that have numbers at once.
  private static let maximum = 1 << 16

  var isFull: Bool { spaces.count == Self.maximum }

  mutating func number(of space: UInt64) -> UInt16 {
    if let known = numbers[space] { return known }
    let number = UInt16(truncatingIfNeeded: spaces.count)
    numbers[space] = number
    spaces.append(space)
    return number
  }

  mutating func removeAll() {
    numbers.removeAll(keepingCapacity: true)
    spaces.removeAll(keepingCapacity: true)
  }
}

extension WalkCacheSet {
  /// The walk caches of an IOMMU's first-stage and nested walks.
  init(_ descriptions: [IOWalkCacheDescription], seed: UInt64) {
    func geometries(
      _ stage: IOWalkCacheDescription.Stage
    ) -> [(level: Int, geometry: WalkCacheGeometry)] {
      descriptions.enumerated().filter { $0.element.stage == stage }.map { at, one in
        let policy = ReplacementName(rawValue: one.cache.replacement.rawValue) ?? .lru
        return (
          one.level,
          WalkCacheGeometry(
            sets: one.cache.sets, ways: one.cache.ways, policy: policy, seed: seed &+ UInt64(at))
        )
      }
    }
    first = WalkCaches(geometries(.first))
    second = WalkCaches(geometries(.second))
    hasNested = false
    nested = WalkCache(level: 0, WalkCacheGeometry(sets: 1, ways: 1, policy: .lru, seed: 0))
  }
}

extension WalkCaches {
  /// Removes what a rule picks by its level, its tag and the first address that it translates.
  func remove(where isGone: (_ level: Int, _ tag: UInt16, _ address: UInt64) -> Bool) {
    for at in 0..<count {
      withCache(at) { cache in
        let level = cache.level
        // From level 1 up an address has at most 43 bits above those that are shifted out.
        _ = cache.remove { prefix, tag, _ in isGone(level, tag, prefix << TableLevel.shift(level)) }
      }
    }
  }
}
