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

  /// Valid entries.
  var occupied: Int {
    var count = 0
    for at in 0..<(sets * ways) where tags[at] != Self.empty { count += 1 }
    return count
  }
}
