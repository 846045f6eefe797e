import Testing

@testable import TraceFile

@Suite("Text of Linux's tracers, line by line")
struct KernelTextTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var lines: String
    var events: [SeenEvent]
    var skipped = 0
    var testDescription: String { what }
  }

  private static let unknown = EventTag.unknownDomain

  private static func seen(_ kind: NamedKind, _ id: UInt64, _ text: String) -> SeenEvent {
    var event = SeenEvent(.name, kind.rawValue, id, UInt64(text.utf8.count))
    event.text = text
    return event
  }

  /// The texts are the `print fmt` of Linux 6.1, or of the version that is named.
  static let table = [
    Row(
      what: "trace_pipe: a name with blanks, dashes, colons and brackets",
      lines: """
          my [1] task-7:x-4711  (  4700) [003] d.h1.    16.811087: map: IOMMU: iova=0x00000000ffefa000 - 0x00000000ffefb000 paddr=0x0000000003796000 size=4096
                <idle>-0       [000] d.h1.    16.942720: unmap: IOMMU: iova=0x00000000ffefa000 - 0x00000000ffefb000 size=8192 unmapped_size=4096

        """,
      events: [
        SeenEvent(.time, 16_811_087_000),
        SeenEvent(.iommuMap, unknown, 0xffef_a000, 0x379_6000, 4096, 3),
        SeenEvent(.time, 16_942_720_000),
        SeenEvent(.iommuUnmap, unknown, 0xffef_a000, 4096),
      ]),
    Row(
      what: "trace-cmd report prints no flags, perf script the subsystem",
      lines: """
          <idle>-0     [000]    16.811087: reschedule_entry:     vector=253
        swapper     0 [001]  16.811088: irq_vectors:reschedule_entry: vector=253
        a b  1/2 [002]  16.811089123: irq_vectors:local_timer_entry: vector=236

        """,
      events: [
        SeenEvent(.time, 16_811_087_000), SeenEvent(.interruptDelivery, 0, 253),
        SeenEvent(.time, 16_811_088_000), SeenEvent(.interruptDelivery, 1, 253),
        SeenEvent(.time, 16_811_089_123), SeenEvent(.interruptDelivery, 2, 236),
      ]),
    Row(
      what: "a map of something else is not the IOMMU's",
      lines: """
        x 1 [000] 1.000001: other:map: something
        x 1 [000] 1.000002: map: something
        x 1 [000] 1.000003: irq_vectors:reschedule_entry: vector=253

        """,
      events: [SeenEvent(.time, 1_000_003_000), SeenEvent(.interruptDelivery, 0, 253)],
      skipped: 2),
    Row(
      what: "one address, as older kernels print a mapping",
      lines: """
        x-1 [000] .... 1.5: map: IOMMU: iova=0x1000 paddr=0x2000 size=4096

        """,
      events: [
        SeenEvent(.time, 1_500_000_000), SeenEvent(.iommuMap, unknown, 0x1000, 0x2000, 4096, 3),
      ]),
    Row(
      what: "raw invalidations with the unit's number",
      lines: """
        x-1 [000] .... 1.000001: qi_submit: iotlb_inv dmar2: 0x400e2 0x0 0x0 0x7

        """,
      events: [
        SeenEvent(.time, 1_000_001_000), SeenEvent(.iommuCommand, 2, 0x400e2, 0, 0, 7),
      ]),
    // 0000:00:07.0 is device 7 in bits 7:3: 0x38.
    Row(
      what: "devices by name: PCI functions keep their number, others get one",
      lines: """
        x-1 [000] .... 1.000001: dma_map_phys: 0000:00:07.0 dir=TO_DEVICE dma_addr=fffff000 size=512 phys_addr=12345000 attrs=
        x-1 [000] .... 1.000001: dma_map_page: 3f300000.mmc dir=FROM_DEVICE dma_addr=1000 size=16 phys_addr=2000 attrs=
        x-1 [000] .... 1.000001: dma_unmap_phys: 0000:00:07.0 dir=TO_DEVICE dma_addr=fffff000 size=512 attrs=
        x-1 [000] .... 1.000001: attach_device_to_domain: IOMMU: device=0001:02:00.1
        x-1 [000] .... 1.000001: cache_tag_assign: dmar1/0000:00:07.0 type iotlb did 6 pasid 0 ref 1

        """,
      events: [
        SeenEvent(.time, 1_000_001_000),
        seen(.device, 0x38, "0000:00:07.0"),
        SeenEvent(.dmaMap, 0x38, 0xffff_f000, 0x1234_5000, 512, 1),
        seen(.device, 0x8000_0000, "3f300000.mmc"),
        SeenEvent(.dmaMap, 0x8000_0000, 0x1000, 0x2000, 16, 2),
        SeenEvent(.dmaUnmap, 0x38, 0xffff_f000, 512),
        seen(.device, 0x1_0201, "0001:02:00.1"),
        SeenEvent(.attach, 0x1_0201, unknown),
        SeenEvent(.attach, 0x38, 6, 0, 2),
      ]),
    Row(
      what: "a scatter list is a mapping for each of its segments",
      lines: """
        x-1 [000] .... 1.000001: dma_map_sg: 0000:00:07.0 dir=BIDIRECTIONAL nents=2/2 ents=2/2 dma_addrs={0x1000,0x9000} sizes={0x200,0x400} phys_addrs={0x5000,0x7000} attrs=

        """,
      events: [
        SeenEvent(.time, 1_000_001_000),
        seen(.device, 0x38, "0000:00:07.0"),
        SeenEvent(.dmaMap, 0x38, 0x1000, 0x5000, 0x200, 3),
        SeenEvent(.dmaMap, 0x38, 0x9000, 0x7000, 0x400, 3),
      ]),
    Row(
      what: "vectors move, handlers run",
      lines: """
        x-1 [001] .... 1.000001: vector_config: irq=25 vector=239 cpu=0 apicdest=0x00000001
        x-1 [001] .... 1.000001: vector_update: irq=25 vector=48 cpu=1 prev_vector=239 prev_cpu=0
        x-1 [001] .... 1.000001: irq_handler_entry: irq=25 name=virtio1-req.0

        """,
      events: [
        SeenEvent(.time, 1_000_001_000),
        SeenEvent(.vectorConfig, 25, 239, 0, 1),
        SeenEvent(.vectorUpdate, 25, 48, 1, 239, 0),
        seen(.interrupt, 25, "virtio1-req.0"),
        SeenEvent(.interruptHandler, 1, 25),
      ]),
    Row(
      what: "a virtual processor follows its thread from core to core",
      lines: """
        CPU 0/KVM-77 [002] d... 1.000001: kvm_entry: vcpu 1, rip 0x400000
        CPU 0/KVM-77 [002] d... 1.000001: kvm_exit: vcpu 1 reason npf rip 0x400000 info1 0x0000000200000006 info2 0x0000000000100000 intr_info 0x00000000 error_code 0x00000000
        CPU 0/KVM-77 [002] d... 1.000001: sched_switch: prev_comm=CPU 0/KVM prev_pid=77 prev_prio=120 prev_state=S ==> next_comm=prev_pid=1 next_pid=9 next_prio=120
        <idle>-0 [003] d... 1.000001: sched_switch: prev_comm=swapper/3 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=CPU 0/KVM next_pid=77 next_prio=120
        CPU 0/KVM-77 [003] d... 1.000001: kvm_entry: vcpu 1, rip 0x400000
        other-78 [000] d... 1.000001: kvm_entry: vcpu 1, rip 0x400000
        CPU 0/KVM-77 [003] d... 1.000001: sched_switch: prev_comm=CPU 0/KVM prev_pid=77 prev_prio=120 prev_state=R+ ==> next_comm=x next_pid=9 next_prio=120

        """,
      events: [
        SeenEvent(.time, 1_000_001_000),
        SeenEvent(.vcpuIn, 1, 2), SeenEvent(.vmEntry, 1),
        SeenEvent(.vmExit, 1, 0x400, 0x2_0000_0006, 0x10_0000),
        SeenEvent(.vcpuOut, 1, 2, 1),
        SeenEvent(.vcpuIn, 1, 3), SeenEvent(.vmEntry, 1),
        // Another thread with the same number is another machine's.
        SeenEvent(.vcpuIn, 1 << 16 | 1, 0), SeenEvent(.vmEntry, 1 << 16 | 1),
        SeenEvent(.vcpuOut, 1, 3, 0),
      ]),
    // EXTERNAL_INTERRUPT is VMX exit reason 1, "DE excp" SVM's 0x40.
    Row(
      what: "exits of older kernels, and reasons of two words",
      lines: """
        x-7 [000] .... 1.000001: kvm_exit: vcpu 0 reason EXTERNAL_INTERRUPT rip 0x10 info 0 800000ef
        x-7 [000] .... 1.000001: kvm_exit: reason DE excp rip 0x10 info 1 2
        x-7 [000] .... 1.000001: kvm_page_fault: address fee00300 error_code 181
        x-7 [000] .... 1.000001: kvm_page_fault: vcpu 0 rip 0x10 address 0x0000000000101000 error_code 0x200000006

        """,
      events: [
        SeenEvent(.time, 1_000_001_000),
        SeenEvent(.vcpuIn, 0, 0), SeenEvent(.vmExit, 0, 1, 0, 0x8000_00ef),
        SeenEvent(.vmExit, 0, 0x40, 1, 2),
        SeenEvent(.secondStageFault, 0, 0xfee0_0300, 0x181),
        SeenEvent(.secondStageFault, 0, 0x10_1000, 0x2_0000_0006, 0x10),
      ]),
    Row(
      what: "tables, routes, messages and injections",
      lines: """
        x-7 [000] .... 1.000001: kvm_entry: vcpu 0, rip 0x10[immediate exit]
        x-7 [000] .... 1.000001: kvm_mmu_set_spte: gfn 100 spte a822e67 (rwxu) level 1 at 4173800
        x-7 [000] .... 1.000001: kvm_tdp_mmu_spte_changed: as id 0 gfn 200 level 2 old_spte a822e67 new_spte 0
        x-7 [000] .... 1.000001: kvm_pi_irte_update: PI is enabled and being updated for irq 30, vcpu 0, gsi: 0x18, gvec: 0x41, pi_desc_addr: 0x1080
        x-7 [000] .... 1.000001: kvm_pi_irte_update: PI is disabled for irq 30, vcpu 0, gsi: 0x18, gvec: 0x41
        x-7 [000] .... 1.000001: kvm_apicv_accept_irq: apicid 1 vec 65 (NMI|edge)
        x-7 [000] .... 1.000001: kvm_msi_set_irq: dst 1 vec 65 (LowPrio|logical|level|rh)
        x-7 [000] .... 1.000001: kvm_inj_virq: IRQ 0x41 [reinjected]
        x-7 [000] .... 1.000001: kvm_vcpu_wakeup: wait time 1234 ns, polling valid
        x-7 [000] .... 1.000001: kvm_avic_ga_log: vmid=3, vcpuid=1

        """,
      events: [
        SeenEvent(.time, 1_000_001_000),
        SeenEvent(.vcpuIn, 0, 0), SeenEvent(.vmEntry, 0),
        SeenEvent(.tableWrite, 2, 0x417_3800, 0xa82_2e67),
        // Level 2 of KVM's counting is 2 MiB.
        SeenEvent(.unmap, 2, 0x200 << 12, 2 << 20),
        SeenEvent(.postedRoute, 1, 30, 0, 0x18, 0x41, 0x1080),
        SeenEvent(.postedRoute, 0, 30, 0, 0x18, 0x41, 0),
        SeenEvent(.interruptAccept, 1, 65, 4, 1),
        SeenEvent(.softwareInterrupt, 1, 65, 1, 1),
        SeenEvent(.interruptInjection, 0, 0x41),
        SeenEvent(.vcpuWake, 0, 1234, 0),
        SeenEvent(.guestInterruptLog, 3, 1),
      ]),
    Row(
      what: "lost events",
      lines: """
        CPU:2 [LOST 17 EVENTS]
        x-7 [000] .... 1.000001: reschedule_entry: vector=253

        """,
      events: [
        SeenEvent(.lost, 17), SeenEvent(.time, 1_000_001_000),
        SeenEvent(.interruptDelivery, 0, 253),
      ]),
    Row(
      what: "VT-d's faults in the kernel's log, newer and older",
      lines: """
        [   12.345678] DMAR: [DMA Read NO_PASID] Request device [00:09.0] fault addr 0x123000 [fault reason 0x06] PTE Read access is not set
        DMAR: [DMA Write] Request device [02:00.0] fault addr ffffc000 [fault reason 05] PTE Write access is not set
        [   12.345679] DMAR: DRHD: handling fault status reg 2
        [   12.345679] DMAR: [INTR-REMAP] Request device [f0:1f.7] fault index 0x1f [fault reason 0x26] Blocked

        """,
      events: [
        SeenEvent(.time, 12_345_678_000),
        SeenEvent(.dma, 0x48, 0x12_3000, 0, 0), SeenEvent(.recordedFault, 0x48, 6, 0x12_3000, 0),
        SeenEvent(.dma, 0x200, 0xffff_c000, 0, 1),
        SeenEvent(.recordedFault, 0x200, 5, 0xffff_c000, 1),
        SeenEvent(.time, 12_345_679_000),
        SeenEvent(.recordedFault, 0xf0ff, 0x26, 0x1f, 0),
      ], skipped: 1),
    Row(
      what: "AMD-Vi's and the SMMUv3's faults in the kernel's log",
      lines: """
        [    2.000001] nvme 0000:01:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000c address=0x1800 flags=0x0020]
        [    2.000001] AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.0 domain=0x000c address=0x1800 flags=0x0020]
        [    3.000001] arm-smmu-v3 9050000.smmuv3: event 0x10 received:
        [    3.000001] arm-smmu-v3 9050000.smmuv3: \t0x0000004800000010
        [    3.000001] arm-smmu-v3 9050000.smmuv3: \t0x0000020000000000
        [    3.000001] arm-smmu-v3 9050000.smmuv3: \t0x0000000000123000
        [    3.000001] arm-smmu-v3 9050000.smmuv3: \t0x0000000000000000

        """,
      events: [
        SeenEvent(.time, 2_000_001_000),
        SeenEvent(.dma, 0x100, 0x1800, 0, 1), SeenEvent(.recordedFault, 0x100, 2, 0x1800, 1),
        SeenEvent(.time, 3_000_001_000),
        // RnW, bit 35 of the second word, is 0: a write.
        SeenEvent(.dma, 0x48, 0x12_3000, 0, 1), SeenEvent(.recordedFault, 0x48, 0x10, 0x12_3000, 1),
      ], skipped: 1),
  ]

  @Test("lines become events", arguments: table)
  func lines(_ row: Row) throws {
    let log = try importLog(row.lines)
    #expect(log.format == .ftrace)
    let hasTimes = row.events.contains { $0.tag == .time }
    #expect((hasTimes ? log.events : log.untimed) == row.events)
    #expect(log.skipped == row.skipped)
  }

  @Test("a known event's line that does not fit is named with what was expected")
  func malformed() throws {
    let line = "x-1 [000] .... 1.000001: vector_config: irq=25 cpu=0\n"
    let error = try refusal(of: Array("# tracer: nop\n\(line)".utf8), as: .ftrace)
    #expect(error?.place == "line 2")
    #expect(error?.problem.contains("is no vector_config line") == true)
    #expect(error?.problem.contains("irq=, vector=, cpu=") == true)
  }

  @Test("a last line that is torn is dropped and said")
  func torn() throws {
    let whole = "x-1 [000] .... 1.000001: reschedule_entry: vector=253\n"
    let log = try importLog(whole + "x-1 [000] .... 1.000002: reschedule_entry: vec")
    #expect(log.count(.interruptDelivery) == 1)
    #expect(log.notes.contains { $0.contains("cut off and was dropped") })
  }

  @Test(
    "a line of a mebibyte is refused", arguments: ["x-1 [000] .... 1.1: map: IOMMU: ", "[", "?"])
  func longLine(_ start: String) throws {
    let whole = "x-1 [000] .... 1.000001: reschedule_entry: vector=253\n"
    let text = whole + start + String(repeating: "x", count: 1 << 20) + "\n"
    let error = try refusal(of: Array(text.utf8))
    #expect(error != nil)
  }

  @Test("truncations and flipped bytes end with events or one error")
  func hostile() throws {
    let sound = Self.table.map(\.lines).joined().utf8
    let bytes = Array(sound)
    for length in stride(from: 1, to: bytes.count, by: 17) {
      _ = try refusal(of: Array(bytes.prefix(length)), as: .ftrace)
    }
    var random = SeededGenerator(state: 5)
    for _ in 0..<1000 {
      var bytes = bytes
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      }
      _ = try refusal(of: bytes, as: .ftrace)
    }
  }
}

/// The captures' lines, counted here by splitting them, against the events made of them.
@Suite("Linux's captured traces")
struct KernelCaptureTests {
  private func names(_ lines: [Substring]) throws -> [Substring: Int] {
    try lines.filter { !$0.hasPrefix("#") }.reduce(into: [:]) { counts, line in
      // Times have six digits behind the point, and nothing before them has ": " here.
      let event = try #require(line.split(separator: ": ", maxSplits: 1).last)
      counts[event.split(separator: ":", maxSplits: 1)[0], default: 0] += 1
    }
  }

  private func check(
    _ name: String, _ made: [Substring: EventTag], also rest: [EventTag: Int] = [:]
  ) throws -> ImportedLog {
    let path = qemuCapture(name)
    let lines = try names(try captureLines(path))
    let log = try importLog(path: path)
    #expect(log.format == .ftrace)
    var expected = rest
    for (name, tag) in made { expected[tag, default: 0] += lines[name, default: 0] }
    for (tag, count) in expected { #expect(log.count(tag) == count, "\(tag)") }
    let skipped = lines.filter { made[$0.key] == nil }
    #expect(log.skipped == skipped.values.reduce(0, +))
    let note = log.notes.first { $0.contains("skipped") } ?? ""
    for (name, count) in skipped { #expect(note.contains("\(name) \(count)"), "\(name)") }
    return log
  }

  @Test(
    "vtd-lazy's guest kernel",
    .enabled(if: hasCapture("vtd-lazy/g_trace.zst"), "no capture vtd-lazy"))
  func vtdLazy() throws {
    let log = try check(
      "vtd-lazy/g_trace.zst",
      [
        "map": .iommuMap, "unmap": .iommuUnmap, "qi_submit": .iommuCommand,
        "call_function_single_entry": .interruptDelivery, "reschedule_entry": .interruptDelivery,
        "vector_config": .vectorConfig, "vector_update": .vectorUpdate,
      ])
    #expect(log.count(.iommuMap) == 1820)
    // Domain-selective IOTLB invalidations of the lazy queue, and interrupt entry ones.
    let types = Set(log.events.filter { $0.tag == .iommuCommand }.map { $0.words[1] & 0xf })
    #expect(types == [2, 4])
  }

  @Test(
    "svm-npt's hypervisor: every nested fault has the address and code of its exit",
    .enabled(if: hasCapture("svm-npt/g_kvmtrace.zst"), "no capture svm-npt"))
  func svmNPT() throws {
    let log = try check(
      "svm-npt/g_kvmtrace.zst",
      [
        "kvm_entry": .vmEntry, "kvm_exit": .vmExit, "kvm_page_fault": .secondStageFault,
        "kvm_mmu_set_spte": .tableWrite,
      ], also: [.vcpuIn: 1, .unmap: 0])
    let exits = log.untimed.filter { $0.tag == .vmExit && $0.words[1] == 0x400 }
    let faults = log.untimed.filter { $0.tag == .secondStageFault }
    #expect(exits.map { [$0.words[3], $0.words[2]] } == faults.map { [$0.words[1], $0.words[2]] })
    // 122 on the final address, 1 fetch, 13 on table walks: error code bits 32, 4 and 33.
    #expect(faults.count == 136)
    #expect(faults.count { $0.words[2] >> 33 & 1 == 1 } == 13)
    #expect(faults.count { $0.words[2] >> 4 & 1 == 1 } == 1)
  }

  @Test(
    "smmu-its's guest kernel",
    .enabled(if: hasCapture("smmu-its/g_trace.zst"), "no capture smmu-its"))
  func smmuITS() throws {
    _ = try check(
      "smmu-its/g_trace.zst",
      ["map": .iommuMap, "unmap": .iommuUnmap, "irq_handler_entry": .interruptHandler])
  }
}
