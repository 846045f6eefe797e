/// A machine as the user described it, checked and complete.
///
/// One JSON file is one machine; the nesting of the file is the nesting of these types.
public struct MachineDescription: Sendable, Equatable {
  /// What reports call it.
  public var name: String
  /// Cores with private TLBs and walk caches.
  public var cores: Int
  /// How guest addresses become host addresses, and under which tags.
  public var virtualization: VirtualizationDescription
  /// Guest-virtual to guest-physical; the only stage in native mode.
  public var firstStage: StageDescription
  /// Guest-physical to host-physical; unused in native mode.
  public var secondStage: StageDescription?
  /// In the order in which a touch probes them.
  public var tlbs: [TLBDescription]
  /// Caches of partial walks and of guest-physical translations.
  public var walkCaches: [WalkCacheDescription]
  /// What a table reference costs.
  public var memory: MemoryDescription
  /// How tables are made where the trace brings none.
  public var synthesis: SynthesisDescription
  /// What exits cost; without it first touches and exits are not counted.
  public var exits: ExitsDescription?
  /// What translates the accesses of devices; a machine may have none.
  public var iommu: IOMMUDescription?
  /// How devices interrupt the machine; only where there is an IOMMU.
  public var interrupts: InterruptDescription?
  /// What the isolation rules take for too much.
  public var isolation = IsolationDescription.usual

  /// How guest addresses become host addresses.
  public var mode: TranslationMode { virtualization.mode }
}

/// The format of one stage's tables.
public struct StageDescription: Sendable, Equatable {
  /// The family of the entries.
  public var format: TableFormat
  /// Levels of tables, the root's included.
  public var levels: Int
}

/// A family of page-table entries.
public enum TableFormat: String, Sendable, CaseIterable {
  /// x86-64 long-mode paging.
  case x86 = "x86-64"
  /// Intel extended page tables.
  case ept
  /// AMD nested page tables.
  case npt
}

/// What a TLB can serve.
public enum AccessClass: String, Sendable, CaseIterable {
  case fetch
  case load
  case store
}

/// The size of a page, by the name that descriptions use.
public enum PageSizeName: String, Sendable, CaseIterable, Comparable {
  case base4K = "4K"
  case large2M = "2M"
  case huge1G = "1G"

  /// Orders sizes from the smallest to the largest.
  public static func < (one: PageSizeName, other: PageSizeName) -> Bool { one.rank < other.rank }

  private var rank: Int {
    switch self {
    case .base4K: 0
    case .large2M: 1
    case .huge1G: 2
    }
  }
}

/// Which entry of a full set a fill displaces.
public enum ReplacementName: String, Sendable, CaseIterable {
  /// The least recently used.
  case lru
  /// The one that came first.
  case fifo
  /// The one at the end of a binary tree whose nodes point away from recent uses; a power of two of
  /// at most 64 ways.
  case treePLRU = "tree-plru"
  /// Any, by the machine's seed.
  case random
  /// One predicted to be used again in the distant future, by two bits an entry; at most 64 ways.
  case srrip
}

/// One TLB.
public struct TLBDescription: Sendable, Equatable {
  /// Unique in the machine; part of its counters' names.
  public var name: String
  /// Accesses that probe it; a modify probes as a store.
  public var serves: Set<AccessClass>
  /// Sizes of translations that it holds.
  public var pageSizes: Set<PageSizeName>
  /// A power of two; the set is the page number modulo it.
  public var sets: Int
  /// Entries in each set.
  public var ways: Int
  /// Which entry of a full set goes.
  public var replacement: ReplacementName
  /// What a lookup costs, hit or miss.
  public var latencyCycles: Int
  /// How the set is found.
  public var index = SetIndexName.modulo
}

/// How the set of a page is found.
public enum SetIndexName: String, Sendable, CaseIterable {
  /// The page number modulo the number of sets.
  case modulo
  /// The page number cut into pieces as wide as the index, which are added without carry.
  case xor
}

/// What a walk cache holds.
public enum WalkCacheKind: Sendable, Hashable {
  /// Places of first-stage tables of level `level - 1`.
  case firstStage(level: Int)
  /// Places of second-stage tables of level `level - 1`.
  case secondStage(level: Int)
  /// Guest-physical to host-physical pages.
  case nested
}

/// One walk cache.
public struct WalkCacheDescription: Sendable, Equatable {
  /// What it holds.
  public var kind: WalkCacheKind
  /// A power of two.
  public var sets: Int
  /// Entries in each set.
  public var ways: Int
  /// Which entry of a full set goes.
  public var replacement: ReplacementName
}

/// What a table reference costs.
public struct MemoryDescription: Sendable, Equatable {
  /// Model `flat`: every reference costs this.
  public var referenceCycles: Int
  /// By how much independent misses overlap, in hundredths; without it no stall is estimated.
  public var overlapPercent: Int?
}

/// The size of the pages that a stage's synthesised tables map.
public enum PagePolicy: Sendable, Equatable {
  /// Every page has this size.
  case always(PageSizeName)
  /// This share of the 2 MiB regions is one page, the rest 4 KiB pages; written `THP:75%`.
  case transparentHuge(percent: Int)
}

/// The order in which frames are handed out.
public enum FramePolicy: String, Sendable, CaseIterable {
  /// Upwards without gaps.
  case sequential
  /// Every frame anywhere, by the seed.
  case random
  /// Runs of eight frames (one cache line of leaf entries) anywhere, by the seed.
  case fragmented
}

/// How tables are made where the trace brings none.
public struct SynthesisDescription: Sendable, Equatable {
  /// Sizes of the first stage's pages.
  public var firstStagePage: PagePolicy
  /// Sizes of the second stage's pages.
  public var secondStagePage: PagePolicy
  /// The order in which both stages hand out frames.
  public var frames: FramePolicy
  /// For everything drawn by chance.
  public var seed: UInt64
}
