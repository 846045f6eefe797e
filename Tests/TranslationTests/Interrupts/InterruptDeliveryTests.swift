import Machine
import Results
import Testing
import TraceFile

@testable import Translation

/// One interrupt in every state of its virtual processor; expected costs are sums of the steps.
@Suite("Delivery of interrupts")
struct InterruptDeliveryTests {
  private static let descriptor: UInt64 = 0x12_3456_7fc0
  private static let device: UInt64 = 0x0300

  /// A virtual processor 5 of guest 1 with one posted entry, index 7, vector 0x41.
  private static func scenario() -> InterruptScenario {
    var scenario = InterruptScenario()
    let entry = InterruptScenario.posted(0x41, descriptor)
    scenario.add(.postedDefine, descriptor, 5, 1)
    scenario.add(.deviceOwner, device, 1)
    scenario.add(.interruptEntry, 0, 7, entry.low, entry.high)
    return scenario
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var mode: InterruptMode
    /// Events of virtual processor 5 before the message.
    var before: [(EventTag, [UInt64])]
    var ends: String
    var nanoseconds: Int
    var exits = 0
    var waiting = 0
    var why: String
    var testDescription: String { why }
  }

  // Remap 1, reference 10, post 1000, delivery 100, exit 10000, injection 100000, forward 1000000,
  // wake-up 10000000.
  static let rows: [Row] = [
    Row(
      mode: .posted, before: [(.vcpuIn, [5, 2])], ends: "direct", nanoseconds: 1111,
      why: "posted, running: no exit"),
    Row(
      mode: .posted, before: [(.vcpuIn, [5, 2]), (.vmEntry, [5]), (.vmExit, [5, 1])],
      ends: "pending", nanoseconds: 1111, waiting: 1, why: "posted, in the hypervisor: next entry"),
    Row(
      mode: .posted, before: [(.vcpuIn, [5, 2]), (.vcpuOut, [5, 2, 0])], ends: "pending",
      nanoseconds: 1011, waiting: 1, why: "posted, preempted: no notification"),
    Row(
      mode: .posted, before: [(.vcpuIn, [5, 2]), (.vcpuOut, [5, 2, 1])], ends: "pending",
      nanoseconds: 10_001_111, waiting: 1, why: "posted, blocked: woken"),
    Row(
      mode: .posted,
      before: [(.vcpuIn, [5, 2]), (.vcpuOut, [5, 2, 1]), (.vcpuIn, [6, 2])], ends: "pending",
      nanoseconds: 10_011_111, exits: 1, waiting: 1,
      why: "posted, blocked, another on its core: an exit of that one"),
    Row(
      mode: .remapped, before: [(.vcpuIn, [5, 2])], ends: "injected", nanoseconds: 110_111,
      exits: 1, why: "remapped, running: exit and injection"),
    Row(
      mode: .remapped, before: [(.vcpuIn, [5, 2]), (.vmEntry, [5]), (.vmExit, [5, 1])],
      ends: "injected", nanoseconds: 100_111, why: "remapped, in the hypervisor: no exit"),
    Row(
      mode: .remapped, before: [(.vcpuIn, [5, 2]), (.vcpuOut, [5, 2, 0])], ends: "pending",
      nanoseconds: 100_111, waiting: 1, why: "remapped, preempted: waits"),
    Row(
      mode: .remapped,
      before: [(.vcpuIn, [5, 2]), (.vcpuOut, [5, 2, 0]), (.vcpuIn, [6, 2])], ends: "pending",
      nanoseconds: 110_111, exits: 1, waiting: 1,
      why: "remapped, preempted by another, which exits"),
    Row(
      mode: .none, before: [(.vcpuIn, [5, 2])], ends: "injected", nanoseconds: 110_100, exits: 1,
      why: "unchecked, running: as remapped, but for the unit's 11"),
  ]

  @Test("where it ends and what it costs", arguments: rows)
  func delivery(row: Row) throws {
    var scenario = Self.scenario()
    scenario.add(.postedDefine, 0x9000, 6, 2)
    for (tag, words) in row.before {
      scenario.add(
        tag, words[0], words.count > 1 ? words[1] : 0, words.count > 2 ? words[2] : 0)
    }
    scenario.message(Self.device, 7)
    let result = try scenario.replay(InterruptScenario.machine(row.mode))
    #expect(result.interrupts("requests") == 1)
    #expect(result.interrupts("delivery." + row.ends) == 1)
    #expect(result.interrupts("nanoseconds") == row.nanoseconds)
    #expect(result.interrupts("exits") == row.exits)
    #expect(result.interrupts("exitNanoseconds") == row.exits * 10_000)
    #expect(result.interrupts("delivery.waiting") == row.waiting)
    for defect in ["wrongCore", "lostNotifications", "spuriousNotifications", "forged"] {
      #expect(result.interrupts(defect) == 0)
    }
  }

  @Test("vectors that wait are taken at the next entry, and the time is the trace's")
  func resumes() throws {
    var scenario = Self.scenario()
    scenario.add(.vcpuIn, 5, 0)
    scenario.add(.vcpuOut, 5, 0, 0)
    scenario.time(1_000)
    scenario.message(Self.device, 7)
    scenario.time(1_500)
    scenario.message(Self.device, 7)  // the same vector again: one interrupt
    scenario.time(9_000)
    scenario.add(.vcpuIn, 5, 3)
    scenario.time(9_500)
    scenario.message(Self.device, 7)
    let result = try scenario.replay(InterruptScenario.machine())
    #expect(result.interrupts("delivery.pending") == 2)
    #expect(result.interrupts("delivery.merged") == 1)
    #expect(result.interrupts("delivery.resumed") == 1)
    #expect(result.interrupts("delivery.direct") == 1)
    #expect(result.interrupts("waitedNanoseconds") == 8_000)
    // 8000 is 0x1f40: its five highest bits are 0x1f00 = 7936. The other: 1 + 10 + 1000 + 100 = 1111,
    // 0x457, of which 0x440 = 1088 remains.
    #expect(
      result.histograms["interrupt.latency"]
        == [HistogramBar(value: 1088, count: 1), HistogramBar(value: 7936, count: 1)])
  }

  @Test("an urgent entry notifies although notifications are suppressed")
  func urgent() throws {
    for isUrgent in [false, true] {
      var scenario = Self.scenario()
      let entry = InterruptScenario.posted(0x41, Self.descriptor, isUrgent: isUrgent)
      scenario.add(.interruptEntry, 0, 7, entry.low, entry.high)
      scenario.add(.vcpuIn, 5, 2)
      scenario.add(.vcpuOut, 5, 2, 0)
      scenario.message(Self.device, 7)
      let result = try scenario.replay(InterruptScenario.machine())
      // Suppressed: 1 + 10 + 1000; urgent: a notification of 100 more.
      #expect(result.interrupts("nanoseconds") == (isUrgent ? 1_111 : 1_011))
    }
  }

  @Test("a remapped interrupt goes to the host's core, or on to the guest's")
  func remapped() throws {
    for (core, isForwarded) in [(UInt64(2), false), (1, true)] {
      var scenario = Self.scenario()
      scenario.add(.interruptEntry, 0, 8, InterruptScenario.remapped(0x51, core: core), 0)
      scenario.add(.vcpuIn, 5, 2)
      scenario.message(Self.device, 8)
      let result = try scenario.replay(InterruptScenario.machine())
      #expect(result.interrupts("delivery.injected") == 1)
      #expect(result.interrupts("delivery.forwarded") == (isForwarded ? 1 : 0))
      #expect(result.interrupts("exits") == 1)
      // 1 + 10 + 100 + 100000 + an exit of 10000, and 1000000 to get to the other core.
      #expect(result.interrupts("nanoseconds") == (isForwarded ? 1_110_111 : 110_111))
    }
  }

  @Test("a host's own device interrupts whoever runs on the core")
  func host() throws {
    var scenario = Self.scenario()
    scenario.add(.interruptEntry, 0, 9, InterruptScenario.remapped(0x61, core: 2), 0)
    scenario.message(0x0100, 9)
    scenario.add(.vcpuIn, 5, 2)
    scenario.message(0x0100, 9)
    let result = try scenario.replay(InterruptScenario.machine())
    #expect(result.interrupts("delivery.host") == 2)
    #expect(result.interrupts("exits") == 1)
    #expect(result.interrupts("nanoseconds") == 2 * 111 + 10_000)
  }

  @Test("AMD-Vi: a doorbell for who runs, the log for who does not")
  func amd() throws {
    // Entry 3 of device 0x300: guest mode, tag 0x77, vector 0x41; IsRun and GALogIntr as given.
    func entry(isRunning: Bool, logs: Bool, core: UInt64) -> UInt64 {
      1 | 1 << 7 | (isRunning ? 1 << 6 : 0) | (logs ? 1 << 2 : 0) | core << 8 | 0x77 << 32
    }
    let rows: [(UInt64, [(EventTag, [UInt64])], String, lost: Int, wrong: Int)] = [
      (entry(isRunning: true, logs: false, core: 2), [(.vcpuIn, [5, 2])], "direct", 0, 0),
      (entry(isRunning: true, logs: false, core: 1), [(.vcpuIn, [5, 2])], "", 0, 1),
      (entry(isRunning: false, logs: true, core: 2), [(.vcpuOut, [5, 2, 1])], "pending", 0, 0),
      (entry(isRunning: false, logs: false, core: 2), [(.vcpuOut, [5, 2, 1])], "pending", 1, 0),
      (entry(isRunning: true, logs: true, core: 2), [(.vcpuOut, [5, 2, 1])], "pending", 1, 0),
      (entry(isRunning: false, logs: false, core: 2), [(.vcpuOut, [5, 2, 0])], "pending", 0, 0),
      (entry(isRunning: false, logs: true, core: 2), [(.vcpuIn, [5, 2])], "pending", 1, 0),
    ]
    for row in rows {
      var scenario = InterruptScenario()
      scenario.add(.postedDefine, 0x77, 5, 1)
      scenario.add(.deviceOwner, Self.device, 1)
      scenario.add(.interruptEntry, Self.device, 3, row.0, 0x9041)
      scenario.add(.vcpuIn, 5, 2)
      for (tag, words) in row.1 {
        scenario.add(tag, words[0], words[1], words.count > 2 ? words[2] : 0)
      }
      scenario.add(.interruptMessage, Self.device, 0xfee0_0000, 3)
      let result = try scenario.replay(InterruptScenario.machine(), .amdvi)
      #expect(result.interrupts("posted") == 1)
      if !row.2.isEmpty { #expect(result.interrupts("delivery." + row.2) == 1, "\(row)") }
      #expect(result.interrupts("lostNotifications") == row.lost, "\(row)")
      #expect(result.interrupts("wrongCore") == row.wrong, "\(row)")
      #expect(result.interrupts("misdelivered") == row.wrong, "\(row)")
    }
  }
}
