import Results
import Testing

@testable import Translation

/// Rules of bypasses, peers, shared frames, PASIDs, doorbells and tables, each broken and kept.
@Suite("Isolation rules of domains and tables")
struct DomainRuleTests {
  static let table = [
    DMARuleTests.Row(
      "V10: a guest's device passes through", ["V10 high"],
      """
      deviceOwner device=0x18 guest=1
      dma device=0x18 address=0x100000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x100000 hit=2 domain=0xffffffff output=0x100000
      """),
    DMARuleTests.Row(
      "V10 of the host's own device is low", ["V10 low"],
      """
      deviceOwner device=0x18 guest=0
      dma device=0x18 address=0x100000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x100000 hit=2 domain=0xffffffff output=0x100000
      """),
    DMARuleTests.Row(
      "V10: the host's frames by their own address in a guest's domain", ["V10 high"],
      DMARuleTests.owners + """
        frameOwner guest=0 frame=0x800 frames=16
        iommuMap domain=1 address=0x800000 output=0x800000 bytes=0x1000 rights=3
        """),
    DMARuleTests.Row(
      "V10 kept: a guest's device translates", [],
      """
      deviceOwner device=0x18 guest=1
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      """),
    DMARuleTests.Row(
      "V11: a peer of the same group", ["V11 high"],
      """
      deviceOwner device=0x18 guest=1 group=7
      deviceOwner device=0x20 guest=1 group=7
      deviceRegion device=0x20 address=0xf0000000 bytes=0x1000
      dma device=0x18 address=0xf0000ff0 bytes=16 kind=1
      recordedTranslation device=0x18 address=0xf0000ff0 hit=0 domain=1 output=0x100000
      """),
    DMARuleTests.Row(
      "V11 is critical where the peer is another guest's", ["V11 critical"],
      """
      deviceOwner device=0x18 guest=1 group=7
      deviceOwner device=0x20 guest=2 group=7
      deviceRegion device=0x20 address=0xf0000000 bytes=0x1000
      dma device=0x18 address=0xf0000000 bytes=16 kind=1
      recordedTranslation device=0x18 address=0xf0000000 hit=0 domain=1 output=0x100000
      """),
    DMARuleTests.Row(
      "V11 kept: another group, its own region, beyond the region", [],
      """
      deviceOwner device=0x18 guest=1 group=7
      deviceOwner device=0x20 guest=1 group=8
      deviceOwner device=0x28 guest=1 group=7
      deviceRegion device=0x20 address=0xf0000000 bytes=0x1000
      deviceRegion device=0x18 address=0xf0002000 bytes=0x1000
      deviceRegion device=0x28 address=0xf0004000 bytes=0x1000
      dma device=0x18 address=0xf0000000 bytes=16 kind=1
      recordedTranslation device=0x18 address=0xf0000000 hit=0 domain=1 output=0x100000
      dma device=0x18 address=0xf0002000 bytes=16 kind=1
      recordedTranslation device=0x18 address=0xf0002000 hit=0 domain=1 output=0x101000
      dma device=0x18 address=0xf0005000 bytes=16 kind=1
      recordedTranslation device=0x18 address=0xf0005000 hit=0 domain=1 output=0x102000
      """),
    DMARuleTests.Row(
      "V20: guest 2's frame is mapped for guest 1", ["V20 critical"],
      DMARuleTests.owners + "iommuMap domain=1 address=0x5000 output=0x200000 bytes=0x1000 rights=3"
    ),
    DMARuleTests.Row(
      "V20 for reading alone is low", ["V20 low"],
      DMARuleTests.owners + "iommuMap domain=1 address=0x5000 output=0x200000 bytes=0x1000 rights=1"
    ),
    DMARuleTests.Row(
      "V20: two guests' domains have a frame that nobody declared", ["V20 critical"],
      """
      domainOwner domain=1 guest=1
      domainOwner domain=2 guest=2
      iommuMap domain=1 address=0x5000 output=0x900000 bytes=0x1000 rights=1
      iommuMap domain=2 address=0x7000 output=0x900000 bytes=0x1000 rights=3
      """),
    DMARuleTests.Row(
      "V20: a 4 KiB page within another guest's 2 MiB", ["V20 critical"],
      """
      domainOwner domain=1 guest=1
      domainOwner domain=2 guest=2
      iommuMap domain=1 address=0x200000 output=0x800000 bytes=0x200000 rights=3
      iommuMap domain=2 address=0x7000 output=0x9ff000 bytes=0x1000 rights=1
      """),
    DMARuleTests.Row(
      "V20 kept: shared, one's own, unmapped before", [],
      DMARuleTests.owners + """
        frameOwner guest=2 frame=0x210 frames=1 shared=1
        iommuMap domain=1 address=0x5000 output=0x210000 bytes=0x1000 rights=3
        iommuMap domain=1 address=0x6000 output=0x100000 bytes=0x1000 rights=3
        iommuMap domain=1 address=0x8000 output=0x900000 bytes=0x1000 rights=3
        iommuUnmap domain=1 address=0x8000 bytes=0x1000
        iommuCommand word0=0x10022
        iommuCommand word0=5
        iommuMap domain=2 address=0x8000 output=0x900000 bytes=0x1000 rights=3
        """),
    DMARuleTests.Row(
      "V21: a guest's domain has the host's frame", ["V21 critical"],
      DMARuleTests.owners + """
        frameOwner guest=0 frame=0x800 frames=16
        iommuMap domain=1 address=0x5000 output=0x80f000 bytes=0x1000 rights=2
        """),
    DMARuleTests.Row(
      "V21 for reading alone is high", ["V21 high"],
      DMARuleTests.owners + """
        frameOwner guest=0 frame=0x800 frames=16
        iommuMap domain=1 address=0x5000 output=0x80f000 bytes=0x1000 rights=1
        """),
    DMARuleTests.Row(
      "V21 kept: the frame behind, and the host's own domain", [],
      DMARuleTests.owners + """
        frameOwner guest=0 frame=0x800 frames=16
        domainOwner domain=3 guest=0
        iommuMap domain=1 address=0x5000 output=0x810000 bytes=0x1000 rights=3
        iommuMap domain=3 address=0x5000 output=0x80f000 bytes=0x1000 rights=3
        """),
    DMARuleTests.Row(
      "V23: a PASID whose tables are another guest's", ["V23 high"],
      DMARuleTests.owners + """
        deviceOwner device=0x18 guest=1
        dma device=0x18 address=0x5000 bytes=64 kind=1 pasid=6
        recordedTranslation device=0x18 address=0x5000 hit=0 domain=2 output=0x200000
        """),
    DMARuleTests.Row(
      "V23: no entry for the PASID", ["V23 high"],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=1 pasid=6
      recordedFault device=0x18 code=0x59 address=0x5000
      """),
    DMARuleTests.Row(
      "V23 kept: its own tables", [],
      DMARuleTests.owners + """
        deviceOwner device=0x18 guest=1
        dma device=0x18 address=0x5000 bytes=64 kind=1 pasid=6
        recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
        """),
    DMARuleTests.Row(
      "V24: the second stage does not have a first-stage table", ["V24 high"],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedFault device=0x18 code=0x75 address=0x5000
      """),
    DMARuleTests.Row(
      "V24 kept: the second stage does not have the page", ["V1 medium"],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedFault device=0x18 code=0x79 address=0x5000
      """),
    DMARuleTests.Row(
      "V25: a domain leads to the range of interrupt messages", ["V25 high"],
      "iommuMap domain=1 address=0x5000 output=0xfee00000 bytes=0x1000 rights=2"),
    DMARuleTests.Row(
      "V25: a translation ends there", ["V25 high"],
      """
      dma device=0x18 address=0x5000 bytes=4 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0xfeeff000
      """),
    DMARuleTests.Row(
      "V25 kept: just below and above", [],
      """
      iommuMap domain=1 address=0x5000 output=0xfedff000 bytes=0x1000 rights=2
      iommuMap domain=1 address=0x6000 output=0xfef00000 bytes=0x1000 rights=2
      """),
    DMARuleTests.Row(
      "V27: mapped anew while it was mapped", ["V27 medium"],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuMap domain=1 address=0x5000 output=0x101000 bytes=0x1000 rights=3
      """),
    DMARuleTests.Row(
      "V27: the root changed and the IOTLB was not flushed", ["V27 medium"],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      iommuRegister offset=0x18 bytes=4 value=0x40000000
      iommuCommand word0=0x11
      iommuCommand word0=5
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      """),
    DMARuleTests.Row(
      "V27: tables with reserved bits", ["V27 medium"],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedFault device=0x18 code=0xc address=0x5000
      """),
    DMARuleTests.Row(
      "V27 kept: flushed globally, and the same mapping again", [],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuRegister offset=0x18 bytes=4 value=0x40000000
      iommuCommand word0=0x11
      iommuCommand word0=0x12
      iommuCommand word0=5
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      """),
  ]

  @Test("as the definition says", arguments: table)
  func rule(_ row: DMARuleTests.Row) throws { try DMARuleTests().rule(row) }
}
