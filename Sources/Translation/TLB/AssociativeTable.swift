/// A set-associative table of tags and values with exact LRU replacement, for any sets and ways.
///
/// The set is the tag modulo the number of sets. The same table is a TLB, a walk cache and the nested
/// TLB.
struct AssociativeTable<Value: BitwiseCopyable>: ~Copyable {
  private let isSmall: Bool
  private let small: LRUArray<Value>
  private let large: LRUList<Value>

  /// Up to here moving entries is cheaper than keeping lists of them.
  private static var smallWays: Int { 16 }

  /// - Parameters:
  ///   - sets: a power of two.
  ///   - ways: at least 1.
  ///   - initial: any value; it is never read.
  init(sets: Int, ways: Int, initial: Value) {
    precondition(sets > 0 && sets & (sets - 1) == 0 && ways > 0, "impossible geometry")
    isSmall = ways <= Self.smallWays
    small = LRUArray(sets: isSmall ? sets : 1, ways: isSmall ? ways : 1, initial: initial)
    large = LRUList(sets: isSmall ? 1 : sets, ways: isSmall ? 1 : ways, initial: initial)
  }

  /// The value of a tag, which becomes the most recent of its set.
  @inline(__always)
  func find(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    isSmall ? small.find(tag) : large.find(tag)
  }

  /// Adds a tag that is not there as the most recent of its set.
  ///
  /// - Returns: whether it displaced another.
  @inline(__always)
  func insert(_ tag: UInt64, _ value: Value) -> Bool {
    isSmall ? small.insert(tag, value) : large.insert(tag, value)
  }

  /// Valid entries.
  var occupied: Int { isSmall ? small.occupied : large.occupied }
}
