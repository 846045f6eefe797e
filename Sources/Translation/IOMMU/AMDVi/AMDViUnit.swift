import Machine
import Results
import TraceFile

/// The events with which AMD-Vi tells of a blocked request, by their codes.
///
/// Source: AMD 48882, "Event Logging".
enum AMDViEvent {
  static let illegalDevice: UInt16 = 1
  static let pageFault: UInt16 = 2
  static let deviceTable: UInt16 = 3
  static let pageTable: UInt16 = 4
  static let illegalCommand: UInt16 = 5
  static let invalidRequest: UInt16 = 8

  /// As the manual names them.
  static func name(_ code: Int) -> String {
    let names = [
      "", "ILLEGAL_DEV_TABLE_ENTRY", "IO_PAGE_FAULT", "DEV_TAB_HARDWARE_ERROR",
      "PAGE_TAB_HARDWARE_ERROR", "ILLEGAL_COMMAND_ERROR", "COMMAND_HARDWARE_ERROR",
      "IOTLB_INV_TIMEOUT", "INVALID_DEVICE_REQUEST", "INVALID_PPR_REQUEST",
    ]
    return names.indices.contains(code) && code > 0 ? names[code] : "EVENT_\(code)"
  }
}

/// An AMD-Vi unit: its registers, its caches and what it counts.
///
/// Model: a command that the architecture forbids is logged, and the commands behind it are read on;
/// hardware stops there until software starts it again.
struct AMDViUnit: RemappingUnit, ~Copyable {
  /// A device table entry as it was read.
  struct Device: BitwiseCopyable {
    var word0: UInt64
    var word1: UInt64

    var domain: UInt32 { UInt32(word1[AMDViDevice1.domain]) }
    /// SE and SA keep page faults of the device out of the log.
    var isSilent: Bool { word1.has(AMDViDevice1.suppress) || word1.has(AMDViDevice1.suppressAll) }
    /// What the entry lets its device do, as `Rights`.
    var rights: Rights { AMDViUnit.rights(word0) }
    /// Of the table of guest CR3s, guest-physical.
    var guestRoot: UInt64 {
      word0[AMDViDevice0.guestRootLow] << 12 | word1[AMDViDevice1.guestRootMiddle] << 15
        | word1[AMDViDevice1.guestRootHigh] << 31
    }
  }

  struct References {
    var structures = 0
    var tables = 0
  }

  let hostBits: Int
  /// NpCache: what is absent may be cached too.
  let cachesNegative: Bool
  let policy: IOInvalidationPolicy
  let latency: IOLatencyDescription
  let maximumAddressMask: Int
  // Quirks, by their names in the description.
  let isByDevice: Bool
  let probesFirst: Bool
  let invalidatesAtOnce: Bool
  let skipsPermission: Bool
  let keepsBasePages: Bool
  let pagesTakeDomain: Bool

  var isEnabled: Bool?
  /// DEVTAB_BASE as it was written: the address, and the size in bits 8:0.
  var deviceTable: UInt64?
  var contextCache: IOCache<Device>
  var contextLookups = LookupCounter()
  var pasidCache: IOCache<UInt64>
  var pasidLookups = LookupCounter()
  var iotlb: IOTLB
  var deviceTLBs: DeviceTLBs
  var hostCaches: IOWalkCaches
  /// Of guest tables, by domain and PASID: where the host's tables have them.
  var guestCaches: IOWalkCaches
  var events: EventLog
  var queue = InvalidationQueue()
  var tables: AMDViTables
  var references = References()
  var walks = 0
  /// Misses of the IOTLB after which no tables were walked.
  var unwalked = 0
  var blocked = [Int](repeating: 0, count: 16)
  var pageRequests = PageRequestCounters()
  /// Interrupt messages that the event log was told of.
  var interruptFaults = 0

  init(_ description: IOMMUDescription, seed: UInt64, number: Int = 0) {
    hostBits = description.hostAddressBits
    cachesNegative = description.cachingMode
    policy = description.invalidation
    latency = description.latency
    maximumAddressMask = description.maximumAddressMask
    let quirks = description.quirks
    isByDevice = quirks.contains(.iotlbByDevice)
    probesFirst = quirks.contains(.iotlbBeforeContext)
    invalidatesAtOnce = quirks.contains(.invalidatesAtOnce)
    skipsPermission = quirks.contains(.hitsSkipPermission)
    keepsBasePages = quirks.contains(.iotlbBasePages)
    pagesTakeDomain = quirks.contains(.pagesTakeDomain)
    // The largest size that the field has: every requester has an entry.
    deviceTable = description.rootTable.map { $0 | 0x1ff }
    contextCache = IOCache(
      description.contextCache, seed: seed, initial: Device(word0: 0, word1: 0))
    pasidCache = IOCache(description.pasidCache, seed: seed &+ 1, initial: 0)
    iotlb = IOTLB(description.iotlb, seed: seed &+ 2)
    deviceTLBs = DeviceTLBs(description.deviceTLB, seed: seed &+ 32)
    hostCaches = IOWalkCaches(
      description.walkCaches.filter { $0.stage == .second }, seed: seed &+ 8)
    guestCaches = IOWalkCaches(
      description.walkCaches.filter { $0.stage == .first }, seed: seed &+ 16)
    events = EventLog(capacity: description.faultRecords)
    tables = AMDViTables(hostBits: description.hostAddressBits, unit: number)
  }

  /// Events that software has not read yet, and those that found the log full.
  struct EventLog {
    let capacity: Int
    var held = 0
    var recorded = 0
    var overflowed = 0
    var suppressed = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func report(isSilent: Bool) {
      if isSilent {
        suppressed += 1
      } else if held >= capacity {
        overflowed += 1
      } else {
        held += 1
        recorded += 1
      }
    }
  }

  /// IR and IW as `Rights`.
  @inline(__always)
  static func rights(_ word: UInt64) -> Rights {
    Rights(rawValue: UInt8(truncatingIfNeeded: word >> 61 & 3))
  }

  func visitTranslations(_ body: (UInt64, IOTranslation) -> Void) { iotlb.visit(body) }

  /// A message that ends in a target abort leaves no entry in the log.
  mutating func report(_ blocked: InterruptOutcome) {
    guard blocked.fault != AMDViInterrupts.Fault.abort else { return }
    interruptFaults += 1
    events.report(isSilent: blocked.isFaultSilent)
  }

  /// Blocks a request.
  @inline(never)
  mutating func block(
    _ request: DMARequest, _ code: UInt16, isSilent: Bool, _ lookup: DMAOutcome.Lookup = .none
  ) -> DMAOutcome {
    var outcome = DMAOutcome(request, .fault)
    outcome.fault = code
    outcome.iotlb = lookup
    // Only page faults of a device can be kept out of the log; one of a translation request is none, by
    // AMD 48882, "I/O Page Faults", as VirtualBox's DevIommuAmd.cpp has it.
    outcome.isFaultSilent =
      (isSilent || request.addressType == .translationRequest) && code == AMDViEvent.pageFault
    blocked[Int(code & 15)] += 1
    let lost = events.overflowed
    events.report(isSilent: outcome.isFaultSilent)
    outcome.isFaultLost = events.overflowed != lost
    return outcome
  }

  /// Source: AMD 48882, "MMIO Registers": device table base 0000h, control 0018h with IommuEn in bit 0,
  /// event log head 2010h.
  mutating func write(
    register offset: UInt64, bytes: UInt64, _ value: UInt64, at place: EventPlace
  ) {
    switch offset {
    case 0x00, 0x04:
      deviceTable = VTdRegisters.merge(
        deviceTable ?? 0, offset, from: 0, bytes: bytes, value)
    case 0x18:
      let enables = value & 1 != 0
      if let isEnabled, isEnabled != enables { dropAll(at: place) }
      isEnabled = enables
    case 0x2010: events.held = 0
    default: break
    }
  }

  private mutating func dropAll(at place: EventPlace) {
    for cache in [IOInvalidation.Cache.context, .pasid, .iotlb] {
      apply(IOInvalidation(cache, .global, at: place))
    }
  }
}
