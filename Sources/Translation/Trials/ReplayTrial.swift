import Machine
import TraceFile

/// A trace that was decoded, numbered and walked before, and the two loops of a replay that are left.
///
/// These are the first level, and the whole model of TLBs and walk caches. Benchmarks give the same
/// arrays to the same loops in C.
public final class ReplayTrial {
  /// What a machine counts of the trace.
  public struct Counts: Equatable, Sendable {
    /// Misses of the first level's two TLBs together.
    public var firstMisses = 0
    /// Misses of every TLB.
    public var walks = 0
    /// Entries that walks read.
    public var references = 0

    /// Names each count.
    public init(firstMisses: Int = 0, walks: Int = 0, references: Int = 0) {
      self.firstMisses = firstMisses
      self.walks = walks
      self.references = references
    }
  }

  /// One block, numbered.
  public struct Block {
    /// The entry of each run.
    public let runs: UnsafeBufferPointer<UInt16>
    /// By entry: twice the translation's number, plus one for data.
    public let indices: UnsafeMutablePointer<UInt32>
    /// By entry: the low twelve bits of the page's number stand in 63:52.
    public let words: UnsafeMutablePointer<UInt64>
    /// How many there are.
    public let entries: Int
    let pages: UnsafeBufferPointer<PageEntry>
  }

  private let machine: MachineDescription
  private var front: NumberedFront<X86PageTable, ExtendedPageTable>
  private let held: [TraceBlock]
  private var numbered: [NumberedBlock] = []
  /// All of the trace.
  public private(set) var blocks: [Block] = []

  /// Numbers and walks the trace's pages; nothing for a machine that goes touch by touch.
  ///
  /// - Parameters:
  ///   - machine: over EPT, of exact LRU alone, with a split first level.
  ///   - trace: its blocks, decoded; none of their pages may fault.
  /// - Throws: a `TraceError` where a block is damaged.
  public init?(_ machine: MachineDescription, _ trace: [TraceBlock]) throws(TraceError) {
    guard TLBPlan.suits(machine), machine.secondStage?.format == .ept else { return nil }
    self.machine = machine
    held = trace
    front = NumberedFront([machine], keepsOld: false)
    for block in trace {
      let one = NumberedBlock(configurations: 1, front.tables)
      try front.prepare(block, into: one)
      numbered.append(one)
      let count = block.entries.count
      let words = UnsafeMutableRawPointer(one.words).assumingMemoryBound(to: UInt64.self)
      blocks.append(
        Block(
          runs: block.runs, indices: one.indices, words: words, entries: count,
          pages: block.entries))
    }
    // Tables have grown since.
    for one in numbered { one.known.take(front.tables) }
  }

  /// Translations of the whole trace.
  public var translations: Int { front.numbers.count }

  /// Sixteen bytes for each translation, as `WalkRecord` says.
  public var records: UnsafeRawPointer { UnsafeRawPointer(front.tables.records) }

  /// The nodes of one level: parent 31:0, then the table's frame, its number for the nested TLB, its
  /// node and its leaf's level, in 32 bytes.
  public func nodes(isFirstStage: Bool, level: Int) -> UnsafeRawPointer {
    isFirstStage
      ? UnsafeRawPointer(front.tables.nodes.firstBase(level))
      : UnsafeRawPointer(front.tables.nodes.secondBase(level))
  }

  /// The number for the nested TLB of the first stage's root, its node and its leaf's level.
  public var root: (frame: UInt64, nested: UInt32, node: UInt32, leaf: Int) {
    let root = front.tables.nodes.root
    return (root.frame, root.nested, root.node, root.leaf)
  }

  /// Replays the first level alone.
  public func replayFirstLevel() -> Counts {
    var level = FirstLevel(FirstLevelPairs([machine]).different)
    level.reserve(front.numbers.count)
    var list = MissList()
    var counts = Counts()
    for block in blocks { counts.firstMisses += Self.replay(block, &level, &list) }
    return counts
  }

  /// Replays all TLBs and walk caches.
  public func replayModel() -> Counts {
    var level = FirstLevel(FirstLevelPairs([machine]).different)
    level.reserve(front.numbers.count)
    var backend = NumberedBackend(machine, configuration: 0)
    if let first = numbered.first { backend.reserve(front.numbers.count, first.known) }
    var list = MissList()
    var counts = Counts()
    for (at, block) in blocks.enumerated() {
      counts.firstMisses += Self.replay(block, &level, &list)
      counts.walks += backend.replay(list, block.pages, numbered[at])
    }
    counts.references = backend.walkStatistics.references
    return counts
  }

  private static func replay(
    _ block: Block, _ level: inout FirstLevel, _ list: inout MissList
  ) -> Int {
    list.reserve(block.runs.count)
    list.count = level.replay(
      block.runs, entries: block.entries, indices: block.indices,
      words: UnsafeRawPointer(block.words).assumingMemoryBound(to: Miss.self), into: list.entries)
    return list.count
  }
}
