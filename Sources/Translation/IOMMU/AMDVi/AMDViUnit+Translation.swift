import TraceFile

/// From a request to its outcome.
extension AMDViUnit {
  enum Fetch {
    case value(UInt64)
    case absent
    /// Beyond the host's address space: no memory answers.
    case refused
  }

  enum DeviceFetch {
    case found(Device)
    case blocked(UInt16)
    case unresolved
  }

  @inline(__always)
  func fetch(_ address: UInt64, _ memory: borrowing IOMemory) -> Fetch {
    if address >> UInt64(hostBits) != 0 { return .refused }
    if let value = memory.read(address) { return .value(value) }
    return .absent
  }

  @inline(__always)
  mutating func translate(
    _ outcome: inout DMAOutcome, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) {
    let request = outcome.request
    if policy == .passThrough {
      outcome = passed(request, domain: DMAOutcome.noDomain)
      return
    }
    if isEnabled == false {
      outcome = DMAOutcome(request, .untranslated)
      return
    }
    let before = (references.structures + references.tables, contextLookups, iotlb.misses, walks)
    outcome = judge(request, recorded, memory)
    outcome.references = UInt16(
      truncatingIfNeeded: references.structures + references.tables - before.0)
    if contextLookups.hits != before.1.hits {
      outcome.context = .hit
    } else if contextLookups.misses != before.1.misses {
      outcome.context = .miss
    }
    if walks == before.3 { unwalked += iotlb.misses - before.2 }
  }

  /// What tags a translation in the IOTLB.
  private func space(_ request: DMARequest, _ domain: UInt32, isGuest: Bool) -> UInt64 {
    let pasid = isGuest ? UInt64(request.hasPASID ? request.pasid : 0) + 1 : 0
    return (isByDevice ? UInt64(request.device) | 1 << 62 : UInt64(domain)) | pasid << 32
  }

  /// Checks the device's entry, then the IOTLB, then the tables.
  ///
  /// An entry without V passes everything, and one with V and without TV ends every walk.
  ///
  /// Model: QEMU before 10.2 passes what an entry without TV should have stopped.
  ///
  /// Source: AMD 48882, "Device Table Entry Format", table "V, TV, and GV Fields in Device Table
  /// Entry"; QEMU commit f6b5644c9084 of October 2025, `amdvi_page_walk`, which cites it, and VirtualBox,
  /// DevIommuAmd.cpp, which raises an IO_PAGE_FAULT, agree.
  private mutating func judge(
    _ request: DMARequest, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) -> DMAOutcome {
    let probed = probesFirst && request.addressType == .untranslated
    if probed,
      let hit = iotlb.lookup(space(request, 0, isGuest: request.hasPASID), request.address)
    {
      return accept(request, hit.pointee, isSilent: false)
    }
    let device: Device
    switch self.device(of: request, recorded, memory) {
    case .found(let found): device = found
    case .blocked(let code): return block(request, code, isSilent: false)
    case .unresolved: return unresolved(request, recorded, wasProbed: probed)
    }
    guard device.word0.has(AMDViDevice0.valid) else {
      return passed(request, domain: DMAOutcome.noDomain)
    }
    if request.addressType != .untranslated, !device.word1.has(AMDViDevice1.deviceTLB) {
      return block(request, AMDViEvent.invalidRequest, isSilent: false)
    }
    if request.hasPASID, !device.word0.has(AMDViDevice0.guestValid) {
      var outcome = block(request, AMDViEvent.invalidRequest, isSilent: false)
      outcome.cause = .pasid
      return outcome
    }
    if request.addressType == .untranslated, !request.hasPASID, request.address >> 40 == 0,
      request.address >= Self.specialStart
    {
      switch special(request, device) {
      case .blocked: return block(request, AMDViEvent.invalidRequest, isSilent: false)
      case .passed: return passed(request, domain: device.domain)
      case .translated: break
      }
    }
    let isGuest =
      device.word0.has(AMDViDevice0.guestValid)
      && (request.hasPASID || device.word0.has(AMDViDevice0.guestIO))
    let isTranslated = request.addressType == .translated
    guard isTranslated || device.word0.has(AMDViDevice0.translationValid) else {
      return block(request, AMDViEvent.pageFault, isSilent: device.isSilent)
    }
    let isDirect = device.word0[AMDViDevice0.mode] == 0 && !isGuest
    if isDirect || isTranslated {
      guard device.rights.isSuperset(of: request.kind.needs) else {
        return block(request, AMDViEvent.pageFault, isSilent: device.isSilent)
      }
      var outcome = passed(request, domain: device.domain)
      outcome.isGranted = isTranslated && isGranted(request)
      return outcome
    }
    return translate(request, device, isGuest: isGuest, wasProbed: probed, recorded, memory)
  }

  private enum Special {
    case blocked
    case passed
    case translated
  }

  /// HyperTransport keeps what lies from here to 1 TiB for itself.
  ///
  /// Source: Linux 6.12, drivers/iommu/amd/amd_iommu_types.h, `HT_RANGE_START` and `HT_RANGE_END`.
  private static let specialStart: UInt64 = 0xfd_0000_0000

  /// What the device's entry says of a request in HyperTransport's ranges: SysMgt of system management,
  /// IoCtl of port I/O; nothing lets a device into the others.
  ///
  /// Model: with SysMgt 10b, which lets messages of interrupt pins alone pass, requests are blocked.
  ///
  /// Source: the ranges are of AMD 48882, "IOMMU Logical Topology", table "Special Address Controls
  /// (GPA)", as QEMU 7.1, hw/i386/pc.c, at `AMD_HT_START`, lists them: system management is
  /// FD_F910_0000h to FD_F91F_FFFFh, I/O space FD_FC00_0000h to FD_FDFF_FFFFh. The fields' values are
  /// those of Xen, xen/drivers/passthrough/amd/iommu-defs.h, `IOMMU_DEV_TABLE_SYS_MGT_*` (DMA aborted,
  /// messages, interrupts or DMA forwarded) and `IOMMU_DEV_TABLE_IO_CONTROL_*` (aborted, forwarded,
  /// translated); INVALID_DEVICE_REQUEST is what QEMU's comment says. Recalled: that SysMgt 11b
  /// translates.
  private func special(_ request: DMARequest, _ device: Device) -> Special {
    switch request.address >> 20 {
    case 0xfdf91:
      switch device.word1[AMDViDevice1.systemManagement] {
      case 1: return request.kind == .write ? .passed : .blocked
      case 3: return .translated
      default: return .blocked
      }
    case 0xfdfc0...0xfdfdf:
      switch device.word1[AMDViDevice1.control] {
      case 1: return .passed
      case 2: return .translated
      default: return .blocked
      }
    default: return .blocked
    }
  }

  private mutating func translate(
    _ request: DMARequest, _ device: Device, isGuest: Bool, wasProbed: Bool,
    _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) -> DMAOutcome {
    let space = space(request, device.domain, isGuest: isGuest)
    if !wasProbed, let hit = iotlb.lookup(space, request.address) {
      let found = hit.pointee
      var outcome = accept(request, found, isSilent: device.isSilent)
      if request.addressType == .translationRequest { give(found, request, &outcome) }
      return outcome
    }
    walks += 1
    var found: IOTranslation
    switch walk(request, device, isGuest: isGuest, memory) {
    case .found(let translation): found = translation
    case .blocked(let code, let cause):
      if cachesNegative, code == AMDViEvent.pageFault {
        keepNegative(request, device, isGuest: isGuest, space, cause)
      }
      var outcome = block(request, code, isSilent: device.isSilent, .miss)
      (outcome.domain, outcome.cause) = (device.domain, cause)
      return outcome
    case .unresolved:
      walks -= 1
      return unresolved(request, recorded, wasProbed: true)
    }
    found.filledAt = request.place.event
    keep(&found, request, space)
    var outcome = accept(request, found, isSilent: device.isSilent, .miss)
    if request.addressType == .translationRequest { give(found, request, &outcome) }
    return outcome
  }

  /// Gives a device the translation that it asked for, where it is allowed.
  @inline(never)
  private mutating func give(
    _ found: IOTranslation, _ request: DMARequest, _ outcome: inout DMAOutcome
  ) {
    guard outcome.result == .translated else { return }
    outcome.isGranted = true
    var kept = found
    kept.device = request.device
    kept.pasid = request.pasid
    kept.input = request.address & ~((1 << UInt64(found.shift)) - 1)
    deviceTLBs.fill(request.device, VTdUnit.deviceSpace(request), found.output, kept)
  }

  /// Keeps that a page has no translation, as NpCache says.
  @inline(never)
  private mutating func keepNegative(
    _ request: DMARequest, _ device: Device, isGuest: Bool, _ space: UInt64,
    _ cause: DMAOutcome.Cause
  ) {
    var entry = IOTranslation.none
    entry.filledAt = request.place.event
    (entry.domain, entry.device) = (device.domain, request.device)
    entry.pasid = request.hasPASID ? request.pasid : 0
    (entry.shift, entry.fault) = (12, UInt8(AMDViEvent.pageFault))
    entry.kind = isGuest ? .nested : .second
    entry.cause = cause
    iotlb.fill(space, request.address, entry)
  }

  /// Fills the IOTLB, with the request's base page alone where the unit keeps no others.
  private mutating func keep(
    _ found: inout IOTranslation, _ request: DMARequest, _ space: UInt64
  ) {
    if keepsBasePages, found.shift > 12 {
      let offset: UInt64 = (1 << UInt64(found.shift)) - 1
      found.output |= request.address & offset & ~0xfff
      found.shift = 12
    }
    iotlb.fill(space, request.address, found)
  }

  private mutating func accept(
    _ request: DMARequest, _ found: IOTranslation, isSilent: Bool,
    _ lookup: DMAOutcome.Lookup = .hit
  ) -> DMAOutcome {
    if found.fault != 0 {
      var outcome = block(request, UInt16(found.fault), isSilent: isSilent, lookup)
      (outcome.domain, outcome.cause) = (found.domain, found.cause)
      return outcome
    }
    var needs = request.kind.needs
    if found.kind != .second, !request.isPrivileged { needs.insert(.user) }
    if found.kind != .second, request.executes { needs.insert(.execute) }
    if !found.rights.isSuperset(of: needs), !(skipsPermission && lookup == .hit) {
      var outcome = block(request, AMDViEvent.pageFault, isSilent: isSilent, lookup)
      outcome.rights = found.rights
      outcome.domain = found.domain
      return outcome
    }
    var outcome = DMAOutcome(request, .translated)
    let offset: UInt64 = found.shift < 64 ? (1 << UInt64(found.shift)) - 1 : .max
    outcome.output = found.output & ~offset | request.address & offset
    outcome.pageShift = found.shift
    outcome.leaf = found.leaf
    outcome.rights = found.rights
    outcome.iotlb = lookup
    outcome.filledAt = found.filledAt
    outcome.domain = found.domain
    outcome.isFirstStage = found.kind != .second
    return outcome
  }

  func passed(_ request: DMARequest, domain: UInt32) -> DMAOutcome {
    var outcome = DMAOutcome(request, .passedThrough)
    outcome.output = request.address
    outcome.rights = .data
    outcome.domain = domain
    return outcome
  }

  /// A request for which no tables are at hand: what the recorder saw of it stands for them.
  private mutating func unresolved(
    _ request: DMARequest, _ recorded: RecordedOutcome, wasProbed: Bool
  ) -> DMAOutcome {
    if let fault = recorded.fault {
      return block(request, fault.code & 15, isSilent: false, wasProbed ? .miss : .none)
    }
    guard let leaf = recorded.translation else {
      var outcome = DMAOutcome(request, .unresolved)
      outcome.iotlb = wasProbed ? .miss : .none
      return outcome
    }
    // Without a lookup on record the request passed as it was.
    guard leaf.lookup != .unsaid else { return passed(request, domain: DMAOutcome.noDomain) }
    let space = space(request, leaf.domain, isGuest: false)
    if !wasProbed, let hit = iotlb.lookup(space, request.address) {
      return accept(request, hit.pointee, isSilent: false)
    }
    walks += 1
    let found = IOTranslation(
      output: leaf.output & ~0xfff, leaf: leaf.entry, filledAt: request.place.event,
      domain: leaf.domain, device: request.device, pasid: 0, shift: 12, rights: .data,
      kind: .second)
    iotlb.fill(space, request.address, found)
    return accept(request, found, isSilent: false, .miss)
  }

  /// The device's entry: cached, recorded or read.
  private mutating func device(
    of request: DMARequest, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) -> DeviceFetch {
    if contextCache.exists, let cached = contextCache.find(0, UInt64(request.device)) {
      contextLookups.count(hit: true)
      return .found(cached.pointee)
    }
    contextLookups.count(hit: false)
    let device: Device
    if let words = recorded.context {
      device = Device(word0: words.low, word1: words.high)
    } else {
      switch readDevice(request.device, memory) {
      case .found(let found): device = found
      case let other: return other
      }
      references.structures += 1
    }
    if let code = Self.fault(of: device) { return .blocked(code) }
    _ = contextCache.insert(0, UInt64(request.device), device)
    return .found(device)
  }

  /// What an entry itself forbids: a mode that does not exist.
  static func fault(of device: Device) -> UInt16? {
    device.word0.has(AMDViDevice0.valid) && device.word0[AMDViDevice0.mode] == 7
      ? AMDViEvent.illegalDevice : nil
  }

  func readDevice(_ device: UInt32, _ memory: borrowing IOMemory) -> DeviceFetch {
    guard let base = deviceTableBase(memory) else { return .unresolved }
    // (size + 1) pages of 128 entries.
    guard UInt64(device & 0xffff) < ((base & 0x1ff) + 1) * 128 else {
      return .blocked(AMDViEvent.illegalDevice)
    }
    let place = base & AMDViDevice0.root.mask + 32 * UInt64(device & 0xffff)
    guard case .value(let word0) = fetch(place, memory),
      case .value(let word1) = fetch(place + 8, memory)
    else {
      if case .refused = fetch(place, memory) { return .blocked(AMDViEvent.deviceTable) }
      return .unresolved
    }
    return .found(Device(word0: word0, word1: word1))
  }

  /// The trace's device table where the memory has it, or one that its domains were written into.
  private func deviceTableBase(_ memory: borrowing IOMemory) -> UInt64? {
    guard let deviceTable else { return tables.base }
    if case .absent = fetch(deviceTable & AMDViDevice0.root.mask, memory), let own = tables.base {
      return own
    }
    return deviceTable
  }

  private func isGranted(_ request: DMARequest) -> Bool {
    guard
      let found = deviceTLBs.find(
        request.device, VTdUnit.deviceSpace(request), request.address)
    else {
      return false
    }
    return found.pointee.rights.isSuperset(of: request.kind.needs)
  }
}
