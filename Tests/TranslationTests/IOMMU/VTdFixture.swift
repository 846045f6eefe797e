import Testing

@testable import Machine
@testable import Translation

/// A VT-d unit with tables that a test writes word by word.
///
/// Legacy mode: root 0x1000, contexts 0x2000, second stage 0x3000 to 0x6000, where page 7 leads to
/// frame 9. Scalable mode: root 0x1000, contexts 0x2000, PASID directory 0x3000 and table 0x4000, second
/// stage 0x5000 to 0x8000 (every page of the first 16 to itself but 7 to 9), first stage 0xb000 to
/// 0xe000, where page 7 leads to 9.
struct VTdFixture: ~Copyable {
  var unit: VTdUnit
  var memory = IOMemory()
  static let device: UInt32 = 0x38

  static func description(_ changes: (inout IOMMUDescription) -> Void) -> IOMMUDescription {
    var description = IOMMUDescription(
      architecture: .vtd, mode: .legacy, rootTable: nil, cachingMode: false,
      maximumAddressMask: 18, hostAddressBits: 46, levels: [3, 4], faultRecords: 8,
      iotlb: cache(64), contextCache: cache(16), pasidCache: cache(16), deviceTLB: cache(16),
      walkCaches: [],
      latency: IOLatencyDescription(
        iotlbNanoseconds: 2, referenceNanoseconds: 50, invalidationNanoseconds: 1000),
      invalidation: .recorded, flushQueue: IOFlushQueueDescription(entries: 4, milliseconds: 10),
      quirks: [])
    changes(&description)
    return description
  }

  static func cache(_ ways: Int) -> IOCacheDescription {
    IOCacheDescription(sets: 1, ways: ways, replacement: .lru)
  }

  init(
    isScalable: Bool = false, root: UInt64? = nil,
    _ changes: (inout IOMMUDescription) -> Void = { _ in }
  ) {
    unit = VTdUnit(Self.description(changes), seed: 1)
    if isScalable { writeScalable() } else { writeLegacy() }
    unit.write(
      register: 0x20, bytes: 8, root ?? (isScalable ? 0x1400 : 0x1000), at: EventPlace())
    unit.write(register: 0x18, bytes: 4, 0xc000_0000, at: EventPlace())
  }

  private mutating func writeLegacy() {
    for (address, value) in [
      (0x1000, 0x2001), (0x2380, 0x3001), (0x2388, 0x502), (0x3000, 0x4003), (0x4000, 0x5003),
      (0x5000, 0x6003), (0x6038, 0x9003),
    ] as [(UInt64, UInt64)] { memory.write(address, value) }
  }

  private mutating func writeScalable() {
    for (address, value) in [
      (0x1000, 0x2001), (0x1008, 0xa001), (0x2700, 0x301d), (0x3000, 0x4001),
      // PASID 0: second stage, 1: first stage, 2: nested, 3: pass-through; domain 5. Walks that set
      // accessed and dirty flags snoop (PWSNP, bit 23).
      (0x4000, 0x5089), (0x4008, 5), (0x4040, 0x41), (0x4048, 0x80_0005), (0x4050, 0xb000),
      (0x4080, 0x50c9), (0x4088, 0x80_0005), (0x4090, 0xb000), (0x40c0, 0x101), (0x40c8, 5),
      (0x5000, 0x6003), (0x6000, 0x7003), (0x7000, 0x8003), (0xb000, 0xc007), (0xc000, 0xd007),
      (0xd000, 0xe007), (0xe038, 0x9007),
    ] as [(UInt64, UInt64)] { memory.write(address, value) }
    for page in 0..<16 as Range<UInt64> { memory.write(0x8000 + 8 * page, page << 12 | 3) }
    memory.write(0x8038, 0x9003)
  }

  static func request(
    _ address: UInt64, _ kind: DMAKind = .read, pasid: UInt32? = nil,
    type: DMAAddressType = .untranslated, executes: Bool = false, isPrivileged: Bool = false,
    device: UInt32 = device, at event: UInt64 = 0
  ) -> DMARequest {
    DMARequest(
      device: device, pasid: pasid ?? DMARequest.noPASID, address: address, bytes: 4, kind: kind,
      addressType: type, executes: executes, isPrivileged: isPrivileged,
      place: EventPlace(event: event))
  }

  mutating func translate(_ request: DMARequest) -> DMAOutcome {
    unit.translate(request, RecordedOutcome(), memory)
  }

  /// A descriptor, and the wait behind it where it is to hold.
  mutating func command(_ low: UInt64, _ high: UInt64 = 0, waits: Bool = true) {
    unit.take(command: IOCommand(word0: low, word1: high), at: EventPlace())
    if waits { unit.take(command: IOCommand(word0: 0x25, word1: 0), at: EventPlace()) }
  }
}
