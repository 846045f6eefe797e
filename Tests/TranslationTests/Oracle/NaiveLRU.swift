/// Exact LRU written to be obvious: each set is a list, most recent first.
struct NaiveLRU {
  var sets: [[UInt64]]
  let ways: Int
  var values: [UInt64: UInt64] = [:]

  init(sets: Int, ways: Int) {
    self.sets = Array(repeating: [], count: sets)
    self.ways = ways
  }

  mutating func find(_ tag: UInt64) -> UInt64? {
    let set = Int(tag % UInt64(sets.count))
    guard let at = sets[set].firstIndex(of: tag) else { return nil }
    sets[set].remove(at: at)
    sets[set].insert(tag, at: 0)
    return values[tag]
  }

  /// Whether another tag had to go.
  mutating func insert(_ tag: UInt64, _ value: UInt64 = 0) -> Bool {
    let set = Int(tag % UInt64(sets.count))
    sets[set].insert(tag, at: 0)
    values[tag] = value
    guard sets[set].count > ways else { return false }
    values[sets[set].removeLast()] = nil
    return true
  }
}
