import Machine
import Testing

@testable import Translation

/// Intel VT-d specification, "Interrupt Remapping".
@Suite("VT-d interrupt remapping")
struct VTdInterruptTests {
  static func message(
    _ address: UInt64, _ data: UInt64 = 0, device: UInt32 = 0x0308
  ) -> InterruptMessage {
    InterruptMessage(
      device: device, address: address, data: data, hasData: true, place: EventPlace())
  }

  /// What the unit makes of a message with one entry for every index.
  static func outcome(
    _ unit: VTdInterrupts, _ message: InterruptMessage, _ entry: InterruptEntry
  ) -> InterruptOutcome {
    switch unit.decide(message) {
    case .decided(let outcome): outcome
    case .entry(let index): unit.judge(message, entry, index: index)
    }
  }

  static let present = InterruptEntry(low: 0x200_0025_000d, high: 0)

  // MARK: Source-id verification

  /// The specification's words: SQ 00b compares all of the id, 01b ignores the third least significant
  /// bit of the function, 10b the second and third, 11b all three.
  static func compares(_ qualifier: Int, _ one: Int, _ other: Int) -> Bool {
    let sameDevice = one / 8 == other / 8
    let (mine, theirs) = (one % 8, other % 8)
    return switch qualifier {
    case 0: sameDevice && mine == theirs
    case 1: sameDevice && mine % 4 == theirs % 4
    case 2: sameDevice && mine % 2 == theirs % 2
    default: sameDevice
    }
  }

  @Test("every SVT, SQ and SID lets exactly its devices pass", arguments: 0..<16)
  func sources(combination: Int) {
    let (validation, qualifier) = (combination / 4, combination % 4)
    // Within a bus, at its ends, a range of several buses, of one, and a range that ends before it
    // begins.
    for source in [0x0000, 0x00fa, 0x0308, 0x030f, 0x0305, 0x0505, 0x0803, 0xff00, 0xffff] {
      let unit = VTdInterrupts(isEnabled: true)
      let reversed = VTdInterrupts(isEnabled: true, quirks: [.busRangeReversed])
      let high = UInt64(source) | UInt64(qualifier) << 16 | UInt64(validation) << 18
      let (high8, low8) = (source / 256, source % 256)
      var (wrong, reversedWrong) = (0, 0)
      for device in 0..<65_536 {
        let bus = device / 256
        let expected =
          switch validation {
          case 0: true
          case 1: Self.compares(qualifier, source, device)
          case 2: bus >= high8 && bus <= low8
          default: false
          }
        let asQEMU = validation == 2 ? bus >= low8 && bus <= high8 : expected
        if unit.allows(UInt32(device), high) != expected { wrong += 1 }
        if reversed.allows(UInt32(device), high) != asQEMU { reversedWrong += 1 }
      }
      #expect(wrong == 0, "SID \(source)")
      #expect(reversedWrong == 0, "SID \(source), reversed")
    }
  }

  @Test("a source that does not match is 26h, one that the trace does not know is not checked")
  func sourceFault() {
    let unit = VTdInterrupts(isEnabled: true)
    var entry = Self.present
    entry.high = 1 << 18 | 0x0310
    let forged = Self.outcome(unit, Self.message(0xfee0_0010), entry)
    #expect(forged.result == .blocked && forged.check == .source && forged.fault == 0x26)
    let unknown = Self.outcome(
      unit, Self.message(0xfee0_0010, device: InterruptMessage.unknownDevice), entry)
    #expect(unknown.result == .remapped && unknown.isSourceUnchecked)
    let own = Self.outcome(unit, Self.message(0xfee0_0010, device: 0x0310), entry)
    #expect(own.result == .remapped && !own.isSourceUnchecked)
  }

  // MARK: Messages

  /// The specification's steps in words, for one message: nothing where an entry decides.
  static func expected(
    enabled: Bool, extended: Bool, compatible: Bool, entries: Int, high: Bool, range: Int,
    format: Bool, subhandleValid: Bool, handle: Int, dataHigh: Bool, subhandle: Int
  ) -> String {
    if !enabled { return "passes" }
    if high || range != 0xfee { return "20h" }
    if !format { return !extended && compatible ? "passes" : "25h" }
    if subhandleValid && dataHigh { return "20h" }
    let index = subhandleValid ? handle + subhandle : handle
    return index >= entries ? "21h" : "index \(index)"
  }

  @Test("every combination of a message's fields and of the registers is judged as written")
  func messages() {
    var checked = 0
    for bits in 0..<64 {
      func bit(_ number: Int) -> Bool { (bits >> number) & 1 == 1 }
      for registers in 0..<8 {
        for entries in [2, 256, 65_536] {
          let unit = VTdInterrupts(
            isEnabled: registers & 1 != 0, isExtended: registers & 2 != 0,
            passesCompatibility: registers & 4 != 0, entries: UInt32(entries))
          for handle in [0, 1, 2, 255, 256, 0x7fff] {
            for subhandle in [0, 1, 0xffff] {
              for range in [0xfee, 0xfed] {
                let top = bit(4) ? 0x8000 : 0
                var address = UInt64(range) << 20 | UInt64(handle) << 5
                if bit(0) { address |= 1 << 32 }
                if bit(1) { address |= 1 << 4 }
                if bit(2) { address |= 1 << 3 }
                if bit(4) { address |= 1 << 2 }
                if bit(5) { address |= 3 }
                let data = UInt64(subhandle) | (bit(3) ? 1 << 16 : 0)
                let expected = Self.expected(
                  enabled: registers & 1 != 0, extended: registers & 2 != 0,
                  compatible: registers & 4 != 0, entries: entries, high: bit(0), range: range,
                  format: bit(1), subhandleValid: bit(2), handle: handle + top, dataHigh: bit(3),
                  subhandle: subhandle)
                let decided =
                  switch unit.decide(Self.message(address, data)) {
                  case .entry(let index): "index \(index)"
                  case .decided(let outcome):
                    outcome.result == .passedThrough
                      ? "passes" : String(outcome.fault, radix: 16) + "h"
                  }
                if decided != expected {
                  Issue.record("0x\(String(address, radix: 16)) \(data): \(decided), \(expected)")
                }
                checked += 1
              }
            }
          }
        }
      }
    }
    // 64 combinations of bits, 8 of registers, 3 sizes, 6 handles, 3 subhandles, 2 ranges.
    #expect(checked == 64 * 8 * 3 * 6 * 3 * 2)
  }

  // MARK: Entries

  struct Row: Sendable, CustomTestStringConvertible {
    var low: UInt64
    var high: UInt64 = 0
    var check: InterruptOutcome.Check = .none
    var fault: UInt16 = 0
    var isSilent = false
    var why: String
    var testDescription: String { why }
  }

  static let entries: [Row] = [
    Row(low: 0, check: .present, fault: 0x22, why: "P clear"),
    Row(low: 2, check: .present, fault: 0x22, isSilent: true, why: "P clear, FPD set"),
    Row(
      low: 0xffff_ffff_ffff_fffe, high: .max, check: .present, fault: 0x22, isSilent: true,
      why: "P clear is found before reserved bits"),
    Row(low: 1, why: "P alone"),
    Row(low: 1 | 0xf00, why: "bits 11:8 are available to software"),
    Row(low: 1 | 1 << 12, check: .reserved, fault: 0x24, why: "bit 12 is reserved"),
    Row(low: 1 | 1 << 14, check: .reserved, fault: 0x24, why: "URG is reserved where IM is 0"),
    Row(low: 1 | 1 << 24, check: .reserved, fault: 0x24, why: "bit 24 is reserved"),
    Row(low: 1, high: 1 << 20, check: .reserved, fault: 0x24, why: "bit 84 is reserved"),
    Row(low: 1, high: 1 << 32, check: .reserved, fault: 0x24, why: "bit 96 is reserved, IM 0"),
    Row(low: 1 | 3 << 5, check: .reserved, fault: 0x24, why: "DLM 011b"),
    Row(low: 3 | 6 << 5, check: .reserved, fault: 0x24, isSilent: true, why: "DLM 110b, FPD set"),
    Row(low: 1 | 1 << 15, why: "IM 1"),
    Row(low: 1 | 1 << 15 | 1 << 14, why: "IM 1 and URG"),
    Row(low: 1 | 1 << 15, high: 1 << 32, why: "IM 1: bit 96 is the descriptor's"),
    Row(low: 1 | 1 << 15 | 1 << 2, check: .reserved, fault: 0x24, why: "IM 1: DM is reserved"),
    Row(low: 1 | 1 << 15 | 1 << 37, check: .reserved, fault: 0x24, why: "IM 1: bit 37"),
    Row(low: 1 | 1 << 12, high: 1 << 18, check: .reserved, fault: 0x24, why: "24h before 26h"),
    Row(low: 1, high: 3 << 18, check: .source, fault: 0x26, why: "SVT 11b"),
    Row(low: 3, high: 1 << 18, check: .source, fault: 0x26, isSilent: true, why: "26h, FPD set"),
  ]

  @Test("an entry's bits are judged in order", arguments: entries)
  func judges(row: Row) {
    let unit = VTdInterrupts(isEnabled: true)
    let outcome = Self.outcome(
      unit, Self.message(0xfee0_0010), InterruptEntry(low: row.low, high: row.high))
    #expect(outcome.check == row.check)
    #expect(outcome.fault == row.fault)
    #expect(outcome.isFaultSilent == row.isSilent)
    #expect((outcome.result == .blocked) == (row.check != .none))
    #expect((outcome.result == .posted) == (row.check == .none && (row.low >> 15) & 1 == 1))
  }

  @Test("what an entry delivers, with destinations of 8 and of 32 bits")
  func delivers() {
    var entry = InterruptEntry(low: 1 | 1 << 4 | 1 << 5 | 0x31 << 16)
    entry.low |= 0x1234_5678 << 32
    let narrow = VTdInterrupts(isEnabled: true).request(of: entry)
    #expect(narrow.destination == 0x56 && narrow.vector == 0x31 && narrow.isLevel)
    #expect(narrow.deliveryMode == .lowestPriority && !narrow.isLogical)
    let wide = VTdInterrupts(isEnabled: true, isExtended: true).request(of: entry)
    #expect(wide.destination == 0x1234_5678)
  }

  @Test("quirks: any compatibility message passes, and an index wraps at 16 bits")
  func quirks() {
    let plain = VTdInterrupts(isEnabled: true)
    let quirky = VTdInterrupts(
      isEnabled: true, quirks: [.compatibilityPasses, .indexUnchecked])
    let forged = Self.message(0xfee0_0000, 0xef)
    #expect(Self.outcome(plain, forged, Self.present).fault == 0x25)
    let passed = Self.outcome(quirky, forged, Self.present)
    #expect(passed.result == .passedThrough && passed.request.vector == 0xef)
    // Handle 0xffff with subhandle 1 is index 65536.
    let beyond = Self.message(0xfeef_fffc, 1)
    #expect(Self.outcome(plain, beyond, Self.present).fault == 0x21)
    #expect(Self.outcome(quirky, beyond, Self.present).index == 0)
  }
}
