/// Where a walk begins and under what it runs: what CR3, EPTP or nCR3 and the control registers hold.
///
/// A walker is told with each walk, so that the spaces of many guests share its caches.
struct WalkContext: Equatable, Sendable, BitwiseCopyable {
  /// What the first table is.
  enum Start: UInt8, Sendable {
    /// The guest's root, whose guest-physical address `first` is.
    case guest
    /// A shadow table, from guest-virtual to host-physical addresses, at the host-physical address
    /// that `first` holds. An entry with `WalkContext.switchesToGuest` leads to a guest's table, from
    /// which the walk goes on in both stages.
    case shadow
    /// The guest's root at a host-physical address that `first` holds: the hypervisor has translated
    /// it, so that reading it needs no second stage.
    case guestAtHost
  }

  /// The software bit of a shadow table's entry that leads to a guest's table, which stands at the
  /// entry's address in host-physical memory.
  ///
  /// Bit 9, one of three that hardware ignores in every entry of long-mode tables: with m levels left
  /// to the guest's tables a walk of four over four reads 4(m + 1) entries and not 24, because neither
  /// the levels above nor the first guest table need the second stage.
  ///
  /// Source: Gandhi, Hill, Swift, "Agile Paging: Exceeding the Best of Nested and Shadow Paging", ISCA
  /// 2016; Intel SDM volume 3A, June 2016, "4-Level Paging" for the ignored bits.
  static let switchesToGuest: UInt64 = 1 << 9

  var firstLevels: Int
  /// 0 in native mode, where a guest-physical address is a host-physical one.
  var secondLevels: Int
  var first = GPA(0)
  var second = HPA(0)
  var start = Start.guest
  /// Which linear space entries of the first stage's walk caches belong to: (VPID, PCID, EP4TA) or
  /// (ASID, nCR3), numbered by whoever makes contexts.
  var firstTag: UInt16 = 0
  /// Which guest-physical space entries of the second stage's walk caches and of the nested TLB belong
  /// to: EP4TA or nCR3, numbered likewise.
  var secondTag: UInt16 = 0
  var firstControls = PagingControls.standard
  var secondControls = PagingControls.standard
}
