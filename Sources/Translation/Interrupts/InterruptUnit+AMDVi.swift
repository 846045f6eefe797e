import Machine
import TraceFile

/// AMD-Vi: the device table, interrupt tables in memory, registers and commands.
extension InterruptUnit {
  /// What the unit makes of a message.
  ///
  /// Model: the device table entry is read anew for each message, so that INVALIDATE_DEVTAB_ENTRY has
  /// nothing to remove here.
  mutating func judgeAMD(
    _ message: InterruptMessage, _ memory: borrowing IOMemory
  ) -> InterruptOutcome {
    guard vtd.isEnabled else {
      var outcome = InterruptOutcome(message, .passedThrough)
      outcome.request = InterruptRequest(message)
      return outcome
    }
    let device = message.device & 0xffff
    guard message.hasDevice else { return InterruptOutcome(message, .unresolved) }
    guard let controls = deviceEntry(device, memory) else {
      return .blocked(message, .device, AMDViInterrupts.Fault.deviceEntry)
    }
    switch amd.decide(message, controls.rawValue) {
    case .decided(let outcome): return outcome
    case .entry(let index):
      let tag = InterruptEntryCache.tag(device, index)
      if let entry = cache.find(tag) {
        var outcome = amd.judge(message, entry, index: index, device: controls.rawValue)
        outcome.lookup = .hit
        return outcome
      }
      guard let entry = entries.entry(tag) ?? amdEntry(index, controls, memory) else {
        var outcome = InterruptOutcome(message, .unresolved)
        outcome.index = index
        return outcome
      }
      var outcome = amd.judge(message, entry, index: index, device: controls.rawValue)
      if cache.isFitted {
        outcome.lookup = .miss
        if outcome.check != .present { cache.insert(tag, entry) }
      }
      return outcome
    }
  }

  /// What a device's entry says of its interrupts; nothing for one beyond the device table.
  ///
  /// Model: where neither the trace nor the image has the device table, interrupts are remapped by a
  /// table of as many entries as the machine says, and nothing else passes.
  private mutating func deviceEntry(
    _ device: UInt32, _ memory: borrowing IOMemory
  ) -> AMDViDeviceInterrupts? {
    if let deviceTableRegister {
      guard UInt64(device) < ((deviceTableRegister & 0x1ff) + 1) * 128 else { return nil }
      let base = deviceTableRegister & Self.deviceTableMask
      if let word = memory.read(base &+ UInt64(device) * 32 &+ 16) {
        return AMDViDeviceInterrupts(rawValue: word)
      }
    }
    var word: UInt64 = 1
    let log = UInt64(max(machine.start.entries, 1).trailingZeroBitCount)
    word[AMDViDeviceInterrupts.tableLength] = min(log, 11)
    word[AMDViDeviceInterrupts.control] = 2
    return AMDViDeviceInterrupts(rawValue: word)
  }

  private static let deviceTableMask: UInt64 = 0x000f_ffff_ffff_f000

  private mutating func amdEntry(
    _ index: UInt32, _ controls: AMDViDeviceInterrupts, _ memory: borrowing IOMemory
  ) -> InterruptEntry? {
    let table = controls.rawValue & AMDViDeviceInterrupts.table.mask
    guard table != 0 else { return nil }
    if amd.hasLongEntries {
      let address = table &+ UInt64(index) * 16
      guard let low = memory.read(address), let high = memory.read(address &+ 8) else { return nil }
      return InterruptEntry(low: low, high: high)
    }
    return memory.read((table &+ UInt64(index) * 4) & ~7).map {
      InterruptEntry(low: ($0 >> UInt64(index % 2 * 32)) & 0xffff_ffff)
    }
  }

  // MARK: Writes of memory

  /// A write of the device table says where a device's interrupt table is; one of such a table is of
  /// an entry.
  mutating func writeAMDWord(
    _ address: UInt64, _ value: UInt64, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    if let deviceTableRegister {
      let offset = address &- (deviceTableRegister & Self.deviceTableMask)
      if offset < ((deviceTableRegister & 0x1ff) + 1) * 128 * 32 {
        if offset % 32 == 16 { tablePages.add(value, of: UInt32(offset / 32)) }
        return
      }
    }
    guard let (device, root) = tablePages.owner(of: address), address >= root else { return }
    let offset = address - root
    let before = memory.read(address) ?? 0
    guard !amd.hasLongEntries else {
      let tag = InterruptEntryCache.tag(device, UInt32(offset / 16))
      var (old, new) = (InterruptEntry(low: before), InterruptEntry(low: value))
      if offset % 16 < 8 {
        old.high = memory.read(address &+ 8) ?? 0
        new.high = old.high
        isolation.writeEntry(tag, isPresent: value & 1 != 0, at: place)
      } else {
        let low = memory.read(address &- 8) ?? 0
        (old, new) = (InterruptEntry(low: low, high: before), InterruptEntry(low: low, high: value))
      }
      noteMove(tag, from: old, to: new, at: place)
      return
    }
    // Two entries stand in one word; the one that stays is not written.
    for half: UInt64 in 0..<2 {
      let (old, new) = (before >> (32 * half), value >> (32 * half))
      guard old & 0xffff_ffff != new & 0xffff_ffff else { continue }
      let tag = InterruptEntryCache.tag(device, UInt32(offset / 4) + UInt32(half))
      isolation.writeEntry(tag, isPresent: new & 1 != 0, at: place)
      noteMove(
        tag, from: InterruptEntry(low: old & 0xffff_ffff),
        to: InterruptEntry(low: new & 0xffff_ffff), at: place)
    }
  }

  // MARK: Registers and commands

  /// Source: AMD 48882, "MMIO Registers": device table base 0h, control 18h, of which 32-bit writes set
  /// one half; Linux 6.12 drivers/iommu/amd/amd_iommu_types.h for the control's bits: IommuEn 0,
  /// GAEn 17, GALogEn 28, XTEn 50.
  mutating func setAMDRegister(_ offset: UInt64, _ bytes: UInt64, _ value: UInt64) {
    switch offset {
    case 0, 4:
      deviceTableRegister = VTdRegisters.merge(
        deviceTableRegister ?? 0, offset, from: 0, bytes: bytes, value)
    case 0x18, 0x1c:
      amdControl = VTdRegisters.merge(amdControl, offset, from: 0x18, bytes: bytes, value)
      vtd.isEnabled = amdControl & 1 != 0
      amd.hasLongEntries = amdControl & 1 << 17 != 0
      hasGuestLog = amdControl & 1 << 28 != 0
      amd.isExtended = amdControl & 1 << 50 != 0
      model.isExtended = amd.isExtended
    default: break
    }
  }

  /// Source: AMD 48882, "Commands": INVALIDATE_INTERRUPT_TABLE is 5, with the device in bits 15:0, and
  /// INVALIDATE_IOMMU_ALL 8.
  mutating func takeAMDCommand(_ word: UInt64) {
    switch word >> 60 {
    case 5:
      cache.invalidate(table: UInt32(word & 0xffff))
      check.invalidate(table: UInt32(word & 0xffff))
    case 8:
      cache.invalidateAll()
      check.invalidateAll()
    default: break
    }
  }
}

/// Which device's interrupt table is at an address, by pages.
///
/// Model: a page belongs to the device whose entry last named it, and 4096 of a trace's interrupt
/// tables are told apart.
struct AMDViTablePages: ~Copyable {
  private var pages = IdentifierTable(limit: 16 * 4096)
  private var owners: [(device: UInt32, root: UInt64)] = []

  /// A device table entry is written.
  mutating func add(_ word: UInt64, of device: UInt32) {
    let root = word & AMDViDeviceInterrupts.table.mask
    guard word.has(AMDViDeviceInterrupts.valid), root != 0 else { return }
    let bytes = UInt64(16) << min(word[AMDViDeviceInterrupts.tableLength], 11)
    for page in root >> 12...(root &+ bytes &- 1) >> 12 {
      let known = pages.count
      let at = pages.insert(page)
      guard at >= 0 else { return }
      if at == known { owners.append((device, root)) } else { owners[at] = (device, root) }
    }
  }

  func owner(of address: UInt64) -> (device: UInt32, root: UInt64)? {
    let at = pages.place(of: address >> 12)
    return at < 0 ? nil : owners[at]
  }
}
