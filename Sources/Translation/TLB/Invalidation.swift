/// An event that removes cached mappings, as the architecture names it.
enum Invalidation: Equatable {
  /// INVLPG, of an address in the current address space.
  case page(UInt64)
  /// INVPCID by type: 0 an address, 1 a PCID, 2 all with globals, 3 all without.
  case pcid(type: UInt64, pcid: UInt16, address: UInt64)
  /// MOV to CR3 that flushes the PCID which it loads.
  case cr3(pcid: UInt16)
  /// CR4.PGE changed, CR4.PCIDE or CR0.PG cleared: everything of the guest.
  case allWithGlobals
  /// CR4.PAE changed or CR4.SMEP set: all of the current PCID.
  case currentSpace
  /// A page fault that the guest takes.
  case pageFault(UInt64)
  /// INVVPID by type: 0 an address, 1 a VPID, 2 all VPIDs but 0, 3 a VPID without globals.
  case vpid(type: UInt64, vpid: UInt16, address: UInt64)
  /// INVEPT by type: 1 one root, 2 all.
  case ept(type: UInt64, root: UInt64)
  /// An EPT violation at a guest-physical address, met on the way from a linear one.
  case eptViolation(address: UInt64, guestPhysical: UInt64)
  /// VM entry or exit where VPIDs are off.
  case transition
  /// INVLPGA.
  case asidPage(address: UInt64, asid: UInt16)
  /// VMRUN with TLB_CONTROL: 1 all, 3 one ASID, 7 one ASID without globals.
  case asidControl(code: UInt64, asid: UInt16)

  /// Who carries the event out.
  struct Place: Equatable {
    /// Of the processor at the moment; no global PCID.
    var vpid: UInt16
    var pcid: UInt16
    var root: UInt64
  }

  /// What it removes at least, with the processor's state as it was before the event.
  ///
  /// Source: Intel SDM volume 3A, June 2016 (325384-059US), "Operations that Invalidate TLBs and
  /// Paging-Structure Caches"; volume 3C, "Operations that Invalidate Cached Mappings"; AMD64
  /// Architecture Programmer's Manual volume 2, 24593, "TLB Management" and "TLB Flush" (recalled).
  func scope(at place: Place) -> InvalidationScope {
    switch self {
    case .page(let address):
      return InvalidationScope(
        vpids: .only(place.vpid), pcids: .only(place.pcid), removesGlobals: true,
        address: address, walkCaches: .all)
    case .pcid(let type, let pcid, let address):
      return Self.pcidScope(type, pcid, address, at: place)
    case .cr3(let pcid):
      return InvalidationScope(vpids: .only(place.vpid), pcids: .only(pcid), walkCaches: .all)
    case .allWithGlobals:
      return InvalidationScope(
        vpids: .only(place.vpid), pcids: .any, removesGlobals: true, walkCaches: .all)
    case .currentSpace:
      return InvalidationScope(
        vpids: .only(place.vpid), pcids: .only(place.pcid), removesGlobals: true, walkCaches: .all)
    case .pageFault(let address):
      return InvalidationScope(
        vpids: .only(place.vpid), pcids: .only(place.pcid), removesGlobals: true,
        address: address, walkCaches: .address)
    case .vpid(let type, let vpid, let address):
      return InvalidationScope(
        vpids: type == 2 ? .allBut(0) : .only(vpid), pcids: .any, removesGlobals: type != 3,
        address: type == 0 ? address : nil, walkCaches: type == 0 ? .address : .all)
    case .ept(let type, let root):
      let roots: InvalidationScope.Match<UInt64> = type == 1 ? .only(root) : .allBut(0)
      return InvalidationScope(
        vpids: .any, pcids: .any, removesGlobals: true, roots: roots, walkCaches: .all,
        guestPhysical: roots)
    case .eptViolation(let address, let guestPhysical):
      return InvalidationScope(
        vpids: .only(place.vpid), pcids: .only(place.pcid), removesGlobals: true,
        roots: .only(place.root), address: address, walkCaches: .address,
        guestPhysical: .only(place.root), guestPhysicalAddress: guestPhysical)
    case .transition:
      return InvalidationScope(
        vpids: .only(0), pcids: .any, removesGlobals: true, walkCaches: .all)
    case .asidPage(let address, let asid):
      return InvalidationScope(
        vpids: .only(asid), pcids: .any, removesGlobals: true, address: address,
        walkCaches: .address)
    case .asidControl(let code, let asid):
      return Self.asidScope(code, asid, at: place)
    }
  }

  private static func pcidScope(
    _ type: UInt64, _ pcid: UInt16, _ address: UInt64, at place: Place
  ) -> InvalidationScope {
    // An address of one PCID takes no global translation with it.
    InvalidationScope(
      vpids: .only(place.vpid), pcids: type < 2 ? .only(pcid) : .any, removesGlobals: type == 2,
      address: type == 0 ? address : nil, walkCaches: type == 0 ? .address : .all)
  }

  /// Nested tables have no invalidation of their own: what was cached of them goes with the ASID.
  private static func asidScope(
    _ code: UInt64, _ asid: UInt16, at place: Place
  ) -> InvalidationScope {
    switch code {
    case 1:
      InvalidationScope(
        vpids: .any, pcids: .any, removesGlobals: true, walkCaches: .all, guestPhysical: .any)
    case 3, 7:
      InvalidationScope(
        vpids: .only(asid), pcids: .any, removesGlobals: code == 3, walkCaches: .all,
        guestPhysical: .only(place.root))
    default: InvalidationScope()
    }
  }

  /// What counters and findings call it.
  var name: String {
    switch self {
    case .page: "invlpg"
    case .pcid: "invpcid"
    case .cr3: "cr3Load"
    case .allWithGlobals, .currentSpace: "controlChange"
    case .pageFault: "pageFault"
    case .vpid: "invvpid"
    case .ept: "invept"
    case .eptViolation: "eptViolation"
    case .transition: "transition"
    case .asidPage: "invlpga"
    case .asidControl: "tlbControl"
    }
  }
}
