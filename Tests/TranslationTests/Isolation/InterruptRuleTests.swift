import Foundation
import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Rules of interrupts, each broken and kept, in scenarios that were written from the definition.
///
/// A remappable message for entry n is a write to 0xfee00010 + 32 n. The low word of a remapped entry
/// is `core << 32 | vector << 16 | mode << 5 | 1`; its high word checks the source by
/// `0x40000 | device`, a range of buses by `0x80000 | start << 8 | end`.
@Suite("Isolation rules of interrupts")
struct InterruptRuleTests {
  /// The findings of a scenario on a unit that remaps, with 16 entries.
  static func findings(
    _ text: String, passesCompatibility: Bool = false, isEnabled: Bool = true, isAMD: Bool = false
  ) throws -> [Finding] {
    var machine = InterruptScenario.machine()
    machine.start.entries = 16
    machine.start.isEnabled = isEnabled
    machine.start.passesCompatibility = passesCompatibility
    machine.start.isExtended = !passesCompatibility
    let architecture: IOMMUArchitecture = isAMD ? .amdvi : .vtd
    var unit = InterruptUnit(machine, architecture)
    var isolation = IsolationMonitor(isVTd: !isAMD)
    let memory = IOMemory()
    let path = NSTemporaryDirectory() + "nestwalk-scenario-\(UUID().uuidString).txt"
    try Data(("nestwalk scenario 1\n" + text).utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let reader = try TraceReader(path: path, format: nil, salvage: false)
    let block = TraceBlock()
    var place = EventPlace()
    while try reader.next(into: block) {
      try block.loadEvents()
      block.withEvents { events in
        for event in events {
          if event.tag == .time { place.time = event[0] }
          isolation.see(event, at: place)
          if event.tag == .interruptMessage {
            unit.receive(
              InterruptMessage(
                device: UInt32(event[0]), address: event[1], data: event[2], hasData: true,
                place: place), memory, &isolation)
          } else {
            unit.see(event, at: place, memory, &isolation)
          }
          place.event += 1
        }
      }
    }
    unit.settle(memory, &isolation)
    isolation.finish()
    var result = RunResult(
      trace: TraceIdentity(name: "s", sha256: "", records: 0, tables: "", notes: []),
      machine: MachineIdentity(name: "m", sha256: "", resolvedJSON: "{}"))
    isolation.addFindings(to: &result)
    return result.findings
  }

  private func found(_ findings: [Finding]) -> [String] {
    findings.map { "\($0.rule) \($0.severity)" }
  }

  static let forged = """
    deviceOwner device=0x18 guest=1
    interruptMessage device=0x18 address=0xfee01000 data=0x41

    """

  @Test("V12: a forged message passes where nothing checks it, and is blocked where something does")
  func forgedMessages() throws {
    #expect(found(try Self.findings(Self.forged, isEnabled: false)) == ["V12 critical"])
    #expect(found(try Self.findings(Self.forged, passesCompatibility: true)) == ["V12 critical"])
    let blocked = try Self.findings(Self.forged)
    #expect(found(blocked) == ["V12 low"])
    #expect(blocked.first?.first.detail["fault"] == "0x25")
    #expect(blocked.first?.first.detail["check"] == "format")
  }

  @Test("V12 kept: the host's own device, and one that nobody owns, without remapping")
  func ownMessages() throws {
    let host = Self.forged.replacing("guest=1", with: "guest=0")
    #expect(try Self.findings(host, isEnabled: false).isEmpty)
    #expect(
      try Self.findings(
        "interruptMessage device=0x18 address=0xfee01000 data=0x41", isEnabled: false
      ).isEmpty)
  }

  /// A table of 16 entries at 16 MiB (IRTA: S 3, EIME), set by SIRTP, and IRE.
  private static let table = """
    iommuRegister offset=0xb8 bytes=8 value=0x1000803
    iommuRegister offset=0x18 bytes=4 value=0x1000000
    iommuRegister offset=0x18 bytes=4 value=0x2000000

    """

  static let rows: [DMARuleTests.Row] = [
    DMARuleTests.Row(
      "V13: the entry is another device's", ["V13 medium"],
      """
      interruptEntry index=3 low=0x410001 high=0x40020
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V13: an assigned device's entry checks no source", ["V13 high"],
      """
      deviceOwner device=0x18 guest=1
      interruptEntry index=3 low=0x410001
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V13: an assigned device's entry is open to two buses", ["V13 high"],
      """
      deviceOwner device=0x118 guest=1
      interruptEntry index=3 low=0x410001 high=0x80002
      interruptMessage device=0x118 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V13 kept: its own id, phantom functions, the host's device without a check", [],
      """
      deviceOwner device=0x18 guest=1
      interruptEntry index=3 low=0x410001 high=0x40018
      interruptMessage device=0x18 address=0xfee00070
      interruptEntry index=4 low=0x410001 high=0x7001f
      interruptMessage device=0x18 address=0xfee00090
      interruptEntry index=5 low=0x420001
      interruptMessage device=0x20 address=0xfee000b0
      """),
    DMARuleTests.Row(
      "V14: the entry belongs to another guest", ["V14 critical"],
      """
      deviceOwner device=0x18 guest=1
      entryOwner index=3 guest=2
      interruptEntry index=3 low=0x410001 high=0x40018
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V14: the entry was left by the device's former guest", ["V14 critical"],
      """
      deviceOwner device=0x18 guest=1
      interruptEntry index=3 low=0x410001 high=0x40018
      deviceOwner device=0x18 guest=2
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V14 kept: its own entry, and one that was written anew", [],
      """
      deviceOwner device=0x18 guest=1
      entryOwner index=3 guest=1
      interruptEntry index=3 low=0x410001 high=0x40018
      interruptMessage device=0x18 address=0xfee00070
      interruptEntry index=4 low=0x410001 high=0x40018
      deviceOwner device=0x18 guest=2
      interruptEntry index=4 low=0x420001 high=0x40018
      interruptMessage device=0x18 address=0xfee00090
      """),
    DMARuleTests.Row(
      "V14: an entry in memory, left by the device's former guest", ["V14 critical"],
      table + """
        deviceOwner device=0x18 guest=1
        tableWrite address=0x1000038 value=0x40018
        tableWrite address=0x1000030 value=0x410001
        deviceOwner device=0x18 guest=2
        interruptMessage device=0x18 address=0xfee00070
        """),
    DMARuleTests.Row(
      "V14 kept: an entry in memory that was written anew, and one that was cleared", [],
      table + """
        deviceOwner device=0x18 guest=1
        tableWrite address=0x1000038 value=0x40018
        tableWrite address=0x1000030 value=0x410001
        deviceOwner device=0x18 guest=2
        tableWrite address=0x1000030 value=0x420001
        interruptMessage device=0x18 address=0xfee00070
        """),
    DMARuleTests.Row(
      "V15: an entry that delivers an NMI", ["V15 critical"],
      """
      deviceOwner device=0x18 guest=1
      interruptEntry index=3 low=0x410081 high=0x40018
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V15: vector 31 is an exception's", ["V15 critical"],
      """
      deviceOwner device=0x18 guest=1
      interruptEntry index=3 low=0x1f0001 high=0x40018
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V15 kept: vector 32, lowest priority, and an NMI of the host's own device", [],
      """
      deviceOwner device=0x18 guest=1
      interruptEntry index=3 low=0x200021 high=0x40018
      interruptMessage device=0x18 address=0xfee00070
      interruptEntry index=4 low=0x410081 high=0x40020
      interruptMessage device=0x20 address=0xfee00090
      """),
    DMARuleTests.Row(
      "V16: an index beyond the table, an absent entry, a subhandle with high bits", ["V16 medium"],
      """
      interruptMessage device=0x18 address=0xfee00210
      interruptEntry index=3 low=0x410000
      interruptMessage device=0x18 address=0xfee00070
      interruptMessage device=0x18 address=0xfee00078 data=0x10000
      """),
    DMARuleTests.Row(
      "V16 kept: the last entry of the table", [],
      """
      interruptEntry index=15 low=0x410001
      interruptMessage device=0x18 address=0xfee001f0
      """),
    DMARuleTests.Row(
      "V18: the descriptor names a core that the virtual processor has left, where another guest runs",
      ["V18 high"],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      vcpuDefine vcpu=2 guest=2
      postedDefine address=0x1000 vcpu=1 guest=1
      interruptEntry index=3 low=0x4000418001 high=0x40018
      vcpuIn vcpu=1 core=0
      vcpuIn vcpu=2 core=1
      postedControl address=0x1000 control=0x100f20000
      interruptMessage device=0x18 address=0xfee00070
      """
      .replacing("0x4000418001", with: "0x100000418001")),
    DMARuleTests.Row(
      "V18 kept: the descriptor names its core", [],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      postedDefine address=0x1000 vcpu=1 guest=1
      interruptEntry index=3 low=0x100000418001 high=0x40018
      vcpuIn vcpu=1 core=0
      postedControl address=0x1000 control=0xf20000
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V18: a post to one that is blocked, whose descriptor is suppressed", ["V18 medium"],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      postedDefine address=0x1000 vcpu=1 guest=1
      interruptEntry index=3 low=0x100000418001 high=0x40018
      vcpuIn vcpu=1 core=0
      postedControl address=0x1000 control=0xf20002
      vcpuOut vcpu=1 core=0 blocked=1
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V18 kept: suppressed while preempted, and a wake-up vector while blocked", [],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      postedDefine address=0x1000 vcpu=1 guest=1
      interruptEntry index=3 low=0x100000418001 high=0x40018
      vcpuIn vcpu=1 core=0
      postedControl address=0x1000 control=0xf20002
      vcpuOut vcpu=1 core=0 blocked=0
      interruptMessage device=0x18 address=0xfee00070
      postedControl address=0x1000 control=0xf20001
      vcpuIn vcpu=1 core=0
      postedControl address=0x1000 control=0xf10000
      vcpuOut vcpu=1 core=0 blocked=1
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V19: delivered where another guest runs", ["V19 medium"],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      vcpuDefine vcpu=2 guest=2
      interruptEntry index=3 low=0x100410001 high=0x40018
      vcpuIn vcpu=1 core=0
      vcpuIn vcpu=2 core=1
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V19 where nobody runs is low", ["V19 low"],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      interruptEntry index=3 low=0x100410001 high=0x40018
      vcpuIn vcpu=1 core=0
      interruptMessage device=0x18 address=0xfee00070
      """),
    DMARuleTests.Row(
      "V19 kept: where any virtual processor of the guest runs", [],
      """
      deviceOwner device=0x18 guest=1
      vcpuDefine vcpu=1 guest=1
      vcpuDefine vcpu=3 guest=1
      interruptEntry index=3 low=0x100410001 high=0x40018
      vcpuIn vcpu=1 core=0
      vcpuIn vcpu=3 core=1
      interruptMessage device=0x18 address=0xfee00070
      """),
  ]

  @Test("as the definition says", arguments: rows)
  func rule(_ row: DMARuleTests.Row) throws {
    #expect(found(try Self.findings(row.text)) == row.expected)
  }

  /// A device table at 1 MiB whose entries for 00:03.0 and 00:04.0 name tables of 512 entries; entry
  /// 1 of each remaps to vector 0x41 of core 0.
  private static func amdTables(_ first: String, _ second: String, guest: Int = 2) -> String {
    """
    nestwalk scenario 1
    iommuRegister offset=0 bytes=8 value=0x100000
    iommuRegister offset=0x18 bytes=8 value=0x20001
    deviceOwner device=0x18 guest=1
    deviceOwner device=0x20 guest=\(guest)
    tableWrite address=0x100310 value=0x2000000000\(first)0013
    tableWrite address=0x100410 value=0x2000000000\(second)0013
    tableWrite address=0x200018 value=0x41
    tableWrite address=0x200010 value=0x1
    tableWrite address=0x210018 value=0x41
    tableWrite address=0x210010 value=0x1

    """
  }

  private static let amdMessages = """
    interruptMessage device=0x18 address=0xfee00000 data=1
    interruptMessage device=0x20 address=0xfee00000 data=1
    interruptMessage device=0x18 address=0xfee00000 data=1

    """

  @Test("V14 of AMD-Vi: one table of two guests' devices, but not of one guest's, nor two tables")
  func sharedTables() throws {
    func found(_ second: String, _ guest: Int) throws -> [String] {
      let text = Self.amdTables("20", second, guest: guest) + Self.amdMessages
      let result = try replay(text: text, on: "reference-amd-interrupts")
      #expect(result.interrupts("remapped") == 3)
      return result.findings.map { "\($0.rule) \($0.severity)" }.filter { $0.hasPrefix("V14") }
    }
    // The finding is told for each device that uses the other's table.
    #expect(Set(try found("20", 2)) == ["V14 critical"])
    #expect(try found("20", 1).isEmpty)
    #expect(try found("21", 2).isEmpty)
  }

  @Test("V14 of AMD-Vi: an entry in memory, left by a former guest and written anew")
  func staleTables() throws {
    for (isRewritten, expected) in [(false, ["V14 critical"]), (true, [])] {
      var text = Self.amdTables("20", "21") + "deviceOwner device=0x18 guest=2\n"
      if isRewritten { text += "tableWrite address=0x200010 value=0x101\n" }
      let result = try replay(
        text: text + "interruptMessage device=0x18 address=0xfee00000 data=1\n",
        on: "reference-amd-interrupts")
      let found = result.findings.map { "\($0.rule) \($0.severity)" }
      #expect(found.filter { $0.hasPrefix("V14") } == expected)
    }
  }

  @Test("V17: one message more than a window may have", arguments: [0, 1])
  func storm(_ extra: Int) throws {
    // 4000 in 10 ms pass; all are within one window.
    let messages = (0..<4000 + extra).map { at in
      "time nanoseconds=\(1_000_000 + at)\ninterruptMessage device=0x18 address=0xfee00070\n"
    }.joined()
    let findings = try Self.findings("interruptEntry index=3 low=0x410001\n" + messages)
    #expect(found(findings) == (extra == 0 ? [] : ["V17 medium"]))
  }

  @Test("V17: one entry more than a guest may hold", arguments: [0, 1])
  func entries(_ extra: Int) throws {
    let owners = (0..<2048 + extra).map { "entryOwner index=\($0) guest=1\n" }.joined()
    #expect(found(try Self.findings(owners)) == (extra == 0 ? [] : ["V17 medium"]))
  }
}
