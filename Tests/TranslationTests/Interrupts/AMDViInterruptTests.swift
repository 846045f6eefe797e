import Testing

@testable import Translation

/// AMD IOMMU specification, 48882, "Interrupt Remapping"; Linux amd_iommu_types.h for the bits.
@Suite("AMD-Vi interrupt remapping")
struct AMDViInterruptTests {
  static func outcome(
    _ unit: AMDViInterrupts, device: UInt64, address: UInt64 = 0xfee0_0000, data: UInt64,
    _ entry: InterruptEntry
  ) -> InterruptOutcome {
    let message = VTdInterruptTests.message(address, data)
    return switch unit.decide(message, device) {
    case .decided(let outcome): outcome
    case .entry(let index): unit.judge(message, entry, index: index, device: device)
    }
  }

  /// IV, 2^9 entries, remap; what Linux writes besides the table's address.
  static let remaps: UInt64 = 1 | 9 << 1 | 2 << 60

  @Test("every pass bit, control and delivery mode")
  func deviceEntries() {
    let unit = AMDViInterrupts(hasLongEntries: true, isExtended: false)
    let entry = InterruptEntry(low: 1 | 3 << 8, high: 0x41)
    for control: UInt64 in 0..<4 {
      for passes: UInt64 in 0..<8 {
        for mode: UInt64 in 0..<8 {
          for valid: UInt64 in 0..<2 {
            let device = valid | 9 << 1 | control << 60 | passes << 56
            let result = Self.outcome(unit, device: device, data: mode << 8 | 7, entry).result
            // Pass bits 56, 57, 58 are INIT (101b), ExtINT (111b) and NMI (100b).
            let bit: UInt64? = [5: 0, 7: 1, 4: 2][mode]
            let expected: InterruptOutcome.Result =
              if valid == 0 {
                .passedThrough
              } else if let bit {
                (passes >> bit) & 1 == 1 ? .passedThrough : .blocked
              } else if mode > 1 {
                .blocked
              } else {
                [.blocked, .passedThrough, .remapped, .blocked][Int(control)]
              }
            #expect(result == expected, "control \(control) passes \(passes) mode \(mode)")
          }
        }
      }
    }
  }

  @Test("an index is bounded by the table's length, whatever the length")
  func indices() {
    let unit = AMDViInterrupts(hasLongEntries: true, isExtended: false)
    let entry = InterruptEntry(low: 1, high: 0x41)
    for length: UInt64 in 0..<16 {
      let device = 1 | length << 1 | 2 << 60
      // Without the wide form bits 10:8 are the delivery mode, of which 000b and 001b are remapped.
      for index: UInt64 in 0..<512 {
        let outcome = Self.outcome(unit, device: device, data: index, entry)
        if length > 11 {
          #expect(outcome.fault == 1)
        } else if index >= 1 << length {
          #expect(outcome.fault == 2 && outcome.check == .index)
        } else {
          #expect(outcome.result == .remapped && outcome.index == UInt32(index))
        }
      }
    }
    // 2048 entries and the destination mode set: all eleven bits are index.
    let wide = Self.outcome(
      unit, device: 1 | 11 << 1 | 2 << 60, address: 0xfee0_0004, data: 0x7ff, entry)
    #expect(wide.result == .remapped && wide.index == 0x7ff)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var isLong = true
    var low: UInt64
    var high: UInt64 = 0
    var result: InterruptOutcome.Result
    var isSilent = false
    var why: String
    var testDescription: String { why }
  }

  static let entries: [Row] = [
    Row(isLong: false, low: 0, result: .blocked, why: "32 bits: RemapEn clear"),
    Row(isLong: false, low: 2, result: .blocked, isSilent: true, why: "32 bits: SupIOPF"),
    Row(isLong: false, low: 0x0041_0301, result: .remapped, why: "32 bits: fixed to 3"),
    Row(isLong: false, low: 0x0041_0305, result: .remapped, why: "32 bits: arbitrated"),
    Row(isLong: false, low: 0x0041_0309, result: .blocked, why: "32 bits: IntType 010b"),
    Row(isLong: false, low: 0x0041_0381, result: .blocked, why: "32 bits: GuestMode"),
    Row(isLong: false, low: 0x0141_0301, result: .blocked, why: "32 bits: reserved"),
    Row(low: 0, result: .blocked, why: "RemapEn clear"),
    Row(low: 1, high: 0x41, result: .remapped, why: "RemapEn alone"),
    Row(low: 1 | 1 << 32, high: 0x41, result: .blocked, why: "bit 32 without GuestMode"),
    Row(low: 1 | 2 << 2, high: 0x41, result: .blocked, why: "IntType 010b"),
    Row(low: 1, high: 0x141, result: .blocked, why: "bit 72 is reserved"),
    Row(low: 1 | 1 << 7, high: 0x41, result: .posted, why: "GuestMode"),
    Row(low: 1 | 1 << 7 | 1 << 6 | 1 << 2, high: 0x41, result: .posted, why: "IsRun, GALogIntr"),
    Row(low: 3 | 1 << 7 | 1 << 3, result: .blocked, isSilent: true, why: "guest: bit 3"),
  ]

  @Test("entries of both sizes", arguments: entries)
  func judges(row: Row) {
    let unit = AMDViInterrupts(hasLongEntries: row.isLong, isExtended: false)
    let outcome = Self.outcome(
      unit, device: Self.remaps, data: 7, InterruptEntry(low: row.low, high: row.high))
    #expect(outcome.result == row.result)
    #expect(outcome.isFaultSilent == row.isSilent)
    #expect(outcome.fault == (row.result == .blocked ? 2 : 0))
  }

  @Test("a guest's entry gives its tag, vector and core; destinations have 8 or 32 bits")
  func guestMode() {
    let entry = InterruptEntry(
      low: 0x0102_0003 << 32 | 0x345678 << 8 | 1 << 7 | 1, high: 0x12 << 56 | 0x9000 | 0x61)
    let narrow = Self.outcome(
      AMDViInterrupts(hasLongEntries: true, isExtended: false), device: Self.remaps, data: 7, entry)
    #expect(narrow.descriptor == 0x0102_0003 && narrow.request.vector == 0x61)
    #expect(narrow.request.destination == 0x78)
    let wide = Self.outcome(
      AMDViInterrupts(hasLongEntries: true, isExtended: true), device: Self.remaps, data: 7, entry)
    #expect(wide.request.destination == 0x1234_5678)
  }
}
