/// The invalidation queue: what descriptors say, and what they take.
extension VTdUnit {
  mutating func take(command: IOCommand, at place: EventPlace) {
    queue.countCommand()
    switch command.word0[VTdDescriptorLow.type] {
    case 5 where command.word0[VTdDescriptorLow.typeHigh] == 0:
      queue.countWait()
      complete(at: place)
    case 9:
      // RID 31:16, PASID 51:32 where bit 4 says that it is there; PRGI 11:3 of the second word.
      let hasPASID = command.word0 >> 4 & 1 == 1
      pageRequests.respond(
        UInt32(command.word0 >> 16 & 0xffff),
        hasPASID ? UInt32(command.word0 >> 32 & 0xf_ffff) : DMARequest.noPASID,
        UInt32(command.word1 >> 3 & 0x1ff))
    default:
      guard let invalidation = invalidation(of: command, at: place) else {
        queue.countIllegal()
        return
      }
      // The driver of another policy would not have sent it.
      if policy != .recorded, invalidation.cache == .iotlb { return }
      enqueue(invalidation)
    }
  }

  /// What a descriptor asks for.
  ///
  /// Mutating, though it changes nothing: a call that is not copies the unit.
  ///
  /// - Returns: nothing for one that the architecture forbids, or that this unit does not know.
  mutating func invalidation(of command: IOCommand, at place: EventPlace) -> IOInvalidation? {
    let (low, high) = (command.word0, command.word1)
    switch low[VTdDescriptorLow.type] {
    case 1: return contextInvalidation(low, at: place)
    case 2, 6: return iotlbInvalidation(low, high, at: place)
    case 3: return deviceInvalidation(low, high, at: place)
    case 4:
      var entries = IOInvalidation(
        .interruptEntries, low.has(VTdEntryCacheDescriptorLow.granularity) ? .entries : .global,
        at: place)
      entries.pages = 1 << low[VTdEntryCacheDescriptorLow.mask]
      entries.address = low[VTdEntryCacheDescriptorLow.index] & ~(entries.pages - 1)
      return entries
    case 7: return pasidInvalidation(low, at: place)
    case 8: return pasidDeviceInvalidation(low, high, at: place)
    default: return nil
    }
  }

  private mutating func contextInvalidation(_ low: UInt64, at place: EventPlace) -> IOInvalidation?
  {
    typealias Low = VTdContextDescriptorLow
    let granularity: IOInvalidation.Granularity
    switch low[Low.granularity] {
    case 1: granularity = .global
    case 2: granularity = takesDomainForAll ? .global : .domain
    case 3: granularity = .device
    default: return nil
    }
    var invalidation = IOInvalidation(.context, granularity, at: place)
    invalidation.domain = UInt32(low[Low.domain])
    invalidation.device = UInt32(low[Low.source])
    // FM 1 leaves bit 2 of the function out, 2 bits 2:1, 3 all three.
    invalidation.functionMask = [0, 4, 6, 7][Int(low[Low.functionMask])]
    return invalidation
  }

  private mutating func iotlbInvalidation(
    _ low: UInt64, _ high: UInt64, at place: EventPlace
  ) -> IOInvalidation? {
    typealias Low = VTdIOTLBDescriptorLow
    typealias High = VTdIOTLBDescriptorHigh
    let isByPASID = low[Low.type] == 6
    let granularity: IOInvalidation.Granularity
    switch (low[Low.granularity], isByPASID) {
    case (1, false): granularity = .global
    case (2, false): granularity = .domain
    case (2, true): granularity = .pasid
    case (3, _): granularity = .pages
    default: return nil
    }
    var invalidation = IOInvalidation(.iotlb, granularity, at: place)
    invalidation.domain = UInt32(low[Low.domain])
    if isByPASID { invalidation.pasid = UInt32(low[Low.pasid]) }
    if granularity == .pages {
      let mask = Int(high[High.mask])
      guard mask <= maximumAddressMask else { return nil }
      invalidation.pages = mask >= 52 ? 0 : 1 << UInt64(mask)
      let ones: UInt64 = mask >= 52 ? .max : (1 << UInt64(mask + 12)) - 1
      invalidation.address = high & ~0xfff & ~ones
      invalidation.keepsTables = high.has(High.hint)
      invalidation.takesFirstStages = !isByPASID
    }
    return invalidation
  }

  private mutating func deviceInvalidation(
    _ low: UInt64, _ high: UInt64, at place: EventPlace
  ) -> IOInvalidation? {
    var invalidation = IOInvalidation(.deviceTLB, .pages, at: place)
    invalidation.device = UInt32(low[VTdDeviceTLBDescriptorLow.source])
    Self.setRange(of: &invalidation, high, isSized: high.has(VTdDeviceTLBDescriptorHigh.low))
    return invalidation
  }

  private mutating func pasidDeviceInvalidation(
    _ low: UInt64, _ high: UInt64, at place: EventPlace
  ) -> IOInvalidation? {
    var invalidation = IOInvalidation(.deviceTLB, .pages, at: place)
    invalidation.device = UInt32(low[VTdPASIDDeviceTLBDescriptorLow.source])
    // G: whatever the PASID.
    if !high.has(VTdDeviceTLBDescriptorHigh.low) {
      invalidation.pasid = UInt32(low[VTdPASIDDeviceTLBDescriptorLow.pasid])
    }
    Self.setRange(of: &invalidation, high, isSized: high.has(VTdDeviceTLBDescriptorHigh.size8))
    return invalidation
  }

  /// With S the lowest zero from bit 12 up says how large the range is: below it ones stand.
  ///
  /// Source: PCI Express Base Specification 4.0, "Translation Range Size (S) Field".
  private static func setRange(
    of invalidation: inout IOInvalidation, _ high: UInt64, isSized: Bool
  ) {
    let address = high & ~0xfff
    guard isSized else {
      invalidation.address = address
      invalidation.pages = 1
      return
    }
    let ones = (~(address >> 12)).trailingZeroBitCount
    guard ones < 51 else { return }
    invalidation.pages = 1 << UInt64(ones + 1)
    invalidation.address = address & ~(invalidation.pages << 12 - 1)
  }

  private mutating func pasidInvalidation(_ low: UInt64, at place: EventPlace) -> IOInvalidation? {
    typealias Low = VTdPASIDCacheDescriptorLow
    let granularity: IOInvalidation.Granularity
    switch low[Low.granularity] {
    case 0: granularity = .domain
    case 1: granularity = .pasid
    case 3: granularity = .global
    default: return nil
    }
    var invalidation = IOInvalidation(.pasid, granularity, at: place)
    invalidation.domain = UInt32(low[Low.domain])
    invalidation.pasid = UInt32(low[Low.pasid])
    return invalidation
  }
}
