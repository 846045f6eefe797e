import TraceFile

/// What a recorder saw of a request.
struct RecordedOutcome: BitwiseCopyable {
  /// Of a cache.
  enum Lookup: UInt8 {
    case miss = 0
    case hit = 1
    case unsaid = 2

    init(_ word: UInt64) { self = word == 0 ? .miss : word == 1 ? .hit : .unsaid }
  }

  struct Translation: BitwiseCopyable {
    var lookup: Lookup
    /// The leaf; 0 where it was not recorded.
    var entry: UInt64
    var domain: UInt32
    var output: UInt64
    /// The offset bits of the page.
    var mask: UInt64
  }

  struct Fault: BitwiseCopyable {
    var code: UInt16
    var address: UInt64
    var isWrite: Bool
  }

  struct Context: BitwiseCopyable {
    var lookup: Lookup
    var low: UInt64
    var high: UInt64
  }

  var translation: Translation?
  var fault: Fault?
  var context: Context?
}

/// A device's transfer.
struct DMATransfer: BitwiseCopyable {
  var device: UInt32
  var pasid: UInt32
  var address: UInt64
  var bytes: UInt64
  var kind: DMAKind
  var addressType: DMAAddressType
  var executes: Bool
  var isPrivileged: Bool
  var place: EventPlace

  /// A `dma` event.
  @inline(__always)
  init(_ event: TraceEvent, at place: EventPlace) {
    device = UInt32(truncatingIfNeeded: event[0])
    address = event[1]
    bytes = event[2]
    let how = event[3]
    kind = DMAKind(rawValue: UInt8(how & 3)) ?? .unknown
    addressType = DMAAddressType(rawValue: UInt8(how >> 2 & 3)) ?? .untranslated
    executes = how >> 4 & 1 == 1
    isPrivileged = how >> 5 & 1 == 1
    // A PASID has 20 bits; in the event 0 stands for none.
    let number = event[4]
    pasid = number == 0 ? DMARequest.noPASID : UInt32((number &- 1) & 0xf_ffff)
    self.place = place
  }
}

/// A device's transfer that waits for what the recorder saw of it.
struct PendingTransfer: BitwiseCopyable {
  var transfer: DMATransfer
  var recorded = RecordedOutcome()

  @inline(__always)
  init(_ event: TraceEvent, at place: EventPlace) { transfer = DMATransfer(event, at: place) }

  /// Takes a recorded outcome of this device.
  ///
  /// - Returns: false where it is another device's.
  mutating func take(_ event: TraceEvent) -> Bool {
    guard UInt32(truncatingIfNeeded: event[0]) == transfer.device else { return false }
    switch event.tag {
    case .recordedTranslation:
      guard event[1] >> 12 == transfer.address >> 12 else { return false }
      recorded.translation = RecordedOutcome.Translation(
        lookup: .init(event[2]), entry: event[3], domain: UInt32(truncatingIfNeeded: event[4]),
        output: event[5], mask: event[6])
    case .recordedFault:
      recorded.fault = RecordedOutcome.Fault(
        code: UInt16(truncatingIfNeeded: event[1]), address: event[2], isWrite: event[3] != 0)
      if transfer.kind == .unknown { transfer.kind = event[3] != 0 ? .write : .read }
    case .recordedContext:
      recorded.context = RecordedOutcome.Context(
        lookup: .init(event[1]), low: event[2], high: event[3])
    default: return false
    }
    return true
  }

  /// The recorder said what became of the transfer.
  var isAnswered: Bool { recorded.translation != nil || recorded.fault != nil }
}

/// A transfer's requests, in order of address: one at least.
struct PageRequests: BitwiseCopyable {
  private var offset: UInt64 = 0
  private(set) var isDone = false
  private(set) var isCut = false

  /// Pages of one transfer at most: 4 GiB, which PCIe's longest transfers are far below.
  static let maximum: UInt64 = 1 << 20

  /// The next request, while not `isDone`.
  @inline(__always)
  mutating func next(of transfer: borrowing DMATransfer) -> DMARequest {
    let address = transfer.address &+ offset
    let rest = transfer.bytes > offset ? transfer.bytes - offset : 0
    let bytes = min(rest, 4096 - address & 0xfff)
    offset += bytes
    isDone = offset >= transfer.bytes
    if offset >> 12 >= Self.maximum {
      isCut = !isDone
      isDone = true
    }
    return DMARequest(
      device: transfer.device, pasid: transfer.pasid, address: address,
      bytes: UInt32(truncatingIfNeeded: bytes), kind: transfer.kind,
      addressType: transfer.addressType, executes: transfer.executes,
      isPrivileged: transfer.isPrivileged, place: transfer.place)
  }
}

extension DMARequest {
  /// Whether the request is an interrupt message: a write to 0xFEEx_xxxx without a PASID.
  ///
  /// Source: Intel VT-d 4.1, "Handling of Interrupt Requests"; QEMU's and Linux's constants agree.
  @inline(__always)
  var isMessage: Bool {
    address >> 20 == 0xfee && kind == .write && addressType == .untranslated && !hasPASID
  }
}

extension EventTag {
  /// The event says what the recorder saw of an interrupt message.
  @inline(__always)
  var isRecordedInterrupt: Bool {
    self == .recordedEntry || self == .recordedInterrupt || self == .recordedBlock
  }

  /// The event says what the recorder saw of a request.
  @inline(__always)
  var isRecordedOutcome: Bool {
    self == .recordedTranslation || self == .recordedFault || self == .recordedContext
  }
}
