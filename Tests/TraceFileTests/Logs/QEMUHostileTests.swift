import Testing

@testable import TraceFile

@Suite("QEMU trace logs that are not what they should be")
struct QEMUHostileTests {
  static let sound = """
    1@5.000001:vtd_iotlb_cc_hit IOTLB context hit bus 0x0 devfn 0x48 high 0x802 low 0x253a001 gen 1
    1@5.000002:vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0x1040 slpte 0x5003 domain 0x6
    1@5.000003:vtd_dmar_translate dev 00:07.00 iova 0x1000 -> gpa 0x5000 mask 0xfff
    1@5.000004:vtd_ir_remap_msi_req addr 0xfee002d8 data 0x0
    1@5.000005:vtd_ir_irte_get index 22 low 0x40038 high 0x2000024000d
    1@5.000006:vtd_ir_remap index 22 trigger 0 vector 36 deliver 0 dest 0x2 mode 1
    1@5.000007:amdvi_mmio_write AMDVI_MMIO_CONTROL write addr 0x18, size 8, val 0x1041, offset 0x18
    1@5.000008:pci_nvme_map_addr addr 0xffffffffffffff00 len 18446744073709551615
    1@5.000009:e1000e_rx_desc_buff_write buffer #0, addr: 0xffff9040, offset: 0, from: 0x7f, length: 98
    1@5.000010:virtio_iommu_map domain=1 virt_start=0x0 virt_end=0xffffffffffffffff phys_start=0x0 flags=3
    1@5.000011:vtd_page_walk_one domain 0x6 iova 0x0 -> gpa 0x0 mask 0xffffffffffffffff perm 3
    1@5.000012:vtd_reg_ir_root addr 0x1200000 size 0xffffffff
    1@5.000013:unknown_thing 7

    """

  @Test("a known event's line that does not fit is named with what was expected")
  func malformed() throws {
    let line = "vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova zero slpte 0x1 domain 0x6"
    let error = try refusal(of: Array("1@1.000001:flatview_new 0x1\n\(line)\n".utf8))
    #expect(error?.place == "line 2")
    #expect(error?.problem.contains("is no vtd_iotlb_page_hit line; expected") == true)
    #expect(error?.problem.contains("iova 0x%x") == true)
  }

  @Test(
    "numbers that do not fit 64 bits are no numbers",
    arguments: [
      "vtd_dmar_fault sid 0x48 fault 6 addr 0x10000000000000000 write 0",
      "vtd_dmar_fault sid 0x48 fault 18446744073709551616 addr 0x0 write 0",
    ])
  func largeNumbers(_ line: String) throws {
    #expect(try refusal(of: Array("\(line)\n".utf8))?.place == "line 1")
  }

  @Test("a last line that is torn is dropped and said")
  func torn() throws {
    let whole = "vtd_dmar_fault sid 0x48 fault 6 addr 0x0 write 0\n"
    let log = try importLog(whole + "vtd_dmar_fault sid 0x48 fault 6 ad")
    #expect(log.count(.recordedFault) == 1)
    #expect(log.notes.contains { $0.contains("cut off and was dropped") })
  }

  @Test("a line of a mebibyte is refused", arguments: ["vtd_dmar_fault ", "unknown_event ", "?"])
  func longLine(_ start: String) throws {
    let line = start + String(repeating: "x", count: 1 << 20)
    let error = try refusal(of: Array("\(line)\n".utf8), as: .qemuLog)
    #expect(error != nil)
    let later = "vtd_dmar_fault sid 0x48 fault 6 addr 0x0 write 0\n\(line)\n"
    #expect(try refusal(of: Array(later.utf8))?.problem.contains("is longer than") == true)
  }

  @Test("names without end are counted together beyond a limit")
  func manyNames() throws {
    var text = "vtd_dmar_fault sid 0x48 fault 6 addr 0x0 write 0\n"
    for number in 0..<5000 { text += "event_\(number) x\n" }
    let log = try importLog(text)
    #expect(log.skipped == 5000)
    let note = try #require(log.notes.first { $0.contains("skipped") })
    #expect(note.contains("other names") && note.contains("more names") && note.utf8.count < 4000)
  }

  @Test("a log in which nothing is of use is refused")
  func nothing() throws {
    let error = try refusal(of: Array("1@1.000001:flatview_new 0x1\n".utf8))
    #expect(error?.problem.contains("is a trace event that is used here") == true)
  }

  @Test("the whole address space has a byte less, and what cannot be is left out")
  func extremes() throws {
    let log = try importLog(Self.sound)
    #expect(log.untimed.contains(SeenEvent(.iommuMap, 1, 0, 0, .max, 3)))
    #expect(log.count(.iommuMap) == 1)
    #expect(log.count(.iommuRegister) == 1)
  }

  @Test("every truncation ends with events or one error")
  func truncations() throws {
    let bytes = Array(Self.sound.utf8)
    for length in stride(from: 1, to: bytes.count, by: 3) {
      _ = try refusal(of: Array(bytes.prefix(length)), as: .qemuLog)
    }
  }

  @Test("flipped bytes end with events or one error")
  func flips() throws {
    var random = SeededGenerator(state: 11)
    for _ in 0..<1500 {
      var bytes = Array(Self.sound.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      }
      _ = try refusal(of: bytes, as: .qemuLog)
    }
  }
}
