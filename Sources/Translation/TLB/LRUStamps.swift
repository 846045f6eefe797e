/// The inside of a fully associative table with times of use, none of it while the table is not.
struct RecentSet: BitwiseCopyable {
  let tags: UnsafeMutablePointer<UInt64>
  let times: UnsafeMutablePointer<Int32>
  let clock: UnsafeMutablePointer<Int32>

  /// Makes an entry the most recent, if it is of a tag; the slot is less than the table's ways, or
  /// negative.
  @inline(__always)
  func use(_ slot: Int32, if tag: UInt64) -> Bool {
    guard slot >= 0, tags[Int(slot)] == tag, clock.pointee < .max &- 1 else { return false }
    clock.pointee &+= 1
    times[Int(slot)] = clock.pointee
    return true
  }
}

/// A set-associative table with exact LRU replacement for sets of some dozens of ways.
///
/// A hit is one store, the time of this use; only what has to replace an entry looks for the oldest of
/// the set, and it compares a hundred times faster than a list could be kept in order. An entry that
/// is free has time 0, so that it is the oldest.
struct LRUStamps<Value: BitwiseCopyable>: ~Copyable {
  private let tags: UnsafeMutablePointer<UInt64>
  private let values: UnsafeMutablePointer<Value>
  /// When each entry was used last, in sets of `stride`; behind a set's ways stands the latest time.
  private let times: UnsafeMutablePointer<Int32>
  /// The next entry whose tag hashes alike.
  private let chained: UnsafeMutablePointer<Int32>
  private let buckets: UnsafeMutablePointer<Int32>
  /// The last time given.
  let clock: UnsafeMutablePointer<Int32>
  private let hashShift: UInt64
  private let sets: Int
  private let ways: Int
  private let stride: Int

  private typealias Lanes = SIMD4<Int32>

  init(sets: Int, ways: Int, initial: Value) {
    self.sets = sets
    self.ways = ways
    stride = (ways + Lanes.scalarCount - 1) / Lanes.scalarCount * Lanes.scalarCount
    let capacity = sets * ways
    tags = .allocate(capacity: capacity)
    tags.initialize(repeating: .max, count: capacity)
    values = .allocate(capacity: capacity)
    values.initialize(repeating: initial, count: capacity)
    chained = .allocate(capacity: capacity)
    chained.initialize(repeating: -1, count: capacity)
    times = .allocate(capacity: sets * stride)
    for at in 0..<sets * stride { (times + at).initialize(to: at % stride < ways ? 0 : .max) }
    let logBuckets = Int.bitWidth - capacity.leadingZeroBitCount
    buckets = .allocate(capacity: 1 << logBuckets)
    buckets.initialize(repeating: -1, count: 1 << logBuckets)
    clock = .allocate(capacity: 1)
    clock.initialize(to: 0)
    hashShift = UInt64(64 - logBuckets)
  }

  deinit {
    tags.deallocate()
    values.deallocate()
    times.deallocate()
    chained.deallocate()
    buckets.deallocate()
    clock.deallocate()
  }

  @inline(__always)
  private func bucket(of tag: UInt64) -> UnsafeMutablePointer<Int32> {
    buckets + Int(truncatingIfNeeded: (tag &* 0x9E37_79B9_7F4A_7C15) >> hashShift)
  }

  @inline(__always)
  private func set(of tag: UInt64) -> Int { Int(truncatingIfNeeded: tag) & (sets &- 1) }

  /// Where the time of an entry of a tag stands.
  @inline(__always)
  private func time(of tag: UInt64, _ at: Int) -> UnsafeMutablePointer<Int32> {
    let set = set(of: tag)
    return times + (at &+ set &* (stride &- ways))
  }

  /// The entry of a tag, or a negative number.
  @inline(__always)
  private func entry(of tag: UInt64) -> Int {
    var at = bucket(of: tag).pointee
    while at >= 0, tags[Int(at)] != tag { at = chained[Int(at)] }
    return Int(at)
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
    if slot < 0 || tags[Int(slot)] != tag {
      let at = entry(of: tag)
      guard at >= 0 else { return nil }
      slot = Int32(truncatingIfNeeded: at)
    }
    use(tag, Int(slot))
    return values + Int(slot)
  }

  /// The only set's tags, times and clock, for who knows an entry and wants a hit in one store; nothing
  /// where there are more sets.
  var onlySet: RecentSet? {
    sets == 1 ? RecentSet(tags: tags, times: times, clock: clock) : nil
  }

  /// The value of a tag, which stays as recent as it is.
  func peek(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    let at = entry(of: tag)
    return at >= 0 ? values + at : nil
  }

  @inline(__always)
  private func use(_ tag: UInt64, _ at: Int) {
    if clock.pointee == .max &- 1 { renumber() }
    clock.pointee &+= 1
    time(of: tag, at).pointee = clock.pointee
  }

  /// Adds a tag that is not there as the most recent of its set.
  ///
  /// - Returns: whether it displaced another.
  func insert(_ tag: UInt64, _ value: Value) -> Bool {
    let set = set(of: tag)
    let way = oldest(of: set)
    let at = set * ways + way
    let evicts = times[set * stride + way] > 0
    if evicts { unchain(at) }
    tags[at] = tag
    values[at] = value
    let bucket = bucket(of: tag)
    chained[at] = bucket.pointee
    bucket.pointee = Int32(truncatingIfNeeded: at)
    use(tag, at)
    return evicts
  }

  /// The way of a set that was used before all others.
  private func oldest(of set: Int) -> Int {
    let start = UnsafeRawPointer(times + set * stride)
    var least = Lanes(repeating: .max)
    for at in Swift.stride(from: 0, to: stride, by: Lanes.scalarCount) {
      let times = start.loadUnaligned(fromByteOffset: 4 * at, as: Lanes.self)
      least.replace(with: times, where: times .< least)
    }
    let time = least.min()
    var way = 0
    while times[set &* stride &+ way] != time { way &+= 1 }
    return way
  }

  private func unchain(_ at: Int) {
    let bucket = bucket(of: tags[at])
    if bucket.pointee == at {
      bucket.pointee = chained[at]
      return
    }
    var before = Int(bucket.pointee)
    while chained[before] != at { before = Int(chained[before]) }
    chained[before] = chained[at]
  }

  /// Gives times anew, from 1, in the order that they had.
  private func renumber() {
    for set in 0..<sets {
      let times = times + set * stride
      let used = (0..<ways).filter { times[$0] > 0 }.sorted { times[$0] < times[$1] }
      for (place, way) in used.enumerated() { times[way] = Int32(place + 1) }
    }
    clock.pointee = Int32(ways)
  }

  /// Removes the entries that a rule picks; the others of a set keep their order.
  ///
  /// - Returns: how many they were.
  func remove(where isGone: (UInt64, Value) -> Bool) -> Int {
    var removed = 0
    for at in 0..<sets * ways where tags[at] != .max && isGone(tags[at], values[at]) {
      remove(at: at)
      removed += 1
    }
    return removed
  }

  /// Removes a tag.
  ///
  /// - Returns: whether it was there.
  func remove(_ tag: UInt64) -> Bool {
    let at = entry(of: tag)
    if at >= 0 { remove(at: at) }
    return at >= 0
  }

  private func remove(at: Int) {
    unchain(at)
    time(of: tags[at], at).pointee = 0
    tags[at] = .max
  }

  /// Valid entries.
  var occupied: Int {
    var count = 0
    for at in 0..<sets * ways where tags[at] != .max { count += 1 }
    return count
  }
}
