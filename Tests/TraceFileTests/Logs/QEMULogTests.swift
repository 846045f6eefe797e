import Testing

@testable import TraceFile

@Suite("QEMU trace logs, line by line")
struct QEMULogTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var lines: String
    var events: [SeenEvent]
    var skipped = 0
    var testDescription: String { what }
  }

  private static let unknown = EventTag.unknownDomain

  /// Each line is in the words of the event's format string in QEMU 7.2's trace-events.
  static let table = [
    Row(
      what: "a hit: sid 0x38 is 00:07.0, and the translation's page is the lookup's",
      lines: """
        vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0xffffe040 slpte 0x263b003 domain 0x6
        vtd_dmar_translate dev 00:07.00 iova 0xffffe000 -> gpa 0x263b000 mask 0xfff

        """,
      events: [
        SeenEvent(.dma, 0x38, 0xffff_e040, 0, 3),
        SeenEvent(
          .recordedTranslation, 0x38, 0xffff_e040, 1, 0x263_b003, 6, 0x263_b000, 0xfff),
      ]),
    Row(
      what: "a miss: the context's lookup comes behind the access that it is for",
      lines: """
        vtd_iotlb_cc_update IOTLB context update bus 0x1 devfn 0x38 high 0x602 low 0x2512001 gen 0 -> gen 1
        vtd_iotlb_page_update IOTLB page update sid 0x138 iova 0x200123 slpte 0x600083 domain 0x6
        vtd_dmar_translate dev 01:07.00 iova 0x200000 -> gpa 0x600000 mask 0x1fffff

        """,
      events: [
        SeenEvent(.dma, 0x138, 0x20_0123, 0, 3),
        SeenEvent(.recordedContext, 0x138, 0, 0x251_2001, 0x602),
        SeenEvent(.recordedTranslation, 0x138, 0x20_0123, 0, 0x60_0083, 6, 0x60_0000, 0x1f_ffff),
      ]),
    Row(
      what: "a fault has no page update and no translation",
      lines: """
        vtd_iotlb_cc_hit IOTLB context hit bus 0x0 devfn 0x48 high 0x802 low 0x253a001 gen 1
        vtd_dmar_fault sid 0x48 fault 5 addr 0x123004 write 1
        vtd_frr_new index 0 high 0x40ffff0600000048 low 0x123000

        """,
      events: [
        SeenEvent(.dma, 0x48, 0x12_3004, 0, 1),
        SeenEvent(.recordedContext, 0x48, 1, 0x253_a001, 0x802),
        SeenEvent(.recordedFault, 0x48, 5, 0x12_3004, 1),
        SeenEvent(.faultRecord, 0, 0, 0x12_3000, 0x40ff_ff06_0000_0048),
      ]),
    Row(
      what: "two threads' lines between each other",
      lines: """
        1@5.000001:vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0x1040 slpte 0x5003 domain 0x6
        2@5.000001:vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0x1080 slpte 0x5003 domain 0x6
        1@5.000001:vtd_dmar_translate dev 00:07.00 iova 0x1000 -> gpa 0x5000 mask 0xfff
        2@5.000001:vtd_dmar_translate dev 00:07.00 iova 0x1000 -> gpa 0x5000 mask 0xfff

        """,
      events: [
        SeenEvent(.dma, 0x38, 0x1040, 0, 3),
        SeenEvent(.dma, 0x38, 0x1080, 0, 3),
        SeenEvent(.recordedTranslation, 0x38, 0x1040, 1, 0x5003, 6, 0x5000, 0xfff),
        SeenEvent(.recordedTranslation, 0x38, 0x1080, 1, 0x5003, 6, 0x5000, 0xfff),
      ]),
    Row(
      what: "a lookup alone, and a translation alone as of a device that passes through",
      lines: """
        vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0x1040 slpte 0x5003 domain 0x6
        vtd_dmar_translate dev 00:08.00 iova 0x7000 -> gpa 0x7000 mask 0xfff

        """,
      events: [
        SeenEvent(.dma, 0x38, 0x1040, 0, 3),
        SeenEvent(.dma, 0x40, 0x7000, 0, 3),
        SeenEvent(.recordedTranslation, 0x40, 0x7000, 2, 0, unknown, 0x7000, 0xfff),
        SeenEvent(.recordedTranslation, 0x38, 0x1040, 1, 0x5003, 6, 0, 0),
      ]),
    Row(
      what: "raw descriptors, and what QEMU says of them once more",
      lines: """
        vtd_inv_desc invalidate desc type iotlb high 0xfffff000 low 0x600f2
        vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x6 addr 0xfffff000 mask 0x0
        vtd_inv_desc invalidate desc type wait high 0x1052004 low 0x200000025
        vtd_inv_desc_wait_sw wait invalidate status write addr 0x1052004 data 0x2

        """,
      events: [
        SeenEvent(.iommuCommand, 0, 0x600f2, 0xffff_f000),
        SeenEvent(.iommuCommand, 0, 0x2_0000_0025, 0x105_2004),
        SeenEvent(.iommuCompletion, 0),
      ], skipped: 1),
    // IOTLB: type 2, G 5:4 (2 domain, 3 page), DID 31:16, AM in the high word's 5:0. IEC: type 4,
    // G 4, IM 31:27, IIDX 47:32. CC: type 1, DID 31:16, SID 47:32, FM 49:48. Wait: SW 5, data 63:32.
    Row(
      what: "descriptors put together where no raw line is",
      lines: """
        vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x6 addr 0xffe00000 mask 0x9
        vtd_inv_desc_iotlb_domain iotlb invalidate whole domain 0x7
        vtd_inv_desc_iec granularity 0x1 index 0x10 mask 0x2
        vtd_inv_desc_cc_devices context invalidate devices sid 0x38 fmask 0x1
        vtd_inv_desc_wait_sw wait invalidate status write addr 0x1052004 data 0x2

        """,
      events: [
        SeenEvent(.iommuCommand, 0, 0x6_0032, 0xffe0_0009),
        SeenEvent(.iommuCommand, 0, 0x7_0022),
        SeenEvent(.iommuCommand, 0, 1 << 4 | 4 | 2 << 27 | 0x10 << 32),
        SeenEvent(.iommuCommand, 0, 0x31 | 0x38 << 32 | 1 << 48),
        SeenEvent(.iommuCommand, 0, 0x25 | 2 << 32, 0x105_2004),
        SeenEvent(.iommuCompletion, 0),
      ]),
    Row(
      what: "an invalidation through a register is in the register's write",
      lines: """
        vtd_reg_write addr 0x28 size 0x8 value 0xa000000000000000
        vtd_inv_desc_cc_global context invalidate globally
        vtd_reg_dmar_root addr 0x24a5000 scalable 0

        """,
      events: [SeenEvent(.iommuRegister, 0, 0x28, 8, 0xa000_0000_0000_0000)], skipped: 2),
    // RTADDR is 20h with TTM 01b in 11:10; IRTA is B8h with 2^(S+1) entries, so 65,536 are S 15.
    Row(
      what: "registers where their writes are not printed",
      lines: """
        vtd_reg_dmar_root addr 0x24a5000 scalable 1
        vtd_reg_ir_root addr 0x1200000 size 0x10000

        """,
      events: [
        SeenEvent(.iommuRegister, 0, 0x20, 8, 0x24a_5400),
        SeenEvent(.iommuRegister, 0, 0xb8, 8, 0x120_000f),
      ]),
    // The entry's low quadword is printed second. SVT 1, SQ 0, SID 0x0038 in the high one: the
    // requester. Vector 0x24, destination 0x200 in 63:32.
    Row(
      what: "an interrupt that an entry remaps, its quadwords the right way round",
      lines: """
        vtd_ir_remap_msi_req addr 0xfee002d8 data 0x0
        vtd_ir_irte_get index 22 low 0x40038 high 0x2000024000d
        vtd_ir_remap index 22 trigger 0 vector 36 deliver 0 dest 0x2 mode 1
        vtd_ir_remap_type MSI
        vtd_ir_remap_msi (addr 0xfee002d8, data 0x0) -> (addr 0xfee0200c, data 0x4024)
        apic_deliver_irq dest 2 dest_mode 1 delivery_mode 0 vector 36 trigger_mode 0

        """,
      events: [
        SeenEvent(.interruptMessage, 0x38, 0xfee0_02d8, 0),
        SeenEvent(.recordedEntry, 22, 0x200_0024_000d, 0x4_0038),
        SeenEvent(.recordedInterrupt, 22, 36, 2, 0, 0, 1),
        // Logical destination 2 is bit 1: core 1.
        SeenEvent(.interruptDelivery, 1, 36, 2, 1, 0, 0),
      ], skipped: 2),
    Row(
      what: "a message that passes, and one that its entry blocks",
      lines: """
        vtd_ir_remap_msi_req addr 0xfee01004 data 0x4031
        vtd_ir_remap_msi (addr 0xfee01004, data 0x4031) -> (addr 0xfee01004, data 0x4031)
        vtd_ir_remap_msi_req addr 0xfee00ff8 data 0x0
        vtd_ir_irte_get index 127 low 0x0 high 0x0
        vtd_inv_desc invalidate desc type iec high 0x0 low 0x4

        """,
      events: [
        SeenEvent(.interruptMessage, EventTag.unknownDevice, 0xfee0_1004, 0x4031),
        SeenEvent(.recordedInterrupt, EventTag.unknownIndex, 0x31, 1, 0, 0, 1),
        SeenEvent(.interruptMessage, EventTag.unknownDevice, 0xfee0_0ff8, 0),
        SeenEvent(.recordedEntry, 127, 0, 0),
        SeenEvent(.iommuCommand, 0, 4),
      ]),
    // INVALIDATE_DEVTAB_ENTRY is opcode 2 with the device, INVALIDATE_IOMMU_PAGES 3 with the domain
    // in 47:32, COMPLETION_WAIT 1 with S in bit 0.
    Row(
      what: "AMD-Vi's commands",
      lines: """
        amdvi_devtab_inval device table entry for devid: 00:1f.2 invalidated
        amdvi_pages_inval AMD-Vi pages for domain 0x3 invalidated
        amdvi_completion_wait completion wait requested with store address 0x11c8000 and store data 0x1
        amdvi_intr_inval Interrupt table invalidated
        amdvi_all_inval Invalidation of all AMD-Vi cache requested\u{20}
        amdvi_mmio_write AMDVI_MMIO_CONTROL write addr 0x18, size 8, val 0x1041, offset 0x18

        """,
      events: [
        SeenEvent(.iommuCommand, 0, 2 << 60 | 0xfa),
        SeenEvent(.iommuCommand, 0, 3 << 60 | 3 << 32, 0x7fff_ffff_ffff_f003),
        SeenEvent(.iommuCommand, 0, 1 << 60 | 0x11c_8001, 1),
        SeenEvent(.iommuCompletion, 0),
        SeenEvent(.iommuCommand, 0, 8 << 60),
        SeenEvent(.iommuRegister, 0, 0x18, 8, 0x1041),
      ], skipped: 1),
    Row(
      what: "AMD-Vi's translations: a fill, a hit, a fault",
      lines: """
        amdvi_cache_update  update iotlb domid 0x2 devid: 00:05.0 gpa 0x1040 hpa 0x5000
        amdvi_translation_result devid: 00:05.0 gpa 0x1040 hpa 0x5000
        amdvi_iotlb_hit hit iotlb devid 00:05.0 gpa 0x1080 hpa 0x5000
        amdvi_translation_result devid: 00:05.0 gpa 0x1080 hpa 0x5000
        amdvi_page_fault error: page fault accessing guest physical address 0x9000
        amdvi_translation_result devid: 00:05.0 gpa 0x9000 hpa 0x0

        """,
      events: [
        SeenEvent(.dma, 0x28, 0x1040, 0, 3),
        SeenEvent(.recordedTranslation, 0x28, 0x1040, 0, 0, 2, 0x5000, 0),
        SeenEvent(.dma, 0x28, 0x1080, 0, 3),
        SeenEvent(.recordedTranslation, 0x28, 0x1080, 1, 0, unknown, 0x5000, 0),
        SeenEvent(.dma, 0x28, 0x9000, 0, 3),
        SeenEvent(.recordedFault, 0x28, 2, 0x9000, 0),
      ]),
    // An entry of 128 bits at offset 0x20 is index 2; vector 0x30 in the high quadword's 7:0.
    Row(
      what: "AMD-Vi's interrupts",
      lines: """
        amdvi_mem_ir_write_req addr 0x0 data 0x2 size 0x4
        amdvi_ir_remap_msi_req addr 0xfee00000 data 0x2 devid 0xa0
        amdvi_ir_intctl int_ctl 0x2
        amdvi_ir_irte addr 0x11de000 offset 0x20
        amdvi_ir_irte_ga_val hi 0x30 lo 0x141
        amdvi_ir_delivery_mode fixed/arbitrated
        amdvi_ir_remap_msi (addr 0xfee00000, data 0x2) -> (addr 0xfee01004, data 0x4030)

        """,
      events: [
        SeenEvent(.interruptMessage, 0xa0, 0xfee0_0000, 2),
        SeenEvent(.recordedEntry, 2, 0x141, 0x30),
        SeenEvent(.recordedInterrupt, 2, 0x30, 1, 0, 0, 1),
      ], skipped: 3),
    Row(
      what: "virtio-iommu: ranges are given by their last byte",
      lines: """
        virtio_iommu_attach domain=1 endpoint=40
        virtio_iommu_map domain=1 virt_start=0x1000 virt_end=0x2fff phys_start=0x9000 flags=3
        virtio_iommu_translate mr=virtio-iommu-memory-region-40-5 rid=40 addr=0x2010 flag=2
        virtio_iommu_translate_out 0x2010 -> 0xa010 for sid=40
        virtio_iommu_unmap domain=1 virt_start=0x1000 virt_end=0x2fff
        virtio_iommu_translate mr=virtio-iommu-memory-region-40-5 rid=40 addr=0x2010 flag=1
        virtio_iommu_report_fault FAULT reason=2 flags=1 endpoint=40 address =0x2010
        virtio_iommu_detach domain=1 endpoint=40

        """,
      events: [
        SeenEvent(.attach, 40, 1),
        SeenEvent(.iommuMap, 1, 0x1000, 0x9000, 0x2000, 3),
        SeenEvent(.dma, 40, 0x2010, 0, 1),
        SeenEvent(.recordedTranslation, 40, 0x2010, 2, 0, unknown, 0xa000, 0xfff),
        SeenEvent(.iommuUnmap, 1, 0x1000, 0x2000),
        SeenEvent(.dma, 40, 0x2010, 0, 0),
        SeenEvent(.recordedFault, 40, 2, 0x2010, 0),
        SeenEvent(.detach, 40, 1),
      ]),
    // Opcode 1 is host to controller, so the device reads; the buffer's second page goes on.
    Row(
      what: "a device's own event gives the accesses length and direction",
      lines: """
        pci_nvme_io_cmd cid 1 nsid 0x1 sqid 2 opc 0x1 opname 'NVME_NVM_CMD_WRITE'
        pci_nvme_map_addr addr 0xfff00800 len 4096
        vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0xfff00800 slpte 0x5001 domain 0x6
        vtd_dmar_translate dev 00:07.00 iova 0xfff00000 -> gpa 0x5000 mask 0xfff
        vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0xfff01000 slpte 0x6001 domain 0x6
        vtd_dmar_translate dev 00:07.00 iova 0xfff01000 -> gpa 0x6000 mask 0xfff
        vtd_iotlb_page_hit IOTLB page hit sid 0x38 iova 0xfff01000 slpte 0x6001 domain 0x6
        vtd_dmar_translate dev 00:07.00 iova 0xfff01000 -> gpa 0x6000 mask 0xfff

        """,
      events: [
        SeenEvent(.dma, 0x38, 0xfff0_0800, 0x800, 0),
        SeenEvent(.recordedTranslation, 0x38, 0xfff0_0800, 1, 0x5001, 6, 0x5000, 0xfff),
        SeenEvent(.dma, 0x38, 0xfff0_1000, 0x800, 0),
        SeenEvent(.recordedTranslation, 0x38, 0xfff0_1000, 1, 0x6001, 6, 0x6000, 0xfff),
        SeenEvent(.dma, 0x38, 0xfff0_1000, 0, 3),
        SeenEvent(.recordedTranslation, 0x38, 0xfff0_1000, 1, 0x6001, 6, 0x6000, 0xfff),
      ]),
    Row(
      what: "caching mode's page walks map and unmap",
      lines: """
        vtd_page_walk_one domain 0x6 iova 0x200000 -> gpa 0x600000 mask 0x1fffff perm 3
        vtd_page_walk_one domain 0x6 iova 0x200000 -> gpa 0x0 mask 0x1fffff perm 0

        """,
      events: [
        SeenEvent(.iommuMap, 6, 0x20_0000, 0x60_0000, 0x20_0000, 3),
        SeenEvent(.iommuUnmap, 6, 0x20_0000, 0x20_0000),
      ]),
  ]

  @Test("lines become events", arguments: table)
  func lines(_ row: Row) throws {
    let log = try importLog(row.lines)
    #expect(log.format == .qemuLog)
    #expect(log.untimed == row.events)
    #expect(log.skipped == row.skipped)
  }

  @Test(
    "prefixes of every version of QEMU give the time",
    arguments: [
      // 2026-11-24 00:00:00 UTC is 1,795,478,400 seconds after 1970: 20,781 days.
      ("25291@1795478400.000002:", 1_795_478_400_000_002_000),
      ("2026-11-24T00:00:00.000002Z ", 1_795_478_400_000_002_000),
      ("2026-11-24T00:00:00Z [guest] qemu-system-x86_64: (12:main): ", 1_795_478_400_000_000_000),
    ] as [(String, UInt64)])
  func prefixes(_ prefix: String, _ time: UInt64) throws {
    let log = try importLog(prefix + "vtd_dmar_fault sid 0x48 fault 6 addr 0x0 write 0\n")
    #expect(
      log.events == [
        SeenEvent(.time, time), SeenEvent(.dma, 0x48, 0, 0, 0),
        SeenEvent(.recordedFault, 0x48, 6, 0, 0),
      ])
  }

  @Test("a log without prefixes has no times")
  func noPrefix() throws {
    let log = try importLog("vtd_dmar_fault sid 0x48 fault 6 addr 0x0 write 0\r\n")
    #expect(log.events.map(\.tag) == [.dma, .recordedFault])
  }

  @Test("unknown events are counted by name, other lines together")
  func unknownLines() throws {
    let log = try importLog(
      """
      1@1.5:flatview_new 0x1 (root 0x2)
      qemu-system-x86_64: warning: something
      1@1.000005:flatview_new 0x1 (root 0x2)
      1@1.000006:some_new_event x=1
      1@1.000007:vtd_dmar_fault sid 0x48 fault 6 addr 0x0 write 0

      """)
    #expect(log.skipped == 4)
    #expect(log.notes.contains { $0.contains("flatview_new 2, some_new_event 1") })
    #expect(
      log.notes.contains { $0.contains("no trace event, skipped: 1, the first of them line 2") })
  }
}
