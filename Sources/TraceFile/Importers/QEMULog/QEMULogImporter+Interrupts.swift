extension QEMULogImporter {
  /// Interrupt requests of VT-d and AMD-Vi.
  mutating func handleInterrupt(
    _ event: QEMUEvent, _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    switch event {
    case .vtdRequest, .amdRequest:
      if interrupt.isOpen { closeInterrupt(to: &block) }
      interrupt = PendingInterrupt(
        isOpen: true, thread: thread, address: values[0], data: values[1])
      if event == .amdRequest {
        isAMD = true
        interrupt.device = values[2] & 0xffff
      }
    case .vtdEntry:
      // `vtd_irte_get` passes the quadwords in the wrong order: what it calls low is bits 127:64.
      setEntry(index: values[0], low: values[2], high: values[1])
    case .amdEntryPlace: interrupt.offset = values[1]
    case .amdEntryGA: setEntry(index: interrupt.offset >> 4, low: values[1], high: values[0])
    case .amdEntry: setEntry(index: interrupt.offset >> 2, low: values[0], high: 0)
    case .amdAbort, .amdError:
      // The request goes nowhere: no line of what it became follows.
      guard interrupt.isOpen else { return false }
      closeInterrupt(to: &block)
      block.append(.recordedBlock, 0)
    case .vtdRemap:
      guard interrupt.isOpen else { return false }
      if let requester = checkedRequester { interrupt.device = requester }
      closeInterrupt(to: &block)
      block.append(
        .recordedInterrupt, values[0], values[2], values[4], values[3], values[1], values[5])
    default:
      guard interrupt.isOpen else { return false }
      endMessage(values, &block)
    }
    return true
  }

  private mutating func setEntry(index: UInt64, low: UInt64, high: UInt64) {
    interrupt.hasEntry = true
    (interrupt.index, interrupt.low, interrupt.high) = (index & 0xffff, low, high)
  }

  /// The requester of a request that passed the check of an entry which allows only one.
  ///
  /// VT-d's lines do not name it. SVT (bits 83:82) 01b with SQ (81:80) 00b compares all of SID
  /// (79:64), so a request that was remapped came from there. For an IOAPIC QEMU makes no check, and
  /// SID is the requester id that firmware gives the IOAPIC.
  private var checkedRequester: UInt64? {
    interrupt.hasEntry && interrupt.high >> 16 & 0xf == 0b0100 ? interrupt.high & 0xffff : nil
  }

  /// The message that is sent on: `address` and `data` in the compatibility format.
  ///
  /// Source: Intel SDM volume 3, "Message Address Register Format" and "Message Data Register
  /// Format"; bits 63:40 of the address are destination bits 31:8 in QEMU's
  /// `x86_iommu_irq_to_msi_message`.
  private mutating func endMessage(_ values: LineValues, _ block: inout BlockBuilder) {
    let (address, data) = (values[2], values[3])
    let index = interrupt.hasEntry ? interrupt.index : EventTag.unknownIndex
    closeInterrupt(to: &block)
    block.append(
      .recordedInterrupt, index, data & 0xff, address >> 12 & 0xff | address >> 32 & ~0xff,
      data >> 8 & 7, data >> 15 & 1, address >> 2 & 1)
  }

  /// Appends the request and the entry that was read for it.
  mutating func closeInterrupt(to block: inout BlockBuilder) {
    block.append(.interruptMessage, interrupt.device, interrupt.address, interrupt.data)
    if interrupt.hasEntry {
      block.append(.recordedEntry, interrupt.index, interrupt.low, interrupt.high)
    }
    interrupt.isOpen = false
  }
}
