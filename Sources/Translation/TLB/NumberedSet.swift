/// One set of at most sixteen ways with exact LRU; a number leads straight to its way, so that no tag
/// is compared and a lookup is a few operations on two words.
struct NumberedSet: ~Copyable {
  /// One more than the way of each number; 0 for those that are not there.
  private var wayOf = LargeArray<UInt8>(of: 0)
  private let numbers: UnsafeMutablePointer<UInt32>
  /// Ways from the most recent, nibble 0, to the least.
  private var order: UInt64 = NumberedSets.initialOrder
  /// Where the order's last nibble in use stands.
  private let lastShift: UInt64
  private let ways: Int
  private(set) var count = 0

  /// - Parameter ways: at most `NumberedSets.maximumWays`.
  init(ways: Int) {
    self.ways = ways
    lastShift = UInt64(4 * (ways - 1))
    numbers = .allocate(capacity: ways)
    numbers.initialize(repeating: 0, count: ways)
  }

  deinit { numbers.deallocate() }

  /// Makes room for numbers below `wanted`.
  mutating func reserve(_ wanted: Int) { wayOf.reserve(wanted) }

  /// Looks a number up and adds it where it is missing; either way it is the most recent.
  @inline(__always)
  mutating func exchange(_ number: UInt32) -> Exchange {
    let known = wayOf[Int(number)]
    if known != 0 {
      order = NumberedSets.toFront(order, UInt64(known &- 1))
      return .hit
    }
    let isFull = count == ways
    let way = isFull ? order &>> lastShift & 0xf : UInt64(count)
    if isFull { wayOf[Int(numbers[Int(way)])] = 0 } else { count &+= 1 }
    numbers[Int(way)] = number
    wayOf[Int(number)] = UInt8(truncatingIfNeeded: way) &+ 1
    order = NumberedSets.toFront(order, way)
    return isFull ? .displaced : .added
  }
}
