/// What an invalidation removes.
struct InvalidationScope: Equatable {
  /// Which values of a tag's part it reaches.
  enum Match<Value: Equatable>: Equatable {
    case none
    case any
    case only(Value)
    case allBut(Value)

    func contains(_ value: Value) -> Bool {
      switch self {
      case .none: false
      case .any: true
      case .only(let one): value == one
      case .allBut(let one): value != one
      }
    }
  }

  /// Which paging-structure cache entries of the tags it removes.
  enum Reach: Equatable {
    case none
    /// Those on the way to the address.
    case address
    case all
  }

  var vpids: Match<UInt16> = .none
  var pcids: Match<UInt16> = .none
  /// Global translations of the VPIDs and roots go too, whatever the PCIDs.
  var removesGlobals = false
  /// Second-stage roots of the mappings: `.only(0)` is linear mappings alone.
  var roots: Match<UInt64> = .any
  /// Only translations of the page with this address, the page as the first stage has it.
  var address: UInt64?
  /// Of the first stage's caches.
  var walkCaches = Reach.none
  /// Roots whose guest-physical mappings go.
  var guestPhysical: Match<UInt64> = .none
  /// Only guest-physical mappings used for this address.
  var guestPhysicalAddress: UInt64?

  /// Whether it removes a translation, which is global where its tag has no PCID.
  ///
  /// `page` is any virtual address in it, `size` that of the first stage's page, of which the
  /// translation may be a piece.
  func removes(_ tag: TranslationTag, page: UInt64, size: PageSize) -> Bool {
    guard vpids.contains(tag.vpid), roots.contains(tag.root) else { return false }
    guard tag.pcid.map(pcids.contains) ?? removesGlobals else { return false }
    return address.map { Self.agree($0, page, above: size.shift) } ?? true
  }

  /// Addresses with the same bits from some bit up to the highest that is ever translated.
  private static func agree(_ one: UInt64, _ other: UInt64, above shift: UInt64) -> Bool {
    ((one ^ other) & (1 << 57 - 1)) >> shift == 0
  }

  /// Whether it removes an entry of a first-stage walk cache, which is never global and serves the
  /// addresses that agree with `page` down to `level`.
  func removesStructure(_ tag: TranslationTag, page: UInt64, level: Int) -> Bool {
    guard vpids.contains(tag.vpid), roots.contains(tag.root), let pcid = tag.pcid,
      pcids.contains(pcid)
    else { return false }
    switch walkCaches {
    case .none: return false
    case .all: return true
    case .address:
      return address.map { Self.agree($0, page, above: UInt64(12 + 9 * level)) } ?? true
    }
  }

  /// Whether it removes an entry of a second-stage walk cache (level 1 and up) or of the nested TLB
  /// (level 0).
  func removesGuestPhysical(root: UInt64, page: UInt64, level: Int) -> Bool {
    guard guestPhysical.contains(root) else { return false }
    return guestPhysicalAddress.map { Self.agree($0, page, above: UInt64(12 + 9 * level)) } ?? true
  }

  /// It removes nothing.
  var isEmpty: Bool { vpids == .none && guestPhysical == .none }

  /// As a simple implementation does it: the tags of one guest, whatever the address or the PCID.
  var conservative: InvalidationScope {
    guard !isEmpty else { return self }
    var wide = self
    if vpids != .none {
      wide.pcids = .any
      wide.removesGlobals = true
      wide.walkCaches = .all
      wide.address = nil
    }
    wide.guestPhysicalAddress = nil
    return wide
  }
}
