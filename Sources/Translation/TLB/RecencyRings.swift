/// Finds the least recent of sets of few ways from the times of last use.
///
/// Each set is a ring of what stands in it, by the time at which each was last looked at here: a hit
/// costs nothing, and leaves that time too early. Where the first one's is right no other can be less
/// recent; where it was used since, it moves to where its time belongs. So a table in which nothing is
/// used twice is a queue.
struct RecencyRings {
  /// Times above indices; the ring of a set begins at its head.
  private let keys: UnsafeMutablePointer<UInt64>
  private let heads: UnsafeMutablePointer<UInt32>
  /// How many entries each set has.
  private let taken: UnsafeMutablePointer<UInt32>
  private let sets: Int
  private let ways: Int
  /// Places of a ring, a power of two.
  private let places: Int

  init(sets: Int, ways: Int) {
    self.sets = sets
    self.ways = ways
    var places = 1
    while places < ways { places *= 2 }
    self.places = places
    keys = .allocate(capacity: sets * places)
    keys.initialize(repeating: 0, count: sets * places)
    heads = .allocate(capacity: sets)
    heads.initialize(repeating: 0, count: sets)
    taken = .allocate(capacity: sets)
    taken.initialize(repeating: 0, count: sets)
  }

  func deallocate() {
    keys.deallocate()
    heads.deallocate()
    taken.deallocate()
  }

  /// Entries in all sets.
  var occupied: Int { (0..<sets).reduce(0) { $0 + Int(taken[$1]) } }

  /// Adds what was just used to its set, in place of the least recent where the set is full.
  ///
  /// - Parameters:
  ///   - index: that is not there.
  ///   - set: of the index.
  ///   - cells: with the time of each index.
  /// - Returns: the index that had to go.
  @inline(__always)
  func exchange(
    _ index: UInt32, set: Int, _ cells: UnsafeMutablePointer<FirstLevel.Cell>
  ) -> UInt32? {
    let ring = keys + set &* places
    let mask = places &- 1
    var head = Int(heads[set])
    let key = UInt64(cells[Int(index)].recent) &<< 32 | UInt64(index)
    let count = Int(taken[set])
    guard count == ways else {
      ring[(head &+ count) & mask] = key
      taken[set] &+= 1
      return nil
    }
    while true {
      let first = ring[head & mask]
      head &+= 1
      let oldest = UInt32(truncatingIfNeeded: first)
      let recent = cells[Int(oldest)].recent
      if recent == UInt32(truncatingIfNeeded: first &>> 32) {
        ring[(head &+ count &- 1) & mask] = key
        heads[set] = UInt32(truncatingIfNeeded: head)
        return oldest
      }
      let moved = UInt64(recent) &<< 32 | UInt64(oldest)
      var at = head &+ count &- 1
      while at > head, ring[(at &- 1) & mask] > moved {
        ring[at & mask] = ring[(at &- 1) & mask]
        at &-= 1
      }
      ring[at & mask] = moved
    }
  }

  /// Takes the times anew, after others were given.
  func takeTimes(_ cells: UnsafeMutablePointer<FirstLevel.Cell>) {
    for set in 0..<sets {
      let count = Int(taken[set])
      let members = (0..<count).map {
        UInt32(truncatingIfNeeded: keys[set * places + (Int(heads[set]) + $0) & (places - 1)])
      }
      let sorted = members.map { UInt64(cells[Int($0)].recent) << 32 | UInt64($0) }.sorted()
      for (at, key) in sorted.enumerated() { keys[set * places + at] = key }
      heads[set] = 0
    }
  }
}
