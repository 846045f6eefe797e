extension MappingTable {
  /// Ends what an invalidation of the IOTLB covers.
  ///
  /// One that was queued before the unmap covers nothing: the translation could be filled anew between
  /// both. Mappings whose domain the trace does not say end with an invalidation of any domain.
  ///
  /// - Parameters:
  ///   - invalidation: that has just taken effect.
  ///   - devices: whose mappings are in the domain that they are known to use.
  mutating func invalidate(_ invalidation: IOInvalidation, _ devices: borrowing DeviceDirectory) {
    guard invalidation.cache == .iotlb, !isEmpty else { return }
    // By number: the array may not be copied while a space's list changes.
    for state in 0..<spaces.count where spaces[state].stale > 0 {
      let space = spaces[state].space
      if invalidation.granularity != .global, invalidation.domain != DMAOutcome.noDomain {
        var domain = space.domain
        if let device = space.device { domain = devices.state(of: device)?.pointee.knownDomain }
        if let domain, domain != invalidation.domain { continue }
      }
      invalidate(state, invalidation)
    }
  }

  private mutating func invalidate(_ state: Int, _ invalidation: IOInvalidation) {
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
        end(at, invalidation)
        page = mapping.size == 0 ? page &+ 1 : max(page &+ 1, page | 511 &+ 1)
      }
      return
    }
    var at = spaces[state].firstStale
    while at >= 0 {
      // Ending a mapping takes it, and no other, off the list; splitting puts pieces before it.
      let next = pool[Int(at)].nextStale
      end(Int(at), invalidation)
      at = next
    }
  }

  /// Ends a stale mapping, or those of its pages that the invalidation covers.
  private mutating func end(_ at: Int, _ invalidation: IOInvalidation) {
    let mapping = pool[at]
    guard invalidation.comes(after: mapping.unmapped.event) else { return }
    let moment = Moment(invalidation.effective)
    guard invalidation.granularity == .pages, invalidation.pages > 0 else {
      return close(at, moment)
    }
    let first = invalidation.address >> 12
    let last = first &+ (invalidation.pages - 1)
    let end = mapping.page + (mapping.pageCount - 1)
    guard mapping.page <= last, end >= first else { return }
    if mapping.page >= first && end <= last { return close(at, moment) }
    splitStale(at)
    for page in max(mapping.page, first)...min(end, last) {
      guard let piece = find(mapping.space, page), pool[piece].isStale else { continue }
      close(piece, moment)
    }
  }
}
