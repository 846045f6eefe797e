import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// What kernels and hypervisors log of interrupts besides messages, against the model's.
@Suite("Observed interrupts")
struct ObservedInterruptTests {
  /// Device 0x18 has entry 3, which remaps to vector 0x41 of core 2: the kernel's interrupt 24.
  private static func begin() -> InterruptScenario {
    var scenario = InterruptScenario()
    scenario.add(.vcpuDefine, 1, 1)
    scenario.add(.vcpuIn, 1, 0)
    scenario.add(.interruptEntry, 0, 3, InterruptScenario.remapped(0x41, core: 2), 0x40018)
    scenario.add(.vectorConfig, 24, 0x41, 2, 2)
    return scenario
  }

  @Test("a handler answers the oldest message of its vector and core; another's answers none")
  func handlers() throws {
    var scenario = Self.begin()
    scenario.time(1000)
    scenario.message(0x18, 3)
    scenario.time(1100)
    scenario.message(0x18, 3)
    scenario.time(1340)
    scenario.add(.interruptHandler, 3, 24)  // core 3, where nothing arrived
    scenario.add(.interruptHandler, 2, 25)  // an interrupt of unknown vector
    scenario.add(.interruptHandler, 2, 24)
    scenario.add(.interruptHandler, 2, 24)  // nothing is left
    let result = try scenario.replay(InterruptScenario.machine())
    #expect(result.interrupts("observed.handlers") == 4)
    #expect(result.interrupts("observed.handlers.matched") == 1)
    // 1340 - 1000 = 340, of which five bits are 10101b << 4 = 336.
    #expect(result.histograms["interrupt.observedLatency"] == [HistogramBar(value: 336, count: 1)])
    #expect(result.cells("interrupts.routes", "interrupt") == ["24", "25"])
    #expect(result.cells("interrupts.routes", "handled") == ["3", "1"])
  }

  @Test("a route makes the interrupt's entry post to its virtual processor, and gives it back")
  func routes() throws {
    var scenario = Self.begin()
    scenario.message(0x18, 3)  // to core 2
    scenario.add(.postedRoute, 1, 24, 1, 5, 0x51, 0x1_0000_1040)
    scenario.message(0x18, 3)  // posted to vCPU 1, which runs
    scenario.add(.postedRoute, 1, 24, 1, 5, 0x52, 0x1_0000_1040)
    scenario.message(0x18, 3)
    scenario.message(0x20, 3)  // the source check is kept: 26h
    scenario.add(.postedRoute, 0, 24, 1, 5, 0x52, 0x1_0000_1040)
    scenario.message(0x18, 3)  // to core 2 again
    let result = try scenario.replay(InterruptScenario.machine(cacheWays: 4))
    #expect(result.interrupts("observed.routes") == 3)
    #expect(result.interrupts("remapped") == 2)
    #expect(result.interrupts("posted") == 2)
    #expect(result.interrupts("fault.26h") == 1)
    #expect(result.interrupts("delivery.direct") == 2)
    #expect(result.cells("interrupts.vcpus", "direct") == ["2"])
    // The entry cache forgets each rewritten entry.
    #expect(result.interrupts("entryCache.invalidations") == 3)
    // Back at the end: nobody, and no entry that waits to be given back.
    #expect(result.cells("interrupts.routes", "vcpu") == [""])
    #expect(result.cells("interrupts.entries", "does") == ["remaps fixed"])
  }

  @Test("a kernel's migrations are told in order and counted by windows")
  func migrations() throws {
    var scenario = Self.begin()
    scenario.time(5000)
    scenario.add(.vectorUpdate, 24, 0x42, 3, 0x41, 2)
    scenario.add(.vectorUpdate, 25, 0x43, 1, 0, 0)  // its first vector is no move
    scenario.add(.vectorUpdate, 24, 0x42, 3, 0x42, 3)  // neither is the same place
    scenario.time(5000 + 1024)
    scenario.add(.vectorUpdate, 24, 0x42, 0, 0x42, 3)
    scenario.message(0x18, 3)
    let result = try scenario.replay(InterruptScenario.machine())
    #expect(result.interrupts("vectorMoves") == 2)
    #expect(result.interrupts("moves") == 0)
    #expect(result.cells("interrupts.moves", "table") == ["interrupts", "interrupts"])
    #expect(result.cells("interrupts.moves", "toDestination") == ["3", "0"])
    #expect(result.cells("interrupts.movesOverTime", "moves") == ["1", "1"])
    #expect(result.cells("interrupts.movesOverTime", "nanoseconds") == ["5000", "6024"])
  }

  @Test("windows double until the last move is in them, and lose none")
  func windows() {
    var windows = TimeWindows()
    for time: UInt64 in [0, 1023, 1024, 65_535, 65_536, 10, 1 << 40, .max] { windows.add(at: time) }
    #expect(windows.counts.reduce(0, +) == 8)
    #expect(windows.width == 1 << 58)
  }

  @Test("accepted and injected vectors are the model's own, or software's")
  func accepts() throws {
    var scenario = Self.begin()
    scenario.add(.deviceOwner, 0x20, 1)
    scenario.add(.postedDefine, 0x1000, 1, 1)
    let entry = InterruptScenario.posted(0x51, 0x1000)
    scenario.add(.interruptEntry, 0, 4, entry.low, 0x40020 | entry.high)
    scenario.message(0x20, 4)  // taken without exit
    scenario.add(.interruptAccept, 1, 0x51, 0, 1)  // which the recorder saw
    scenario.add(.interruptAccept, 1, 0x52, 0, 1)  // software's, and it runs: taken at once
    scenario.add(.vmExit, 1, 0, 0, 0)
    scenario.time(100)
    scenario.add(.interruptAccept, 1, 0x61, 0, 0)  // software's: it waits
    scenario.add(.interruptAccept, 1, 0x61, 0, 0)  // and merges
    scenario.time(400)
    scenario.add(.interruptInjection, 1, 0x61)
    scenario.add(.interruptInjection, 1, 0x62)  // nothing of the model's
    scenario.time(500)
    scenario.add(.interruptAccept, 1, 0x63, 0, 0)
    scenario.time(600)
    scenario.add(.vmEntry, 1)  // takes 0x63
    let result = try scenario.replay(InterruptScenario.machine())
    #expect(result.interrupts("observed.accepts") == 5)
    #expect(result.interrupts("observed.accepts.matched") == 2)
    #expect(result.interrupts("observed.injections") == 2)
    #expect(result.interrupts("observed.injections.matched") == 1)
    #expect(result.interrupts("delivery.resumed") == 2)
    #expect(result.interrupts("waitedNanoseconds") == 300 + 100)
    #expect(result.cells("interrupts.observed", "acceptedPosted") == ["2"])
    #expect(result.cells("interrupts.observed", "accepted") == ["3"])
    #expect(result.cells("interrupts.observed", "injected") == ["2"])
  }

  @Test("a wake-up ends a block, for a vector that waits or for another reason")
  func wakes() throws {
    var scenario = Self.begin()
    scenario.add(.postedDefine, 0x1000, 1, 1)
    let entry = InterruptScenario.posted(0x51, 0x1000)
    scenario.add(.interruptEntry, 0, 4, entry.low, 0x40020 | entry.high)
    scenario.add(.vcpuOut, 1, 0, 1)
    scenario.add(.vcpuWake, 1, 50, 1)  // polling, for nothing of the model's
    scenario.add(.vcpuIn, 1, 0)
    scenario.add(.vcpuOut, 1, 0, 1)
    scenario.message(0x20, 4)
    scenario.add(.vcpuWake, 1, 70, 0)
    // It is runnable now: notifications are suppressed, and no wake-up costs anything.
    scenario.message(0x20, 4)
    let result = try scenario.replay(InterruptScenario.machine())
    #expect(result.interrupts("observed.wakes") == 2)
    #expect(result.interrupts("observed.wakes.matched") == 1)
    #expect(result.cells("interrupts.observed", "woken") == ["2"])
    // Each: remap 1, reference 10, post 1000; the first also notifies 100 and wakes 10,000,000.
    #expect(result.interrupts("nanoseconds") == 2 * 1011 + 10_000_100)
  }

  @Test("the guest log's entries are told by tag, of old kernels and new")
  func guestLog() throws {
    for shift: UInt64 in [8, 9] {
      var scenario = InterruptScenario()
      let tag: UInt64 = 3 << shift | 1
      scenario.add(.postedDefine, tag, 1, 3)
      // RemapEn, GALogIntr, GuestMode.
      scenario.add(.interruptEntry, 0x20, 5, tag << 32 | 0x85, 0x51)
      scenario.add(.guestInterruptLog, 3, 1)  // too early
      scenario.add(.interruptMessage, 0x20, 0xfee0_0000, 5)
      scenario.add(.guestInterruptLog, 3, 2)  // another virtual processor
      scenario.add(.guestInterruptLog, 3, 1)
      scenario.add(.guestInterruptLog, 3, 1)  // told already
      let result = try scenario.replay(InterruptScenario.machine(), .amdvi)
      #expect(result.interrupts("guestLog.entries") == 1)
      #expect(result.interrupts("observed.guestLogs") == 4)
      #expect(result.interrupts("observed.guestLogs.matched") == 1)
    }
  }

  /// Lines as `trace_pipe` prints them, of one interrupt from its setting up to its posting.
  static let text = """
      x-1 [001] d..1. 1.000000: vector_config: irq=30 vector=37 cpu=1 apicdest=0x00000001
      x-1 [001] d..1. 2.000000: vector_update: irq=30 vector=38 cpu=0 prev_vector=37 prev_cpu=1
      x-1 [000] d.h1. 2.000100: irq_handler_entry: irq=30 name=vfio-msix[0](0000:01:00.0)
      CPU 0/KVM-7 [000] d..1. 3.000000: kvm_entry: vcpu 0, rip 0x10
      CPU 0/KVM-7 [000] d..1. 3.000001: kvm_pi_irte_update: PI is enabled and being updated for irq 30, vcpu 0, gsi: 0x18, gvec: 0x41, pi_desc_addr: 0x1080
      CPU 0/KVM-7 [000] d..1. 3.000002: kvm_apicv_accept_irq: apicid 0 vec 65 (Fixed|edge)
      CPU 0/KVM-7 [000] d..1. 3.000003: kvm_msi_set_irq: dst 0 vec 66 (Fixed|physical|edge)
      CPU 0/KVM-7 [000] d..1. 3.000004: kvm_exit: vcpu 0 reason EXTERNAL_INTERRUPT rip 0x10 info1 0x0 info2 0x0 intr_info 0x0 error_code 0x0
      CPU 0/KVM-7 [000] d..1. 3.000005: kvm_apic_accept_irq: apicid 0 vec 66 (Fixed|edge)
      CPU 0/KVM-7 [000] d..1. 3.000007: kvm_inj_virq: IRQ 0x42
      CPU 0/KVM-7 [000] d..1. 3.000008: kvm_entry: vcpu 0, rip 0x10

    """

  @Test("a kernel's own text is replayed by every event that it has")
  func kernelText() throws {
    let result = try replay(text: Self.text, suffix: "ftrace", on: "reference-interrupts")
    let expected = [
      "vectorConfigs": 1, "vectorUpdates": 1, "handlers": 1, "routes": 1, "accepts": 2,
      "software": 1, "injections": 1, "injections.matched": 1, "accepts.matched": 0,
    ]
    for (name, count) in expected { #expect(result.interrupts("observed." + name) == count) }
    #expect(result.interrupts("vectorMoves") == 1)
    #expect(result.interrupts("waitedNanoseconds") == 2000)
    #expect(result.cells("interrupts.routes", "vcpu") == ["0"])
    #expect(result.cells("interrupts.routes", "guestVector") == ["65"])
  }
}
