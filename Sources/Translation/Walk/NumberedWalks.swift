import CLanes
import Machine

/// The walk caches over the walks of translations that are known, and what those walks read.
///
/// The caches see numbers and keep no addresses: the tables do not change while this is in use, so a
/// hit says what the entries say, and which entries a walk reads follows from where it hits. The order
/// of probes and fills is that of `Walker`; that a fill comes with the miss, and not after the entries
/// that were read for it, is the same because nothing else asks that cache between the two.
struct NumberedWalks: ~Copyable {
  private struct Cache: ~Copyable {
    var table: NumberedTable
    let exists: Bool

    init(_ description: WalkCacheDescription?, isAskedForMany: Bool = false) {
      exists = description != nil
      table = NumberedTable(
        sets: description?.sets ?? 1, ways: description?.ways ?? 1, isAskedForMany: isAskedForMany)
    }

    @inline(__always)
    mutating func find(_ number: UInt32, bits: UInt64) -> Bool {
      table.exchange(number, bits: bits) == .hit
    }
  }

  private let first: UnsafeMutablePointer<Cache>
  private let second: UnsafeMutablePointer<Cache>
  private let nested: UnsafeMutablePointer<Cache>
  /// The nodes of the walk that goes on, by level.
  private let way = UnsafeMutablePointer<UInt32>.allocate(capacity: WalkPath.steps + 1)
  private let byReferences = UnsafeMutablePointer<Int>.allocate(capacity: WalkPath.capacity + 1)
  private let ends = WalkEnds()
  private let firstLevels: Int
  private let secondLevels: Int
  private var splintered = 0
  private var faults: [String: Int] = [:]

  /// - Parameters:
  ///   - descriptions: of LRU caches alone.
  ///   - firstLevels: of the first stage's tables.
  ///   - secondLevels: of the second stage's; 0 in native mode.
  init(_ descriptions: [WalkCacheDescription], firstLevels: Int, secondLevels: Int) {
    self.firstLevels = firstLevels
    self.secondLevels = secondLevels
    let hasSecondStage = secondLevels > 0
    first = .allocate(capacity: WalkPath.steps)
    second = .allocate(capacity: WalkPath.steps)
    nested = .allocate(capacity: 1)
    for level in 0..<WalkPath.steps {
      (first + level).initialize(
        to: Cache(descriptions.first { $0.kind == .firstStage(level: level) }))
      (second + level).initialize(
        to: Cache(
          !hasSecondStage ? nil : descriptions.first { $0.kind == .secondStage(level: level) }))
    }
    nested.initialize(
      to: Cache(
        !hasSecondStage ? nil : descriptions.first { $0.kind == .nested }, isAskedForMany: true))
    byReferences.initialize(repeating: 0, count: WalkPath.capacity + 1)
  }

  deinit {
    first.deinitialize(count: WalkPath.steps)
    second.deinitialize(count: WalkPath.steps)
    nested.deinitialize(count: 1)
    first.deallocate()
    second.deallocate()
    nested.deallocate()
    way.deallocate()
    byReferences.deallocate()
  }

  /// Makes room in the caches for all that a block may ask them.
  func reserve(_ known: WalkView) {
    for level in 1..<WalkPath.steps {
      first[level].table.reserve(known.firstCount(level))
      second[level].table.reserve(known.secondCount(level))
    }
    nested.pointee.table.reserve(known.nestedCount)
  }

  /// Asks for what the walk of a translation will read.
  @inline(__always)
  func prefetch(_ number: UInt32, _ known: WalkView) {
    known.prefetch(number)
    nested.pointee.table.prefetch(WalkNodes.nestedNumber(ofDataOf: number))
  }

  /// Counts one walk of a page whose translation has a record.
  ///
  /// - Parameters:
  ///   - miss: of the page.
  ///   - page: the address shifted right by 12.
  ///   - detail: of a page in a large translation, its number for the nested TLB.
  ///   - known: with the record.
  @inline(__always)
  mutating func walk(_ miss: Miss, page: UInt64, detail: UInt32, _ known: WalkView) {
    let record = known.records[Int(miss.number)]
    var data = WalkNodes.Target(
      frame: record.frame, nested: WalkNodes.nestedNumber(ofDataOf: miss.number),
      node: record.secondNode, leaf: record.secondLeaf)
    if miss.reach != .base4K {
      data.frame = record.frame(of: page, in: miss.reach)
      data.nested = detail
    }
    var count = walkFirst(record.firstNode, page, leaf: record.firstLeaf, known)
    count &+= walkSecond(data, step: Int(WalkPath.data), leaf: data.leaf, isCached: true, known)
    byReferences[count] &+= 1
    splintered &+= record.splintered
  }

  /// The first stage down to its leaf, and the second stage for each table on the way.
  ///
  /// - Parameters:
  ///   - node: of level `leaf + 1`.
  ///   - page: whose bits decide the sets of caches.
  ///   - leaf: the last level whose entry is read; caches of its level and below know nothing.
  ///   - known: with all of the way.
  /// - Returns: the entries read.
  @inline(__always)
  private mutating func walkFirst(
    _ node: UInt32, _ page: UInt64, leaf: Int, _ known: WalkView
  ) -> Int {
    var level = leaf &+ 1
    var node = node
    while level < firstLevels {
      way[level] = node
      if first[level].exists, first[level].find(node, bits: page &>> UInt64(9 &* level)) { break }
      node = known.first(level, node).parent
      level &+= 1
    }
    ends.countFirst(leaf: leaf, end: level)
    var count = 0
    // Past the last level nothing hit, and the root has to be found.
    if level == firstLevels {
      count = walkSecond(known.root, step: level &- 1, leaf: known.root.leaf, isCached: true, known)
    }
    level &-= 1
    while true {
      count &+= 1
      if level == leaf { return count }
      let table = known.first(level, way[level]).table
      level &-= 1
      count &+= walkSecond(table, step: level, leaf: table.leaf, isCached: true, known)
    }
  }

  /// The second stage for one guest-physical page.
  ///
  /// - Parameters:
  ///   - target: the page.
  ///   - step: of the first stage that needs it.
  ///   - leaf: the last level whose entry is read.
  ///   - isCached: the nested TLB keeps the page; false where the walk ends with a fault here.
  ///   - known: with all of the way.
  /// - Returns: the entries read.
  @inline(__always)
  private mutating func walkSecond(
    _ target: WalkNodes.Target, step: Int, leaf: Int, isCached: Bool, _ known: WalkView
  ) -> Int {
    guard secondLevels > 0 else { return 0 }
    if isCached, nested.pointee.exists, nested.pointee.find(target.nested, bits: target.frame) {
      ends.countSecond(step: step, leaf: leaf, end: WalkEnds.nestedHit)
      return 0
    }
    var level = leaf &+ 1
    var node = target.node
    while level < secondLevels {
      if second[level].exists,
        second[level].find(node, bits: target.frame &>> UInt64(9 &* level))
      {
        break
      }
      node = known.second(level, node).parent
      level &+= 1
    }
    ends.countSecond(step: step, leaf: leaf, end: level)
    return level &- leaf
  }

  /// Counts a walk that ends in a fault.
  mutating func walk(_ faulting: FaultingWalk, page: UInt64, _ known: WalkView) {
    faults[faulting.fault, default: 0] += 1
    var count = 0
    if faulting.deepest < firstLevels {
      count = walkFirst(faulting.node, page, leaf: faulting.deepest, known)
    } else if faulting.readsSomething {
      // Not even the root was found, and no cache knows anything.
      ends.countFirst(leaf: firstLevels, end: firstLevels)
    }
    if let end = faulting.end {
      count += walkSecond(
        end.target, step: end.step, leaf: end.target.leaf, isCached: false, known)
    }
    byReferences[count] += 1
  }

  /// What was counted, with what each reference costs.
  func statistics(referenceCycles: Int) -> WalkStatistics {
    var statistics = WalkStatistics()
    statistics.add(
      byReferences: (0...WalkPath.capacity).map { byReferences[$0] }, grid: ends.grid,
      splintered: splintered, faults: faults, referenceCycles: referenceCycles)
    return statistics
  }

  /// Walks and their references so far.
  var sums: (walks: Int, references: Int) {
    var sums = (walks: 0, references: 0)
    for count in 0...WalkPath.capacity {
      sums.walks += byReferences[count]
      sums.references += count * byReferences[count]
    }
    return sums
  }

  /// The counters of every walk cache, by the names of the contract.
  func cacheCounters() -> [(name: String, lookups: Int, hits: Int)] {
    var counters: [(name: String, lookups: Int, hits: Int)] = []
    for level in 1..<WalkPath.steps where first[level].exists {
      let asked = ends.firstCache(level, of: firstLevels)
      counters.append(("firstStage.L\(level)", asked.lookups, asked.hits))
    }
    for level in 1..<WalkPath.steps where second[level].exists {
      let asked = ends.secondCache(level, of: secondLevels)
      counters.append(("secondStage.L\(level)", asked.lookups, asked.hits))
    }
    if nested.pointee.exists {
      let asked = ends.nestedTLB
      counters.append(("nested", asked.lookups, asked.hits))
    }
    return counters
  }
}
