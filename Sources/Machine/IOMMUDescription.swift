/// A unit that translates what devices access.
public struct IOMMUDescription: Sendable, Equatable {
  /// Whose structures, commands and faults it has.
  public var architecture: IOMMUArchitecture
  /// Which of VT-d's two sets of structures a trace without its registers uses.
  public var mode: IOMMUMode
  /// Physical address of the root or device table, where the trace does not write the register.
  public var rootTable: UInt64?
  /// Not-present entries may be cached too, so that mapping needs an invalidation.
  public var cachingMode: Bool
  /// A page-selective invalidation covers 2^this pages at most; VT-d's MAMV.
  public var maximumAddressMask: Int
  /// Physical addresses have so many bits.
  public var hostAddressBits: Int
  /// Depths of the second stage that the unit walks; VT-d's SAGAW.
  public var levels: Set<Int>
  /// Registers or log entries for faults; a fault that finds them full is lost.
  public var faultRecords: Int
  /// Translations.
  public var iotlb: IOCacheDescription
  /// Context or device-table entries.
  public var contextCache: IOCacheDescription
  /// PASID-table entries; for AMD-Vi guest CR3 entries.
  public var pasidCache: IOCacheDescription
  /// What each device with ATS keeps.
  public var deviceTLB: IOCacheDescription
  /// Paging-structure caches of the page tables, by the level of the entry that they save.
  public var walkCaches: [IOWalkCacheDescription]
  /// What a lookup and a reference cost.
  public var latency: IOLatencyDescription
  /// Whose invalidations hold.
  public var invalidation: IOInvalidationPolicy
  /// When `lazy` invalidates.
  public var flushQueue: IOFlushQueueDescription
  /// Where it is not what its architecture says.
  public var quirks: Set<IOMMUQuirk>
  /// Units of the machine, each with caches of these sizes and some of the devices; most have one.
  public var units = 1
  /// How long requests take on their way; without it no throughput is estimated.
  public var link: LinkDescription?
}

/// Whose structures an IOMMU reads.
public enum IOMMUArchitecture: String, Sendable, CaseIterable {
  /// Intel Virtualization Technology for Directed I/O.
  case vtd
  /// AMD I/O Virtualization Technology.
  case amdvi
}

/// VT-d's translation table modes.
public enum IOMMUMode: String, Sendable, CaseIterable {
  case legacy
  case scalable
}

/// The size of one cache of an IOMMU; no ways for one that it does not have.
public struct IOCacheDescription: Sendable, Equatable {
  /// A power of two.
  public var sets: Int
  /// Entries in each set; 0 for a cache that is not there.
  public var ways: Int
  /// Which entry of a full set goes.
  public var replacement: IOReplacementName

  /// Entries in all.
  public var entries: Int { sets * ways }
}

/// Which entry of a full set of an IOMMU's cache goes.
public enum IOReplacementName: String, Sendable, CaseIterable {
  /// The least recently used.
  case lru
  /// The one that came first.
  case fifo
  /// Any, by the machine's seed.
  case random
  /// All of the cache: a fill that finds the set full empties it first.
  case clear
}

/// A paging-structure cache of an IOMMU.
public struct IOWalkCacheDescription: Sendable, Equatable {
  /// The stage of the tables.
  public enum Stage: String, Sendable, CaseIterable {
    case first
    case second
  }

  /// Whose tables.
  public var stage: Stage
  /// It maps what an entry of this level translates to the table below it; 1 is the lowest.
  public var level: Int
  /// Its size.
  public var cache: IOCacheDescription
}

/// What lookups and references of an IOMMU cost.
public struct IOLatencyDescription: Sendable, Equatable {
  /// A lookup of the IOTLB, hit or miss.
  public var iotlbNanoseconds: Int
  /// A table entry read from memory.
  public var referenceNanoseconds: Int
  /// Software's cost of one invalidation and the wait for it.
  public var invalidationNanoseconds: Int
}

extension IOLatencyDescription {
  /// An emulator's, whose time says nothing of hardware's.
  public static let none = IOLatencyDescription(
    iotlbNanoseconds: 0, referenceNanoseconds: 0, invalidationNanoseconds: 0)

  /// What servers were measured at.
  ///
  /// Source: a lookup by pcie-bench (490 ns a read with an IOMMU that hits and 488 without, Broadwell);
  /// a reference by Fast & Safe, SOSP 2024, section 2.2 (197 ns, Cascade Lake); an invalidation with
  /// its wait by the same authors' traces of `tlb_sync` without contention (2,067 ns, in a guest).
  public static let usual = IOLatencyDescription(
    iotlbNanoseconds: 2, referenceNanoseconds: 197, invalidationNanoseconds: 2067)

  /// What a table says where it had to use `usual`.
  public static let usualNote =
    "The machine's latencies are 0: a lookup is taken to cost 2 ns, a table entry 197 ns and an "
    + "invalidation with its wait 2,067 ns, as servers were measured."
}

/// Whose invalidations an IOMMU takes.
public enum IOInvalidationPolicy: String, Sendable, CaseIterable {
  /// The trace's.
  case recorded
  /// One for each unmap at once; the trace's of translations are passed over.
  case strict
  /// One for a full flush queue, or when its oldest unmap has waited long enough.
  case lazy
  /// None, because nothing is translated.
  case passThrough = "pass-through"
}

/// When a lazy driver invalidates.
public struct IOFlushQueueDescription: Sendable, Equatable {
  /// So many unmaps wait at most.
  public var entries: Int
  /// None waits longer, as far as the trace has times.
  public var milliseconds: Int
}

/// A way in which an IOMMU differs from its architecture.
public enum IOMMUQuirk: String, Sendable, CaseIterable {
  /// Entries of the IOTLB serve the device that filled them, and not its domain.
  case iotlbByDevice = "iotlb-by-device"
  /// The IOTLB is probed before the context cache, so that a hit does not need a context.
  case iotlbBeforeContext = "iotlb-before-context"
  /// A page-selective invalidation keeps 8 bits of its mask, and so compares page numbers only in
  /// bits 7 down to its address mask.
  case pageMask8Bits = "page-mask-8-bits"
  /// A domain-selective invalidation of contexts takes them all.
  case contextDomainIsGlobal = "context-domain-is-global"
  /// A command takes effect when it is read, and not when the wait behind it completes.
  case invalidatesAtOnce = "invalidates-at-once"
  /// A hit is not checked for permission.
  case hitsSkipPermission = "hits-skip-permission"
  /// The IOTLB keeps a large page as the base page that was asked for.
  case iotlbBasePages = "iotlb-base-pages"
  /// An invalidation of pages takes all of its domain.
  case pagesTakeDomain = "pages-take-domain"
  /// A fault is not recorded while one of the same device is.
  case faultsCollapseByDevice = "faults-collapse-by-device"
}
