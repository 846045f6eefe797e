/// Numbers of a trace, each given a place from 0 in order of first sight, up to a limit.
struct IdentifierTable: ~Copyable {
  private var keys: UnsafeMutablePointer<UInt64>
  private var places: UnsafeMutablePointer<Int32>
  private var logCells = 6
  private(set) var count = 0
  /// Numbers beyond the limit have no place.
  let limit: Int

  private static let none: Int32 = -1

  init(limit: Int) {
    self.limit = limit
    keys = .allocate(capacity: 1 << 6)
    places = .allocate(capacity: 1 << 6)
    keys.initialize(repeating: 0, count: 1 << 6)
    places.initialize(repeating: Self.none, count: 1 << 6)
  }

  deinit {
    keys.deallocate()
    places.deallocate()
  }

  @inline(__always)
  private func cell(of key: UInt64) -> Int {
    var at = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - logCells))
    while places[at] != Self.none && keys[at] != key { at = (at &+ 1) & (1 << logCells - 1) }
    return at
  }

  /// The place of a number that was seen; -1 for another.
  @inline(__always)
  func place(of key: UInt64) -> Int { Int(places[cell(of: key)]) }

  /// The place of a number, seen or not; -1 where the limit is reached.
  @inline(__always)
  mutating func insert(_ key: UInt64) -> Int {
    let at = cell(of: key)
    if places[at] != Self.none { return Int(places[at]) }
    return add(key, at)
  }

  @inline(never)
  private mutating func add(_ key: UInt64, _ at: Int) -> Int {
    guard count < limit else { return -1 }
    keys[at] = key
    places[at] = Int32(count)
    count += 1
    if 2 * count > 1 << logCells { grow() }
    return count - 1
  }

  private mutating func grow() {
    let (oldKeys, oldPlaces, oldCount) = (keys, places, 1 << logCells)
    logCells += 1
    keys = .allocate(capacity: 1 << logCells)
    places = .allocate(capacity: 1 << logCells)
    keys.initialize(repeating: 0, count: 1 << logCells)
    places.initialize(repeating: Self.none, count: 1 << logCells)
    for old in 0..<oldCount where oldPlaces[old] != Self.none {
      let at = cell(of: oldKeys[old])
      keys[at] = oldKeys[old]
      places[at] = oldPlaces[old]
    }
    oldKeys.deallocate()
    oldPlaces.deallocate()
  }
}
