import Machine

/// A TLB behind a first level, exact LRU, of translations that have numbers, with its counters.
struct NumberedTLB: ~Copyable {
  let name: String
  let latencyCycles: Int
  private let few: NumberedSets
  private let many: AssociativeTable<TLB.NoValue>
  private let hasFewWays: Bool
  private(set) var lookups = 0
  private(set) var misses = 0
  private(set) var fills = 0
  private(set) var evictions = 0

  init(_ description: TLBDescription) {
    name = description.name
    latencyCycles = description.latencyCycles
    let (sets, ways) = (description.sets, description.ways)
    hasFewWays = ways <= NumberedSets.maximumWays
    few = NumberedSets(sets: hasFewWays ? sets : 1, ways: hasFewWays ? ways : 1)
    many = AssociativeTable(
      sets: hasFewWays ? 1 : sets, ways: hasFewWays ? 1 : ways, initial: TLB.NoValue())
  }

  var hits: Int { lookups - misses }
  var occupied: Int { hasFewWays ? few.occupied : many.occupied }

  /// Looks a translation up that missed before, and adds it where it is missing, unless the page
  /// has none.
  ///
  /// - Returns: whether it was there.
  @inline(__always)
  mutating func lookup(_ miss: Miss) -> Bool {
    lookups += 1
    if hasFewWays && !miss.faults {
      let before = few.exchange(miss.number, page: miss.pageBits)
      if before == miss.number { return true }
      misses += 1
      fills += 1
      evictions += before == NumberedSets.empty ? 0 : 1
      return false
    }
    return lookupSlowly(miss)
  }

  @inline(never)
  private mutating func lookupSlowly(_ miss: Miss) -> Bool {
    if miss.faults {
      misses += 1
      return false
    }
    if many.find(miss.tag) != nil { return true }
    misses += 1
    fills += 1
    if many.insert(miss.tag, TLB.NoValue()) { evictions += 1 }
    return false
  }
}
