import Foundation
import Testing

/// `--check-recorded` as a user runs it.
@Suite("nestwalk run --check-recorded")
struct RecordedLogTests {
  private static let captures =
    ProcessInfo.processInfo.environment["NESTWALK_DATA"]
    ?? Repository.root.appending(path: "../shared/data").path
  private static let lazy = captures + "/qemu/vtd-lazy/"
  static let hasCapture = FileManager.default.fileExists(atPath: lazy + "trace.log.zst")

  /// 4,363 hits, 6,315 fills, 561 faults, 6,876 context lookups and 4 fault records are in the log, and
  /// its driverless device 00:09.0 is what the rules find: 561 faults (V1), three interrupts by entries
  /// that are absent (V16), and 512 of the faults within 10 ms (V26).
  @Test("the recorded VT-d guest agrees, and its findings are these", .enabled(if: hasCapture))
  func lazyGuest() throws {
    let folder = try Folder()
    for machine in ["qemu-vtd", "qemu-7.2-vtd"] {
      try Nestwalk.succeed(
        [
          "run", Self.lazy + "trace.log.zst", "-m", machine, "--image",
          Self.lazy + "tables.nwsp.zst", "--check-recorded", "-o", "r.json",
        ], in: folder)
      let result = try ResultFile.one(try folder.data("r.json"))
      #expect(result.counters["check.agreed"] == 4363 + 6315 + 561 + 6876 + 4)
      #expect(result.counters["check.contradicted"] == 0)
      let found = try JSONDecoder().decode(
        IsolationScenarioTests.Found.self, from: try folder.data("r.json"))
      #expect(
        found.findings.map { "\($0.rule) \($0.severity) \($0.count)" } == [
          "V1 medium 561", "V16 medium 3", "V26 medium 1",
        ])
    }
  }

  /// Three pages are filled, one of them invalidated with AM 0; page 0xfff00 has the same low 8 bits of
  /// its number as page 0xffe00, so QEMU 7.2 misses it again, and page 0xffe01 has not.
  private static let strict = """
    4711@1700000000.100001:vtd_reg_write addr 0x20 size 0x8 value 0x24a5000
    4711@1700000000.100002:vtd_reg_write addr 0x18 size 0x4 value 0x46000000
    4711@1700000000.100003:vtd_reg_write addr 0x18 size 0x4 value 0x86000000
    4711@1700000000.100004:vtd_iotlb_cc_update IOTLB context update bus 0x0 devfn 0x38 high 0x602 low 0x2512001 gen 0 -> gen 1
    4711@1700000000.100005:vtd_iotlb_page_update IOTLB page update sid 0x38 iova 0xffe00000 slpte 0x10000003 domain 0x6
    4711@1700000000.100006:vtd_dmar_translate dev 00:07.00 iova 0xffe00000 -> gpa 0x10000000 mask 0xfff
    4711@1700000000.100007:vtd_iotlb_cc_hit IOTLB context hit bus 0x0 devfn 0x38 high 0x602 low 0x2512001 gen 1
    4711@1700000000.100008:vtd_iotlb_page_update IOTLB page update sid 0x38 iova 0xfff00000 slpte 0x10100003 domain 0x6
    4711@1700000000.100009:vtd_dmar_translate dev 00:07.00 iova 0xfff00000 -> gpa 0x10100000 mask 0xfff
    4711@1700000000.100010:vtd_iotlb_cc_hit IOTLB context hit bus 0x0 devfn 0x38 high 0x602 low 0x2512001 gen 1
    4711@1700000000.100011:vtd_iotlb_page_update IOTLB page update sid 0x38 iova 0xffe01000 slpte 0x10200003 domain 0x6
    4711@1700000000.100012:vtd_dmar_translate dev 00:07.00 iova 0xffe01000 -> gpa 0x10200000 mask 0xfff
    4711@1700000000.100013:vtd_inv_desc invalidate desc type iotlb high 0xffe00000 low 0x600f2
    4711@1700000000.100014:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x6 addr 0xffe00000 mask 0x0
    4711@1700000000.100015:vtd_inv_desc invalidate desc type wait high 0x105200c low 0x200000025
    4711@1700000000.100016:vtd_inv_desc_wait_sw wait invalidate status write addr 0x105200c data 0x2
    4711@1700000000.100017:vtd_iotlb_cc_hit IOTLB context hit bus 0x0 devfn 0x38 high 0x602 low 0x2512001 gen 1
    4711@1700000000.100018:vtd_iotlb_page_update IOTLB page update sid 0x38 iova 0xfff00000 slpte 0x10100003 domain 0x6
    4711@1700000000.100019:vtd_dmar_translate dev 00:07.00 iova 0xfff00000 -> gpa 0x10100000 mask 0xfff
    4711@1700000000.100020:vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0xffe01000 slpte 0x10200003 domain 0x6
    4711@1700000000.100021:vtd_dmar_translate dev 00:07.00 iova 0xffe01000 -> gpa 0x10200000 mask 0xfff

    """

  @Test("a strict log of QEMU 7.2 agrees with its own preset and contradicts the other")
  func strictGuest() throws {
    let folder = try Folder()
    try folder.write([UInt8](Self.strict.utf8), to: "strict.log")
    let arguments = ["run", "strict.log", "--check-recorded", "-o", "r.json", "-o", "r.md", "-m"]
    try Nestwalk.succeed(arguments + ["qemu-7.2-vtd"], in: folder)
    let same = try ResultFile.one(try folder.data("r.json"))
    // Five translations, and the contexts of the four that missed.
    #expect(same.counters["check.agreed"] == 9 && same.counters["check.contradicted"] == 0)

    let outcome = try Nestwalk.run(arguments + ["qemu-vtd"], in: folder)
    #expect(outcome.status == 1)
    let other = try ResultFile.one(try folder.data("r.json"))
    // Where the model hits it asks for no context, so that one comparison is missing.
    #expect(other.counters["check.agreed"] == 7 && other.counters["check.contradicted"] == 1)
    #expect(other.counters["check.explained"] == 1)
    let text = try folder.text("r.md")
    #expect(text.contains("0xfff00000") && text.contains("page-mask-8-bits"))
  }

  @Test("cost beside exposure is one table of one command")
  func invalidation() throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      [
        "generate", "nic-ring", "-o", "ring.nwt", "--packets", "2000", "--invalidation", "lazy",
        "--quiet",
      ],
      in: folder)
    let text = try Nestwalk.succeed(
      ["run", "ring.nwt", "-m", "qemu-vtd", "--answer", "invalidation", "--quiet"], in: folder)
    for policy in ["recorded", "strict", "lazy", "pass-through"] { #expect(text.contains(policy)) }
    // A machine without an IOMMU has no answer.
    let refused = try Nestwalk.run(
      ["run", "ring.nwt", "-m", "reference", "--answer", "invalidation"], in: folder)
    #expect(refused.status == 64)
    #expect(refused.errors.contains("needs a machine with an IOMMU"))
  }
}
