/// The uses of a block up to some moment: for each the index of what was used.
struct UseLog {
  /// The entry of each use, every `stride`-th of these.
  let entries: UnsafePointer<UInt16>
  let stride: Int
  /// The index of each entry.
  let indices: UnsafePointer<UInt32>
  /// The time of the first use.
  let base: UInt32

  @inline(__always)
  func index(at: Int) -> UInt32 { indices[Int(entries[at &* stride])] }
}

/// Finds the least recent of a fully associative table of many ways from the times of last use.
///
/// A hit costs it nothing. What stood in the table at some moment is sorted by time (the *stock*), and
/// the uses since then are in the block's own list: together they are every member in the order of its
/// last use, once those are passed over whose time is no longer the same. Each is passed over once; a
/// long stretch of uses with few misses is left out by taking stock anew.
struct LRUTrail {
  /// What stands in the table, and perhaps what stood there since these were last sifted.
  private let members: UnsafeMutablePointer<UInt32>
  private var memberCount = 0
  private let memberCapacity: Int
  /// Times above indices, the least recent first.
  private let stock: UnsafeMutablePointer<UInt64>
  private var stockAt = 0
  private var stockEnd = 0
  /// The first use of the block that comes after the stock; nothing where uses between are gone.
  private var logAt: Int?
  private let ways: Int

  init(ways: Int) {
    self.ways = ways
    memberCapacity = 4 * ways
    members = .allocate(capacity: memberCapacity)
    stock = .allocate(capacity: ways)
  }

  func deallocate() {
    members.deallocate()
    stock.deallocate()
  }

  /// The uses of the last block can no longer be read.
  mutating func beginBlock() { logAt = nil }

  /// Times were given anew.
  mutating func forgetTimes() {
    stockEnd = 0
    stockAt = 0
    logAt = nil
  }

  /// Adds a member.
  mutating func append(
    _ index: UInt32, _ cells: UnsafeMutablePointer<FirstLevel.Cell>, _ bit: UInt32
  ) {
    if memberCount == memberCapacity { sift(cells, bit) }
    members[memberCount] = index
    memberCount += 1
  }

  /// The member that was used the longest time ago.
  ///
  /// - Parameters:
  ///   - cells: with the time of each index.
  ///   - bit: of the table in which the members stand.
  ///   - uses: of the block.
  ///   - now: the use that is going on.
  ///   - access: 0 for instructions, 1 for data.
  /// - Returns: its index.
  mutating func leastRecent(
    _ cells: UnsafeMutablePointer<FirstLevel.Cell>, _ bit: UInt32, _ uses: UseLog, now: Int,
    access: UInt32
  ) -> UInt32 {
    while true {
      while stockAt < stockEnd {
        let known = stock[stockAt]
        stockAt += 1
        let index = UInt32(truncatingIfNeeded: known)
        if cells[Int(index)].recent == UInt32(truncatingIfNeeded: known >> 32) { return index }
      }
      if var at = logAt, now - at <= 16 * ways {
        while at < now {
          let index = uses.index(at: at)
          let time = uses.base &+ UInt32(truncatingIfNeeded: at)
          at &+= 1
          let cell = cells[Int(index)]
          if cell.recent == time && index & 1 == access && cell.resident & bit != 0 {
            logAt = at
            return index
          }
        }
      }
      takeStock(cells, bit)
      logAt = now
    }
  }

  private mutating func takeStock(
    _ cells: UnsafeMutablePointer<FirstLevel.Cell>, _ bit: UInt32
  ) {
    sift(cells, bit)
    for at in 0..<memberCount {
      stock[at] = UInt64(cells[Int(members[at])].recent) << 32 | UInt64(members[at])
    }
    HeapSort.sort(UnsafeMutableBufferPointer(start: stock, count: memberCount))
    stockAt = 0
    stockEnd = memberCount
  }

  /// Keeps each member once, and drops what no longer stands in the table.
  private mutating func sift(
    _ cells: UnsafeMutablePointer<FirstLevel.Cell>, _ bit: UInt32
  ) {
    var kept = 0
    for at in 0..<memberCount where cells[Int(members[at])].resident & bit != 0 {
      // Who was evicted and came back is on the list twice.
      cells[Int(members[at])].resident &= ~bit
      members[kept] = members[at]
      kept += 1
    }
    for at in 0..<kept { cells[Int(members[at])].resident |= bit }
    memberCount = kept
  }
}

/// Sorts in place and without memory of its own.
enum HeapSort {
  static func sort(_ keys: UnsafeMutableBufferPointer<UInt64>) {
    for root in stride(from: keys.count / 2 - 1, through: 0, by: -1) {
      sink(keys, root, keys.count)
    }
    for end in stride(from: keys.count - 1, to: 0, by: -1) {
      keys.swapAt(0, end)
      sink(keys, 0, end)
    }
  }

  private static func sink(_ keys: UnsafeMutableBufferPointer<UInt64>, _ from: Int, _ end: Int) {
    var root = from
    while 2 * root + 1 < end {
      var child = 2 * root + 1
      if child + 1 < end, keys[child] < keys[child + 1] { child += 1 }
      guard keys[root] < keys[child] else { return }
      keys.swapAt(root, child)
      root = child
    }
  }
}
