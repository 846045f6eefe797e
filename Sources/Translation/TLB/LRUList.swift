/// A set-associative table with exact LRU replacement for sets of many ways.
///
/// A hash leads to an entry, and the entries of a set hang in a list in order of use, so that a
/// lookup costs the same in a set of a hundred ways as in one of a million.
struct LRUList<Value: BitwiseCopyable>: ~Copyable {
  private struct Entry {
    var tag: UInt64
    /// Neighbours in the set's list: towards more recent, towards less.
    var newer: Int32
    var older: Int32
    /// The next entry whose tag hashes alike.
    var chained: Int32
  }

  private struct Ends {
    var newest: Int32 = -1
    var oldest: Int32 = -1
    var count: Int32 = 0
    /// Entries of the set that were ever used, and a chain by `older` of those removed.
    var used: Int32 = 0
    var removed: Int32 = -1
  }

  private let entries: UnsafeMutablePointer<Entry>
  private let values: UnsafeMutablePointer<Value>
  private let lists: UnsafeMutablePointer<Ends>
  private let buckets: UnsafeMutablePointer<Int32>
  private let hashShift: UInt64
  private let sets: Int
  private let ways: Int

  init(sets: Int, ways: Int, initial: Value) {
    self.sets = sets
    self.ways = ways
    let capacity = sets * ways
    entries = .allocate(capacity: capacity)
    entries.initialize(
      repeating: Entry(tag: .max, newer: -1, older: -1, chained: -1), count: capacity)
    values = .allocate(capacity: capacity)
    values.initialize(repeating: initial, count: capacity)
    lists = .allocate(capacity: sets)
    lists.initialize(repeating: Ends(), count: sets)
    let logBuckets = Int.bitWidth - capacity.leadingZeroBitCount
    buckets = .allocate(capacity: 1 << logBuckets)
    buckets.initialize(repeating: -1, count: 1 << logBuckets)
    hashShift = UInt64(64 - logBuckets)
  }

  deinit {
    entries.deallocate()
    values.deallocate()
    lists.deallocate()
    buckets.deallocate()
  }

  @inline(__always)
  private func bucket(of tag: UInt64) -> UnsafeMutablePointer<Int32> {
    buckets + Int(truncatingIfNeeded: (tag &* 0x9E37_79B9_7F4A_7C15) >> hashShift)
  }

  @inline(__always)
  private func list(of tag: UInt64) -> UnsafeMutablePointer<Ends> {
    lists + (Int(truncatingIfNeeded: tag) & (sets - 1))
  }

  /// The value of a tag, which becomes the most recent of its set.
  @inline(__always)
  func find(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    var slot = Int32(-1)
    return find(tag, near: &slot)
  }

  /// The same where the slot may be the tag's entry, less than the capacity, or negative.
  ///
  /// Afterwards it is the entry, if the tag is there.
  @inline(__always)
  func find(_ tag: UInt64, near slot: inout Int32) -> UnsafeMutablePointer<Value>? {
    var at = slot
    if at < 0 || entries[Int(at)].tag != tag {
      at = bucket(of: tag).pointee
      while at >= 0, entries[Int(at)].tag != tag { at = entries[Int(at)].chained }
      guard at >= 0 else { return nil }
      slot = at
    }
    let list = list(of: tag)
    if list.pointee.newest != at {
      unlink(at, from: list)
      linkFirst(at, in: list)
    }
    return values + Int(at)
  }

  /// Adds a tag that is not there as the most recent of its set.
  ///
  /// - Returns: whether it displaced another.
  func insert(_ tag: UInt64, _ value: Value) -> Bool {
    let list = list(of: tag)
    let evicts = Int(list.pointee.count) == ways
    let at: Int32
    if evicts {
      at = list.pointee.oldest
      unlink(at, from: list)
      unchain(at)
    } else {
      if list.pointee.removed >= 0 {
        at = list.pointee.removed
        list.pointee.removed = entries[Int(at)].older
      } else {
        at = Int32(truncatingIfNeeded: (list - lists) * ways) + list.pointee.used
        list.pointee.used += 1
      }
      list.pointee.count += 1
    }
    let bucket = bucket(of: tag)
    entries[Int(at)] = Entry(tag: tag, newer: -1, older: -1, chained: bucket.pointee)
    values[Int(at)] = value
    bucket.pointee = at
    linkFirst(at, in: list)
    return evicts
  }

  @inline(__always)
  private func unlink(_ at: Int32, from list: UnsafeMutablePointer<Ends>) {
    let (newer, older) = (entries[Int(at)].newer, entries[Int(at)].older)
    if newer >= 0 { entries[Int(newer)].older = older } else { list.pointee.newest = older }
    if older >= 0 { entries[Int(older)].newer = newer } else { list.pointee.oldest = newer }
  }

  @inline(__always)
  private func linkFirst(_ at: Int32, in list: UnsafeMutablePointer<Ends>) {
    let first = list.pointee.newest
    entries[Int(at)].newer = -1
    entries[Int(at)].older = first
    if first >= 0 { entries[Int(first)].newer = at } else { list.pointee.oldest = at }
    list.pointee.newest = at
  }

  private func unchain(_ at: Int32) {
    let bucket = bucket(of: entries[Int(at)].tag)
    let following = entries[Int(at)].chained
    if bucket.pointee == at {
      bucket.pointee = following
      return
    }
    var before = bucket.pointee
    while entries[Int(before)].chained != at { before = entries[Int(before)].chained }
    entries[Int(before)].chained = following
  }

  /// The value of a tag, which stays as recent as it is.
  func peek(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    var at = bucket(of: tag).pointee
    while at >= 0 {
      if entries[Int(at)].tag == tag { return values + Int(at) }
      at = entries[Int(at)].chained
    }
    return nil
  }

  /// Removes the entries that a rule picks; the others of a set keep their order.
  ///
  /// - Returns: how many they were.
  func remove(where isGone: (UInt64, Value) -> Bool) -> Int {
    var removed = 0
    for set in 0..<sets {
      var at = lists[set].newest
      while at >= 0 {
        let next = entries[Int(at)].older
        if isGone(entries[Int(at)].tag, values[Int(at)]) {
          remove(at, from: lists + set)
          removed += 1
        }
        at = next
      }
    }
    return removed
  }

  /// Removes a tag.
  ///
  /// - Returns: whether it was there.
  func remove(_ tag: UInt64) -> Bool {
    var at = bucket(of: tag).pointee
    while at >= 0, entries[Int(at)].tag != tag { at = entries[Int(at)].chained }
    guard at >= 0 else { return false }
    remove(at, from: list(of: tag))
    return true
  }

  private func remove(_ at: Int32, from list: UnsafeMutablePointer<Ends>) {
    unlink(at, from: list)
    unchain(at)
    entries[Int(at)].tag = .max
    entries[Int(at)].older = list.pointee.removed
    list.pointee.removed = at
    list.pointee.count -= 1
  }

  /// Valid entries.
  var occupied: Int {
    var count = 0
    for set in 0..<sets { count += Int(lists[set].count) }
    return count
  }
}
