import Machine

/// One set of a table under a policy, written to be obvious: entries in their ways, and for each what
/// the policy's definition speaks of.
struct NaiveSet {
  let policy: ReplacementName
  var tags: [UInt64?]
  /// FIFO: when each way was filled.
  var arrivals: [Int]
  /// LRU: when each way was last used.
  var uses: [Int]
  /// SRRIP: the prediction of each way.
  var predictions: [Int]
  /// Tree-PLRU: for each half-open range of ways of more than one, whether it points to its upper half.
  var pointsUp: [[Int]: Bool] = [:]
  var clock = 0

  init(ways: Int, policy: ReplacementName) {
    self.policy = policy
    tags = Array(repeating: nil, count: ways)
    arrivals = Array(repeating: 0, count: ways)
    uses = Array(repeating: 0, count: ways)
    predictions = Array(repeating: 3, count: ways)
  }

  /// Whether the tag is there, and whether another had to go where it was not.
  mutating func touch(_ tag: UInt64) -> (hit: Bool, evicted: UInt64?) {
    clock += 1
    if let way = tags.firstIndex(of: tag) {
      predictions[way] = 0
      uses[way] = clock
      turnAway(from: way)
      return (true, nil)
    }
    let way = tags.firstIndex(of: nil) ?? victim()
    let evicted = tags[way]
    tags[way] = tag
    arrivals[way] = clock
    uses[way] = clock
    predictions[way] = 2
    turnAway(from: way)
    return (false, evicted)
  }

  /// Empties the ways of the tags that a rule picks; says how many they were.
  mutating func remove(where isGone: (UInt64) -> Bool) -> Int {
    var count = 0
    for way in tags.indices {
      if let tag = tags[way], isGone(tag) {
        tags[way] = nil
        count += 1
      }
    }
    return count
  }

  private mutating func victim() -> Int {
    switch policy {
    case .lru: return uses.indices.min { uses[$0] < uses[$1] } ?? 0
    case .fifo:
      return arrivals.indices.min { arrivals[$0] < arrivals[$1] } ?? 0
    case .srrip:
      while true {
        if let way = predictions.firstIndex(of: 3) { return way }
        predictions = predictions.map { $0 + 1 }
      }
    case .treePLRU:
      var range = [0, tags.count]
      while range[1] - range[0] > 1 {
        let middle = (range[0] + range[1]) / 2
        range = pointsUp[range] ?? false ? [middle, range[1]] : [range[0], middle]
      }
      return range[0]
    case .random: fatalError("no oracle")
    }
  }

  private mutating func turnAway(from way: Int) {
    var range = [0, tags.count]
    while range[1] - range[0] > 1 {
      let middle = (range[0] + range[1]) / 2
      pointsUp[range] = way < middle
      range = way < middle ? [range[0], middle] : [middle, range[1]]
    }
  }
}
