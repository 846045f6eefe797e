import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Blocked messages in the registers where software finds them.
///
/// Intel VT-d 4.1, "Fault Recording Registers" and "Primary Fault Logging".
@Suite("Fault records of interrupts")
struct InterruptFaultLogTests {
  /// Six messages that are blocked, each for another reason; entries 3 (absent), 4 (of 00:04.0), 5
  /// (reserved bit 12 set) and 6 (absent, with FPD), of 16.
  static let text = """
    nestwalk scenario 1
    iommuRegister offset=0xb8 bytes=8 value=0x1000803
    iommuRegister offset=0x18 bytes=4 value=0x1000000
    iommuRegister offset=0x18 bytes=4 value=0x2000000
    interruptEntry index=4 low=0x410001 high=0x40020
    interruptEntry index=5 low=0x411001 high=0x40018
    interruptEntry index=6 low=0x2
    interruptMessage device=0x18 address=0xfee00070
    interruptMessage device=0x18 address=0xfee00090
    interruptMessage device=0x18 address=0xfee000b0
    interruptMessage device=0x18 address=0xfee000d0
    interruptMessage device=0x18 address=0xfee00210
    interruptMessage device=0x18 address=0xfee01000 data=0x41

    """

  private static func run(_ text: String, _ settings: String...) throws -> RunResult {
    try replay(text: text, on: "reference-interrupts", settings, checksRecorded: true)
  }

  @Test("go into the next register each, but for those of an entry with FPD")
  func recorded() throws {
    let result = try Self.run(Self.text, "iommu.faultRecords=8")
    let faults = ["22h": 2, "26h": 1, "24h": 1, "21h": 1, "25h": 1]
    for (code, count) in faults { #expect(result.interrupts("fault." + code) == count) }
    #expect(result.counters["iommu.faultLog.recorded"] == 5)
    #expect(result.counters["iommu.faultLog.suppressed"] == 1)
    #expect(result.counters["iommu.faultLog.overflowed"] == 0)
  }

  @Test("of a full log are lost until software clears a register and the overflow")
  func overflow() throws {
    let full = try Self.run(Self.text, "iommu.faultRecords=2")
    #expect(full.counters["iommu.faultLog.recorded"] == 2)
    #expect(full.counters["iommu.faultLog.overflowed"] == 3)
    // F of both registers (bit 127 of 16 bytes at 220h and 230h), then PFO of the fault status.
    let cleared =
      Self.text + """
        iommuRegister offset=0x228 bytes=8 value=0x8000000000000000
        iommuRegister offset=0x238 bytes=8 value=0x8000000000000000
        iommuRegister offset=0x34 bytes=4 value=1
        interruptMessage device=0x18 address=0xfee00070

        """
    let again = try Self.run(cleared, "iommu.faultRecords=2")
    #expect(again.counters["iommu.faultLog.recorded"] == 3)
    #expect(again.counters["iommu.faultLog.overflowed"] == 3)
  }

  @Test("are compared with the register that the recorder saw")
  func compared() throws {
    // FI 63:48 is index 4; F is bit 63, FR 26h in 39:32, SID 0018h.
    let agreed =
      Self.text.split(separator: "\n").prefix(9).joined(separator: "\n")
      + "\nfaultRecord low=0x4000000000000 high=0x8000002600000018\n"
    let right = try Self.run(agreed, "iommu.faultRecords=8")
    #expect(right.counters["check.agreed"] == 1)
    let wrong = try Self.run(agreed.replacing("2600", with: "2200"), "iommu.faultRecords=8")
    #expect(wrong.counters["check.contradicted"] == 1)
  }

  @Test("say reason, index and source")
  func layout() {
    var message = VTdInterruptTests.message(0xfee0_0090, 0)
    message.device = 0x0123
    var outcome = InterruptOutcome.blocked(message, .source, 0x26)
    outcome.index = 0xabcd
    let record = VTdFaultLog.record(outcome)
    #expect(record.low == 0xabcd_0000_0000_0000)
    #expect(record.high == 0x8000_0026_0000_0123)
    message.device = InterruptMessage.unknownDevice
    let format = InterruptOutcome.blocked(message, .format, 0x25)
    #expect(VTdFaultLog.record(format).low == 0)
    #expect(VTdFaultLog.record(format).high == 0x8000_0025_0000_0000)
  }

  @Test("of AMD-Vi go into the event log, but for target aborts and suppressed ones")
  func events() throws {
    // Entry 5 absent, entry 6 absent with SupIOPF (bit 1); an NMI ends in a target abort.
    let result = try replay(
      text: """
        nestwalk scenario 1
        interruptEntry unit=0x18 index=6 low=0x2
        interruptMessage device=0x18 address=0xfee00000 data=5
        interruptMessage device=0x18 address=0xfee00000 data=6
        interruptMessage device=0x18 address=0xfee00000 data=0x400

        """, on: "reference-amd-interrupts", ["iommu.faultRecords=8"])
    #expect(result.interrupts("blocked") == 3)
    #expect(result.counters["iommu.faultLog.recorded"] == 1)
    #expect(result.counters["iommu.faultLog.suppressed"] == 1)
  }

  @Test("of an emulator that keeps none are not there")
  func quirk() throws {
    let result = try Self.run(Self.text, #"interrupts.quirks=["faults-not-recorded"]"#)
    #expect(result.interrupts("blocked") == 6)
    #expect(result.counters["iommu.faultLog.recorded"] == 0)
  }
}
