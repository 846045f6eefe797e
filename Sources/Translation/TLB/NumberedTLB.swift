import Machine

/// A TLB behind a first level, exact LRU, of translations that have numbers, with its counters.
struct NumberedTLB: ~Copyable {
  let name: String
  let latencyCycles: Int
  private var entries: NumberedTable
  private(set) var lookups = 0
  private(set) var misses = 0
  private(set) var fills = 0
  private(set) var evictions = 0

  init(_ description: TLBDescription) {
    name = description.name
    latencyCycles = description.latencyCycles
    entries = NumberedTable(sets: description.sets, ways: description.ways)
  }

  var hits: Int { lookups - misses }
  var occupied: Int { entries.occupied }

  /// Makes room for numbers below `count`.
  mutating func reserve(_ count: Int) { entries.reserve(count) }

  /// Looks a translation up that missed before, and adds it where it is missing, unless the page
  /// has none.
  ///
  /// - Returns: whether it was there.
  @inline(__always)
  mutating func lookup(_ miss: Miss) -> Bool {
    lookups &+= 1
    guard !miss.faults else {
      misses &+= 1
      return false
    }
    let exchange = entries.exchange(miss.number, bits: miss.pageBits)
    if exchange == .hit { return true }
    misses &+= 1
    fills &+= 1
    evictions &+= exchange == .displaced ? 1 : 0
    return false
  }
}
