import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// AMD-Vi's interrupts from a log or a scenario to their ends, on machines that come with the tool.
@Suite("AMD-Vi interrupts of traces")
struct AMDViReplayTests {
  /// Lines as QEMU's `hw/i386/trace-events` formats them, in the order of `amdvi_int_remap_msi`.
  ///
  /// 0x21487 of the control register has IommuEn (0) and GAEn (17); 0x1487 has not the second. The
  /// message's data names entry 5: 16 x 5 = 0x50 bytes into a table of 128-bit entries, 4 x 5 = 0x14
  /// of 32-bit ones.
  static let log = """
    7@1.000000:amdvi_ir_remap_msi_req addr 0xfee02000 data 0x31 devid 0x10
    7@1.000001:amdvi_ir_remap_msi (addr 0xfee02000, data 0x31) -> (addr 0xfee02000, data 0x31)
    7@1.000002:apic_deliver_irq dest 2 dest_mode 0 delivery_mode 0 vector 49 trigger_mode 0
    7@1.000010:amdvi_mmio_write AMDVI_MMIO_CONTROL write addr 0x18, size 8, val 0x21487, offset 0x18
    7@1.000020:amdvi_ir_remap_msi_req addr 0xfee00000 data 0x5 devid 0x10
    7@1.000021:amdvi_ir_delivery_mode fixed/arbitrated
    7@1.000022:amdvi_ir_intctl int_ctl 0x2
    7@1.000023:amdvi_ir_irte addr 0x2000000 offset 0x50
    7@1.000024:amdvi_ir_irte_ga_val hi 0x61 lo 0x301
    7@1.000025:amdvi_ir_remap_msi (addr 0xfee00000, data 0x5) -> (addr 0xfee03000, data 0x4061)
    7@1.000026:apic_deliver_irq dest 3 dest_mode 0 delivery_mode 0 vector 97 trigger_mode 0
    7@1.000030:amdvi_intr_inval Interrupt table invalidated
    7@1.000040:amdvi_ir_remap_msi_req addr 0xfee00000 data 0x5 devid 0x10
    7@1.000041:amdvi_ir_delivery_mode fixed/arbitrated
    7@1.000042:amdvi_ir_intctl int_ctl 0x2
    7@1.000043:amdvi_ir_irte addr 0x2000000 offset 0x50
    7@1.000044:amdvi_ir_irte_ga_val hi 0x62 lo 0x345
    7@1.000045:amdvi_ir_remap_msi (addr 0xfee00000, data 0x5) -> (addr 0xfee03004, data 0x4162)
    7@1.000050:amdvi_ir_remap_msi_req addr 0xfee00000 data 0x5 devid 0x10
    7@1.000051:amdvi_ir_delivery_mode fixed/arbitrated
    7@1.000052:amdvi_ir_intctl int_ctl 0x2
    7@1.000053:amdvi_ir_irte addr 0x2000000 offset 0x50
    7@1.000054:amdvi_ir_irte_ga_val hi 0x62 lo 0x344
    7@1.000055:amdvi_ir_target_abort RemapEn is disabled
    7@1.000060:amdvi_ir_remap_msi_req addr 0xfee00000 data 0x405 devid 0x10
    7@1.000061:amdvi_ir_delivery_mode nmi
    7@1.000062:amdvi_ir_err passthrough is not enabled
    7@1.000070:amdvi_control_status MMIO_STATUS state 0x1487
    7@1.000080:amdvi_ir_remap_msi_req addr 0xfee00000 data 0x5 devid 0x10
    7@1.000081:amdvi_ir_delivery_mode fixed/arbitrated
    7@1.000082:amdvi_ir_intctl int_ctl 0x2
    7@1.000083:amdvi_ir_irte addr 0x2000000 offset 0x14
    7@1.000084:amdvi_ir_irte_val data 0x410301
    7@1.000085:amdvi_ir_remap_msi (addr 0xfee00000, data 0x5) -> (addr 0xfee03000, data 0x4041)

    """

  private static func run(_ text: String, _ settings: String...) throws -> RunResult {
    try replay(
      text: text, suffix: "log", on: "qemu-amdvi", settings, checksRecorded: true)
  }

  @Test("a log in which entries of both sizes pass, remap and abort agrees line by line")
  func agrees() throws {
    let result = try Self.run(Self.log)
    #expect(result.interrupts("requests") == 6)
    #expect(result.interrupts("passedThrough") == 1)
    #expect(result.interrupts("remapped") == 3)
    // RemapEn clear is an IO_PAGE_FAULT, an NMI without NMIPass a target abort.
    #expect(result.interrupts("fault.IO_PAGE_FAULT") == 1)
    #expect(result.interrupts("fault.TARGET_ABORT") == 1)
    #expect(result.counters["check.interrupts.agreed"] == 6)
    #expect(result.counters["check.interrupts.contradicted"] == 0)
    #expect(result.counters["check.interrupts.blocked"] == 2)
    #expect(result.counters["check.interrupts.deliveries.agreed"] == 2)
    // Vector 0x61 to 3 became 0x62; between an absent entry and a present one nothing moves.
    #expect(result.cells("interrupts.moves", "fromVector") == ["97"])
    #expect(result.cells("interrupts.moves", "toVector") == ["98"])
    #expect(result.cells("interrupts.moves", "table") == ["00:02.0"])
  }

  @Test(
    "one line that says otherwise is contradicted",
    arguments: [
      ("data 0x4061", "data 0x4063"),
      ("addr 0xfee03004, data 0x4162", "addr 0xfee03000, data 0x4162"),
      ("irte_val data 0x410301", "irte_val data 0x410201"),
      ("val 0x21487", "val 0x1487"), ("hi 0x62 lo 0x344", "hi 0x62 lo 0x345"),
    ])
  func contradicts(_ old: String, _ new: String) throws {
    let changed = Self.log.replacing(old, with: new)
    #expect(changed != Self.log)
    let result = try Self.run(changed)
    #expect((result.counters["check.interrupts.contradicted"] ?? 0) > 0)
  }

  @Test(
    "the recorded guest's interrupts", .enabled(if: Captures.hasQEMU, "no captures of QEMU"))
  func capture() throws {
    let result = try replay(
      devices: Captures.qemu("amdvi-example/trace-head.log.zst"), on: "qemu-amdvi", [],
      checksRecorded: true)
    // 60 lines amdvi_ir_remap_msi_req: the first before its IOMMU is on, 59 through entry 2, each
    // with an amdvi_ir_remap_msi and an apic_deliver_irq.
    #expect(result.interrupts("requests") == 60)
    #expect(result.interrupts("passedThrough") == 1)
    #expect(result.interrupts("remapped") == 59)
    #expect(result.counters["check.interrupts.agreed"] == 60)
    #expect(result.counters["check.interrupts.contradicted"] == 0)
    #expect(result.counters["check.interrupts.deliveries.agreed"] == 60)
  }

  /// Nine messages, told one by one in the scenario's comments.
  @Test("the shipped scenario: guests' entries, the guest log, pass bits and a shared table")
  func shipped() throws {
    let result = try replay(
      devices: shippedTrace("amd-guest-interrupts.scenario"),
      on: "reference-amd-interrupts")
    #expect(result.interrupts("requests") == 9)
    // One of the IOAPIC; two while their virtual processors ran, one into the guest log, and the
    // victim's through a shared table; NMIPass lets one NMI through.
    #expect(result.interrupts("remapped") == 1)
    #expect(result.interrupts("posted") == 4)
    #expect(result.interrupts("passedThrough") == 1)
    #expect(result.interrupts("blocked") == 3)
    #expect(result.interrupts("fault.IO_PAGE_FAULT") == 2)
    #expect(result.interrupts("fault.TARGET_ABORT") == 1)
    #expect(result.interrupts("delivery.direct") == 3)
    #expect(result.interrupts("delivery.pending") == 1)
    #expect(result.interrupts("delivery.host") == 1)
    #expect(result.interrupts("guestLog.entries") == 1)
    #expect(result.interrupts("observed.guestLogs.matched") == 1)
    #expect(result.interrupts("observed.wakes.matched") == 1)
    #expect(result.interrupts("delivery.resumed") == 1)
    // Posted at 3000, on a core again at 5000.
    #expect(result.interrupts("waitedNanoseconds") == 2000)
    let found = result.findings.map { "\($0.rule) \($0.severity)" }
    #expect(
      Set(found) == [
        "V12 critical", "V14 critical", "V15 critical", "V15 low", "V16 medium",
      ])
    let shared = try #require(result.findings.first { $0.rule == "V14" })
    #expect(shared.first.detail["sharedWith"] == "04:00.0")
    #expect(shared.count == 1)
  }

  @Test("without checks the same messages reach their targets or the host")
  func unchecked() throws {
    let path = shippedTrace("amd-guest-interrupts.scenario")
    let none = try replay(
      devices: path, on: "reference-amd-interrupts", ["interrupts.mode=none"])
    #expect(none.interrupts("passedThrough") == 9)
    #expect(none.interrupts("blocked") == 0)
    let remapped = try replay(
      devices: path, on: "reference-amd-interrupts", ["interrupts.mode=remapped"])
    #expect(remapped.interrupts("delivery.direct") == 0)
    #expect(remapped.interrupts("delivery.injected") == 3)
    #expect(remapped.interrupts("blocked") == 3)
  }
}
