import CLanes

/// Each set's pages in the order of use, up to a depth: one pass gives the hits of every number of ways
/// up to it at once.
///
/// With exact LRU a set of w ways holds the w most recent of its pages, so a use at depth d hits where
/// w > d. Source: Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage hierarchies", IBM
/// Systems Journal 9(2), 1970.
struct RecencySets: ~Copyable {
  /// Pages of a set that are kept in order.
  static var depth: Int { 32 }
  private static var empty: UInt32 { .max }

  private let lists: UnsafeMutablePointer<UInt32>
  private let sets: Int
  /// Uses by depth; the last of them found nothing.
  private let uses: UnsafeMutablePointer<Int>

  /// - Parameter sets: a power of two.
  init(sets: Int) {
    self.sets = sets
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4 * Self.depth * sets, alignment: 64)
    lists = memory.initializeMemory(
      as: UInt32.self, repeating: Self.empty, count: Self.depth * sets)
    uses = .allocate(capacity: Self.depth + 1)
    uses.initialize(repeating: 0, count: Self.depth + 1)
  }

  deinit {
    UnsafeMutableRawPointer(lists).deallocate()
    uses.deallocate()
  }

  /// Uses a page.
  ///
  /// - Parameters:
  ///   - number: of the page.
  ///   - page: decides the set.
  /// - Returns: nothing where the page was among the recent; otherwise what fell off their end, itself
  ///   `RecencySets.none` where nothing did.
  @inline(__always)
  func use(_ number: UInt32, page: UInt64) -> UInt32? {
    let list = lists + (Int(truncatingIfNeeded: page) & (sets &- 1)) &* Self.depth
    if list[0] == number {
      uses[0] &+= 1
      return nil
    }
    return useDeeper(number, list)
  }

  /// What `use` says has fallen off where nothing has.
  static var none: UInt32 { empty }

  @inline(never)
  private func useDeeper(_ number: UInt32, _ list: UnsafeMutablePointer<UInt32>) -> UInt32? {
    let found = lanes_equal16(list, number) | lanes_equal16(list + 16, number) << 16
    let at = found == 0 ? Self.depth : found.trailingZeroBitCount
    uses[at] &+= 1
    let last = list[Self.depth - 1]
    var place = min(at, Self.depth - 1)
    while place > 0 {
      list[place] = list[place &- 1]
      place &-= 1
    }
    list[0] = number
    return found == 0 ? last : nil
  }

  /// All uses.
  var total: Int { (0...Self.depth).reduce(0) { $0 + uses[$1] } }

  /// Misses by the number of ways, from 1.
  var misses: [Int] {
    var left = (0...Self.depth).reduce(0) { $0 + uses[$1] }
    return (0..<Self.depth).map { depth in
      left -= uses[depth]
      return left
    }
  }
}
