extension KernelTextImporter {
  /// Makes events of one tracepoint.
  ///
  /// `form` is which keys were there, a bit each, or which pattern fitted; `text` is where the event's
  /// text begins.
  ///
  /// - Returns: false where there is nothing to tell.
  mutating func handle(
    _ event: KernelEvent, _ values: LineValues, _ form: Int, _ text: TextCursor,
    _ block: inout BlockBuilder
  ) -> Bool {
    switch event {
    case .iommuMap:
      mappings += 1
      block.append(
        .iommuMap, EventTag.unknownDomain, values[0], values[1], values[2], 3)
    case .iommuUnmap:
      mappings += 1
      block.append(
        .iommuUnmap, EventTag.unknownDomain, values[0], form & 4 != 0 ? values[2] : values[1])
    case .attachDevice:
      block.append(.attach, device(after: "device=", text, &block), EventTag.unknownDomain)
    case .detachDevice:
      block.append(.detach, device(after: "device=", text, &block), EventTag.unknownDomain)
    case .addToGroup:
      // A driver of the host may use it until it is given away.
      block.append(.deviceOwner, device(after: "device=", text, &block), 0, values[0])
    case .pageFault:
      let device = device(after: " ", text, &block)
      // IOMMU_FAULT_WRITE is bit 0; the architecture's code is not printed.
      access(device, values[0], isWrite: values[1] & 1, code: 0, &block)
    case .queueSubmit:
      // Without a unit's number it is the only one.
      if form == 0 {
        block.append(.iommuCommand, values[0], values[1], values[2], values[3], values[4])
      } else {
        block.append(.iommuCommand, 0, values[0], values[1])
      }
    case .cacheTagAssign, .cacheTagUnassign:
      // The other types (device TLB, nesting parent) are of the same binding.
      // The first form begins with the unit's number.
      let first = form == 0 ? 1 : 0
      guard values[first + 1] == Self.iotlb else { return false }
      let device = device(after: "/", text, &block)
      // Number 0 is IOMMU_NO_PASID.
      let pasid = values[first + 3] == 0 ? 0 : values[first + 3] &+ 1
      block.append(
        event == .cacheTagAssign ? .attach : .detach, device, values[first + 2], pasid,
        form == 0 ? values[0] &+ 1 : 0)
    case .dmaMapPage, .dmaMapPhys, .dmaMapResource, .dmaAlloc, .dmaAllocPages:
      let device = devices.number(at: text, to: &block)
      block.append(
        .dmaMap, device, values[1], values[3], values[2], Self.direction(values[0]))
    case .dmaUnmapPage, .dmaUnmapPhys, .dmaUnmapResource, .dmaFree, .dmaFreePages:
      block.append(.dmaUnmap, devices.number(at: text, to: &block), values[1], values[2])
    case .dmaMapList: return mapList(text, direction: Self.direction(values[0]), &block)
    case .vectorConfig:
      block.append(
        .vectorConfig, values[0], values[1], values[2],
        form & 8 != 0 ? values[3] : EventTag.unknownCore)
    case .vectorUpdate:
      block.append(
        .vectorUpdate, values[0], values[1], values[2], values[3], values[4])
    case .handlerEntry:
      if interrupts.count < 1024, interrupts.insert(values[0]).inserted {
        let name = Self.text(after: "name=", text)
        if !name.isEmpty { block.name(.interrupt, values[0], name) }
      }
      block.append(.interruptHandler, core, values[0])
    case .localTimer, .reschedule, .callFunction, .callFunctionSingle, .irqWork, .platformIPI,
      .thermal, .threshold, .deferredError, .error, .spurious:
      block.append(.interruptDelivery, core, values[0])
    case .contextSwitch: return contextSwitch(values, &block)
    case .kvmEntry, .kvmExit, .kvmPageFault, .kvmSetSPTE, .kvmUnmapSPTE, .kvmRoute, .kvmAccept,
      .kvmPostedAccept, .kvmMessage, .kvmInject, .kvmWakeup, .avicLog:
      return handleKVM(event, values, form, &block)
    }
    return true
  }

  private static let iotlb = TextHash.of("iotlb")

  /// As in `EventTag.dmaMap`.
  private static func direction(_ hash: UInt64) -> UInt64 {
    switch hash {
    case toDevice: 1
    case fromDevice: 2
    default: 3
    }
  }

  private static let toDevice = TextHash.of("TO_DEVICE")
  private static let fromDevice = TextHash.of("FROM_DEVICE")

  /// An access that faulted.
  mutating func access(
    _ device: UInt64, _ address: UInt64, isWrite: UInt64, code: UInt64,
    _ block: inout BlockBuilder
  ) {
    block.append(.dma, device, address, 0, isWrite)
    block.append(.recordedFault, device, code, address, isWrite)
  }

  /// The device whose name stands behind a text.
  private mutating func device(
    after mark: StaticString, _ text: TextCursor, _ block: inout BlockBuilder
  ) -> UInt64 {
    guard let place = Self.find(mark, from: text) else { return EventTag.unknownDevice }
    return devices.number(at: place, to: &block)
  }

  /// Where the text behind a mark begins.
  static func find(_ mark: StaticString, from start: TextCursor) -> TextCursor? {
    let (text, count) = (mark.utf8Start, mark.utf8CodeUnitCount)
    let first = text[0]
    var cursor = start
    while !cursor.isAtLineEnd {
      // Most places do not begin as the mark does.
      guard cursor.next == first else {
        cursor.step()
        continue
      }
      var attempt = cursor
      var at = 0
      while at < count, attempt.take(text[at]) { at &+= 1 }
      if at == count { return attempt }
      cursor.step()
    }
    return nil
  }

  private static func text(after mark: StaticString, _ start: TextCursor) -> String {
    guard var cursor = find(mark, from: start) else { return "" }
    let first = cursor.place
    while !cursor.isAtLineEnd, cursor.place - first < 64 { cursor.step() }
    return String(
      decoding: UnsafeBufferPointer(start: first, count: cursor.place - first), as: UTF8.self)
  }

  /// The arrays of `dma_map_sg`, which hold up to 128 entries (`DMA_TRACE_MAX_ENTRIES`).
  private mutating func mapList(
    _ text: TextCursor, direction: UInt64, _ block: inout BlockBuilder
  ) -> Bool {
    guard var addresses = Self.find("dma_addrs={", from: text),
      var sizes = Self.find(" sizes={", from: text)
    else { return false }
    var outputs = Self.find(" phys_addrs={", from: text)
    let device = devices.number(at: text, to: &block)
    var count = 0
    while count < 128, let address = Self.element(&addresses), let size = Self.element(&sizes) {
      // The device's segments may be fewer than the buffer's: then their outputs are not known.
      let output = outputs.flatMap { place in
        var place = place
        let element = Self.element(&place)
        outputs = place
        return element
      }
      block.append(.dmaMap, device, address, output ?? 0, size, direction)
      count += 1
    }
    return count > 0
  }

  private static func element(_ cursor: inout TextCursor) -> UInt64? {
    guard cursor.take(UInt8(ascii: "0")), cursor.take(UInt8(ascii: "x")),
      let value = cursor.takeHexadecimal()
    else { return nil }
    _ = cursor.take(UInt8(ascii: ","))
    return value
  }

  /// Virtual processors leave a core and come to it with their threads.
  private mutating func contextSwitch(
    _ values: LineValues, _ block: inout BlockBuilder
  ) -> Bool {
    let left = threads.stop(values[0])
    if let left {
      // A thread that is switched out running was preempted; every other state waits.
      let isRunning = values[1] == Self.running || values[1] == Self.preempted
      block.append(.vcpuOut, left, core, isRunning ? 0 : 1)
    }
    let came = threads.start(values[2], on: core)
    if let came { block.append(.vcpuIn, came, core) }
    return left != nil || came != nil
  }

  private static let running = TextHash.of("R")
  private static let preempted = TextHash.of("R+")
}
