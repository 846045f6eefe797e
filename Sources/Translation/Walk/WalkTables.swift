import CLanes
import Machine

/// What is known of a translation's walk after its first, in sixteen bytes.
struct WalkRecord: BitwiseCopyable {
  /// The data's guest-physical frame 39:0, the levels of the leaves 42:40 and 45:43, splintered 46.
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
      frame & (1 << 40 - 1) | UInt64(firstLeaf) << 40 | UInt64(secondLeaf) << 43
      | (isSplintered ? 1 << 46 : 0)
    self.firstNode = firstNode
    self.secondNode = secondNode
  }

  @inline(__always) var frame: UInt64 { word & (1 << 40 - 1) }
  /// Where a page of the translation stands in the second stage.
  @inline(__always)
  func frame(of page: UInt64, in reach: PageSize) -> UInt64 {
    let inReach: UInt64 = 1 << reach.logFrames - 1
    return frame & ~inReach | page & inReach
  }
  @inline(__always) var firstLeaf: Int { Int(truncatingIfNeeded: word >> 40 & 7) }
  @inline(__always) var secondLeaf: Int { Int(truncatingIfNeeded: word >> 43 & 7) }
  @inline(__always) var splintered: Int { Int(truncatingIfNeeded: word >> 46 & 1) }
}

/// A walk that ends in a fault, as walk caches meet it.
struct FaultingWalk {
  /// The level of the last first-stage entry that is read; the number of levels where none is.
  var deepest: Int
  /// The node of the level above it.
  var node: UInt32 = 0
  /// A walk of an address that is not canonical reads nothing.
  var readsSomething: Bool
  /// Where the second stage ends, and for which step of the first; nothing where the first ends.
  var end: (target: WalkNodes.Target, step: Int)?
  /// The name of its counter.
  var fault: String
}

/// The walks of a trace's translations, which are the same for every machine with the same tables.
struct WalkTables: ~Copyable {
  var nodes: WalkNodes
  private var all: LargeArray<WalkRecord>

  /// - Parameters:
  ///   - firstLevels: of the first stage's tables.
  ///   - secondLevels: of the second stage's; 0 in native mode.
  ///   - keepsOld: what has a view may use it while this grows.
  init(firstLevels: Int, secondLevels: Int, keepsOld: Bool) {
    nodes = WalkNodes(firstLevels: firstLevels, secondLevels: secondLevels, keepsOld: keepsOld)
    all = LargeArray(of: WalkRecord(), keepsOld: keepsOld)
  }

  /// By the numbers of translations.
  @inline(__always)
  var records: UnsafeMutablePointer<WalkRecord> { all.base }
  /// Above all numbers for the nested TLB.
  var nestedCount: Int { max(nodes.nestedCount, 2 * all.capacity) }

  /// Makes room for the records of so many translations.
  mutating func reserve(_ translations: Int) { all.reserve(translations) }

  /// What walk caches meet where a walk ends in a fault.
  ///
  /// - Parameters:
  ///   - page: the address shifted right by 12.
  ///   - path: of the walk without caches, from which its nodes were learnt.
  ///   - rootFrame: the guest-physical frame of the first table.
  ///   - fault: the name of its counter.
  /// - Returns: the same for every machine with these tables.
  mutating func faultingWalk(
    _ page: UInt64, _ path: borrowing WalkPath, rootFrame: UInt64, fault: String
  ) -> FaultingWalk {
    var walk = FaultingWalk(
      deepest: nodes.firstLevels, readsSomething: path.count > 0, fault: fault)
    for at in 0..<path.count where !path[at].isSecondStage {
      walk.deepest = Int(path[at].firstLevel)
    }
    if walk.deepest < nodes.firstLevels {
      walk.node = nodes.knownNode(of: page, level: walk.deepest + 1) ?? 0
    }
    if path.count > 0, path[path.count - 1].isSecondStage {
      let last = path[path.count - 1]
      let frame = Self.frame(wantedBy: path, page) ?? rootFrame
      walk.end = (
        nodes.target(frame: frame, leaf: Int(last.secondLevel)), Int(last.firstLevel)
      )
    }
    return walk
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
}

/// What `WalkTables` knew when a block was prepared: what was known then stays where it stands, so
/// that others may read it while later blocks are learnt.
struct WalkView {
  private(set) var records: UnsafePointer<WalkRecord>
  private(set) var root = WalkNodes.Target()
  private(set) var nestedCount = 0
  /// The nodes of each level, of the first stage and then of the second, and their numbers.
  private let nodes: UnsafeMutablePointer<UnsafePointer<WalkNodes.Node>>
  private let counts: UnsafeMutablePointer<Int>

  private static var levels: Int { WalkPath.steps }

  init(_ tables: borrowing WalkTables) {
    nodes = .allocate(capacity: 2 * Self.levels)
    counts = .allocate(capacity: 2 * Self.levels)
    records = UnsafePointer(tables.records)
    take(tables)
  }

  func deallocate() {
    nodes.deallocate()
    counts.deallocate()
  }

  /// Takes what is known now.
  mutating func take(_ tables: borrowing WalkTables) {
    records = UnsafePointer(tables.records)
    root = tables.nodes.root
    nestedCount = tables.nestedCount
    for level in 0..<Self.levels {
      nodes[level] = tables.nodes.firstBase(level)
      nodes[Self.levels + level] = tables.nodes.secondBase(level)
      counts[level] = tables.nodes.firstCount(level)
      counts[Self.levels + level] = tables.nodes.secondCount(level)
    }
  }

  @inline(__always)
  func first(_ level: Int, _ node: UInt32) -> WalkNodes.Node { nodes[level][Int(node)] }

  @inline(__always)
  func second(_ level: Int, _ node: UInt32) -> WalkNodes.Node {
    nodes[Self.levels &+ level][Int(node)]
  }

  func firstCount(_ level: Int) -> Int { counts[level] }
  func secondCount(_ level: Int) -> Int { counts[Self.levels + level] }

  /// Asks for a record that will be needed.
  @inline(__always)
  func prefetch(_ number: UInt32) { lanes_prefetch(records + Int(number)) }
}
