import Results
import TraceFile

/// Watches what devices reach.
///
/// It sees every event before the remapping unit acts on it, every request once it was judged, and
/// every invalidation from the moment at which it holds.
struct IsolationMonitor: ~Copyable {
  let isVTd: Bool
  let policy: IsolationPolicy
  var log = FindingLog()
  var owners = FrameOwners()
  var devices = DeviceDirectory()
  var mappings = MappingTable()
  var invalidations = InvalidationHistory()
  /// What devices were given and may still use.
  var grants = GrantTable()
  /// The tables that the trace writes word by word.
  var tables = TableDirectory()
  var names = NameBook()
  /// How often each rule was judged, by its number.
  var judged: InlineArray<28, Int> = .init(repeating: 0)
  /// Requests that were judged.
  var requests: UInt64 = 0
  /// Interrupt messages that were judged.
  var messages: UInt64 = 0
  /// Guests of interrupt entries, and the events that last wrote them, by table and index.
  var entryOwners = PairTable()
  var entryWrites = PairTable()
  /// The device that last used an interrupt table of AMD-Vi, by the table's address.
  var tableUsers = PairTable()
  /// Entries by guest.
  var heldEntries: [UInt32: Int] = [:]
  /// When the request that is judged next was issued; 0 where the trace does not say.
  var issued: UInt64 = 0
  /// The root of the tables was changed, and these caches were not flushed since.
  var unflushed: RootCaches = []
  var rootChanged = Moment()
  /// RTADDR_REG as it was written last.
  var rootAddress: UInt64 = 0
  var now = Moment()

  /// Caches that a change of the root leaves behind.
  struct RootCaches: OptionSet {
    let rawValue: UInt8
    static let context = RootCaches(rawValue: 1)
    static let iotlb = RootCaches(rawValue: 2)
    static let pasid = RootCaches(rawValue: 4)
  }

  init(isVTd: Bool, _ policy: IsolationPolicy = IsolationPolicy()) {
    self.isVTd = isVTd
    self.policy = policy
  }

  /// Sees an event of domains, tables, owners or interrupts.
  @inline(__always)
  mutating func see(_ event: TraceEvent, at place: EventPlace) {
    if event.tag == .dma {
      issued = event[5]
    } else {
      seeOther(event, at: place)
    }
  }

  @inline(never)
  private mutating func seeOther(_ event: TraceEvent, at place: EventPlace) {
    now = Moment(place)
    switch event.tag {
    case .name:
      names.add(event)
    case .frameOwner:
      own(event, at: place)
    case .domainOwner:
      devices.assign(domain: word(event[0]), to: word(event[1]))
    case .deviceOwner:
      guard let number = devices.number(of: word(event[0])) else { return }
      if devices.states[number].guest != word(event[1]) {
        devices.states[number].assigned = Moment(place)
      }
      devices.states[number].guest = word(event[1])
      devices.states[number].group = word(event[2])
    case .deviceRegion:
      devices.addRegion(of: word(event[0]), event[1], event[2])
    case .attach:
      devices.attach(
        word(event[0]), to: word(event[1]), pasid: pasid(event[2]), at: Moment(place))
    case .detach:
      devices.detach(word(event[0]), pasid: pasid(event[2]), at: Moment(place))
    case .iommuMap:
      let space = MappingSpace(domain: word(event[0]))
      map(
        space, event[1], bytes: event[3], to: event[2],
        rights: UInt8(truncatingIfNeeded: event[4] & 3), at: place)
    case .iommuUnmap:
      unmap(MappingSpace(domain: word(event[0])), event[1], bytes: event[2])
    case .dmaMap:
      mapBuffer(event, at: place)
    case .dmaUnmap:
      unmap(MappingSpace(device: word(event[0])), event[1], bytes: event[2])
    case .entryOwner: ownEntry(event, at: place)
    case .translationCompletion: grant(event)
    case .iommuRegister:
      if isVTd { seeRegister(event) }
    default: break
    }
  }

  func word(_ value: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: value) }

  private func pasid(_ value: UInt64) -> UInt32? {
    value == 0 ? nil : UInt32(truncatingIfNeeded: value &- 1)
  }

  private mutating func unmap(_ space: MappingSpace, _ address: UInt64, bytes: UInt64) {
    mappings.unmap(space, address, bytes: bytes, at: now)
  }

  /// A write of the global command register that sets a new root.
  ///
  /// Source: Intel VT-d specification, "Global Command Register", SRTP is bit 30.
  private mutating func seeRegister(_ event: TraceEvent) {
    guard event[1] == 0x18, event[3] & (1 << 30) != 0 else { return }
    unflushed = [.context, .iotlb]
    if VTdRegisters.mode(of: rootAddress) == 1 { unflushed.insert(.pasid) }
    rootChanged = now
  }

  /// Sees an invalidation that has just taken effect.
  mutating func see(_ invalidation: inout IOInvalidation) {
    invalidations.add(invalidation)
    if invalidation.granularity == .global, invalidation.queued.event > rootChanged.event {
      if invalidation.cache == .context { unflushed.remove(.context) }
      if invalidation.cache == .iotlb { unflushed.remove(.iotlb) }
      if invalidation.cache == .pasid { unflushed.remove(.pasid) }
    }
    if invalidation.cache == .deviceTLB, !grants.isEmpty {
      if grants.forget(invalidation) {
        mappings.invalidateDevices(at: Moment(invalidation.effective), devices, grants)
      }
    }
    guard invalidation.cache == .iotlb else { return }
    tables.see(invalidation)
    guard !mappings.isEmpty else { return }
    mappings.invalidate(invalidation, devices, grants)
  }

  /// A completion that the recorder saw.
  private mutating func grant(_ event: TraceEvent) {
    let (request, given) = IOTranslation.granted(event)
    let domain = devices.state(of: request.device)?.pointee.knownDomain ?? DMAOutcome.noDomain
    grants.add(
      GrantTable.Grant(
        holder: GrantTable.holder(request.device, pasid: request.pasid), page: given.input,
        output: given.output, domain: domain, shift: given.shift,
        rights: given.rights.rawValue & 3))
  }

  /// Counts a finding, and tells it where enough of its like was not told yet.
  @inline(never)
  mutating func find(
    _ rule: Int, _ severity: Severity, _ subject: FindingLog.Subject, at place: EventPlace,
    _ detail: (borrowing IsolationMonitor) -> [String: String]
  ) {
    guard let number = log.count(rule, severity, subject) else { return }
    var told = detail(self)
    if subject.device == FindingLog.Subject.none, subject.domain != FindingLog.Subject.none {
      told["device"] = told["device"] ?? users(of: subject.domain)
    }
    log.tell(number, place, told)
  }

  /// The end of the trace: what is still open stays so.
  mutating func finish() { mappings.closeAll(at: now) }
}
