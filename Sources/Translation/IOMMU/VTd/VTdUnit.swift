import Machine
import Results

/// A VT-d remapping unit: its registers, its caches and what it counts.
///
/// Model: a request without a PASID that finds a cached translation which does not allow it is blocked
/// by that, without another look at the tables.
struct VTdUnit: RemappingUnit, ~Copyable {
  /// A context entry as it was read.
  struct Context: BitwiseCopyable {
    var low: UInt64
    var high: UInt64
    var filledAt: UInt64
  }

  /// A PASID table entry as it was read, as far as it says anything.
  struct PASIDEntry: BitwiseCopyable {
    var words: InlineArray<3, UInt64>
    var domain: UInt32 { UInt32(words[1][VTdPASIDEntry1.domain]) }
  }

  /// What a request costs besides its lookup in the IOTLB.
  struct References {
    var structures = 0
    var tables = 0
  }

  let hostBits: Int
  /// Bits of a pointer in a structure that the host's address width leaves over.
  let reservedAddress: UInt64
  let levels: UInt8
  let maximumAddressMask: Int
  let isScalable: Bool
  /// Caching mode: what is absent may be cached too.
  let cachesNegative: Bool
  let policy: IOInvalidationPolicy
  let latency: IOLatencyDescription
  // Quirks, by their names in the description.
  let isByDevice: Bool
  let probesFirst: Bool
  let keepsMaskIn8Bits: Bool
  let takesDomainForAll: Bool
  let invalidatesAtOnce: Bool
  let skipsPermission: Bool

  var registers: VTdRegisters
  var contextCache: IOCache<Context>
  var contextLookups = LookupCounter()
  var pasidCache: IOCache<PASIDEntry>
  var pasidLookups = LookupCounter()
  var iotlb: IOTLB
  /// Spaces that were filled in legacy mode, where devices tag translations.
  var deviceSpaces = IOSpaces()
  var deviceTLBs: DeviceTLBs
  var secondCaches: IOWalkCaches
  var walker: Walker<X86PageTable, VTdSecondStage>
  /// Of the spaces in the walker's caches.
  var spaceTags = IOSpaceTags()
  var path = WalkPath()
  var faults: VTdFaultLog
  var queue = InvalidationQueue()
  var tables: VTdTables
  var references = References()
  var walks = 0
  /// Accessed and dirty flags that second-stage walks have set.
  var updates = 0
  /// Misses of the IOTLB after which no tables were walked, because the context forbade it.
  var unwalked = 0
  /// Requests by the code that blocked them.
  var blocked = [Int](repeating: 0, count: 256)
  var pageRequests = PageRequestCounters()
  /// Interrupt messages that the fault log was told of.
  var interruptFaults = 0

  init(_ description: IOMMUDescription, seed: UInt64, number: Int = 0) {
    hostBits = description.hostAddressBits
    reservedAddress = ~0 << UInt64(description.hostAddressBits)
    levels = description.levels.reduce(0) { $0 | 1 << UInt8($1) }
    maximumAddressMask = description.maximumAddressMask
    isScalable = description.mode == .scalable
    cachesNegative = description.cachingMode
    policy = description.invalidation
    latency = description.latency
    let quirks = description.quirks
    isByDevice = quirks.contains(.iotlbByDevice)
    probesFirst = quirks.contains(.iotlbBeforeContext)
    keepsMaskIn8Bits = quirks.contains(.pageMask8Bits)
    takesDomainForAll = quirks.contains(.contextDomainIsGlobal)
    invalidatesAtOnce = quirks.contains(.invalidatesAtOnce)
    skipsPermission = quirks.contains(.hitsSkipPermission)
    registers = VTdRegisters(
      rootTable: description.rootTable, isScalable: description.mode == .scalable)
    contextCache = IOCache(
      description.contextCache, seed: seed, initial: Context(low: 0, high: 0, filledAt: 0))
    pasidCache = IOCache(
      description.pasidCache, seed: seed &+ 1,
      initial: PASIDEntry(words: .init(repeating: 0)))
    iotlb = IOTLB(description.iotlb, seed: seed &+ 2)
    deviceTLBs = DeviceTLBs(description.deviceTLB, seed: seed &+ 32)
    secondCaches = IOWalkCaches(
      description.walkCaches.filter { $0.stage == .second }, seed: seed &+ 8)
    walker = Walker(caches: WalkCacheSet(description.walkCaches, seed: seed &+ 16))
    faults = VTdFaultLog(
      count: description.faultRecords, collapses: quirks.contains(.faultsCollapseByDevice))
    tables = VTdTables(
      hostBits: description.hostAddressBits, levels: description.levels.max() ?? 4,
      isScalable: description.mode == .scalable, unit: number)
  }

  func visitTranslations(_ body: (UInt64, IOTranslation) -> Void) { iotlb.visit(body) }

  mutating func report(_ blocked: InterruptOutcome) {
    interruptFaults += 1
    faults.report(VTdFaultLog.record(blocked), isSilent: blocked.isFaultSilent)
  }

  /// Blocks a request; the outcome says what the IOTLB had of it.
  @inline(never)
  mutating func block(_ outcome: inout DMAOutcome, _ code: UInt16, isSilent: Bool) {
    outcome.result = .fault
    outcome.fault = code
    outcome.isFaultSilent = isSilent && VTdFault.isQualified(code)
    blocked[Int(code & 255)] += 1
    let lost = faults.overflowed
    faults.report(outcome.request, code, isSilent: outcome.isFaultSilent)
    outcome.isFaultLost = faults.overflowed != lost
  }
}
