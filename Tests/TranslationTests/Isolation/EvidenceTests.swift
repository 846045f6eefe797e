import Machine
import Results
import Testing

@testable import Translation

/// What a finding has to say: device and domain, address, host frame and its owner, and the events that
/// mapped, unmapped and invalidated.
///
/// Of `$guests $used` events 0 and 1 are owners, 2 attaches, 3 maps page 7 to frame 0x100, 4 is the first
/// write.
@Suite("Evidence of isolation findings")
struct EvidenceTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var rule: String
    var text: String
    var evidence: [String: String]
    var testDescription: String { rule }

    init(_ rule: String, _ text: String, _ evidence: [String: String]) {
      (self.rule, self.text, self.evidence) = (rule, text, evidence)
    }
  }

  /// Guest 1 has frame 0x100 and domain 5.
  private static let page = ["iova": "0x7000", "frame": "0x100000", "owner": "guest 1"]

  private static func and(_ more: [String: String]) -> [String: String] {
    page.merging(more) { $1 }
  }

  static let rows = [
    Row(
      "V1", "$guests $used $unmap $flush $write",
      and(["mapped": "event 3", "unmapped": "event 5", "invalidated": "event 7"])),
    Row(
      "V2",
      """
      $guests
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=1
      $write
      """, and(["mapped": "event 3"])),
    Row(
      "V3",
      """
      domainOwner domain=5 guest=1
      frameOwner guest=2 frame=0x100 frames=1
      $used
      """, and(["owner": "guest 2", "guest": "guest 1", "mapped": "event 3"])),
    Row(
      "V5",
      """
      $guests $used $ask $unmap $flush
      !tlb 0x38 0x7000
      !wait
      $translated
      """,
      and([
        // The wait behind the device TLB's invalidation, which is the last that had it.
        "address": "0x100000", "mapped": "event 3", "unmapped": "event 6",
        "invalidated": "event 10",
      ])),
    Row(
      "V6", "$guests $used $unmap $write",
      and([
        "mapped": "event 3", "unmapped": "event 5", "invalidated": "not since", "filled": "event 4",
      ])),
    Row(
      "V7", "$guests $used $unmap $elsewhere",
      and([
        "device": "00:07.0", "mapped": "event 3", "unmapped": "event 5", "invalidated": "not since",
        "next": "0x101000 mapped at event 6",
      ])),
    Row(
      "V8",
      """
      $guests $used
      detach device=0x38 domain=5
      attach device=0x38 domain=6
      iommuMap domain=6 address=0x7000 output=0x200000 bytes=4096 rights=3
      $write
      """,
      and(["mapped": "event 3", "filled": "event 4", "assigned": "to domain 0x6 at event 6"])),
    Row(
      "V9",
      """
      $guests
      dmaMap device=0x38 address=0x7000 output=0x100000 bytes=0x800 direction=1
      """, page),
    Row(
      "V10",
      """
      domainOwner domain=5 guest=1
      frameOwner guest=0 frame=0x100 frames=1
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x100000 output=0x100000 bytes=4096 rights=3
      """,
      and(["iova": "0x100000", "owner": "host", "guest": "guest 1", "device": "00:07.0"])),
    Row(
      "V20", "$guests $used\nframeOwner guest=2 frame=0x100 frames=1",
      and(["owner": "guest 2", "guest": "guest 1", "mapped": "event 3", "device": "00:07.0"])),
    Row(
      "V21", "$guests $used\nframeOwner guest=0 frame=0x100 frames=1",
      and(["owner": "host", "guest": "guest 1", "mapped": "event 3", "device": "00:07.0"])),
    Row(
      "V27", "$guests $used $elsewhere",
      and(["mapped": "event 3", "next": "0x101000 mapped at event 5", "device": "00:07.0"])),
  ]

  @Test("names device, domain, address, frame, owner and events", arguments: rows)
  func tells(_ row: Row) throws {
    for unit in UnitScenario.Unit.allCases {
      let result = try replay(text: unit.scenario(row.text), on: unit.preset, unit.settings)
      let finding = try #require(
        result.findings.first { $0.rule == row.rule }, "\(unit): \(result.findings)")
      let detail = finding.first.detail
      for (name, value) in row.evidence { #expect(detail[name] == value, "\(unit): \(detail)") }
      #expect(finding.subject["device"] ?? detail["device"] == "00:07.0")
      // Of a driver's buffer nobody said the domain.
      #expect(row.rule == "V9" || finding.subject["domain"] != nil, "\(unit): \(finding.subject)")
    }
  }
}
