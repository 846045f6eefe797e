import CLanes

/// What a lookup that fills did.
enum Exchange: UInt8 {
  case hit
  /// A miss, and there was room.
  case added
  /// A miss, and the least recent had to go.
  case displaced
}

/// A set-associative table with exact LRU of things that have numbers, for any sets and ways.
struct NumberedTable: ~Copyable {
  private enum Kind { case one, few, list, other }

  private let kind: Kind
  private var one: NumberedSet
  private let few: NumberedSets
  private var list: NumberedList
  private let other: AssociativeTable<TLB.NoValue>

  /// Sets whose index the low bits that callers pass are enough for.
  static let maximumSets = 1 << 12

  /// - Parameters:
  ///   - sets: a power of two, at most `maximumSets`.
  ///   - ways: at least 1.
  ///   - isAskedForMany: far more numbers than fit a cache of the machine at hand, so that comparing
  ///     tags is faster than looking a number up.
  init(sets: Int, ways: Int, isAskedForMany: Bool = false) {
    let isNarrow = ways <= NumberedSets.maximumWays
    let wanted: Kind =
      isNarrow ? (sets == 1 && !isAskedForMany ? .one : .few) : sets == 1 ? .list : .other
    func size(_ one: Kind) -> (sets: Int, ways: Int) { one == wanted ? (sets, ways) : (1, 1) }
    kind = wanted
    one = NumberedSet(ways: size(.one).ways)
    few = NumberedSets(sets: size(.few).sets, ways: size(.few).ways)
    list = NumberedList(ways: size(.list).ways)
    other = AssociativeTable(
      sets: size(.other).sets, ways: size(.other).ways, initial: TLB.NoValue())
  }

  /// Makes room for numbers below `count`.
  mutating func reserve(_ count: Int) {
    if kind == .one { one.reserve(count) } else if kind == .list { list.reserve(count) }
  }

  /// Asks for what a lookup of a number will read.
  @inline(__always)
  func prefetch(_ number: UInt32) { if kind == .list { list.prefetch(number) } }

  /// Looks a number up and adds it where it is missing; either way it is the set's most recent.
  ///
  /// - Parameters:
  ///   - number: for which there is room.
  ///   - bits: the low twelve bits of what decides the set.
  /// - Returns: what happened.
  @inline(__always)
  mutating func exchange(_ number: UInt32, bits: UInt64) -> Exchange {
    // Tests and no jump through a table, which is guessed worse.
    if kind == .few {
      let before = few.exchange(number, page: bits)
      return before == number ? .hit : before == NumberedSets.empty ? .added : .displaced
    }
    if kind == .one { return one.exchange(number) }
    if kind == .list { return list.exchange(number) }
    return exchangeOther(number, bits)
  }

  @inline(never)
  private func exchangeOther(_ number: UInt32, _ bits: UInt64) -> Exchange {
    let tag = UInt64(number) << 12 | bits & 0xfff
    if other.find(tag) != nil { return .hit }
    return other.insert(tag, TLB.NoValue()) ? .displaced : .added
  }

  var occupied: Int {
    switch kind {
    case .one: one.count
    case .few: few.occupied
    case .list: list.count
    case .other: other.occupied
    }
  }
}

/// One set of many ways, in a list by order of use; a number leads straight to its place.
struct NumberedList: ~Copyable {
  private struct Place {
    var number: UInt32
    var newer: UInt32
    var older: UInt32
  }

  private let places: UnsafeMutablePointer<Place>
  private let ways: Int
  /// One more than the place of each number; 0 for those that are not there.
  private var placeOf = LargeArray<UInt32>(of: 0)
  private(set) var count = 0
  private var newest: UInt32 = 0
  private var oldest: UInt32 = 0

  init(ways: Int) {
    self.ways = ways
    places = .allocate(capacity: ways)
  }

  deinit { places.deallocate() }

  /// Makes room for numbers below `wanted`.
  mutating func reserve(_ wanted: Int) { placeOf.reserve(wanted) }

  @inline(__always)
  func prefetch(_ number: UInt32) { lanes_prefetch(placeOf.base + Int(number)) }

  @inline(__always)
  mutating func exchange(_ number: UInt32) -> Exchange {
    let known = placeOf[Int(number)]
    if known != 0 {
      let place = known &- 1
      if place != newest {
        unlink(place)
        linkNewest(place)
      }
      return .hit
    }
    var place = UInt32(truncatingIfNeeded: count)
    let isFull = count == ways
    if isFull {
      place = oldest
      placeOf[Int(places[Int(place)].number)] = 0
      unlink(place)
    } else {
      count += 1
    }
    places[Int(place)].number = number
    placeOf[Int(number)] = place &+ 1
    linkNewest(place)
    return isFull ? .displaced : .added
  }

  /// Takes a place out of the list, in which others remain, or which is then written anew.
  @inline(__always)
  private mutating func unlink(_ place: UInt32) {
    let (newer, older) = (places[Int(place)].newer, places[Int(place)].older)
    if place == oldest { oldest = newer } else { places[Int(older)].newer = newer }
    if place == newest { newest = older } else { places[Int(newer)].older = older }
  }

  @inline(__always)
  private mutating func linkNewest(_ place: UInt32) {
    // The first of an empty list is its own neighbour, and is never asked for one.
    if count == 1 { oldest = place } else { places[Int(newest)].newer = place }
    places[Int(place)].older = newest
    newest = place
  }
}
