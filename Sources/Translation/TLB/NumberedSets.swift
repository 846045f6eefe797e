import CLanes

/// Sets of at most sixteen ways with exact LRU, tagged with numbers of 32 bits.
///
/// A lookup and its fill are one step without branches: all tags of the set are compared at once, and
/// the way, found or least recent, moves to the front of the set's order, which is one word of sixteen
/// nibbles. So a miss costs what a hit does, and neither waits for a prediction.
struct NumberedSets: ~Copyable {
  /// No number has this value.
  static var empty: UInt32 { .max }
  static var maximumWays: Int { 16 }
  /// Way 0 first.
  static var initialOrder: UInt64 { 0xfedc_ba98_7654_3210 }

  private let tags: UnsafeMutablePointer<UInt32>
  private let orders: UnsafeMutablePointer<UInt64>
  private let mask: Int
  private let sets: Int
  /// Where the order's last nibble in use stands.
  private let lastShift: UInt64

  /// - Parameters:
  ///   - sets: a power of two.
  ///   - ways: at most `maximumWays`.
  init(sets: Int, ways: Int) {
    precondition(sets & (sets - 1) == 0 && 1...Self.maximumWays ~= ways)
    self.sets = sets
    mask = sets - 1
    lastShift = UInt64(4 * (ways - 1))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 64 * sets, alignment: 64)
    tags = memory.initializeMemory(as: UInt32.self, repeating: Self.empty, count: 16 * sets)
    orders = .allocate(capacity: sets)
    // Ways beyond the last stay behind it for good, so their tags remain empty.
    orders.initialize(repeating: Self.initialOrder, count: sets)
  }

  deinit {
    UnsafeMutableRawPointer(tags).deallocate()
    orders.deallocate()
  }

  /// Looks a number up and adds it where it is missing; either way it is the set's most recent.
  ///
  /// - Parameters:
  ///   - number: below `empty`.
  ///   - page: decides the set.
  /// - Returns: the number that was there before: itself on a hit, on a miss the one displaced or
  ///   `empty`.
  @inline(__always)
  func exchange(_ number: UInt32, page: UInt64) -> UInt32 {
    let set = Int(truncatingIfNeeded: page) & mask
    let line = tags + set &* 16
    let found = lanes_equal16(line, number)
    let order = orders[set]
    let way =
      found != 0
      ? UInt64(truncatingIfNeeded: found.trailingZeroBitCount) : order &>> lastShift & 0xf
    orders[set] = Self.toFront(order, way)
    let before = line[Int(truncatingIfNeeded: way)]
    line[Int(truncatingIfNeeded: way)] = number
    return before
  }

  /// Numbers in all sets.
  var occupied: Int { (0..<(16 * sets)).reduce(0) { $0 + (tags[$1] == Self.empty ? 0 : 1) } }

  /// Moves a way to the front of an order, nibble 0.
  @inline(__always)
  static func toFront(_ order: UInt64, _ way: UInt64) -> UInt64 {
    // The lowest zero nibble of what differs is where the way stands.
    let differs = order ^ (way &* 0x1111_1111_1111_1111)
    let zeros = (differs &- 0x1111_1111_1111_1111) & ~differs & 0x8888_8888_8888_8888
    let place = UInt64(truncatingIfNeeded: zeros.trailingZeroBitCount) & ~3
    let below: UInt64 = (1 &<< place) &- 1
    let kept = order & ~(below | (0xf &<< place))
    return kept | (order & below) &<< 4 | way
  }
}
