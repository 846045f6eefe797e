import Machine

/// One TLB and the counters that it owns.
///
/// Model: a translation is looked up in the TLBs that hold its size alone, because the replay knows
/// the size; hardware probes the arrays of all sizes side by side, with the same hits and misses.
struct TLB: ~Copyable {
  /// A TLB of this version keeps tags alone: what a hit would return is never needed.
  struct NoValue: BitwiseCopyable {}

  let name: String
  let latencyCycles: Int
  private let entries: AssociativeTable<NoValue>
  private(set) var hits = 0
  private(set) var misses = 0
  private(set) var fills = 0
  private(set) var evictions = 0

  /// A second touch of a page right after the first may change which entry goes next.
  let countsRepeats: Bool

  init(_ description: TLBDescription, seed: UInt64) {
    countsRepeats = description.replacement == .srrip
    name = description.name
    latencyCycles = description.latencyCycles
    entries = AssociativeTable(
      sets: description.sets, ways: description.ways, policy: description.replacement,
      seed: seed, initial: NoValue())
  }

  var lookups: Int { hits + misses }
  var occupied: Int { entries.occupied }

  /// Whether the TLB has a translation, which becomes the most recent of its set.
  @inline(__always)
  mutating func lookup(_ tag: UInt64) -> Bool {
    if entries.find(tag) != nil {
      hits += 1
      return true
    }
    misses += 1
    return false
  }

  /// Adds a translation that a lookup just missed.
  @inline(__always)
  mutating func fill(_ tag: UInt64) {
    fills += 1
    if entries.insert(tag, NoValue()) { evictions += 1 }
  }

  /// Counts touches that go on with the page which this TLB served last.
  ///
  /// Such a touch finds its translation as the most recent of its set, so it changes nothing.
  mutating func countRepeated(_ touches: Int) { hits += touches }
}
