/// Where walks met what they knew: one count for each walk of a stage, from which follow the entries
/// read at each place and the lookups and hits of every walk cache.
///
/// A stage's walk is told by the level of its leaf and by its *end*: the level whose cache hit, or the
/// number of levels where none did, and the root was read. It reads the levels from `leaf` up to the one
/// below `end`. Caches of the leaf's level and below are asked too and know nothing; those above `end`
/// are not asked.
struct WalkEnds: ~Copyable {
  /// The end of a second-stage walk that the nested TLB spared.
  static var nestedHit: Int { 7 }

  private let first = UnsafeMutablePointer<Int>.allocate(capacity: 64)
  private let second = UnsafeMutablePointer<Int>.allocate(capacity: 64 * WalkPath.steps)

  init() {
    first.initialize(repeating: 0, count: 64)
    second.initialize(repeating: 0, count: 64 * WalkPath.steps)
  }

  deinit {
    first.deallocate()
    second.deallocate()
  }

  /// Counts a walk of the first stage.
  @inline(__always)
  func countFirst(leaf: Int, end: Int) { first[leaf &* 8 &+ end] &+= 1 }

  /// Counts a walk of the second stage for a step of the first.
  @inline(__always)
  func countSecond(step: Int, leaf: Int, end: Int) {
    second[(step &* 8 &+ leaf) &* 8 &+ end] &+= 1
  }

  /// Entries read, by the first stage's level or data and by the second stage's level or the entry.
  var grid: [Int] {
    var grid = Array(repeating: 0, count: WalkPath.steps * WalkPath.steps)
    for leaf in 0..<8 {
      for end in 0..<8 where first[leaf * 8 + end] > 0 {
        for level in leaf..<max(leaf, end) {
          grid[level * WalkPath.steps + Int(WalkPath.entry)] += first[leaf * 8 + end]
        }
      }
    }
    forEachSecond { step, leaf, end, count in
      guard end != Self.nestedHit else { return }
      for level in leaf..<max(leaf, end) { grid[step * WalkPath.steps + level] += count }
    }
    return grid
  }

  /// Reads what a cache of the first stage was asked.
  ///
  /// - Parameters:
  ///   - level: of the cache.
  ///   - levels: of the stage.
  /// - Returns: its lookups, and how many of them hit.
  func firstCache(_ level: Int, of levels: Int) -> (lookups: Int, hits: Int) {
    var (lookups, hits) = (0, 0)
    for leaf in 0..<8 {
      for end in 0..<8 {
        if level <= max(leaf, end) { lookups += first[leaf * 8 + end] }
        if level == end, end < levels { hits += first[leaf * 8 + end] }
      }
    }
    return (lookups, hits)
  }

  /// Likewise a cache of the second stage.
  func secondCache(_ level: Int, of levels: Int) -> (lookups: Int, hits: Int) {
    var (lookups, hits) = (0, 0)
    forEachSecond { _, leaf, end, count in
      guard end != Self.nestedHit else { return }
      if level <= max(leaf, end) { lookups += count }
      if level == end, end < levels { hits += count }
    }
    return (lookups, hits)
  }

  /// Likewise the nested TLB.
  var nestedTLB: (lookups: Int, hits: Int) {
    var (lookups, hits) = (0, 0)
    forEachSecond { _, _, end, count in
      lookups += count
      if end == Self.nestedHit { hits += count }
    }
    return (lookups, hits)
  }

  private func forEachSecond(
    _ body: (_ step: Int, _ leaf: Int, _ end: Int, _ count: Int) -> Void
  ) {
    for step in 0..<WalkPath.steps {
      for leaf in 0..<8 {
        for end in 0..<8 {
          let count = second[(step * 8 + leaf) * 8 + end]
          if count > 0 { body(step, leaf, end, count) }
        }
      }
    }
  }
}
