import Machine

/// What invalidations take from the caches.
extension VTdUnit {
  /// Makes an invalidation hold from now on.
  mutating func apply(_ invalidation: IOInvalidation) {
    switch invalidation.cache {
    case .context: removeContexts(invalidation)
    case .pasid: removePASIDs(invalidation)
    case .iotlb: removeTranslations(invalidation)
    case .deviceTLB: removeFromDevice(invalidation)
    case .interruptEntries: break
    }
    queue.tell(invalidation)
  }

  private mutating func removeContexts(_ invalidation: IOInvalidation) {
    switch invalidation.granularity {
    case .global: contextCache.removeAll()
    case .domain where isScalableNow:
      // A scalable-mode context has no domain: its PASIDs have.
      contextCache.removeAll()
    case .domain:
      contextCache.remove { _, _, context in
        context.high[VTdContextHigh.domain] == UInt64(invalidation.domain)
      }
    default:
      let mask = ~UInt64(invalidation.functionMask)
      contextCache.remove { _, device, _ in
        device & mask == UInt64(invalidation.device) & mask
      }
    }
  }

  private mutating func removePASIDs(_ invalidation: IOInvalidation) {
    switch invalidation.granularity {
    case .global: pasidCache.removeAll()
    case .domain: pasidCache.remove { _, _, entry in entry.domain == invalidation.domain }
    default:
      pasidCache.remove { _, pasid, entry in
        entry.domain == invalidation.domain && pasid == UInt64(invalidation.pasid)
      }
    }
  }

  private mutating func removeTranslations(_ invalidation: IOInvalidation) {
    guard invalidation.granularity != .global else {
      iotlb.removeAll()
      secondCaches.removeAll()
      removeWalked { _, _, _ in true }
      spaceTags.removeAll()
      return
    }
    defer {
      removeTables(invalidation)
      removeWalked(invalidation)
    }
    if invalidation.granularity == .pages, removePages(invalidation) { return }
    let keeps8Bits = keepsMaskIn8Bits
    iotlb.remove { page, value in
      Self.takes(invalidation, page: page, value, keepsMaskIn8Bits: keeps8Bits)
    }
  }

  /// Takes a few pages by their tags, where those say all that `takes` looks at: first stages go with
  /// any page of their domain, and quirks compare otherwise.
  @inline(__always)
  private mutating func removePages(_ invalidation: IOInvalidation) -> Bool {
    guard !keepsMaskIn8Bits else { return false }
    let isOfSecond = invalidation.pasid == DMARequest.noPASID
    if isOfSecond, iotlb.firstStages > 0 { return false }
    if isByDevice {
      guard isOfSecond, !isScalableNow, !deviceSpaces.isFull else { return false }
      return iotlb.removePages(
        deviceSpaces, of: invalidation.domain, invalidation.address, pages: invalidation.pages)
    }
    let pasid = isOfSecond ? 0 : UInt64(invalidation.pasid + 1) << 32
    return iotlb.removePages(
      IOSpaces(UInt64(invalidation.domain) | pasid), of: invalidation.domain, invalidation.address,
      pages: invalidation.pages)
  }

  /// Entries on the way go with a domain, and with pages unless the hint says that only leaves have
  /// changed.
  private mutating func removeTables(_ invalidation: IOInvalidation) {
    guard !invalidation.keepsTables, invalidation.pasid == DMARequest.noPASID else { return }
    let space = UInt64(invalidation.domain)
    secondCaches.removePages(
      space, invalidation.address,
      pages: invalidation.granularity == .pages ? invalidation.pages : 0)
  }

  private mutating func removeFromDevice(_ invalidation: IOInvalidation) {
    deviceTLBs.remove(of: invalidation.device) { _, value in
      value.device == invalidation.device
        && (invalidation.pasid == DMARequest.noPASID || value.pasid == invalidation.pasid)
        && invalidation.covers(value.input, shift: value.shift)
    }
  }

  func takes(_ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation) -> Bool {
    Self.takes(invalidation, page: page, value, keepsMaskIn8Bits: keepsMaskIn8Bits)
  }

  /// Whether an invalidation of the IOTLB takes a translation.
  ///
  /// Pages of a domain's second stage are compared with the range; what a first stage took part in goes
  /// with any page of its domain, nested or not.
  ///
  /// Source: Intel VT-d 4.1, "IOTLB Invalidate Descriptor", page-selective-within-domain, as QEMU's
  /// commit "intel_iommu: Flush stage-1 cache in iotlb invalidation" (10.0) cites it for PGTT 001b and
  /// 011b; "PASID-based-IOTLB Invalidate Descriptor".
  static func takes(
    _ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation, keepsMaskIn8Bits: Bool
  ) -> Bool {
    guard invalidation.cache == .iotlb else { return false }
    switch invalidation.granularity {
    case .global: return true
    case .domain: return value.domain == invalidation.domain
    case .pasid:
      return value.domain == invalidation.domain && value.kind != .second
        && value.pasid == invalidation.pasid
    case .pages:
      guard value.domain == invalidation.domain else { return false }
      if invalidation.pasid != DMARequest.noPASID {
        return value.kind != .second && value.pasid == invalidation.pasid
          && invalidation.covers(page, shift: value.shift)
      }
      if value.kind != .second || invalidation.covers(page, shift: value.shift) { return true }
      return keepsMaskIn8Bits && isTakenBy8Bits(invalidation, page: page)
    case .device, .entries: return false
    }
  }

  /// QEMU before 9.2 keeps ~(2^AM - 1) in a byte and compares what it leaves of both page numbers, so
  /// that bits above 7 are not compared; from AM 8 on nothing is.
  ///
  /// Source: QEMU 7.2, hw/i386/intel_iommu_internal.h, `VTDIOTLBPageInvInfo.mask`, and
  /// hw/i386/intel_iommu.c, `vtd_hash_remove_by_page`.
  private static func isTakenBy8Bits(_ invalidation: IOInvalidation, page: UInt64) -> Bool {
    let mask = ~(invalidation.pages &- 1) & 0xff
    // What is compared with is the page that the descriptor names under the mask, all of it.
    return (page >> 12) & mask == (invalidation.address >> 12) & mask
  }

  func explains(
    _ quirk: IOMMUQuirk, _ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation
  ) -> Bool {
    quirk == .pageMask8Bits && !takes(invalidation, page: page, value)
      && Self.takes(invalidation, page: page, value, keepsMaskIn8Bits: true)
  }
}
