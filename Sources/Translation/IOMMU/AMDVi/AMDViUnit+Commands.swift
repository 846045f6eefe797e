import Machine
import TraceFile

/// The command buffer: what commands say, and what they take.
extension AMDViUnit {
  /// Source: AMD 48882, "Commands".
  mutating func take(command: IOCommand, at place: EventPlace) {
    queue.countCommand()
    switch command.word0[AMDViCommand.opcode] {
    case 1:
      queue.countWait()
      complete(at: place)
    case 2:
      var invalidation = IOInvalidation(.context, .device, at: place)
      invalidation.device = UInt32(command.word0[AMDViCommand.device])
      enqueue(invalidation)
    case 3: takePages(command, at: place)
    case 4:
      var invalidation = IOInvalidation(.deviceTLB, .pages, at: place)
      invalidation.device = UInt32(command.word0[AMDViCommand.device])
      setRange(of: &invalidation, command.word1)
      enqueue(invalidation)
    case 5:
      var invalidation = IOInvalidation(.interruptEntries, .device, at: place)
      invalidation.device = UInt32(command.word0[AMDViCommand.device])
      enqueue(invalidation)
    case 6: break
    case 7: pageRequests.responses += 1
    case 8:
      for cache in [IOInvalidation.Cache.context, .pasid, .iotlb, .interruptEntries] {
        enqueue(IOInvalidation(cache, .global, at: place))
      }
    default:
      queue.countIllegal()
      // ILLEGAL_COMMAND_ERROR.
      events.report(isSilent: false)
    }
  }

  /// INVALIDATE_IOMMU_PAGES: a domain's pages, or a PASID's of it with GN.
  private mutating func takePages(_ command: IOCommand, at place: EventPlace) {
    guard policy == .recorded else { return }
    var invalidation = IOInvalidation(.iotlb, .pages, at: place)
    invalidation.domain = UInt32(command.word0[AMDViCommand.domain])
    invalidation.keepsTables = !command.word1.has(AMDViRange.tables)
    setRange(of: &invalidation, command.word1)
    if command.word1.has(AMDViRange.guest) {
      invalidation.pasid = UInt32(command.word0 & 0xf_ffff)
    }
    if pagesTakeDomain || invalidation.pages == 0 && invalidation.pasid == DMARequest.noPASID {
      invalidation.granularity = .domain
    }
    enqueue(invalidation)
  }

  /// With S the lowest zero from bit 12 up says how large the range is; an address of nothing but ones
  /// is everything.
  ///
  /// Source: AMD 48882, "INVALIDATE_IOMMU_PAGES"; Linux 6.12, `CMD_INV_IOMMU_ALL_PAGES_ADDRESS` is
  /// 0x7fff_ffff_ffff_f000.
  private func setRange(of invalidation: inout IOInvalidation, _ word: UInt64) {
    let address = word & AMDViRange.address.mask
    invalidation.address = address
    invalidation.pages = 1
    guard word.has(AMDViRange.sized) else { return }
    let ones = (~(address >> 12)).trailingZeroBitCount
    guard ones < 39 else {
      invalidation.address = 0
      invalidation.pages = 0
      return
    }
    invalidation.pages = 1 << UInt64(ones + 1)
    invalidation.address = address & ~(invalidation.pages << 12 - 1)
  }

  /// Makes an invalidation hold from now on.
  mutating func apply(_ invalidation: IOInvalidation) {
    switch (invalidation.cache, invalidation.granularity) {
    case (.context, .global): contextCache.removeAll()
    case (.context, _):
      contextCache.remove { _, device, _ in device == UInt64(invalidation.device) }
    case (.pasid, _): pasidCache.removeAll()
    case (.iotlb, .global):
      iotlb.removeAll()
      hostCaches.removeAll()
      guestCaches.removeAll()
      pasidCache.removeAll()
    case (.iotlb, _):
      if invalidation.granularity != .pages || !removePages(invalidation) {
        iotlb.remove { page, value in Self.takes(invalidation, page: page, value) }
      }
      removeTables(invalidation)
    case (.deviceTLB, _):
      deviceTLBs.remove(of: invalidation.device) { _, value in
        value.device == invalidation.device && invalidation.covers(value.input, shift: value.shift)
      }
    case (.interruptEntries, _): break
    }
    queue.tell(invalidation)
  }

  /// Takes a few pages by their tags, where those say all that `takes` looks at.
  @inline(__always)
  private mutating func removePages(_ invalidation: IOInvalidation) -> Bool {
    let isOfHost = invalidation.pasid == DMARequest.noPASID
    guard !isByDevice, !isOfHost || iotlb.firstStages == 0 else { return false }
    let pasid = isOfHost ? 0 : UInt64(invalidation.pasid + 1) << 32
    return iotlb.removePages(
      IOSpaces(UInt64(invalidation.domain) | pasid), of: invalidation.domain, invalidation.address,
      pages: invalidation.pages)
  }

  /// With PDE entries on the way and guest CR3s go too.
  ///
  /// Where the host's tables have a guest's depends on any of the host's pages: those go with each
  /// invalidation of the domain's pages.
  private mutating func removeTables(_ invalidation: IOInvalidation) {
    let domain = UInt64(invalidation.domain)
    let isOfGuest = invalidation.pasid != DMARequest.noPASID
    if !isOfGuest {
      guestCaches.remove { space, _, _ in space & 0xffff_ffff == domain }
    } else if !invalidation.keepsTables {
      guestCaches.removePages(
        domain | UInt64(invalidation.pasid + 1) << 32, invalidation.address,
        pages: invalidation.granularity == .pages ? invalidation.pages : 0)
    }
    guard !invalidation.keepsTables else { return }
    pasidCache.remove { space, _, _ in space >> 40 == domain }
    guard invalidation.pasid == DMARequest.noPASID else { return }
    hostCaches.removePages(
      domain, invalidation.address,
      pages: invalidation.granularity == .pages ? invalidation.pages : 0)
  }

  /// Whether an invalidation of the IOTLB takes a translation: nested ones of a domain go with any of
  /// its host pages, because they do not say which they used.
  static func takes(_ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation) -> Bool {
    guard invalidation.cache == .iotlb else { return false }
    switch invalidation.granularity {
    case .global: return true
    case .domain: return value.domain == invalidation.domain
    case .pages:
      guard value.domain == invalidation.domain else { return false }
      if invalidation.pasid != DMARequest.noPASID {
        return value.kind != .second && value.pasid == invalidation.pasid
          && invalidation.covers(page, shift: value.shift)
      }
      return value.kind == .nested || invalidation.covers(page, shift: value.shift)
    case .pasid, .device, .entries: return false
    }
  }

  func takes(_ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation) -> Bool {
    Self.takes(invalidation, page: page, value)
  }

  func explains(
    _ quirk: IOMMUQuirk, _ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation
  ) -> Bool {
    quirk == .pagesTakeDomain && invalidation.cache == .iotlb
      && invalidation.domain == value.domain && !Self.takes(invalidation, page: page, value)
  }
}
