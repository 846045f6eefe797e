import Machine

/// One TLB whose entries are of several address spaces and can be invalidated.
struct TaggedTLB: ~Copyable {
  let name: String
  let latencyCycles: Int
  private let entries: AssociativeTable<CachedTranslation>
  private let logSets: UInt64
  private let isHashed: Bool
  /// The entries, where a hit can be had without a search.
  private let recent: RecentSet?
  private(set) var hits = 0
  private(set) var misses = 0
  private(set) var fills = 0
  private(set) var evictions = 0
  private(set) var invalidations = 0

  init(_ description: TLBDescription, seed: UInt64) {
    name = description.name
    latencyCycles = description.latencyCycles
    logSets = UInt64(description.sets.trailingZeroBitCount)
    isHashed = description.index == .xor
    entries = AssociativeTable(
      sets: description.sets, ways: description.ways, policy: description.replacement,
      seed: seed,
      initial: .empty)
    recent = entries.onlySet
  }

  /// Counts a hit of an entry that may stand in a slot, if it does; otherwise nothing is counted.
  @inline(__always)
  mutating func hits(_ key: TLBKey, at slot: Int32) -> Bool {
    guard let recent, recent.use(slot, if: key.rawValue) else { return false }
    hits &+= 1
    return true
  }

  var lookups: Int { hits + misses }
  var occupied: Int { entries.occupied }

  /// The key by whose low bits the set is found.
  ///
  /// Hashed, the page number is cut into pieces as wide as the set index, and they are added without
  /// carry; pieces above the lowest stay, so no two keys become one.
  @inline(__always)
  private func placed(_ key: TLBKey) -> UInt64 {
    guard isHashed, logSets > 0 else { return key.rawValue }
    var rest = (key.rawValue & (1 << 45 - 1)) >> logSets
    var fold: UInt64 = 0
    while rest != 0 {
      fold ^= rest
      rest >>= logSets
    }
    return key.rawValue ^ fold & (1 << logSets - 1)
  }

  /// Looks a translation up under its tag, then as a global one.
  ///
  /// The slot is where the first key's entry may be, and afterwards where it is, if it is there.
  ///
  /// - Returns: the entry and the key that it was found by.
  @inline(__always)
  mutating func lookup(
    _ key: TLBKey, _ global: TLBKey, near slot: inout Int32
  ) -> (UnsafeMutablePointer<CachedTranslation>, TLBKey)? {
    if let found = entries.find(placed(key), near: &slot) {
      hits += 1
      return (found, key)
    }
    if key.rawValue != global.rawValue, let found = entries.find(placed(global)) {
      hits += 1
      return (found, global)
    }
    misses += 1
    return nil
  }

  /// Counts touches that go on with the page which this TLB served last.
  mutating func countRepeated(_ touches: Int) { hits += touches }

  /// Adds the tags of the entries to a set.
  func collectTags(into tags: inout Set<UInt16>) {
    _ = entries.remove { word, _ in
      tags.insert(UInt16(truncatingIfNeeded: word >> 48))
      return false
    }
  }

  /// Whether any entry has a tag.
  func hasEntries(under tag: UInt16) -> Bool {
    var has = false
    _ = entries.remove { word, _ in
      has = has || UInt16(truncatingIfNeeded: word >> 48) == tag
      return false
    }
    return has
  }

  /// Whether an entry is there, which stays as recent as it is.
  func holds(_ key: TLBKey) -> Bool { entries.peek(placed(key)) != nil }

  /// An entry, which stays as recent as it is.
  func entry(_ key: TLBKey) -> CachedTranslation? { entries.peek(placed(key))?.pointee }

  /// Adds a translation that a lookup just missed.
  @inline(__always)
  mutating func fill(_ key: TLBKey, _ value: CachedTranslation) {
    let place = placed(key)
    // A walk for a permission that a cached entry lacked writes that entry anew.
    if let old = entries.peek(place) {
      old.pointee = value
      return
    }
    fills += 1
    if entries.insert(place, value) { evictions += 1 }
  }

  /// Changes what the TLB knows of a translation, where it has it.
  func update(_ key: TLBKey, _ change: (inout CachedTranslation) -> Void) {
    if let found = entries.peek(placed(key)) { change(&found.pointee) }
  }

  /// Shows every entry, which changes nothing.
  func visit(_ body: (TLBKey, CachedTranslation) -> Void) {
    _ = entries.remove { word, value in
      body(TLBKey(rawValue: placed(TLBKey(rawValue: word))), value)
      return false
    }
  }

  /// Removes the entries that a rule picks.
  mutating func invalidate(where isGone: (TLBKey, CachedTranslation) -> Bool) {
    invalidations += entries.remove { word, value in
      // Placing a key twice gives it back.
      isGone(TLBKey(rawValue: placed(TLBKey(rawValue: word))), value)
    }
  }
}
