/// The rules by which AMD-Vi remaps interrupts; a pure function of message, device entry and entry.
///
/// Source: AMD I/O Virtualization Technology (IOMMU) Specification, 48882, "Interrupt Remapping" and
/// "Guest Virtual APIC Interrupt Controller"; QEMU hw/i386/amd_iommu.c for the order of checks.
struct AMDViInterrupts: Sendable {
  private typealias Device = AMDViDeviceInterrupts

  /// Codes of event log entries, and of interrupts that end in a target abort without one.
  enum Fault {
    static let deviceEntry: UInt16 = 1  // ILLEGAL_DEV_TABLE_ENTRY
    static let interrupt: UInt16 = 2  // IO_PAGE_FAULT with its I flag
    static let abort: UInt16 = 8  // target abort: the device's entry says so
  }

  /// Entries have 128 bits (GAEn).
  var hasLongEntries: Bool
  /// Destinations have 32 bits (XTEn).
  var isExtended: Bool

  enum Decision {
    case decided(InterruptOutcome)
    case entry(index: UInt32)
  }

  /// Judges everything but the entry.
  ///
  /// Model: LINT0 and LINT1 messages, whose pass bits are `lint0Passes` and `lint1Passes`, do not come
  /// as memory writes; a device cannot send them here.
  func decide(_ message: InterruptMessage, _ device: UInt64) -> Decision {
    guard device.has(Device.valid) else { return .decided(passed(message)) }
    guard device[Device.tableLength] <= 11 else {
      return .decided(.blocked(message, .device, Fault.deviceEntry))
    }
    guard message.hasData else { return .decided(InterruptOutcome(message, .unresolved)) }
    let entries = UInt64(1) << device[Device.tableLength]
    // With 2048 entries the index takes the bits of the delivery mode, and the address says so.
    let isWide = entries > 512 && message.address.has(CompatibilityAddress.destinationMode)
    let mode = DeliveryMode(message.data[CompatibilityData.deliveryMode])
    if !isWide {
      let passBit: BitRange? =
        switch mode {
        case .nmi: Device.nmiPasses
        case .initialise: Device.initPasses
        case .external: Device.externalPasses
        default: nil
        }
      if let passBit {
        let passes =
          device.has(passBit) && !message.address.has(CompatibilityAddress.destinationMode)
        return .decided(passes ? passed(message) : .blocked(message, .device, Fault.abort))
      }
      guard mode.isOrdinary else { return .decided(.blocked(message, .device, Fault.abort)) }
    }
    switch device[Device.control] {
    case 0: return .decided(.blocked(message, .device, Fault.abort))
    case 1: return .decided(passed(message))
    case 2: break
    default: return .decided(.blocked(message, .device, Fault.deviceEntry))
    }
    let index = message.data & 0x7ff
    guard index < entries else {
      var outcome = InterruptOutcome.blocked(message, .index, Fault.interrupt)
      outcome.index = UInt32(index)
      outcome.isFaultSilent = device.has(Device.ignoresUnmapped)
      return .decided(outcome)
    }
    return .entry(index: UInt32(index))
  }

  private func passed(_ message: InterruptMessage) -> InterruptOutcome {
    var outcome = InterruptOutcome(message, .passedThrough)
    outcome.request = InterruptRequest(message)
    return outcome
  }

  /// What an entry makes of a message.
  func judge(
    _ message: InterruptMessage, _ entry: InterruptEntry, index: UInt32, device: UInt64
  ) -> InterruptOutcome {
    var outcome = hasLongEntries ? long(message, entry) : short(message, entry)
    outcome.index = index
    outcome.entry = entry
    outcome.table = device & Device.table.mask
    outcome.isFaultSilent =
      outcome.result == .blocked
      && (entry.low.has(AMDViEntryLow.suppressFault) || device.has(Device.ignoresUnmapped))
    return outcome
  }

  private func short(_ message: InterruptMessage, _ entry: InterruptEntry) -> InterruptOutcome {
    typealias Entry = AMDViShortEntry
    guard entry.low.has(Entry.enabled) else {
      return .blocked(message, .present, Fault.interrupt)
    }
    if entry.low.has(Entry.reserved) || entry.low.has(Entry.guestMode)
      || entry.low[Entry.type] > 1
    {
      return .blocked(message, .reserved, Fault.interrupt)
    }
    var outcome = InterruptOutcome(message, .remapped)
    outcome.request.vector = UInt8(entry.low[Entry.vector])
    outcome.request.deliveryMode = DeliveryMode(entry.low[Entry.type])
    outcome.request.isLogical = entry.low.has(Entry.destinationMode)
    outcome.request.redirectionHint = entry.low.has(Entry.requestEOI)
    outcome.request.destination = UInt32(entry.low[Entry.destination])
    return outcome
  }

  private func long(_ message: InterruptMessage, _ entry: InterruptEntry) -> InterruptOutcome {
    typealias Low = AMDViEntryLow
    typealias Guest = AMDViGuestEntryLow
    typealias High = AMDViEntryHigh
    guard entry.low.has(Low.enabled) else { return .blocked(message, .present, Fault.interrupt) }
    let isForGuest = entry.low.has(Low.guestMode)
    let reserved =
      isForGuest
      ? entry.low.has(Guest.reserved) : entry.low.has(Low.reserved) || entry.low[Low.type] > 1
    if reserved || entry.high.has(High.reserved) || entry.high.has(High.reservedHigh) {
      return .blocked(message, .reserved, Fault.interrupt)
    }
    var destination = entry.low[Low.destinationLow]
    if isExtended {
      destination |= entry.high[High.destinationHigh] << 24
    } else {
      destination &= 0xff
    }
    var outcome = InterruptOutcome(message, isForGuest ? .posted : .remapped)
    outcome.request.vector = UInt8(entry.high[High.vector])
    outcome.request.destination = UInt32(destination)
    if isForGuest {
      outcome.descriptor = entry.low[Guest.tag]
      outcome.isUrgent = entry.low.has(Guest.logs)
    } else {
      outcome.request.deliveryMode = DeliveryMode(entry.low[Low.type])
      outcome.request.isLogical = entry.low.has(Low.destinationMode)
      outcome.request.redirectionHint = entry.low.has(Low.requestEOI)
    }
    return outcome
  }

  /// What an entry that is present and remaps delivers; nothing for others.
  func request(of entry: InterruptEntry) -> InterruptRequest? {
    let unused = InterruptMessage(
      device: 0, address: 0, data: 0, hasData: true, place: EventPlace())
    let outcome = hasLongEntries ? long(unused, entry) : short(unused, entry)
    return outcome.result == .remapped ? outcome.request : nil
  }
}
