extension QEMULogImporter {
  /// Makes events of one line.
  ///
  /// - Returns: false where the line says nothing that other lines do not say.
  mutating func handle(
    _ event: QEMUEvent, _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    if interrupt.isOpen, !event.isOfInterrupt, thread == interrupt.thread || event.isInvalidation {
      closeInterrupt(to: &block)
    }
    switch event {
    case .vtdPageHit:
      beginTranslation(device: values[0], values[1], hit: 1, values[2], domain: values[3], &block)
    case .vtdPageUpdate:
      beginTranslation(device: values[0], values[1], hit: 0, values[2], domain: values[3], &block)
    case .vtdTranslate:
      let device = Self.device(values[0], values[1], values[2])
      endVTdTranslation(device, values[3], output: values[4], mask: values[5], &block)
    case .vtdFault:
      access(values[0], values[2], bytes: 0, kind: values[3] == 0 ? 0 : 1, &block)
      block.append(.recordedFault, values[0], values[1], values[2], values[3])
    case .vtdContextHit, .vtdContextUpdate:
      if hasContext { closeContext(to: &block) }
      hasContext = true
      context = PendingTranslation(
        thread: thread, device: (values[0] & 0xff) << 8 | values[1] & 0xff, address: 0,
        hit: event == .vtdContextHit ? 1 : 0, entry: values[3], domain: values[2])
    case .vtdPassThrough: return false
    case .vtdDescriptor, .vtdContextGlobal, .vtdContextDomain, .vtdContextDevices,
      .vtdContextDevice, .vtdGlobal, .vtdDomain, .vtdPages, .vtdPASIDPages, .vtdPASID,
      .vtdEntryCache, .vtdWaitWrite, .vtdWaitInterrupt, .vtdRegisterWrite, .vtdRootTable,
      .vtdInterruptTable, .vtdCommandRegister:
      return handleVTdCommand(event, values, &block)
    case .vtdFaultRecord: block.append(.faultRecord, 0, values[0], values[2], values[1])
    case .vtdIOTLBReset: block.append(.recordedReset, 0, 0)
    case .vtdContextReset: block.append(.recordedReset, 0, 1)
    case .vtdPageWalk:
      guard values[3] < .max else { return false }
      if values[4] == 0 {
        block.append(.iommuUnmap, values[0], values[1], values[3] + 1)
      } else {
        block.append(.iommuMap, values[0], values[1], values[2], values[3] + 1, values[4] & 3)
      }
    case .vtdReplay:
      block.append(.attach, Self.device(values[0], values[1], values[2]), values[3])
    case .vtdRequest, .vtdEntry, .vtdRemap, .vtdMessage, .amdRequest, .amdEntryPlace,
      .amdEntryGA, .amdEntry, .amdMessage, .amdAbort, .amdError:
      return handleInterrupt(event, values, &block)
    case .amdHit, .amdUpdate, .amdResult, .amdFault, .amdPages, .amdDevice, .amdInterrupts,
      .amdAll, .amdWait, .amdReset, .amdRegisterWrite, .amdControl:
      return handleAMD(event, values, &block)
    case .virtioAttach, .virtioDetach, .virtioMap, .virtioUnmap, .virtioTranslate,
      .virtioOutput, .virtioFault:
      return handleVirtio(event, values, &block)
    case .apicDeliver:
      block.append(
        .interruptDelivery, Self.core(values[0], isLogical: values[1] != 0), values[3], values[0],
        values[1], values[2], values[4])
    case .nvmeAdmin: nvmeKind = Self.nvmeKind(opcode: values[2])
    case .nvmeIO: nvmeKind = Self.nvmeKind(opcode: values[3])
    case .nvmeBuffer: buffers.announce(values[0], values[1], kind: nvmeKind, by: .nvme)
    case .e1000eReceive:
      buffers.announce(values[1] &+ values[2], values[3], kind: 1, by: .e1000e)
    case .e1000eTransmit:
      // The length of a legacy or data descriptor is in its low 16 bits; one that is extended
      // (bit 29) without type 1 in 23:20 has no buffer.
      let hasBuffer = values[1] >> 29 & 1 == 0 || values[1] >> 20 & 0xf == 1
      if hasBuffer { buffers.announce(values[0], values[1] & 0xffff, kind: 0, by: .e1000e) }
    }
    return true
  }

  /// A requester id of its parts.
  @inline(__always)
  static func device(_ bus: UInt64, _ slot: UInt64, _ function: UInt64) -> UInt64 {
    (bus & 0xff) << 8 | (slot & 0x1f) << 3 | function & 7
  }

  /// The core that a message is for, where that is one.
  ///
  /// Model: a physical destination is the number of a core, and a logical one has a bit for each
  /// core, as in the flat model that Linux uses for up to eight.
  private static func core(_ destination: UInt64, isLogical: Bool) -> UInt64 {
    guard isLogical else { return destination < 0xff ? destination : EventTag.unknownCore }
    let isOne = destination.nonzeroBitCount == 1
    return isOne ? UInt64(destination.trailingZeroBitCount) : EventTag.unknownCore
  }

  /// What the data transfer bits of a command's opcode make the controller do to memory.
  ///
  /// Source: NVM Express Base Specification, revision 2.0, "Opcodes": bits 1:0 are 01b for host to
  /// controller, 10b for controller to host.
  private static func nvmeKind(opcode: UInt64) -> UInt64 {
    switch opcode & 3 {
    case 1: 0
    case 2: 1
    default: 3
    }
  }

  // MARK: translations

  /// An access whose IOTLB lookup was printed.
  @inline(__always)
  mutating func beginTranslation(
    device: UInt64, _ address: UInt64, hit: UInt64, _ entry: UInt64, domain: UInt64,
    _ block: inout BlockBuilder
  ) {
    access(device, address, &block)
    let forgotten = translations.add(
      PendingTranslation(
        thread: thread, device: device, address: address, hit: hit, entry: entry, domain: domain))
    if let forgotten { close(forgotten, to: &block) }
  }

  /// `vtd_dmar_translate`, printed by `vtd_iommu_translate` for every translation that succeeded,
  /// with the page's address and mask; without a line of the lookup before it where the IOMMU is
  /// off or passes the device through.
  @inline(__always)
  private mutating func endVTdTranslation(
    _ device: UInt64, _ page: UInt64, output: UInt64, mask: UInt64, _ block: inout BlockBuilder
  ) {
    let thread = thread
    let item = translations.take {
      $0.device == device && $0.thread == thread && $0.address & ~mask == page
    }
    if let item {
      block.append(
        .recordedTranslation, device, item.address, item.hit, item.entry, item.domain, output, mask)
    } else {
      access(device, page, &block)
      block.append(
        .recordedTranslation, device, page, 2, 0, EventTag.unknownDomain, output, mask)
    }
  }

  /// Appends an access, and the lookup of its context where one was printed before it.
  @inline(__always)
  mutating func access(
    _ device: UInt64, _ address: UInt64, bytes: UInt64 = 0, kind: UInt64 = 3,
    _ block: inout BlockBuilder
  ) {
    accesses += 1
    if let buffer = buffers.take(device: device, address) {
      knownAccesses += 1
      block.append(.dma, device, address, buffer.bytes, kind == 3 ? buffer.kind : kind)
    } else {
      block.append(.dma, device, address, bytes, kind)
    }
    if hasContext { closeContext(to: &block) }
  }

  /// Model: a context lookup is put behind the access that it was made for, though QEMU prints it
  /// first.
  mutating func closeContext(to block: inout BlockBuilder) {
    block.append(
      .recordedContext, context.device, context.hit, context.entry, context.domain)
    hasContext = false
  }

  /// A lookup whose result is not in the log.
  private func close(_ item: PendingTranslation, to block: inout BlockBuilder) {
    block.append(
      .recordedTranslation, item.device, item.address, item.hit, item.entry, item.domain)
  }

  /// Appends what still waits for other lines.
  mutating func flush(to block: inout BlockBuilder) {
    if hasContext { closeContext(to: &block) }
    while let item = translations.take({ _ in true }) { close(item, to: &block) }
    if interrupt.isOpen { closeInterrupt(to: &block) }
  }
}

extension QEMUEvent {
  /// Whether the event belongs to an interrupt request that is being read.
  var isOfInterrupt: Bool {
    switch self {
    case .vtdRequest, .vtdEntry, .vtdRemap, .vtdMessage, .amdRequest, .amdEntryPlace,
      .amdEntryGA, .amdEntry, .amdMessage, .amdAbort, .amdError:
      true
    default: false
    }
  }

  /// Whether what an interrupt becomes may be another after the event.
  var isInvalidation: Bool {
    switch self {
    case .vtdDescriptor, .vtdRegisterWrite, .vtdEntryCache, .vtdInterruptTable, .amdInterrupts,
      .amdDevice, .amdAll, .amdRegisterWrite, .amdControl:
      true
    default: false
    }
  }
}
