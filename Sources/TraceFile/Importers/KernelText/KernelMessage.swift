/// A line of the kernel's log that tells of an IOMMU.
struct KernelMessage {
  enum Source {
    case dmar
    case amd
    case smmu
  }

  let source: Source
  /// Nanoseconds since boot; nothing where the line does not begin with them in brackets.
  let time: UInt64?
  /// What follows the driver's name.
  let text: TextCursor

  /// Nothing for a line that names none of the drivers.
  init?(_ start: TextCursor) {
    let source: Source
    if let place = KernelTextImporter.find("DMAR:", from: start) {
      (source, text) = (.dmar, place)
    } else if let place = KernelTextImporter.find("AMD-Vi:", from: start) {
      (source, text) = (.amd, place)
    } else if let place = KernelTextImporter.find("arm-smmu-v3 ", from: start) {
      (source, text) = (.smmu, place)
    } else {
      return nil
    }
    self.source = source
    var cursor = start
    var time: UInt64?
    if cursor.take(UInt8(ascii: "[")) {
      _ = cursor.takeBlanks()
      if let seconds = cursor.takeNumber(), seconds < 1 << 34, cursor.take(UInt8(ascii: ".")),
        let fraction = cursor.takeNumber(), fraction < 1_000_000
      {
        time = seconds * 1_000_000_000 + fraction * 1000
      }
    }
    self.time = time
  }
}

/// An SMMUv3's event record, which the kernel prints over five lines.
struct PendingSMMUFault: BitwiseCopyable {
  var isOpen = false
  var count = 0
  var words: InlineArray<4, UInt64> = [0, 0, 0, 0]
}

extension KernelTextImporter {
  /// Makes events of a line of the kernel's log.
  ///
  /// - Returns: false for a line that tells of no fault.
  mutating func handleMessage(_ start: TextCursor, _ block: inout BlockBuilder) -> Bool {
    guard let message = KernelMessage(start) else { return false }
    if let time = message.time { block.append(.time, time) }
    switch message.source {
    case .dmar: return handleDMAR(message.text, &block)
    case .amd: return handleAMD(message.text, &block)
    case .smmu: return handleSMMU(message.text, &block)
    }
  }

  /// `[DMA Read NO_PASID] Request device [00:09.0] fault addr 0x123000 [fault reason 0x06] ...`.
  ///
  /// Source: Linux, `drivers/iommu/intel/dmar.c`, `dmar_fault_do_one`. Before 5.13 the address has no
  /// `0x` and the reason is decimal.
  private mutating func handleDMAR(_ text: TextCursor, _ block: inout BlockBuilder) -> Bool {
    // The parts follow each other, so that one pass finds all.
    guard var name = Self.find("Request device [", from: text),
      let device = DeviceNumbers.requester(&name),
      let fault = Self.find("fault ", from: name),
      var reason = Self.find("[fault reason ", from: fault)
    else { return false }
    let isHexadecimal = Self.takeMark(&reason)
    guard let code = isHexadecimal ? reason.takeHexadecimal() : reason.takeNumber() else {
      return false
    }
    if var address = Self.after("addr ", fault) {
      _ = Self.takeMark(&address)
      guard let value = address.takeHexadecimal() else { return false }
      let isWrite: UInt64 = Self.find("[DMA ", from: text)?.next == UInt8(ascii: "W") ? 1 : 0
      access(device, value, isWrite: isWrite, code: code, &block)
    } else if var index = Self.after("index ", fault) {
      _ = Self.takeMark(&index)
      guard let value = index.takeHexadecimal() else { return false }
      block.append(.recordedFault, device, code, value, 0)
    } else {
      return false
    }
    return true
  }

  /// What follows a word that stands here; nothing where another does.
  private static func after(_ word: StaticString, _ start: TextCursor) -> TextCursor? {
    var cursor = start
    for at in 0..<word.utf8CodeUnitCount {
      guard cursor.take(word.utf8Start[at]) else { return nil }
    }
    return cursor
  }

  /// `Event logged [IO_PAGE_FAULT device=0000:00:05.0 domain=0x0002 address=0x... flags=0x0020]`.
  ///
  /// Source: Linux, `drivers/iommu/amd/iommu.c`, `iommu_print_event`; the codes as in the AMD IOMMU
  /// specification, "Event Log"; flag bit 5 is RW.
  private mutating func handleAMD(_ text: TextCursor, _ block: inout BlockBuilder) -> Bool {
    guard let name = Self.find("Event logged [", from: text),
      let code = Self.amdEvents.firstIndex(where: { Self.find($0, from: name) != nil }),
      var deviceName = Self.find("device=", from: text),
      let device = DeviceNumbers.requester(&deviceName),
      var address = Self.find("address=0x", from: text),
      let value = address.takeHexadecimal()
    else { return false }
    var isWrite: UInt64 = 0
    if var flags = Self.find("flags=0x", from: text), let bits = flags.takeHexadecimal() {
      isWrite = bits >> 5 & 1
    }
    access(device, value, isWrite: isWrite, code: UInt64(code + 1), &block)
    return true
  }

  private static let amdEvents: [StaticString] = [
    "ILLEGAL_DEV_TABLE_ENTRY", "IO_PAGE_FAULT", "DEV_TAB_HARDWARE_ERROR",
    "PAGE_TAB_HARDWARE_ERROR", "ILLEGAL_COMMAND_ERROR", "COMMAND_HARDWARE_ERROR",
    "IOTLB_INV_TIMEOUT", "INVALID_DEVICE_REQUEST", "INVALID_PPR_REQUEST",
  ]

  /// `DEVICE: event 0x10 received:` and the record's four words, a line each.
  ///
  /// Source: Linux, `drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c`, `arm_smmu_evtq_thread`; Arm SMMUv3
  /// specification, "Event records": code in 7:0 and StreamID in 63:32 of word 0, RnW in bit 35 of
  /// word 1, the input address in word 2.
  private mutating func handleSMMU(_ text: TextCursor, _ block: inout BlockBuilder) -> Bool {
    if Self.find("event 0x", from: text) != nil, Self.find("received", from: text) != nil {
      fault = PendingSMMUFault(isOpen: true)
      return true
    }
    guard fault.isOpen, var word = Self.find("\t0x", from: text) ?? Self.find(" 0x", from: text),
      let value = word.takeHexadecimal()
    else { return false }
    fault.words[fault.count] = value
    fault.count += 1
    if fault.count == 4 {
      fault.isOpen = false
      let isWrite = fault.words[1] >> 35 & 1 ^ 1
      access(
        fault.words[0] >> 32, fault.words[2], isWrite: isWrite, code: fault.words[0] & 0xff,
        &block)
    }
    return true
  }

  /// Passes over `0x`.
  private static func takeMark(_ cursor: inout TextCursor) -> Bool {
    guard cursor.next == UInt8(ascii: "0"), cursor.place[1] | 0x20 == UInt8(ascii: "x") else {
      return false
    }
    cursor.step()
    cursor.step()
    return true
  }
}
