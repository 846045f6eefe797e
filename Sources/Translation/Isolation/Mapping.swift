import TraceFile

/// An event's number and time, as evidence keeps them.
struct Moment: BitwiseCopyable, Equatable, Sendable {
  var event: UInt64 = 0
  var time: UInt64 = 0

  init() {}

  init(_ place: EventPlace) {
    event = place.event
    time = place.time
  }

  /// For people.
  var text: String { time == 0 ? "event \(event)" : "event \(event) at \(time) ns" }
}

/// Whose addresses a mapping translates: a domain's, or a device's where a driver mapped a buffer and
/// the trace does not say in which domain.
struct MappingSpace: BitwiseCopyable, Hashable, Sendable {
  var word: UInt64

  init(domain: UInt32) { word = UInt64(domain) }

  init(device: UInt32) { word = 1 << 32 | UInt64(device) }

  /// The first stage of a PASID, whose tables a trace writes.
  init(domain: UInt32, pasid: UInt32) {
    word = 1 << 63 | UInt64(pasid & 0xf_ffff) << 32 | UInt64(domain)
  }

  static let unknown = MappingSpace(domain: DMAOutcome.noDomain)

  var domain: UInt32? {
    (word >> 32 == 0 || pasid != nil) && self != .unknown ? UInt32(truncatingIfNeeded: word) : nil
  }

  /// Of a first stage; nothing for other spaces.
  var pasid: UInt32? { word >> 63 == 1 ? UInt32(truncatingIfNeeded: word >> 32 & 0xf_ffff) : nil }

  /// A domain's own.
  var isSecondStage: Bool { word >> 32 == 0 && self != .unknown }

  var device: UInt32? { word >> 32 == 1 ? UInt32(truncatingIfNeeded: word) : nil }
}

/// A page of 4 KiB or 2 MiB that software mapped for devices.
struct Mapping: BitwiseCopyable, Sendable {
  static let none = Int32(-1)
  static let pages: [UInt64] = [1, 512]

  var space: MappingSpace
  /// Its first page, in pages of 4 KiB.
  var page: UInt64
  /// Its first frame.
  var frame: UInt64
  /// Bytes of it that were asked for.
  var bytes: UInt32
  /// 0 for 4 KiB, 1 for 2 MiB.
  var size: UInt8
  /// Bit 0 reading, bit 1 writing by the device.
  var rights: UInt8
  /// It was unmapped, and no invalidation covered it yet.
  var isStale = false
  /// Units whose invalidation covered it, a bit each, of a domain that several serve.
  var told: UInt8 = 0
  /// Every unit forgot it, and devices still hold it.
  var awaitsDevices = false
  /// The guest that the space belongs to; `FindingLog.Subject.none` where nobody said.
  var guest: UInt32
  var mapped: Moment
  var unmapped = Moment()
  /// Stale mappings of the space.
  var nextStale = Mapping.none
  var previousStale = Mapping.none
  /// Mappings of the same frame.
  var nextAlias = Mapping.none
  var previousAlias = Mapping.none

  var pageCount: UInt64 { size == 0 ? 1 : 512 }

  func holds(_ page: UInt64) -> Bool { page &- self.page < pageCount }
}

/// A mapping that is gone: unmapped, and invalidated or replaced.
struct PastMapping: BitwiseCopyable, Sendable {
  var space: MappingSpace
  var page: UInt64
  var pageCount: UInt64
  var frame: UInt64
  var mapped: Moment
  var unmapped: Moment
  /// 0 where another mapping took its place before any invalidation.
  var invalidated: Moment
}

/// The latest mappings that are gone; older ones are dropped, and counted.
struct MappingHistory: ~Copyable {
  static let capacity = 1 << 14

  private let ring: UnsafeMutablePointer<PastMapping>
  private(set) var count = 0

  init() { ring = .allocate(capacity: Self.capacity) }

  deinit { ring.deallocate() }

  var dropped: Int { max(0, count - Self.capacity) }

  @inline(__always)
  mutating func add(_ past: PastMapping) {
    (ring + count % Self.capacity).initialize(to: past)
    count += 1
  }

  /// The latest mapping to a frame that is gone; a search through all, for evidence.
  func latest(ofFrame frame: UInt64, in spaces: [MappingSpace]) -> PastMapping? {
    latest { frame &- $0.frame < $0.pageCount && spaces.contains($0.space) }
  }

  /// The latest mapping of a page that is gone; a search through all, for evidence.
  func latest(of page: UInt64, in spaces: [MappingSpace]) -> PastMapping? {
    latest { page &- $0.page < $0.pageCount && spaces.contains($0.space) }
  }

  private func latest(where matches: (PastMapping) -> Bool) -> PastMapping? {
    var at = count - 1
    while at >= 0, at >= count - Self.capacity {
      let past = ring[at % Self.capacity]
      if matches(past) { return past }
      at -= 1
    }
    return nil
  }
}
