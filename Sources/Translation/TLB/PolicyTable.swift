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

  /// Valid entries.
  var occupied: Int { (0..<(sets * ways)).reduce(0) { $0 + (tags[$1] == .max ? 0 : 1) } }
}
