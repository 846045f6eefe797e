import CLanes
import Machine

/// What is known of a translation's walk after its first, in sixteen bytes.
struct WalkRecord: BitwiseCopyable {
  /// The data's guest-physical frame 39:0, the levels of the leaves 42:40 and 45:43, known 46,
  /// splintered 47.
  private var word: UInt64 = 0
  /// The node of the first stage's deepest prefix, the one of level `firstLeaf + 1`.
  private(set) var firstNode: UInt32 = 0
  /// Likewise of the second stage.
  private(set) var secondNode: UInt32 = 0

  /// What is not known yet.
  init() {}

  /// - Parameters:
  ///   - frame: where the data stands in the second stage; of a large translation, its first page.
  ///   - firstLeaf: the level of the first stage's leaf.
  ///   - secondLeaf: of the second stage's.
  ///   - firstNode: of the level above `firstLeaf`.
  ///   - secondNode: of the level above `secondLeaf`.
  ///   - isSplintered: the second stage's page is smaller than the first's.
  init(
    frame: UInt64, firstLeaf: Int, secondLeaf: Int, firstNode: UInt32, secondNode: UInt32,
    isSplintered: Bool
  ) {
    word =
      frame & (1 << 40 - 1) | UInt64(firstLeaf) << 40 | UInt64(secondLeaf) << 43 | 1 << 46
      | (isSplintered ? 1 << 47 : 0)
    self.firstNode = firstNode
    self.secondNode = secondNode
  }

  var isKnown: Bool { word & 1 << 46 != 0 }
  mutating func expect() { word |= 1 << 46 }
  @inline(__always) var frame: UInt64 { word & (1 << 40 - 1) }
  @inline(__always) var firstLeaf: Int { Int(truncatingIfNeeded: word >> 40 & 7) }
  @inline(__always) var secondLeaf: Int { Int(truncatingIfNeeded: word >> 43 & 7) }
  @inline(__always) var splintered: Int { Int(truncatingIfNeeded: word >> 47 & 1) }
}

/// The walks of a trace's translations, which are the same for every machine with the same tables.
struct WalkTables: ~Copyable {
  var nodes: WalkNodes
  private var all = LargeArray(of: WalkRecord())

  init(firstLevels: Int, secondLevels: Int) {
    nodes = WalkNodes(firstLevels: firstLevels, secondLevels: secondLevels)
  }

  /// By the numbers of translations.
  @inline(__always)
  var records: UnsafeMutablePointer<WalkRecord> { all.base }
  /// Above all numbers for the nested TLB.
  var nestedCount: Int { max(nodes.nestedCount, 2 * all.capacity) }

  /// Makes room for the records of so many translations.
  mutating func reserve(_ translations: Int) { all.reserve(translations) }

  /// Asks for a record that will be needed.
  @inline(__always)
  func prefetch(_ number: UInt32) { lanes_prefetch(records + Int(number)) }
}

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

    init(_ description: WalkCacheDescription?) {
      exists = description != nil
      table = NumberedTable(sets: description?.sets ?? 1, ways: description?.ways ?? 1)
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
      to: Cache(!hasSecondStage ? nil : descriptions.first { $0.kind == .nested }))
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

  /// Makes room in the caches for all that is known by now.
  func reserve(_ tables: borrowing WalkTables) {
    for level in 1..<WalkPath.steps {
      first[level].table.reserve(tables.nodes.firstCount(level))
      second[level].table.reserve(tables.nodes.secondCount(level))
    }
    nested.pointee.table.reserve(tables.nestedCount)
  }

  /// Counts one walk of a page whose translation has a record.
  ///
  /// - Parameters:
  ///   - number: of the translation.
  ///   - page: the address shifted right by 12.
  ///   - reach: of the translation.
  ///   - tables: with the record.
  @inline(__always)
  mutating func walk(
    _ number: UInt32, page: UInt64, reach: PageSize, _ tables: inout WalkTables
  ) {
    let record = tables.records[Int(number)]
    var data = WalkNodes.Target(
      frame: record.frame, nested: WalkNodes.nestedNumber(ofDataOf: number),
      node: record.secondNode, leaf: record.secondLeaf)
    if reach != .base4K { data = piece(of: data, page, reach, &tables.nodes) }
    var count = walkFirst(record.firstNode, page, leaf: record.firstLeaf, tables.nodes)
    count &+= walkSecond(
      data, step: Int(WalkPath.data), leaf: data.leaf, isCached: true, tables.nodes)
    byReferences[count] &+= 1
    splintered &+= record.splintered
  }

  /// A page in a large translation has a number of its own for the nested TLB.
  @inline(never)
  private mutating func piece(
    of data: WalkNodes.Target, _ page: UInt64, _ reach: PageSize, _ nodes: inout WalkNodes
  ) -> WalkNodes.Target {
    let inReach: UInt64 = 1 << reach.logFrames - 1
    var piece = data
    piece.frame = data.frame & ~inReach | page & inReach
    guard nodes.secondLevels > 0, nested.pointee.exists else { return piece }
    piece.nested = nodes.nestedNumber(of: piece.frame)
    nested.pointee.table.reserve(nodes.nestedCount)
    return piece
  }

  /// The first stage down to its leaf, and the second stage for each table on the way.
  ///
  /// - Parameters:
  ///   - node: of level `leaf + 1`.
  ///   - page: whose bits decide the sets of caches.
  ///   - leaf: the last level whose entry is read; caches of its level and below know nothing.
  ///   - nodes: with all of the way.
  /// - Returns: the entries read.
  @inline(__always)
  private mutating func walkFirst(
    _ node: UInt32, _ page: UInt64, leaf: Int, _ nodes: borrowing WalkNodes
  ) -> Int {
    var level = leaf &+ 1
    var node = node
    while level < firstLevels {
      way[level] = node
      if first[level].exists, first[level].find(node, bits: page &>> UInt64(9 &* level)) { break }
      node = nodes.first(level, node).parent
      level &+= 1
    }
    ends.countFirst(leaf: leaf, end: level)
    var count = 0
    // Past the last level nothing hit, and the root has to be found.
    if level == firstLevels {
      count = walkSecond(nodes.root, step: level &- 1, leaf: nodes.root.leaf, isCached: true, nodes)
    }
    level &-= 1
    while true {
      count &+= 1
      if level == leaf { return count }
      let table = nodes.first(level, way[level]).table
      level &-= 1
      count &+= walkSecond(table, step: level, leaf: table.leaf, isCached: true, nodes)
    }
  }

  /// The second stage for one guest-physical page.
  ///
  /// - Parameters:
  ///   - target: the page.
  ///   - step: of the first stage that needs it.
  ///   - leaf: the last level whose entry is read.
  ///   - isCached: the nested TLB keeps the page; false where the walk ends with a fault here.
  ///   - nodes: with all of the way.
  /// - Returns: the entries read.
  @inline(__always)
  private mutating func walkSecond(
    _ target: WalkNodes.Target, step: Int, leaf: Int, isCached: Bool,
    _ nodes: borrowing WalkNodes
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
      node = nodes.second(level, node).parent
      level &+= 1
    }
    ends.countSecond(step: step, leaf: leaf, end: level)
    return level &- leaf
  }

  /// Counts a walk that ends in a fault.
  ///
  /// - Parameters:
  ///   - page: the address shifted right by 12.
  ///   - path: of the same walk without caches, from which its nodes were learnt.
  ///   - rootFrame: the guest-physical frame of the first table.
  ///   - fault: the name of its counter.
  ///   - tables: learns what the end of the walk looks for.
  mutating func walkFaulting(
    _ page: UInt64, _ path: borrowing WalkPath, rootFrame: UInt64, fault: String,
    _ tables: inout WalkTables
  ) {
    faults[fault, default: 0] += 1
    var deepest = firstLevels
    for at in 0..<path.count where !path[at].isSecondStage {
      deepest = Int(path[at].firstLevel)
    }
    var count = 0
    if deepest < firstLevels {
      let node = tables.nodes.knownNode(of: page, level: deepest + 1) ?? 0
      count = walkFirst(node, page, leaf: deepest, tables.nodes)
    } else if path.count > 0 {
      // Not even the root was found, and no cache knows anything.
      ends.countFirst(leaf: firstLevels, end: firstLevels)
    }
    if path.count > 0, path[path.count - 1].isSecondStage {
      let last = path[path.count - 1]
      let leaf = Int(last.secondLevel)
      let frame = Self.frame(wantedBy: path, page) ?? rootFrame
      let target = tables.nodes.target(frame: frame, leaf: leaf)
      reserve(tables)
      count += walkSecond(
        target, step: Int(last.firstLevel), leaf: leaf, isCached: false, tables.nodes)
    }
    byReferences[count] += 1
  }

  /// The frame that the last second-stage steps of a path looked for: where the entry before them
  /// leads; nothing where it was the root.
  private static func frame(wantedBy path: borrowing WalkPath, _ page: UInt64) -> UInt64? {
    for at in stride(from: path.count - 1, through: 0, by: -1) where !path[at].isSecondStage {
      let frame = path[at].value >> 12 & (1 << 40 - 1)
      guard path[path.count - 1].firstLevel == WalkPath.data else { return frame }
      let inPage: UInt64 = 1 << UInt64(9 * Int(path[at].firstLevel)) - 1
      return frame & ~inPage | page & inPage
    }
    return nil
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
