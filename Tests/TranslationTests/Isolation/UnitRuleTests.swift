import Machine
import Results
import Testing

@testable import Translation

/// Each rule broken and kept through the models of VT-d's two modes and of AMD-Vi, in scenarios that
/// were written from the rule's definition.
///
/// A scenario names invalidations by what they do; `Unit.command` says each architecture's words.
@Suite("Isolation rules by every architecture")
struct UnitRuleTests {
  typealias Row = UnitScenario.Row

  static let rows: [Row] = [
    Row(
      "V8 kept: nothing but its own domain", [],
      """
      $used $write
      """),
    Row(
      "V8: moved to domain 6, and served by what caches have of domain 5", ["V8 critical"],
      """
      $used
      detach device=0x38 domain=5
      attach device=0x38 domain=6
      iommuMap domain=6 address=0x7000 output=0x200000 bytes=4096 rights=3
      $write
      """),
    Row(
      "V8 kept: moved, and its entries invalidated", [],
      """
      $used
      detach device=0x38 domain=5
      attach device=0x38 domain=6
      iommuMap domain=6 address=0x7000 output=0x200000 bytes=4096 rights=3
      !devices
      !domain 5
      !wait
      $write
      """),
    Row(
      "V25: a domain leads to the interrupt range", ["V25 high"],
      """
      $used
      iommuMap domain=5 address=0x9000 output=0xfee00000 bytes=4096 rights=2
      """),
    Row(
      "V25 kept: the frame below it", [],
      """
      $used
      iommuMap domain=5 address=0x9000 output=0xfedff000 bytes=4096 rights=2
      """),
    Row(
      "V1: a page that is not mapped", ["V1 medium"],
      """
      $used
      dma device=0x38 address=0x9000 bytes=64 kind=0
      """),
    Row(
      "V1: unmapped, and invalidated", ["V1 medium"],
      """
      $used $unmap $flush $write
      """),
    Row(
      "V2: a write where only reading is allowed, after a read and at once", ["V2 medium"],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=8192 rights=1
      dma device=0x38 address=0x7000 bytes=64 kind=0
      dma device=0x38 address=0x7000 bytes=64 kind=1
      dma device=0x38 address=0x8000 bytes=64 kind=1
      """),
    Row(
      "V2: a read where only writing is allowed", ["V2 medium"],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=2
      dma device=0x38 address=0x7000 bytes=64 kind=1
      dma device=0x38 address=0x7000 bytes=64 kind=0
      """),
    Row(
      "V4: a requester without a context", ["V4 high"], units: [.legacy, .scalable],
      """
      $used
      dma device=0x40 address=0x7000 bytes=64 kind=0
      """),
    Row(
      "V5: a translated request without a translation", ["V5 critical"],
      """
      $used $translated
      """),
    Row(
      "V5 kept: the device asked before", [],
      """
      $used $ask $translated
      """),
    Row(
      "V5: the translation was for another device", ["V5 critical"],
      """
      $used $ask
      attach device=0x40 domain=5
      dma device=0x40 address=0x100000 bytes=64 kind=9
      """),
    Row(
      "V5 kept: the device's invalidation waits for its completion", [],
      """
      $used $ask $unmap $flush
      !tlb 0x38 0x7000
      $translated
      """),
    Row(
      "V5: the device was told to forget it", ["V5 critical"],
      """
      $used $ask $unmap $flush
      !tlb 0x38 0x7000
      !wait
      $translated
      """),
    Row(
      "V6: written after its unmap", ["V6 high"],
      """
      $used $unmap $write
      """),
    Row(
      "V6: the invalidation has not completed", ["V6 high"],
      """
      $used $unmap
      !pages 5 0x7000 0
      $write
      """),
    Row(
      "V6: another page was invalidated", ["V6 high"],
      """
      $used $unmap
      !pages 5 0x8000 0
      !wait
      $write
      """),
    Row(
      "V6: another domain was invalidated", ["V6 high"],
      """
      $used $unmap
      !domain 6
      !wait
      $write
      """),
    Row(
      "V6: written by a right that its page has lost", ["V6 high", "V27 medium"],
      """
      $used
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=1
      $write
      """),
    Row(
      "V6 kept: read by a right that its page still has", ["V27 medium"],
      """
      $used
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=1
      dma device=0x38 address=0x7000 bytes=64 kind=0
      """),
    Row(
      "V7: mapped elsewhere and nothing invalidated", ["V7 critical"],
      """
      $used $unmap $elsewhere
      """),
    Row(
      "V7: mapped elsewhere before the wait", ["V7 critical"],
      """
      $used $unmap
      !pages 5 0x7000 0
      $elsewhere
      """),
    Row(
      "V7: the mask covers two pages of four", ["V7 critical"],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x4000 output=0x100000 bytes=0x4000 rights=3
      iommuUnmap domain=5 address=0x4000 bytes=0x4000
      !pages 5 0x4000 1
      !wait
      iommuMap domain=5 address=0x4000 output=0x200000 bytes=0x4000 rights=3
      """),
    Row(
      "V7 kept: the mask covers all four", [],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x4000 output=0x100000 bytes=0x4000 rights=3
      iommuUnmap domain=5 address=0x4000 bytes=0x4000
      !pages 5 0x4000 2
      !wait
      iommuMap domain=5 address=0x4000 output=0x200000 bytes=0x4000 rights=3
      """),
    Row(
      "V7: of 2 MiB one page is invalidated", ["V7 critical"],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      iommuUnmap domain=5 address=0x200000 bytes=0x200000
      !pages 5 0x200000 0
      !wait
      iommuMap domain=5 address=0x200000 output=0x800000 bytes=0x200000 rights=3
      """),
    Row(
      "V7 kept: 2 MiB under a mask of nine", [],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      iommuUnmap domain=5 address=0x200000 bytes=0x200000
      !pages 5 0x200000 9
      !wait
      iommuMap domain=5 address=0x200000 output=0x800000 bytes=0x200000 rights=3
      """),
    Row(
      "V1, V2, V6 kept: of 2 MiB one page was unmapped and another mapped elsewhere", [],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      dma device=0x38 address=0x205000 bytes=64 kind=1
      iommuUnmap domain=5 address=0x200000 bytes=0x2000
      !pages 5 0x200000 1
      !wait
      iommuMap domain=5 address=0x201000 output=0x900000 bytes=4096 rights=3
      dma device=0x38 address=0x201000 bytes=64 kind=1
      dma device=0x38 address=0x205000 bytes=64 kind=1
      dma device=0x38 address=0x3ff000 bytes=64 kind=1
      """),
    Row(
      "V6: of 2 MiB the page that was unmapped is written", ["V6 high"],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      dma device=0x38 address=0x205000 bytes=64 kind=1
      iommuUnmap domain=5 address=0x201000 bytes=4096
      dma device=0x38 address=0x205000 bytes=64 kind=1
      dma device=0x38 address=0x201000 bytes=64 kind=1
      """),
    Row(
      "V1: of 2 MiB the page that was unmapped, after its invalidation", ["V1 medium"],
      """
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x200000 output=0x400000 bytes=0x200000 rights=3
      dma device=0x38 address=0x205000 bytes=64 kind=1
      iommuUnmap domain=5 address=0x201000 bytes=4096
      !pages 5 0x201000 0
      !wait
      dma device=0x38 address=0x205000 bytes=64 kind=1
      dma device=0x38 address=0x201000 bytes=64 kind=1
      """),
    Row(
      "V7 kept: its page was invalidated", [],
      """
      $used $unmap $flush $elsewhere
      """),
    Row(
      "V7 kept: its domain was", [],
      """
      $used $unmap
      !domain 5
      !wait
      $elsewhere
      """),
    Row(
      "V7: the device's own TLB was not invalidated", ["V7 critical"],
      """
      $used $ask $unmap $flush $elsewhere
      """),
    Row(
      "V7: another page of the device's TLB was", ["V7 critical"],
      """
      $used $ask $unmap $flush
      !tlb 0x38 0x8000
      !wait
      $elsewhere
      """),
    Row(
      "V7: the device's TLB was invalidated, and not the IOTLB", ["V7 critical"],
      """
      $used $ask $unmap
      !tlb 0x38 0x7000
      !wait
      $elsewhere
      """),
    Row(
      "V7 kept: both were", [],
      """
      $used $ask $unmap
      !pages 5 0x7000 0
      !tlb 0x38 0x7000
      !wait
      $elsewhere
      """),
    Row(
      "V7: its second stage is left alone by a PASID's invalidation", ["V7 critical"],
      units: [.legacy, .scalable],
      """
      $used $unmap
      iommuCommand word0=0x50026
      !wait
      $elsewhere
      """),
    Row(
      "V7: its frame is mapped in another guest's domain", ["V7 critical"],
      """
      domainOwner domain=5 guest=1
      domainOwner domain=6 guest=2
      $used $unmap
      iommuMap domain=6 address=0x9000 output=0x100000 bytes=4096 rights=3
      """),
    Row(
      "V7 kept: its frame is mapped in a domain that nobody said is another's", [],
      """
      $used $unmap
      iommuMap domain=6 address=0x9000 output=0x100000 bytes=4096 rights=3
      """),
    Row(
      "V7 kept: its frame is mapped in another guest's domain after the invalidation", [],
      """
      domainOwner domain=5 guest=1
      domainOwner domain=6 guest=2
      $used $unmap $flush
      iommuMap domain=6 address=0x9000 output=0x100000 bytes=4096 rights=3
      """),
    Row(
      "V7 kept: its frame is mapped in another domain of the same guest", [],
      """
      domainOwner domain=5 guest=1
      domainOwner domain=6 guest=1
      $used $unmap
      iommuMap domain=6 address=0x9000 output=0x100000 bytes=4096 rights=3
      """),
    Row(
      "V7: of two units one was told", ["V7 critical"], settings: ["iommu.units=2"],
      """
      $both
      !pages 5 0x7000 0 @0
      !wait @0
      $elsewhere
      """),
    Row(
      "V7: the same unit was told twice", ["V7 critical"], settings: ["iommu.units=2"],
      """
      $both
      !pages 5 0x7000 0 @1
      !wait @1
      !pages 5 0x7000 0 @1
      !wait @1
      $elsewhere
      """),
    Row(
      "V7 kept: both units were told", [], settings: ["iommu.units=2"],
      """
      $both
      !pages 5 0x7000 0 @0
      !pages 5 0x7000 0 @1
      !wait @0
      !wait @1
      $elsewhere
      """),
    Row(
      "V7 kept: the other unit's device has left the domain", [], settings: ["iommu.units=2"],
      """
      attach device=0x40 domain=5 unit=2
      detach device=0x40 domain=5
      attach device=0x38 domain=5 unit=1
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3
      $unmap
      !pages 5 0x7000 0 @0
      !wait @0
      $elsewhere
      """),
    Row(
      "V3 and V20: the domain of guest 1 maps a frame of guest 2, and its device writes there",
      ["V3 critical", "V20 critical"],
      """
      domainOwner domain=5 guest=1
      frameOwner guest=2 frame=0x100 frames=1
      $used
      """),
    Row(
      "V3 and V20 kept: its own frame", [],
      """
      $guests $used
      """),
    Row(
      "V20: a frame that guest 1 can write goes to guest 2", ["V20 critical"],
      """
      $guests $used
      frameOwner guest=2 frame=0x80 frames=0x100
      """),
    Row(
      "V20: a frame that guest 1 can write goes to guest 2, among very many", ["V20 critical"],
      """
      $guests $used
      frameOwner guest=2 frame=0 frames=0x100000
      """),
    Row(
      "V20: a frame that guest 1 can only read goes to guest 2", ["V20 low"],
      """
      $guests
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=1
      frameOwner guest=2 frame=0x100 frames=1
      """),
    Row(
      "V20 kept: it is shared, or another frame goes", [],
      """
      $guests $used
      frameOwner guest=2 frame=0x101 frames=1
      frameOwner guest=2 frame=0x100 frames=1 shared=1
      """),
    Row(
      "V21: the host takes a frame back that guest 1 can write", ["V21 critical"],
      """
      $guests $used
      frameOwner guest=0 frame=0x100 frames=1
      """),
    Row(
      "V21 kept: unmapped and invalidated first", [],
      """
      $guests $used $unmap $flush
      frameOwner guest=0 frame=0x100 frames=1
      """),
    Row(
      "V7: unmapped and not invalidated before the frame goes to guest 2", ["V7 critical"],
      """
      $guests $used $unmap
      frameOwner guest=2 frame=0x100 frames=1
      """),
  ]

  @Test("as the definition says", arguments: rows)
  func rule(_ row: Row) throws {
    for unit in row.units {
      let result = try replay(
        text: unit.scenario(row.text), on: unit.preset, unit.settings + row.settings)
      #expect(
        result.findings.map { "\($0.rule) \($0.severity)" } == row.expected,
        "\(unit): \(result.findings)")
    }
  }
}
