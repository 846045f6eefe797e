import Machine

/// A set-associative table of tags and values, for any sets, ways and policy.
///
/// The set is the tag modulo the number of sets. The same table is a TLB, a walk cache and the nested
/// TLB. Exact LRU has three tables of its own, for few ways, some and many.
struct AssociativeTable<Value: BitwiseCopyable>: ~Copyable {
  private enum Kind { case fewWays, someWays, manyWays, policy }

  private let kind: Kind
  private let small: LRUArray<Value>
  // Behind pointers, so that the table is a few words: a struct of all was copied to the stack
  // for each lookup.
  private let medium: UnsafeMutablePointer<LRUStamps<Value>>
  private let large: UnsafeMutablePointer<LRUList<Value>>
  private let other: UnsafeMutablePointer<PolicyTable<Value>>

  /// Up to here moving entries is cheaper than giving them times.
  private static var smallWays: Int { 16 }
  /// Up to here looking at the times of all is cheaper than keeping lists.
  private static var mediumWays: Int { 256 }

  /// - Parameters:
  ///   - sets: a power of two.
  ///   - ways: at least 1.
  ///   - policy: which entry of a full set goes.
  ///   - seed: of what a policy draws by chance.
  ///   - initial: any value; it is never read.
  init(
    sets: Int, ways: Int, policy: ReplacementName = .lru, seed: UInt64 = 0, initial: Value
  ) {
    precondition(sets > 0 && sets & (sets - 1) == 0 && ways > 0, "impossible geometry")
    let wanted: Kind =
      policy != .lru
      ? .policy
      : ways <= Self.smallWays ? .fewWays : ways <= Self.mediumWays ? .someWays : .manyWays
    func size(_ kind: Kind) -> (sets: Int, ways: Int) { kind == wanted ? (sets, ways) : (1, 1) }
    kind = wanted
    small = LRUArray(sets: size(.fewWays).sets, ways: size(.fewWays).ways, initial: initial)
    medium = .allocate(capacity: 1)
    medium.initialize(
      to: LRUStamps(sets: size(.someWays).sets, ways: size(.someWays).ways, initial: initial))
    large = .allocate(capacity: 1)
    large.initialize(
      to: LRUList(sets: size(.manyWays).sets, ways: size(.manyWays).ways, initial: initial))
    other = .allocate(capacity: 1)
    other.initialize(
      to: PolicyTable(
        sets: size(.policy).sets, ways: size(.policy).ways, policy: policy, seed: seed,
        initial: initial))
  }

  deinit {
    medium.deinitialize(count: 1)
    medium.deallocate()
    large.deinitialize(count: 1)
    large.deallocate()
    other.deinitialize(count: 1)
    other.deallocate()
  }

  /// The value of a tag, whose use the policy is told.
  @inline(__always)
  func find(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    switch kind {
    case .fewWays: small.find(tag)
    case .someWays: medium.pointee.find(tag)
    case .manyWays: large.pointee.find(tag)
    case .policy: other.pointee.find(tag)
    }
  }

  /// The same where the slot may say where the tag is, which spares a search; afterwards it does where
  /// there are many ways.
  @inline(__always)
  func find(_ tag: UInt64, near slot: inout Int32) -> UnsafeMutablePointer<Value>? {
    switch kind {
    case .fewWays: small.find(tag)
    case .someWays: medium.pointee.find(tag, near: &slot)
    case .manyWays: large.pointee.find(tag, near: &slot)
    case .policy: other.pointee.find(tag)
    }
  }

  /// The inside of a table that is one set with times of use.
  var onlySet: RecentSet? { kind == .someWays ? medium.pointee.onlySet : nil }

  /// Adds a tag that is not there.
  ///
  /// - Returns: whether it displaced another.
  @inline(__always)
  func insert(_ tag: UInt64, _ value: Value) -> Bool {
    switch kind {
    case .fewWays: small.insert(tag, value)
    case .someWays: medium.pointee.insert(tag, value)
    case .manyWays: large.pointee.insert(tag, value)
    case .policy: other.pointee.insert(tag, value)
    }
  }

  /// The value of a tag, whose use the policy is not told.
  func peek(_ tag: UInt64) -> UnsafeMutablePointer<Value>? {
    switch kind {
    case .fewWays: small.peek(tag)
    case .someWays: medium.pointee.peek(tag)
    case .manyWays: large.pointee.peek(tag)
    case .policy: other.pointee.peek(tag)
    }
  }

  /// Removes the entries that a rule picks.
  ///
  /// - Returns: how many they were.
  func remove(where isGone: (UInt64, Value) -> Bool) -> Int {
    switch kind {
    case .fewWays: small.remove(where: isGone)
    case .someWays: medium.pointee.remove(where: isGone)
    case .manyWays: large.pointee.remove(where: isGone)
    case .policy: other.pointee.remove(where: isGone)
    }
  }

  /// Removes a tag.
  ///
  /// - Returns: whether it was there.
  func remove(_ tag: UInt64) -> Bool {
    switch kind {
    case .fewWays: small.remove(tag)
    case .someWays: medium.pointee.remove(tag)
    case .manyWays: large.pointee.remove(tag)
    case .policy: other.pointee.remove(tag)
    }
  }

  /// Valid entries.
  var occupied: Int {
    switch kind {
    case .fewWays: small.occupied
    case .someWays: medium.pointee.occupied
    case .manyWays: large.pointee.occupied
    case .policy: other.pointee.occupied
    }
  }
}
