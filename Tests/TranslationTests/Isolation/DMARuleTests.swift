import Results
import Testing

@testable import Translation

/// Each rule broken and kept, in scenarios that were written from the rule's definition.
///
/// Device 0x18 is 00:03.0, 0x20 is 00:04.0. An IOTLB invalidation of pages is
/// `word0=0x..0032` (domain in bits 31:16), its address and mask in `word1`; of a domain
/// `word0=0x..0022`; a wait is `word0=5`.
@Suite("Isolation rules of DMA")
struct DMARuleTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var expected: [String]
    var text: String
    var testDescription: String { name }

    init(_ name: String, _ expected: [String], _ text: String) {
      self.name = name
      self.expected = expected
      self.text = text
    }
  }

  /// Guest 1 has frames 0x100 to 0x1ff and domain 1, guest 2 frames 0x200 to 0x2ff and domain 2.
  static let owners = """
    frameOwner guest=1 frame=0x100 frames=0x100
    frameOwner guest=2 frame=0x200 frames=0x100
    domainOwner domain=1 guest=1
    domainOwner domain=2 guest=2

    """

  static let table = [
    Row(
      "V1: nothing is mapped", ["V1 medium"],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=0
      recordedFault device=0x18 code=6 address=0x5000
      """),
    Row(
      "V1 kept: what is mapped is read", [],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=0
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      """),
    Row(
      "V2: written although it may only be read", ["V2 medium"],
      """
      iommuMap domain=0xffffffff address=0x5000 output=0x100000 bytes=0x1000 rights=1
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedFault device=0x18 code=5 address=0x5000 isWrite=1
      """),
    Row(
      "V2 kept: what the mapping permits", [],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=2
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      """),
    Row(
      "V2 is V1 once the page is unmapped", ["V1 medium"],
      """
      iommuMap domain=0xffffffff address=0x5000 output=0x100000 bytes=0x1000 rights=1
      iommuUnmap domain=0xffffffff address=0x5000 bytes=0x1000
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedFault device=0x18 code=5 address=0x5000 isWrite=1
      """),
    Row(
      "V3: guest 1's domain leads to guest 2's frame", ["V3 critical"],
      owners + """
        dma device=0x18 address=0x5000 bytes=64 kind=1
        recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x200000
        """),
    Row(
      "V3 kept: its own frame, a shared one, one that nobody owns", [],
      owners + """
        frameOwner guest=2 frame=0x210 frames=1 shared=1
        dma device=0x18 address=0x5000 bytes=64 kind=1
        recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x1ff000
        dma device=0x18 address=0x6000 bytes=64 kind=1
        recordedTranslation device=0x18 address=0x6000 hit=0 domain=1 output=0x210000
        dma device=0x18 address=0x7000 bytes=64 kind=1
        recordedTranslation device=0x18 address=0x7000 hit=0 domain=1 output=0x900000
        """),
    Row(
      "V3 by the device's owner where the domain has none", ["V3 critical"],
      owners + """
        deviceOwner device=0x18 guest=1
        dma device=0x18 address=0x5000 bytes=64 kind=1
        recordedTranslation device=0x18 address=0x5000 hit=0 domain=9 output=0x2ff000
        """),
    Row(
      "V4: no context for the requester", ["V4 high"],
      """
      dma device=0x19 address=0x5000 bytes=64 kind=0
      recordedFault device=0x19 code=2 address=0x5000
      """),
    Row(
      "V4 kept: a fault of the page and not of the context", ["V1 medium"],
      """
      dma device=0x19 address=0x5000 bytes=64 kind=0
      recordedFault device=0x19 code=6 address=0x5000
      """),
    Row(
      "V5: a translated request that nothing granted", ["V5 critical"],
      """
      dma device=0x18 address=0x100000 bytes=64 kind=8
      recordedTranslation device=0x18 address=0x100000 hit=2 domain=0xffffffff output=0x100000
      """),
    Row(
      "V5 kept: the device was given the translation", [],
      """
      dma device=0x18 address=0x100000 bytes=64 kind=8
      recordedTranslation device=0x18 address=0x100000 hit=2 entry=1 domain=0xffffffff output=0x100000
      """),
    Row(
      "V5 blocked is an attempt", ["V5 medium"],
      """
      dma device=0x18 address=0x100000 bytes=64 kind=8
      recordedFault device=0x18 code=0xd address=0x100000
      """),
    Row(
      "V6: a hit on an unmapped page before its invalidation", ["V6 high"],
      """
      time nanoseconds=1000
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      time nanoseconds=2000
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      time nanoseconds=3000
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      iommuCommand word0=0x10032 word1=0x5000
      iommuCommand word0=5
      """),
    Row(
      "V6 while the invalidation waits for its completion", ["V6 high"],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      iommuCommand word0=0x10032 word1=0x5000
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      iommuCommand word0=5
      """),
    Row(
      "V6 is critical where the frame has a new owner", ["V6 critical", "V7 critical"],
      """
      domainOwner domain=1 guest=1
      frameOwner guest=1 frame=0x100 frames=1
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      frameOwner guest=2 frame=0x100 frames=1 shared=1
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      """),
    Row(
      "V6 is critical where another device was given the frame", ["V6 critical"],
      """
      dmaMap device=0x18 address=0x5000 output=0x100000 bytes=0x1000 direction=2
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      dmaUnmap device=0x18 address=0x5000 bytes=0x1000
      dmaMap device=0x20 address=0x8000 output=0x100000 bytes=0x1000 direction=1
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      """),
    Row(
      "V6 kept: the invalidation came first", [],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      iommuCommand word0=0x10032 word1=0x5000
      iommuCommand word0=5
      iommuMap domain=1 address=0x5000 output=0x101000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x101000
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x101000
      """),
    Row(
      "V6 kept: the neighbouring page is still mapped", [],
      """
      iommuMap domain=1 address=0x4000 output=0x100000 bytes=0x2000 rights=3
      dma device=0x18 address=0x4000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x4000 hit=0 domain=1 output=0x100000
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      dma device=0x18 address=0x4000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x4000 hit=1 domain=1 output=0x100000
      """),
    Row(
      "V7: mapped anew without an invalidation", ["V7 critical"],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      iommuMap domain=1 address=0x5000 output=0x101000 bytes=0x1000 rights=3
      """),
    Row(
      "V7: the invalidation's mask covers half of the range", ["V7 critical"],
      """
      iommuMap domain=1 address=0x4000 output=0x100000 bytes=0x4000 rights=3
      iommuUnmap domain=1 address=0x4000 bytes=0x4000
      iommuCommand word0=0x10032 word1=0x4001
      iommuCommand word0=5
      iommuMap domain=1 address=0x4000 output=0x200000 bytes=0x4000 rights=3
      """),
    Row(
      "V7: the invalidation names another domain", ["V7 critical"],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      iommuCommand word0=0x20022
      iommuCommand word0=5
      iommuMap domain=1 address=0x5000 output=0x101000 bytes=0x1000 rights=3
      """),
    Row(
      "V7: the invalidation was queued before the unmap", ["V7 critical"],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuCommand word0=0x10022
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      iommuCommand word0=5
      iommuMap domain=1 address=0x5000 output=0x101000 bytes=0x1000 rights=3
      """),
    Row(
      "V7 kept: the same frame with the same rights", [],
      """
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      iommuUnmap domain=1 address=0x5000 bytes=0x1000
      iommuMap domain=1 address=0x5000 output=0x100000 bytes=0x1000 rights=3
      """),
    Row(
      "V7 kept: a mask that covers the range, a domain, and all", [],
      """
      iommuMap domain=1 address=0x4000 output=0x100000 bytes=0x4000 rights=3
      iommuUnmap domain=1 address=0x4000 bytes=0x4000
      iommuCommand word0=0x10032 word1=0x4002
      iommuCommand word0=5
      iommuMap domain=1 address=0x4000 output=0x200000 bytes=0x4000 rights=3
      iommuUnmap domain=1 address=0x4000 bytes=0x4000
      iommuCommand word0=0x10022
      iommuCommand word0=5
      iommuMap domain=1 address=0x4000 output=0x300000 bytes=0x4000 rights=3
      iommuUnmap domain=1 address=0x4000 bytes=0x4000
      iommuCommand word0=0x12
      iommuCommand word0=5
      iommuMap domain=1 address=0x4000 output=0x400000 bytes=0x4000 rights=3
      """),
    Row(
      "V7 kept: the hint that only leaves changed, which is so", [],
      """
      iommuMap domain=1 address=0x4000 output=0x100000 bytes=0x4000 rights=3
      iommuUnmap domain=1 address=0x4000 bytes=0x4000
      iommuCommand word0=0x10032 word1=0x4042
      iommuCommand word0=5
      iommuMap domain=1 address=0x4000 output=0x200000 bytes=0x4000 rights=3
      """),
    Row(
      "V7 kept: a map where nothing was, without an invalidation", [],
      """
      iommuMap domain=1 address=0x4000 output=0x100000 bytes=0x1000 rights=3
      iommuMap domain=1 address=0x5000 output=0x101000 bytes=0x1000 rights=3
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x101000
      """),
    Row(
      "V7: a large page is demoted and the mask covers one small one", ["V7 critical"],
      """
      iommuMap domain=1 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      iommuUnmap domain=1 address=0x200000 bytes=0x200000
      iommuCommand word0=0x10032 word1=0x200000
      iommuCommand word0=5
      iommuMap domain=1 address=0x201000 output=0x800000 bytes=0x1000 rights=3
      """),
    Row(
      "V7 kept: a large page is demoted and the mask covers all of it", [],
      """
      iommuMap domain=1 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      iommuUnmap domain=1 address=0x200000 bytes=0x200000
      iommuCommand word0=0x10032 word1=0x200009
      iommuCommand word0=5
      iommuMap domain=1 address=0x201000 output=0x800000 bytes=0x1000 rights=3
      """),
    Row(
      "V7: one page of a 2 MiB range is not covered", ["V7 critical"],
      """
      iommuMap domain=1 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      iommuUnmap domain=1 address=0x200000 bytes=0x200000
      iommuCommand word0=0x10032 word1=0x200008
      iommuCommand word0=5
      iommuMap domain=1 address=0x300000 output=0x800000 bytes=0x1000 rights=3
      """),
    Row(
      "V7 kept: the page that is mapped anew was covered", [],
      """
      iommuMap domain=1 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      iommuUnmap domain=1 address=0x200000 bytes=0x200000
      iommuCommand word0=0x10032 word1=0x200008
      iommuCommand word0=5
      iommuMap domain=1 address=0x2ff000 output=0x800000 bytes=0x1000 rights=3
      """),
    Row(
      "V8: served by the domain that the device has left", ["V8 critical"],
      """
      attach device=0x18 domain=1
      detach device=0x18 domain=1
      attach device=0x18 domain=2
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      """),
    Row(
      "V8: issued before the device was attached", ["V8 critical"],
      """
      time nanoseconds=5000
      attach device=0x18 domain=2
      time nanoseconds=6000
      dma device=0x18 address=0x5000 bytes=64 kind=1 issued=4000
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=2 output=0x100000
      """),
    Row(
      "V8: translated while it is attached to nothing", ["V8 critical"],
      """
      attach device=0x18 domain=1
      detach device=0x18 domain=1
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=1 domain=1 output=0x100000
      """),
    Row(
      "V8 kept: issued after, by its domain, or before any attach was seen", [],
      """
      dma device=0x18 address=0x5000 bytes=64 kind=1
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=1 output=0x100000
      time nanoseconds=5000
      attach device=0x18 domain=2
      time nanoseconds=6000
      dma device=0x18 address=0x5000 bytes=64 kind=1 issued=5500
      recordedTranslation device=0x18 address=0x5000 hit=0 domain=2 output=0x100000
      """),
    Row(
      "V9: a buffer that is half a page", ["V9 low"],
      "dmaMap device=0x18 address=0x5000 output=0x100000 bytes=0x800 direction=1"),
    Row(
      "V9 beside another device's buffer", ["V9 medium", "V9 low"],
      """
      dmaMap device=0x20 address=0x8000 output=0x100800 bytes=0x800 direction=2
      dmaMap device=0x18 address=0x5000 output=0x100000 bytes=0x800 direction=1
      """),
    Row(
      "V9 kept: whole pages", [],
      "dmaMap device=0x18 address=0x5000 output=0x100000 bytes=0x2000 direction=1"),
  ]

  @Test("as the definition says", arguments: table)
  func rule(_ row: Row) throws {
    let findings = try ScenarioMonitor.findings(row.text).findings
    #expect(findings.map { "\($0.rule) \($0.severity)" } == row.expected, "\(findings)")
  }

  @Test(
    "V26: one fault more than a window may have, and not one fault for each page",
    arguments: [0, 1])
  func flood(_ extra: Int) throws {
    // 256 faults pass; all are within one window of 10 ms.
    let faults = (0..<256 + extra).map { at in
      """
      time nanoseconds=\(1_000_000 + at)
      dma device=0x18 address=0x5000 bytes=64 kind=0
      recordedFault device=0x18 code=6 address=0x5000

      """
    }.joined()
    let findings = try ScenarioMonitor.findings(faults).findings
    let expected = extra == 0 ? ["V1 256"] : ["V1 257", "V26 1"]
    #expect(findings.map { "\($0.rule) \($0.count)" } == expected)
  }
}
