import Machine
import Results
import Testing

@testable import Translation

/// A real guest's log under QEMU 7.2, with VT-d and lazy invalidation.
@Suite("The recorded VT-d guest", .enabled(if: Captures.hasQEMU))
struct RecordedVTdTests {
  /// The figures are counts of the log's own lines: 4,363 vtd_iotlb_page_hit, 6,315
  /// vtd_iotlb_page_update, 561 vtd_dmar_fault, 6,870 vtd_iotlb_cc_hit, 6 vtd_iotlb_cc_update and 4
  /// vtd_frr_new.
  @Test("agrees in every line, with its image and without", arguments: [true, false])
  func agrees(_ hasImage: Bool) throws {
    let lines: Int = 4363 + 6315 + 561 + 6870 + 6 + 4
    for preset in ["qemu-vtd", "qemu-7.2-vtd"] {
      let result = try replay(
        devices: Captures.qemu("vtd-lazy/trace.log.zst"), on: preset,
        image: hasImage ? Captures.qemu("vtd-lazy/tables.nwsp.zst") : nil, checksRecorded: true)
      let counters = result.counters
      #expect(counters["check.contradicted"] == 0)
      #expect(counters["check.agreed"] == lines)
      #expect(counters["check.unmatched"] == 0)
      #expect(counters["iotlb.hits"] == 4363)
      #expect(counters["iotlb.fills"] == 6315)
      #expect(counters["iommu.translated"] == 10_678)
      #expect(counters["iommu.contextCache.hits"] == 6870)
      #expect(counters["iommu.contextCache.misses"] == 6)
      #expect(counters["iommu.faults"] == 561)
      // The four of DMA; QEMU 9.2 also records an interrupt that it blocks, of which three come from
      // one device that is not told, so that two collapse into the first.
      #expect(counters["iommu.faultLog.recorded"] == (preset == "qemu-vtd" ? 5 : 4))
      #expect(counters["iommu.unresolved"] == 0)
    }
  }

  /// The guest's program reads 64 bytes, writes 100, reads 2,048 and writes 32 where nothing is
  /// mapped, and QEMU asks for each 4 bytes: 16 + 25 + 512 + 8 = 561.
  @Test("has its 561 faults as retries of four transfers")
  func retries() throws {
    let result = try replay(
      devices: Captures.qemu("vtd-lazy/trace.log.zst"), on: "qemu-vtd", checksRecorded: true)
    #expect(result.counters["check.faults"] == 561)
    #expect(result.counters["check.faultedTransfers"] == 4)
    #expect(
      result.cells("faultedTransfers", "address") == [
        "0x123000", "0x345678", "0xfffe000", "0xabcdff0",
      ])
    #expect(result.cells("faultedTransfers", "faults") == ["16", "25", "512", "8"])
    #expect(
      result.cells("faultedTransfers", "direction") == ["read", "write", "read", "write"])
    #expect(result.cells("faultedTransfers", "code") == ["0x6", "0x5", "0x6", "0x5"])
  }

  /// With a second unit, which no device is behind, the pages are compared all the same.
  @Test(
    "leads every page that is still mapped where the image's tables do",
    arguments: ["iommu.units=1", "iommu.units=2"])
  func image(_ units: String) throws {
    let result = try replay(
      devices: Captures.qemu("vtd-lazy/trace.log.zst"), on: "qemu-vtd", [units],
      image: Captures.qemu("vtd-lazy/tables.nwsp.zst"), checksRecorded: true)
    #expect(result.counters["check.image.contradicted"] == 0)
    #expect(result.counters["check.image.unresolved"] == 0)
    #expect((result.counters["check.image.agreed"] ?? 0) > 0)
  }

  /// An IOTLB of 64 entries cannot give the hits of one of 1,024.
  @Test("contradicts a machine that it does not come from")
  func contradicts() throws {
    let result = try replay(
      devices: Captures.qemu("vtd-lazy/trace.log.zst"), on: "qemu-vtd", ["iommu.iotlb.ways=64"],
      checksRecorded: true)
    #expect((result.counters["check.contradicted"] ?? 0) > 0)
    #expect(result.cells("contradictions", "recorded").allSatisfy { $0 == "hit" })
    #expect(result.cells("contradictions", "model").allSatisfy { $0 == "miss" })
  }
}

/// A strict guest's log as QEMU 7.2 would print it, made by a naive emulator of its IOTLB.
///
/// Source of the arithmetic: QEMU 7.2, hw/i386/intel_iommu.c, `vtd_hash_remove_by_page` (a page goes
/// where its number and the descriptor's agree under `mask`, or where it is the descriptor's page) and
/// `vtd_iotlb_page_invalidate` (`mask` is ~(2^AM - 1)), and intel_iommu_internal.h, where `mask` has
/// 8 bits.
@Suite("A strict log of QEMU 7.2")
struct StrictLogTests {
  private struct Entry {
    var domain: UInt64
    var leaf: UInt64
  }

  /// The log, and how many of its misses an IOTLB that keeps the whole mask would have hit.
  private static func log() -> (text: String, accesses: Int, extra: Int) {
    var draw: UInt64 = 42
    func random(_ bound: UInt64) -> UInt64 {
      draw = draw &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (draw >> 33) % bound
    }
    var text = ""
    var time = 100_000
    func line(_ words: String) {
      time += 7
      text += "4711@1700000000.\(time):\(words)\n"
    }
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    line("vtd_reg_write addr 0x20 size 0x8 value 0x24a5000")
    line("vtd_reg_write addr 0x18 size 0x4 value 0x46000000")
    line("vtd_reg_write addr 0x18 size 0x4 value 0x86000000")
    var (kept8, keptAll): ([UInt64: Entry], [UInt64: Entry]) = ([:], [:])
    var seen: Set<UInt64> = []
    var extra = 0
    let accesses = 4000
    for step in 0..<accesses {
      // Pages of two domains, some apart by 256 pages so that 8 bits do not tell them apart.
      let device: UInt64 = random(2) == 0 ? 0x28 : 0x38
      let domain: UInt64 = device == 0x28 ? 4 : 6
      let page = 0xffe00 + random(4) * 0x100 + random(16) * 4
      let key = device << 48 | page
      let address = page << 12 | random(512) * 8
      let leaf = (0x10000 + page & 0xffff) << 12 | 3
      let words = "bus 0x0 devfn \(hex(device)) high \(hex(domain << 8 | 2)) low 0x2512001 gen "
      if kept8[key] != nil {
        line(
          "vtd_iotlb_page_hit IOTLB page hit sid \(hex(device)) iova \(hex(address)) slpte "
            + "\(hex(leaf)) domain \(hex(domain))")
      } else {
        if keptAll[key] != nil { extra += 1 }
        let isNew = seen.insert(device).inserted
        line(
          isNew
            ? "vtd_iotlb_cc_update IOTLB context update \(words)0 -> gen 1"
            : "vtd_iotlb_cc_hit IOTLB context hit \(words)1")
        line(
          "vtd_iotlb_page_update IOTLB page update sid \(hex(device)) iova \(hex(address)) slpte "
            + "\(hex(leaf)) domain \(hex(domain))")
        kept8[key] = Entry(domain: domain, leaf: leaf)
        keptAll[key] = Entry(domain: domain, leaf: leaf)
      }
      let slot = String(device >> 3, radix: 16)
      line(
        "vtd_dmar_translate dev 00:0\(slot).00 iova \(hex(page << 12)) -> gpa "
          + "\(hex(leaf & ~0xfff)) mask 0xfff")
      guard step % 3 == 0 else { continue }
      let order = random(4)
      let first = page & ~((1 << order) - 1)
      line(
        "vtd_inv_desc invalidate desc type iotlb high \(hex(first << 12 | order)) low "
          + "\(hex(domain << 16 | 0xf2))")
      line(
        "vtd_inv_desc_iotlb_pages iotlb invalidate domain \(hex(domain)) addr "
          + "\(hex(first << 12)) mask \(hex(order))")
      let mask8 = ~((1 << order) - 1) & 0xff as UInt64
      kept8 = kept8.filter { key, entry in
        let page = key & (1 << 48 - 1)
        let goes = page & mask8 == first & mask8 || page == first
        return !(entry.domain == domain && goes)
      }
      keptAll = keptAll.filter { key, entry in
        let page = key & (1 << 48 - 1)
        return !(entry.domain == domain && page >> order == first >> order)
      }
      line("vtd_inv_desc invalidate desc type wait high 0x105200c low 0x200000025")
      line("vtd_inv_desc_wait_sw wait invalidate status write addr 0x105200c data 0x2")
    }
    return (text, accesses, extra)
  }

  @Test("agrees with qemu-7.2-vtd in every line")
  func agrees() throws {
    let log = Self.log()
    let result = try replay(
      text: log.text, suffix: "log", on: "qemu-7.2-vtd", checksRecorded: true)
    #expect(result.counters["check.contradicted"] == 0)
    #expect(result.counters["iommu.translated"] == log.accesses)
    #expect(result.counters["check.unmatched"] == 0)
  }

  @Test("contradicts qemu-vtd where 8 bits drop too much, each explained by its invalidation")
  func contradicts() throws {
    let log = Self.log()
    // Otherwise nothing would be shown.
    #expect(log.extra > 100)
    let result = try replay(text: log.text, suffix: "log", on: "qemu-vtd", checksRecorded: true)
    #expect(result.counters["check.contradicted"] == log.extra)
    #expect(result.counters["check.explained"] == log.extra)
    #expect(
      result.cells("contradictions", "quirk").allSatisfy { $0 == "page-mask-8-bits" })
    #expect(result.cells("contradictions", "model").allSatisfy { $0 == "hit" })
    #expect(result.cells("contradictions", "invalidation").allSatisfy { $0 != "" })
    #expect(result.cells("contradictions", "filledAt").allSatisfy { $0 != "" })
  }
}
