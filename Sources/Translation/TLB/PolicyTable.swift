import Machine

/// A set-associative table in which entries keep their ways and a policy says which of a full set
/// goes.
struct PolicyTable<Value: BitwiseCopyable>: ~Copyable {
  private let tags: UnsafeMutablePointer<UInt64>
  private let values: UnsafeMutablePointer<Value>
  /// Two words of the policy's for each set.
  private let states: UnsafeMutablePointer<UInt64>
  private let draws: UnsafeMutablePointer<UInt64>
  private let policy: ReplacementName
  private let sets: Int
  private let ways: Int

  /// An empty table; `policy` is any but LRU, for which there are tables of their own.
  init(sets: Int, ways: Int, policy: ReplacementName, seed: UInt64, initial: Value) {
    self.sets = sets
    self.ways = ways
    self.policy = policy
    tags = .allocate(capacity: sets * ways)
    tags.initialize(repeating: .max, count: sets * ways)
    values = .allocate(capacity: sets * ways)
    values.initialize(repeating: initial, count: sets * ways)
    states = .allocate(capacity: 2 * sets)
    states.initialize(repeating: 0, count: 2 * sets)
    draws = .allocate(capacity: 1)
    draws.initialize(to: seed)
  }

  deinit {
    tags.deallocate()
    values.deallocate()
    states.deallocate()
    draws.deallocate()
  }

  /// The value of a tag, whose use the policy is told.
  @inline(never)
  func find(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    let set = Int(truncatingIfNeeded: tag) & (sets - 1)
    for way in 0..<ways where tags[set * ways + way] == tag {
      switch policy {
      case .treePLRU: TreePLRU.touched(way, of: ways, &states[2 * set])
      case .srrip: SRRIP.touched(way, &states[2 * set], &states[2 * set + 1])
      case .fifo, .random, .lru: break
      }
      return values + (set * ways + way)
    }
    return nil
  }

  /// Adds a tag that is not there, in the first empty way or in the policy's victim.
  ///
  /// - Returns: whether it displaced another.
  @inline(never)
  func insert(_ tag: UInt64, _ value: Value) -> Bool {
    let set = Int(truncatingIfNeeded: tag) & (sets - 1)
    let empty = (0..<ways).first { tags[set * ways + $0] == .max }
    let way = empty ?? victim(in: set)
    switch policy {
    case .fifo: FIFO.filled(way, of: ways, &states[2 * set])
    case .treePLRU: TreePLRU.touched(way, of: ways, &states[2 * set])
    case .srrip: SRRIP.filled(way, &states[2 * set], &states[2 * set + 1])
    case .random, .lru: break
    }
    tags[set * ways + way] = tag
    values[set * ways + way] = value
    return empty == nil
  }

  private func victim(in set: Int) -> Int {
    switch policy {
    case .fifo: return FIFO.victim(states[2 * set])
    case .treePLRU: return TreePLRU.victim(of: ways, states[2 * set])
    case .srrip: return SRRIP.victim(of: ways, &states[2 * set], &states[2 * set + 1])
    case .random, .lru:
      // splitmix64's step, so that every seed gives a sequence of its own.
      draws.pointee = draws.pointee &+ 0x9E37_79B9_7F4A_7C15
      var draw = draws.pointee
      draw = (draw ^ draw >> 30) &* 0xBF58_476D_1CE4_E5B9
      draw = (draw ^ draw >> 27) &* 0x94D0_49BB_1331_11EB
      return Int(truncatingIfNeeded: (draw ^ draw >> 31) % UInt64(ways))
    }
  }

  /// The value of a tag, whose use the policy is not told.
  func peek(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    let set = Int(truncatingIfNeeded: tag) & (sets - 1)
    for way in 0..<ways where tags[set * ways + way] == tag {
      return values + (set * ways + way)
    }
    return nil
  }

  /// Removes the entries that a rule picks, whose ways are filled first from then on.
  ///
  /// - Returns: how many they were.
  func remove(where isGone: (UInt64, Value) -> Bool) -> Int {
    (0..<sets).reduce(0) { $0 + remove(in: $1, where: isGone) }
  }

  /// Removes a tag.
  ///
  /// - Returns: whether it was there.
  func remove(_ tag: UInt64) -> Bool {
    remove(in: Int(truncatingIfNeeded: tag) & (sets - 1)) { found, _ in found == tag } > 0
  }

  private func remove(in set: Int, where isGone: (UInt64, Value) -> Bool) -> Int {
    let (base, before) = (set * ways, occupied(in: set))
    for at in base..<(base + ways) where tags[at] != .max && isGone(tags[at], values[at]) {
      tags[at] = .max
    }
    let removed = before - occupied(in: set)
    if policy == .fifo, removed > 0 { compact(set, wasFull: before == ways) }
    return removed
  }

  /// Moves the rest of a set to its first ways, the oldest first, as if only they had come.
  private func compact(_ set: Int, wasFull: Bool) {
    let base = set * ways
    let start = wasFull ? FIFO.victim(states[2 * set]) : 0
    var kept: [(UInt64, Value)] = []
    for step in 0..<ways {
      let at = base + (start + step) % ways
      if tags[at] != .max { kept.append((tags[at], values[at])) }
      tags[at] = .max
    }
    for (way, entry) in kept.enumerated() {
      (tags[base + way], values[base + way]) = entry
    }
    states[2 * set] = UInt64(kept.count)
  }

  private func occupied(in set: Int) -> Int {
    (set * ways..<(set + 1) * ways).reduce(0) { $0 + (tags[$1] == .max ? 0 : 1) }
  }

  /// Valid entries.
  var occupied: Int { (0..<(sets * ways)).reduce(0) { $0 + (tags[$1] == .max ? 0 : 1) } }
}
