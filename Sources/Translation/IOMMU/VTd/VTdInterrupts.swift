import Machine

/// The rules by which VT-d remaps interrupts; a pure function of message, registers and entry.
///
/// Source: Intel Virtualization Technology for Directed I/O, Architecture Specification, "Interrupt
/// Remapping" and "Interrupt-Posting"; fault reasons as Linux drivers/iommu/intel/dmar.c names them.
struct VTdInterrupts: Sendable {
  private typealias Remapped = VTdRemappedEntryLow
  private typealias Posted = VTdPostedEntryLow

  /// Fault reasons.
  enum Fault {
    static let request: UInt16 = 0x20
    static let index: UInt16 = 0x21
    static let present: UInt16 = 0x22
    static let access: UInt16 = 0x23
    static let reserved: UInt16 = 0x24
    static let format: UInt16 = 0x25
    static let source: UInt16 = 0x26
  }

  /// IRE: messages are remapped.
  var isEnabled: Bool
  /// EIME: destinations have 32 bits.
  var isExtended: Bool
  /// CFIS: messages in compatibility format pass.
  var passesCompatibility: Bool
  /// Entries of the table, up to 65536.
  var entries: UInt32
  var quirks: Set<InterruptQuirk> {
    didSet { cacheQuirks() }
  }

  private var isBusRangeReversed = false
  private var isIndexUnchecked = false
  private var alwaysPassesCompatibility = false

  init(
    isEnabled: Bool, isExtended: Bool = false, passesCompatibility: Bool = false,
    entries: UInt32 = 65_536, quirks: Set<InterruptQuirk> = []
  ) {
    self.isEnabled = isEnabled
    self.isExtended = isExtended
    self.passesCompatibility = passesCompatibility
    self.entries = entries
    self.quirks = quirks
    cacheQuirks()
  }

  private mutating func cacheQuirks() {
    isBusRangeReversed = quirks.contains(.busRangeReversed)
    isIndexUnchecked = quirks.contains(.indexUnchecked)
    alwaysPassesCompatibility = quirks.contains(.compatibilityPasses)
  }

  /// What can be said of a message before its entry is read.
  enum Decision {
    case decided(InterruptOutcome)
    case entry(index: UInt32)
  }

  /// Judges everything but the entry, in the architecture's order.
  @inline(__always)
  func decide(_ message: InterruptMessage) -> Decision {
    guard isEnabled else { return .decided(passed(message)) }
    let address = message.address
    if address.has(VTdRemappableAddress.high) || address[VTdRemappableAddress.range] != 0xfee {
      return .decided(.blocked(message, .request, Fault.request))
    }
    guard address.has(VTdRemappableAddress.format) else {
      return .decided(
        alwaysPassesCompatibility || (passesCompatibility && !isExtended)
          ? passed(message) : .blocked(message, .format, Fault.format))
    }
    var index = address[VTdRemappableAddress.handleLow]
    index |= address[VTdRemappableAddress.handleHigh] << 15
    if address.has(VTdRemappableAddress.hasSubhandle) {
      guard message.hasData else { return .decided(InterruptOutcome(message, .unresolved)) }
      if message.data.has(VTdRemappableData.reserved) {
        return .decided(.blocked(message, .request, Fault.request))
      }
      index += message.data[VTdRemappableData.subhandle]
    }
    if isIndexUnchecked {
      index &= 0xffff
    } else if index >= UInt64(entries) {
      var outcome = InterruptOutcome.blocked(message, .index, Fault.index)
      outcome.index = UInt32(index)
      return .decided(outcome)
    }
    return .entry(index: UInt32(index))
  }

  @inline(__always)
  private func passed(_ message: InterruptMessage) -> InterruptOutcome {
    var outcome = InterruptOutcome(message, .passedThrough)
    outcome.request = InterruptRequest(message)
    return outcome
  }

  /// What an entry makes of a message.
  ///
  /// - Parameters:
  ///   - message: whose index is the entry's.
  ///   - entry: as the unit sees it.
  ///   - index: of the entry.
  /// - Returns: what is delivered, or the first check that fails.
  @inline(__always)
  func judge(
    _ message: InterruptMessage, _ entry: InterruptEntry, index: UInt32
  ) -> InterruptOutcome {
    var outcome = judged(message, entry)
    outcome.index = index
    outcome.entry = entry
    outcome.isSourceUnchecked = !message.hasDevice && entry.high.has(VTdEntryHigh.validation)
    outcome.isFaultSilent =
      outcome.result == .blocked && entry.low.has(VTdRemappedEntryLow.faultDisable)
    return outcome
  }

  private func judged(_ message: InterruptMessage, _ entry: InterruptEntry) -> InterruptOutcome {
    guard entry.low.has(Remapped.present) else {
      return .blocked(message, .present, Fault.present)
    }
    if Self.hasReservedBits(entry) { return .blocked(message, .reserved, Fault.reserved) }
    guard !message.hasDevice || allows(message.device, entry.high) else {
      return .blocked(message, .source, Fault.source)
    }
    if entry.low.has(Remapped.mode) {
      var outcome = InterruptOutcome(message, .posted)
      outcome.descriptor = Self.descriptor(of: entry)
      outcome.isUrgent = entry.low.has(Posted.urgent)
      outcome.request.vector = UInt8(entry.low[Posted.vector])
      return outcome
    }
    var outcome = InterruptOutcome(message, .remapped)
    outcome.request = request(of: entry)
    return outcome
  }

  /// What an entry that remaps delivers.
  func request(of entry: InterruptEntry) -> InterruptRequest {
    var request = InterruptRequest()
    request.vector = UInt8(entry.low[Remapped.vector])
    request.deliveryMode = DeliveryMode(entry.low[Remapped.deliveryMode])
    request.isLevel = entry.low.has(Remapped.trigger)
    request.isLogical = entry.low.has(Remapped.destinationMode)
    request.redirectionHint = entry.low.has(Remapped.redirectionHint)
    request.destination = UInt32(
      entry.low[isExtended ? Remapped.destination : Remapped.destinationXAPIC])
    return request
  }

  /// The posted-interrupt descriptor of an entry that posts, 64 bytes aligned.
  static func descriptor(of entry: InterruptEntry) -> UInt64 {
    entry.high[VTdEntryHigh.descriptorHigh] << 32 | entry.low[Posted.descriptorLow] << 6
  }

  /// Model: delivery modes 011b and 110b, which the specification reserves (recalled), count as
  /// reserved bits; destination bits that xAPIC does not use are not checked.
  static func hasReservedBits(_ entry: InterruptEntry) -> Bool {
    if entry.high.has(VTdEntryHigh.reserved) { return true }
    if entry.low.has(Remapped.mode) {
      return entry.low & (Posted.reserved.mask | Posted.reservedLow.mask | Posted.reservedHigh.mask)
        != 0
    }
    return entry.low & (Remapped.reserved.mask | Remapped.reservedHigh.mask) != 0
      || entry.high.has(VTdEntryHigh.descriptorHigh)
      || DeliveryMode(entry.low[Remapped.deliveryMode]).isReserved
  }

  /// Whether an entry lets a device use it.
  ///
  /// A range of buses begins at SID 15:8 and ends at SID 7:0, as Linux programs it
  /// (drivers/iommu/intel/irq_remapping.c, `set_irte_verify_bus`); QEMU reads the two bytes the other
  /// way round, which is a quirk here. SVT 11b is reserved and fails.
  ///
  /// Source: VT-d specification, "Source-id Verification".
  func allows(_ device: UInt32, _ high: UInt64) -> Bool {
    let source = UInt32(high[VTdEntryHigh.source])
    switch high[VTdEntryHigh.validation] {
    case 0: return true
    case 1:
      let compared: UInt32 =
        switch high[VTdEntryHigh.qualifier] {
        case 0: 0xffff
        case 1: 0xfffb
        case 2: 0xfff9
        default: 0xfff8
        }
      return source & compared == device & compared
    case 2:
      let bus = device >> 8
      let (first, last) = (source >> 8, source & 0xff)
      return isBusRangeReversed ? last <= bus && bus <= first : first <= bus && bus <= last
    default: return false
    }
  }

  /// How many devices an entry lets use it: 0 for any.
  ///
  /// Of a quantity for reports: 256 for each bus of a range.
  func devices(allowedBy high: UInt64) -> Int {
    switch high[VTdEntryHigh.validation] {
    case 0: return 0
    case 1: return [1, 2, 4, 8][Int(high[VTdEntryHigh.qualifier])]
    case 2:
      let (start, end) = (Int(high[VTdEntryHigh.startBus]), Int(high[VTdEntryHigh.endBus]))
      return 256 * max(0, (isBusRangeReversed ? start - end : end - start) + 1)
    default: return 0
    }
  }
}
