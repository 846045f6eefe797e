/// A set-associative table with exact LRU replacement for sets of a few ways.
///
/// Each set is kept in order of use, most recent first: a hit moves its entry to the front, and a
/// fill pushes out the last. Most lookups end at the first compare.
struct LRUArray<Value: BitwiseCopyable>: ~Copyable {
  /// No tag has this value.
  static var empty: UInt64 { .max }

  private let tags: UnsafeMutablePointer<UInt64>
  private let values: UnsafeMutablePointer<Value>
  private let sets: Int
  private let ways: Int

  init(sets: Int, ways: Int, initial: Value) {
    self.sets = sets
    self.ways = ways
    tags = .allocate(capacity: sets * ways)
    tags.initialize(repeating: Self.empty, count: sets * ways)
    values = .allocate(capacity: sets * ways)
    values.initialize(repeating: initial, count: sets * ways)
  }

  deinit {
    tags.deallocate()
    values.deallocate()
  }

  /// The value of a tag, which becomes the most recent of its set.
  @inline(__always)
  func find(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    let base = Int(truncatingIfNeeded: tag) & (sets - 1) &* ways
    let line = tags + base
    if line[0] == tag { return values + base }
    var way = 1
    while way < ways {
      if line[way] == tag {
        let value = values[base + way]
        moveBack(base, way)
        line[0] = tag
        values[base] = value
        return values + base
      }
      way &+= 1
    }
    return nil
  }

  /// Adds a tag that is not there as the most recent of its set.
  ///
  /// - Returns: whether it displaced another.
  @inline(__always)
  func insert(_ tag: UInt64, _ value: Value) -> Bool {
    let base = Int(truncatingIfNeeded: tag) & (sets - 1) &* ways
    let evicts = tags[base + ways - 1] != Self.empty
    moveBack(base, ways - 1)
    tags[base] = tag
    values[base] = value
    return evicts
  }

  /// Moves the entries before a way one way back, over it.
  @inline(__always)
  private func moveBack(_ base: Int, _ way: Int) {
    var at = base &+ way
    while at > base {
      tags[at] = tags[at &- 1]
      values[at] = values[at &- 1]
      at &-= 1
    }
  }

  /// The value of a tag, which stays as recent as it is.
  @inline(__always)
  func peek(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    let base = Int(truncatingIfNeeded: tag) & (sets - 1) &* ways
    for way in 0..<ways where tags[base + way] == tag { return values + (base + way) }
    return nil
  }

  /// Removes the entries that a rule picks; the others of a set keep their order.
  ///
  /// - Returns: how many they were.
  func remove(where isGone: (UInt64, Value) -> Bool) -> Int {
    var removed = 0
    for base in stride(from: 0, to: sets * ways, by: ways) {
      var kept = base
      for at in base..<(base + ways) where tags[at] != Self.empty {
        if isGone(tags[at], values[at]) {
          removed += 1
          continue
        }
        tags[kept] = tags[at]
        values[kept] = values[at]
        kept += 1
      }
      for at in kept..<(base + ways) { tags[at] = Self.empty }
    }
    return removed
  }

  /// Removes a tag.
  ///
  /// - Returns: whether it was there.
  func remove(_ tag: UInt64) -> Bool {
    let base = Int(truncatingIfNeeded: tag) & (sets - 1) &* ways
    guard let way = (0..<ways).first(where: { tags[base + $0] == tag }) else { return false }
    for at in (base + way)..<(base + ways - 1) {
      tags[at] = tags[at + 1]
      values[at] = values[at + 1]
    }
    tags[base + ways - 1] = Self.empty
    return true
  }

  /// Valid entries.
  var occupied: Int {
    var count = 0
    for at in 0..<(sets * ways) where tags[at] != Self.empty { count += 1 }
    return count
  }
}
