import Machine

/// A set-associative cache of an IOMMU, with tags of two words and removal by rule.
///
/// The set is the key modulo the number of sets. A hash leads to an entry, and the entries of a set
/// hang in a list from the newest to the oldest, so that a lookup costs the same in a set of a hundred
/// ways as in one of a thousand.
struct IOCache<Value: BitwiseCopyable>: ~Copyable {
  private struct Entry {
    var space: UInt64
    var key: UInt64
    /// Neighbours in the set's list; `newer` is the next free entry in a free one.
    var newer: Int32
    var older: Int32
    /// The next entry whose tag hashes alike.
    var chained: Int32
  }

  private struct Ends {
    var newest: Int32 = -1
    var oldest: Int32 = -1
    var free: Int32 = -1
  }

  private let entries: UnsafeMutablePointer<Entry>
  private let values: UnsafeMutablePointer<Value>
  private let lists: UnsafeMutablePointer<Ends>
  private let buckets: UnsafeMutablePointer<Int32>
  private let logBuckets: UInt64
  /// What is left of a hash is the number of its bucket.
  private let shift: UInt64
  private let sets: Int
  private let setMask: Int
  private let ways: Int
  private let replacement: IOReplacementName
  private var draw: UInt64

  private(set) var occupied = 0
  private(set) var fills = 0
  private(set) var evictions = 0
  private(set) var invalidations = 0
  /// Times that a fill found the set full and emptied the cache.
  private(set) var clears = 0

  /// Whether the machine has the cache.
  var exists: Bool { ways > 0 }

  /// - Parameters:
  ///   - description: checked.
  ///   - seed: of what the policy draws by chance.
  ///   - initial: any value; it is never read.
  init(_ description: IOCacheDescription, seed: UInt64, initial: Value) {
    sets = description.sets
    ways = description.ways
    replacement = description.replacement
    draw = seed
    let capacity = max(sets * ways, 1)
    entries = .allocate(capacity: capacity)
    entries.initialize(
      repeating: Entry(space: 0, key: 0, newer: -1, older: -1, chained: -1), count: capacity)
    values = .allocate(capacity: capacity)
    values.initialize(repeating: initial, count: capacity)
    lists = .allocate(capacity: sets)
    lists.initialize(repeating: Ends(), count: sets)
    logBuckets = UInt64(Int.bitWidth - capacity.leadingZeroBitCount)
    shift = 64 - logBuckets
    setMask = sets - 1
    buckets = .allocate(capacity: 1 << Int(logBuckets))
    buckets.initialize(repeating: -1, count: 1 << Int(logBuckets))
    chainFree()
  }

  deinit {
    entries.deallocate()
    values.deallocate()
    lists.deallocate()
    buckets.deallocate()
  }

  private func chainFree() {
    for set in 0..<sets {
      lists[set] = Ends()
      for way in stride(from: ways - 1, through: 0, by: -1) {
        let at = Int32(truncatingIfNeeded: set * ways + way)
        entries[Int(at)].newer = lists[set].free
        lists[set].free = at
      }
    }
  }

  @inline(__always)
  private func bucket(_ space: UInt64, _ key: UInt64) -> UnsafeMutablePointer<Int32> {
    let mixed = (key ^ (space &* 0xBF58_476D_1CE4_E5B9)) &* 0x9E37_79B9_7F4A_7C15
    return buckets + Int(truncatingIfNeeded: mixed &>> shift)
  }

  @inline(__always)
  private func list(_ key: UInt64) -> UnsafeMutablePointer<Ends> {
    lists + (Int(truncatingIfNeeded: key) & setMask)
  }

  /// The value of a tag, whose use the policy is told; valid until the next change.
  @inline(__always)
  func find(_ space: UInt64, _ key: UInt64) -> UnsafeMutablePointer<Value>? {
    var at = bucket(space, key).pointee
    while at >= 0 {
      let entry = entries + Int(at)
      if entry.pointee.key == key, entry.pointee.space == space {
        if replacement == .lru || replacement == .clear {
          let list = list(key)
          if list.pointee.newest != at {
            unlink(at, from: list)
            linkFirst(at, in: list)
          }
        }
        return values + Int(at)
      }
      at = entry.pointee.chained
    }
    return nil
  }

  /// Writes a tag's value, in the place of what it had, in a free entry or in the policy's victim.
  ///
  /// - Returns: the value that it displaced, of this tag or of the victim's, if any.
  @inline(__always)
  mutating func insert(
    _ space: UInt64, _ key: UInt64, _ value: Value
  ) -> Value? {
    guard ways > 0 else { return nil }
    if let known = find(space, key) {
      let old = known.pointee
      known.pointee = value
      return old
    }
    fills += 1
    let list = list(key)
    var displaced: Value?
    if list.pointee.free < 0 {
      if replacement == .clear {
        clears += 1
        evictions += occupied
        empty()
      } else {
        let victim = victim(in: list)
        displaced = values[Int(victim)]
        evictions += 1
        release(victim, from: list)
      }
    }
    let at = list.pointee.free
    list.pointee.free = entries[Int(at)].newer
    let bucket = bucket(space, key)
    entries[Int(at)] = Entry(
      space: space, key: key, newer: -1, older: -1, chained: bucket.pointee)
    values[Int(at)] = value
    bucket.pointee = at
    linkFirst(at, in: list)
    occupied += 1
    return displaced
  }

  private mutating func victim(in list: UnsafeMutablePointer<Ends>) -> Int32 {
    guard replacement == .random else { return list.pointee.oldest }
    // splitmix64's step, so that every seed gives a sequence of its own.
    draw = draw &+ 0x9E37_79B9_7F4A_7C15
    var mixed = draw
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    let way = Int(truncatingIfNeeded: (mixed ^ mixed >> 31) % UInt64(ways))
    return Int32(truncatingIfNeeded: (list - lists) * ways + way)
  }

  /// Removes every entry, as invalidations.
  mutating func removeAll() {
    invalidations += occupied
    empty()
  }

  private mutating func empty() {
    guard occupied > 0 else { return }
    occupied = 0
    buckets.update(repeating: -1, count: 1 << Int(logBuckets))
    chainFree()
  }

  /// Removes the entries that a rule picks, as invalidations.
  mutating func remove(where isGone: (UInt64, UInt64, Value) -> Bool) {
    guard occupied > 0 else { return }
    for set in 0..<sets {
      var at = lists[set].newest
      while at >= 0 {
        let entry = entries[Int(at)]
        if isGone(entry.space, entry.key, values[Int(at)]) {
          release(at, from: lists + set)
          invalidations += 1
        }
        at = entry.older
      }
    }
  }

  /// Removes one tag's entry, as an invalidation.
  ///
  /// - Returns: its value; nothing where there was none, or none that the rule picks.
  @inline(__always)
  mutating func remove(
    _ space: UInt64, _ key: UInt64, where isGone: (Value) -> Bool = { _ in true }
  ) -> Value? {
    var at = bucket(space, key).pointee
    while at >= 0 {
      let entry = entries + Int(at)
      if entry.pointee.key == key, entry.pointee.space == space {
        let value = values[Int(at)]
        guard isGone(value) else { return nil }
        release(at, from: list(key))
        invalidations += 1
        return value
      }
      at = entry.pointee.chained
    }
    return nil
  }

  /// Whether entries may be removed in any order: which one a random policy draws depends on where
  /// later entries are put, and so on the order.
  var allowsAnyOrder: Bool { replacement != .random }

  /// Gives every entry, set by set.
  func visit(_ body: (UInt64, UInt64, Value) -> Void) {
    for set in 0..<sets {
      var at = lists[set].newest
      while at >= 0 {
        let entry = entries[Int(at)]
        body(entry.space, entry.key, values[Int(at)])
        at = entry.older
      }
    }
  }

  private mutating func release(_ at: Int32, from list: UnsafeMutablePointer<Ends>) {
    unlink(at, from: list)
    let bucket = bucket(entries[Int(at)].space, entries[Int(at)].key)
    let following = entries[Int(at)].chained
    if bucket.pointee == at {
      bucket.pointee = following
    } else {
      var before = bucket.pointee
      while entries[Int(before)].chained != at { before = entries[Int(before)].chained }
      entries[Int(before)].chained = following
    }
    entries[Int(at)].newer = list.pointee.free
    list.pointee.free = at
    occupied -= 1
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
}
