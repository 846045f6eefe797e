/// Tables and pages as numbers: what a walk's caches are asked, without any address.
///
/// Each prefix of an address that a walk cache of some level may keep is a *node* with a number of its
/// own in that level, and knows the node above it. A first-stage node knows where the table behind it
/// stands in the second stage, too. All of this is found once, from the whole path of the first walk
/// that goes there.
struct WalkNodes: ~Copyable {
  /// A guest-physical page as the second stage's caches see it.
  struct Target: BitwiseCopyable {
    var frame: UInt64 = 0
    /// The page's number for the nested TLB.
    var nested: UInt32 = 0
    /// The node of its deepest prefix, the one of level `leaf + 1`.
    var node: UInt32 = 0
    /// The level of the second stage's entry that maps it.
    var leaf = 0
  }

  struct Node: BitwiseCopyable {
    var parent: UInt32
    /// For the first stage: the table of the level below.
    var table = Target()
  }

  let firstLevels: Int
  let secondLevels: Int
  /// The first stage's root.
  private(set) var root = Target()
  private let firstNumbers: UnsafeMutablePointer<PointerTable>
  private let secondNumbers: UnsafeMutablePointer<PointerTable>
  private var nestedNumbers = PointerTable()
  private let firstNodes: UnsafeMutablePointer<GrowingList<Node>>
  private let secondNodes: UnsafeMutablePointer<GrowingList<Node>>

  private static var levels: Int { WalkPath.steps }

  /// - Parameters:
  ///   - firstLevels: of the first stage's tables.
  ///   - secondLevels: of the second stage's; 0 in native mode.
  ///   - keepsOld: nodes that are known may be read while others are learnt.
  init(firstLevels: Int, secondLevels: Int, keepsOld: Bool = false) {
    self.firstLevels = firstLevels
    self.secondLevels = secondLevels
    firstNumbers = .allocate(capacity: Self.levels)
    secondNumbers = .allocate(capacity: Self.levels)
    firstNodes = .allocate(capacity: Self.levels)
    secondNodes = .allocate(capacity: Self.levels)
    for level in 0..<Self.levels {
      (firstNumbers + level).initialize(to: PointerTable())
      (secondNumbers + level).initialize(to: PointerTable())
      (firstNodes + level).initialize(to: GrowingList(of: Node(parent: 0), keepsOld: keepsOld))
      (secondNodes + level).initialize(to: GrowingList(of: Node(parent: 0), keepsOld: keepsOld))
    }
  }

  deinit {
    firstNumbers.deinitialize(count: Self.levels)
    secondNumbers.deinitialize(count: Self.levels)
    firstNodes.deinitialize(count: Self.levels)
    secondNodes.deinitialize(count: Self.levels)
    firstNumbers.deallocate()
    secondNumbers.deallocate()
    firstNodes.deallocate()
    secondNodes.deallocate()
  }

  /// All nodes of one level.
  func firstBase(_ level: Int) -> UnsafePointer<Node> { firstNodes[level].base }
  func secondBase(_ level: Int) -> UnsafePointer<Node> { secondNodes[level].base }

  func firstCount(_ level: Int) -> Int { firstNodes[level].count }
  func secondCount(_ level: Int) -> Int { secondNodes[level].count }
  /// Above all numbers that `nestedNumber` gave.
  var nestedCount: Int { 2 * nestedNumbers.count }

  /// The node of a page's prefix of some level, where it is known.
  func knownNode(of page: UInt64, level: Int) -> UInt32? {
    firstNumbers[level][page >> UInt64(9 * level)].map { UInt32(truncatingIfNeeded: $0 - 1) }
  }

  /// A guest-physical page that a second-stage entry of level `leaf` maps.
  mutating func target(frame: UInt64, leaf: Int) -> Target {
    guard secondLevels > 0 else { return Target(frame: frame) }
    return Target(
      frame: frame, nested: nestedNumber(of: frame), node: secondNode(of: frame, level: leaf + 1),
      leaf: leaf)
  }

  /// A page's number for the nested TLB: even ones are of tables and of pages in large translations.
  mutating func nestedNumber(of frame: UInt64) -> UInt32 {
    if let known = nestedNumbers[frame] { return UInt32(truncatingIfNeeded: 2 * (known - 1)) }
    nestedNumbers.insert(frame, UInt(nestedNumbers.count) + 1)
    return UInt32(truncatingIfNeeded: 2 * (nestedNumbers.count - 1))
  }

  /// The number of a page that is the whole data of one translation, and of no other: an odd one.
  @inline(__always)
  static func nestedNumber(ofDataOf translation: UInt32) -> UInt32 { translation << 1 | 1 }

  /// The node of a guest-physical page's prefix of some level; 0 above the second stage.
  mutating func secondNode(of frame: UInt64, level: Int) -> UInt32 {
    guard level < secondLevels else { return 0 }
    let prefix = frame >> UInt64(9 * level)
    if let known = secondNumbers[level][prefix] { return UInt32(truncatingIfNeeded: known - 1) }
    let parent = secondNode(of: frame, level: level + 1)
    return secondNodes[level].append(Node(parent: parent), named: prefix, in: secondNumbers + level)
  }

  /// Learns the way of a walk that read every entry.
  ///
  /// - Parameters:
  ///   - page: the address shifted right by 12.
  ///   - path: of the walk, which may have ended in a fault.
  ///   - rootFrame: the guest-physical frame of the first table.
  ///   - entryAddress: where an entry of the first stage leads, by its value.
  mutating func learn(
    _ page: UInt64, _ path: borrowing WalkPath, rootFrame: UInt64,
    entryAddress: (_ value: UInt64) -> UInt64
  ) {
    var frame = rootFrame
    var leaf = 0
    for at in 0..<path.count {
      let reference = path[at]
      if reference.isSecondStage {
        leaf = Int(reference.secondLevel)
        continue
      }
      // The entry was read, so its table was found: a prefix of the level above may be cached.
      let level = Int(reference.firstLevel)
      let table = target(frame: frame, leaf: leaf)
      if level == firstLevels - 1 {
        root = table
      } else {
        let prefix = page >> UInt64(9 * (level + 1))
        if firstNumbers[level + 1][prefix] == nil {
          let parent = knownNode(of: page, level: level + 2) ?? 0
          _ = firstNodes[level + 1].append(
            Node(parent: parent, table: table), named: prefix, in: firstNumbers + (level + 1))
        }
      }
      frame = entryAddress(reference.value) >> 12
    }
  }
}

extension GrowingList {
  /// Adds an element and notes its number, plus one, under a name.
  fileprivate mutating func append(
    _ element: Element, named name: UInt64, in numbers: UnsafeMutablePointer<PointerTable>
  ) -> UInt32 {
    append(element)
    numbers.pointee.insert(name, UInt(count))
    return UInt32(truncatingIfNeeded: count - 1)
  }
}

/// A list that grows and is read without checks of who holds it.
struct GrowingList<Element: BitwiseCopyable>: ~Copyable {
  private var elements: LargeArray<Element>
  private(set) var count = 0

  /// - Parameters:
  ///   - zero: an element of zero bits.
  ///   - keepsOld: as of `LargeArray`.
  init(of zero: Element, keepsOld: Bool = false) {
    elements = LargeArray(of: zero, keepsOld: keepsOld)
  }

  var base: UnsafePointer<Element> { UnsafePointer(elements.base) }

  mutating func append(_ element: Element) {
    elements.reserve(count + 1)
    elements[count] = element
    count += 1
  }
}
