extension MappingTable {
  /// Ends what an invalidation of the IOTLB covers, once every unit and device that may hold it was
  /// told.
  ///
  /// One that was queued before the unmap covers nothing: the translation could be filled anew between
  /// both. Mappings whose domain the trace does not say end with an invalidation of any domain, by any
  /// unit.
  ///
  /// Model: a domain's own maps are of its second stage, which invalidations of a PASID leave alone.
  ///
  /// - Parameters:
  ///   - invalidation: that has just taken effect.
  ///   - devices: whose mappings are in the domain that they are known to use.
  ///   - grants: what devices hold.
  mutating func invalidate(
    _ invalidation: IOInvalidation, _ devices: borrowing DeviceDirectory,
    _ grants: borrowing GrantTable
  ) {
    guard invalidation.cache == .iotlb, !isEmpty else { return }
    // By number: the array may not be copied while a space's list changes.
    for state in 0..<spaces.count where spaces[state].stale > 0 {
      let space = spaces[state].space
      var domain = space.domain
      if let device = space.device { domain = devices.state(of: device)?.pointee.knownDomain }
      if invalidation.granularity != .global {
        if let domain, invalidation.domain != DMAOutcome.noDomain, domain != invalidation.domain {
          continue
        }
        if space.isSecondStage, invalidation.pasid != DMARequest.noPASID { continue }
        if let pasid = space.pasid, !invalidation.isOfFirstStage(pasid) { continue }
      }
      let served = devices.units(of: space)
      let close = Closing(
        others: served & ~(1 << invalidation.unit), unit: 1 << invalidation.unit,
        isServed: served >> invalidation.unit & 1 == 1, domain: domain)
      invalidate(
        state, space.pasid == nil ? invalidation : invalidation.ofFirstStages, close, grants)
    }
  }

  /// Ends what waited for devices alone, once they hold nothing of it.
  mutating func invalidateDevices(
    at moment: Moment, _ devices: borrowing DeviceDirectory, _ grants: borrowing GrantTable
  ) {
    for state in 0..<spaces.count where spaces[state].stale > 0 {
      let space = spaces[state].space
      var domain = space.domain
      if let device = space.device { domain = devices.state(of: device)?.pointee.knownDomain }
      var at = spaces[state].firstStale
      while at >= 0 {
        let mapping = pool[Int(at)]
        if mapping.awaitsDevices, let domain,
          !grants.holds(domain, mapping.page, mapping.pageCount)
        {
          close(Int(at), moment)
        }
        at = mapping.nextStale
      }
    }
  }

  /// Who has to be told besides the unit that an invalidation is of.
  private struct Closing {
    var others: UInt8
    var unit: UInt8
    /// The unit serves the space.
    var isServed: Bool
    var domain: UInt32?
  }

  private mutating func invalidate(
    _ state: Int, _ invalidation: IOInvalidation, _ closing: Closing,
    _ grants: borrowing GrantTable
  ) {
    let isRange = invalidation.granularity == .pages && invalidation.pages > 0
    if isRange, invalidation.pages <= UInt64(spaces[state].stale) {
      let first = invalidation.address >> 12
      var page = first
      while page &- first < invalidation.pages {
        guard let at = find(spaces[state].space, page), pool[at].isStale else {
          page &+= 1
          continue
        }
        let mapping = pool[at]
        end(at, invalidation, closing, grants)
        page = mapping.size == 0 ? page &+ 1 : max(page &+ 1, page | 511 &+ 1)
      }
      return
    }
    var at = spaces[state].firstStale
    while at >= 0 {
      // Ending a mapping takes it, and no other, off the list; splitting puts pieces before it.
      let next = pool[Int(at)].nextStale
      end(Int(at), invalidation, closing, grants)
      at = next
    }
  }

  /// Ends a stale mapping, or those of its pages that the invalidation covers.
  private mutating func end(
    _ at: Int, _ invalidation: IOInvalidation, _ closing: Closing, _ grants: borrowing GrantTable
  ) {
    let mapping = pool[at]
    guard invalidation.comes(after: mapping.unmapped.event) else { return }
    let moment = Moment(invalidation.effective)
    guard invalidation.granularity == .pages, invalidation.pages > 0 else {
      return settle(at, moment, closing, grants)
    }
    let first = invalidation.address >> 12
    let last = first &+ (invalidation.pages - 1)
    let end = mapping.page + (mapping.pageCount - 1)
    guard mapping.page <= last, end >= first else { return }
    if mapping.page >= first && end <= last { return settle(at, moment, closing, grants) }
    splitStale(at)
    for page in max(mapping.page, first)...min(end, last) {
      guard let piece = find(mapping.space, page), pool[piece].isStale else { continue }
      settle(piece, moment, closing, grants)
    }
  }

  /// Ends a stale mapping that a unit has forgotten, unless another unit or a device still has it.
  private mutating func settle(
    _ at: Int, _ moment: Moment, _ closing: Closing, _ grants: borrowing GrantTable
  ) {
    if closing.others != 0 {
      guard closing.isServed else { return }
      setTold(at, pool[at].told | closing.unit)
      guard pool[at].told & closing.others == closing.others else { return }
    }
    if let domain = closing.domain, grants.holds(domain, pool[at].page, pool[at].pageCount) {
      return setAwaiting(at)
    }
    close(at, moment)
  }
}
