import Testing

@testable import Translation

/// Intel SDM volume 3A, "Operations that Invalidate TLBs and Paging-Structure Caches", and volume 3C,
/// "Operations that Invalidate Cached Mappings": every event against every kind of cached mapping.
///
/// The processor runs VPID 3, PCID 7, EP4TA 0x9000. The columns are mappings that share all tags with
/// it but what the heading says.
@Suite("What each invalidation removes")
struct InvalidationTests {
  /// Translations of the event's page, unless the heading says otherwise.
  static let headings = [
    "same tags", "global", "other page", "other page of one 2 MiB page", "other PCID",
    "other VPID", "VPID 0", "other EP4TA", "linear",
    // Paging-structure-cache entries (level 1: 2 MiB of addresses).
    "structure", "structure of other region", "structure, other PCID", "structure, other VPID",
    // Guest-physical mappings.
    "guest-physical", "guest-physical, other EP4TA",
  ]

  struct Row: Sendable, CustomTestStringConvertible {
    var event: Invalidation
    /// A letter for each heading: x goes, - stays.
    var removes: String
    var testDescription: String { "\(event)" }
    init(_ event: Invalidation, _ removes: String) {
      self.event = event
      self.removes = removes
    }
  }

  static let page: UInt64 = 0x7f00_0000_1000

  static let rows = [
    //                                   page tags      structures guest-physical
    Row(.page(page), "xx-x---x- xx-- --"),
    Row(.pcid(type: 0, pcid: 7, address: page), "x--x---x- x--- --"),
    Row(.pcid(type: 0, pcid: 8, address: page), "----x---- --x- --"),
    Row(.pcid(type: 1, pcid: 7, address: 0), "x-xx---x- xx-- --"),
    Row(.pcid(type: 2, pcid: 0, address: 0), "xxxxx--x- xxx- --"),
    Row(.pcid(type: 3, pcid: 0, address: 0), "x-xxx--x- xxx- --"),
    Row(.cr3(pcid: 7), "x-xx---x- xx-- --"),
    Row(.cr3(pcid: 8), "----x---- --x- --"),
    Row(.allWithGlobals, "xxxxx--x- xxx- --"),
    Row(.currentSpace, "xxxx---x- xx-- --"),
    Row(.pageFault(page), "xx-x---x- x--- --"),
    Row(.vpid(type: 0, vpid: 3, address: page), "xx-xx--x- x-x- --"),
    Row(.vpid(type: 1, vpid: 3, address: 0), "xxxxx--x- xxx- --"),
    Row(.vpid(type: 1, vpid: 4, address: 0), "-----x--- ---x --"),
    Row(.vpid(type: 2, vpid: 0, address: 0), "xxxxxx-x- xxxx --"),
    Row(.vpid(type: 3, vpid: 3, address: 0), "x-xxx--x- xxx- --"),
    Row(.ept(type: 1, root: 0x9000), "xxxxxxx-- xxxx x-"),
    Row(.ept(type: 1, root: 0xa000), "-------x- ---- -x"),
    Row(.ept(type: 2, root: 0), "xxxxxxxx- xxxx xx"),
    Row(.eptViolation(address: page, guestPhysical: page), "xx-x----- x--- x-"),
    Row(.transition, "------x-x ---- --"),
    Row(.asidPage(address: page, asid: 3), "xx-xx--x- x-x- --"),
    Row(.asidPage(address: page, asid: 4), "-----x--- ---x --"),
    Row(.asidControl(code: 0, asid: 3), "--------- ---- --"),
    Row(.asidControl(code: 1, asid: 3), "xxxxxxxxx xxxx xx"),
    Row(.asidControl(code: 3, asid: 3), "xxxxx--x- xxx- x-"),
    Row(.asidControl(code: 7, asid: 3), "x-xxx--x- xxx- x-"),
  ]

  private func removed(by scope: InvalidationScope) -> String {
    let root: UInt64 = 0x9000
    func tag(_ vpid: UInt16 = 3, _ pcid: UInt16? = 7, _ root: UInt64 = 0x9000) -> TranslationTag {
      TranslationTag(vpid: vpid, pcid: pcid, root: root)
    }
    let far = Self.page + 0x1000
    let translations: [(TranslationTag, UInt64, PageSize)] = [
      (tag(), Self.page, .base4K), (tag(3, nil), Self.page, .base4K), (tag(), far, .base4K),
      (tag(), far, .large2M), (tag(3, 8), Self.page, .base4K), (tag(4), Self.page, .base4K),
      (tag(0), Self.page, .base4K), (tag(3, 7, 0xa000), Self.page, .base4K),
      // A host's: no second stage, and the host's VPID.
      (tag(0, 7, 0), Self.page, .base4K),
    ]
    let structures: [(TranslationTag, UInt64)] = [
      (tag(), Self.page), (tag(), Self.page + 0x20_0000), (tag(3, 8), Self.page),
      (tag(4), Self.page),
    ]
    func letter(_ gone: Bool) -> Character { gone ? "x" : "-" }
    let first = translations.map { letter(scope.removes($0.0, page: $0.1, size: $0.2)) }
    let second = structures.map {
      letter(scope.removesStructure($0.0, page: $0.1, level: 1))
    }
    let third = [root, 0xa000].map {
      letter(scope.removesGuestPhysical(root: $0, page: Self.page, level: 0))
    }
    return String(first) + " " + String(second) + " " + String(third)
  }

  @Test("every event against every kind of mapping", arguments: rows)
  func minimal(row: Row) {
    let place = Invalidation.Place(vpid: 3, pcid: 7, root: 0x9000)
    let found = removed(by: row.event.scope(at: place))
    #expect(found == row.removes)
    #expect(found.filter { $0 != " " }.count == Self.headings.count)
  }

  @Test("a conservative processor removes all that a minimal one does", arguments: rows)
  func conservative(row: Row) {
    let place = Invalidation.Place(vpid: 3, pcid: 7, root: 0x9000)
    let wide = removed(by: row.event.scope(at: place).conservative)
    for (minimal, conservative) in zip(row.removes, wide) where minimal == "x" {
      #expect(conservative == "x")
    }
  }

  @Test("an EPT violation removes the guest-physical mappings of its own address alone")
  func violation() {
    let scope = Invalidation.eptViolation(address: 0x1000, guestPhysical: 0x5000).scope(
      at: Invalidation.Place(vpid: 3, pcid: 7, root: 0x9000))
    #expect(scope.removesGuestPhysical(root: 0x9000, page: 0x5000, level: 0))
    #expect(!scope.removesGuestPhysical(root: 0x9000, page: 0x6000, level: 0))
    #expect(scope.removesGuestPhysical(root: 0x9000, page: 0x6000, level: 1))
  }

  /// Whether a processor of some tags finds an entry: VPID and root must match, and the PCID unless the
  /// entry is global.
  @Test(
    "a lookup matches where VPID and root do, and the PCID unless the page is global",
    arguments: [
      (TranslationTag(vpid: 3, pcid: 7, root: 0x9000), true),
      (TranslationTag(vpid: 3, pcid: 8, root: 0x9000), false),
      (TranslationTag(vpid: 4, pcid: 7, root: 0x9000), false),
      (TranslationTag(vpid: 3, pcid: 7, root: 0xa000), false),
      (TranslationTag(vpid: 3, pcid: nil, root: 0x9000), true),
      (TranslationTag(vpid: 4, pcid: nil, root: 0x9000), false),
      (TranslationTag(vpid: 3, pcid: nil, root: 0xa000), false),
    ])
  func lookups(cached: TranslationTag, hits: Bool) throws {
    var tags = TagTable()
    var numbers: [UInt16] = []
    for tag in [
      cached, TranslationTag(vpid: 3, pcid: 7, root: 0x9000),
      TranslationTag(vpid: 3, pcid: nil, root: 0x9000),
    ] {
      let number = tags.number(of: tag)
      numbers.append(try #require(number))
    }
    let description = try machine("reference").description.tlbs[0]
    var tlb = TaggedTLB(description, seed: 0)
    func key(_ tag: UInt16) -> TLBKey { TLBKey(tag: tag, reach: .base4K, address: Self.page) }
    tlb.fill(key(numbers[0]), .empty)
    var slot = Int32(-1)
    let found = tlb.lookup(key(numbers[1]), key(numbers[2]), near: &slot)
    #expect((found != nil) == hits)
    #expect(tlb.hits == (hits ? 1 : 0) && tlb.misses == (hits ? 0 : 1))
  }
}
