import Testing

@testable import Machine
@testable import Translation

/// Intel VT-d 4.1, "Invalidation Queue Interface".
@Suite("VT-d invalidations")
struct VTdInvalidationTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var low: UInt64
    var high: UInt64 = 0
    /// Which of the translations go: of the second stage page 0x10 of domain 5, page 0x11 of 5, a
    /// 2 MiB page at 0x200 of 5, page 0x10 of domain 6; then of PASID 1 of domain 5 page 0x10 of the
    /// first stage and page 0x10 nested, and page 0x10 of PASID 2.
    var goes: String
    var why: String
    var testDescription: String { why }
  }

  static let entries: [(page: UInt64, value: IOTranslation)] = [
    (0x10, entry(5)), (0x11, entry(5)), (0x200, entry(5, shift: 21)), (0x10, entry(6)),
    (0x10, entry(5, .first, pasid: 1)), (0x10, entry(5, .nested, pasid: 1)),
    (0x10, entry(5, .first, pasid: 2)),
  ]

  private static func entry(
    _ domain: UInt32, _ kind: IOTranslation.Kind = .second, shift: UInt8 = 12, pasid: UInt32 = 0
  ) -> IOTranslation {
    var entry = IOTranslation.none
    (entry.domain, entry.kind, entry.shift, entry.pasid) = (domain, kind, shift, pasid)
    return entry
  }

  // Of a page of a domain, everything goes that a first stage of the domain took part in.
  static let rows = [
    Row(low: 0x12, goes: "1111111", why: "global"),
    Row(low: 0x5_0022, goes: "1110111", why: "domain 5"),
    Row(low: 0x7_0022, goes: "0000000", why: "domain 7"),
    Row(low: 0x5_0032, high: 0x1_0000, goes: "1000111", why: "one page of domain 5"),
    Row(low: 0x5_0032, high: 0x1_0001, goes: "1100111", why: "two pages, AM 1"),
    Row(low: 0x5_0032, high: 0x1_1001, goes: "1100111", why: "two pages, from the second"),
    Row(low: 0x5_0032, high: 0x20_1000, goes: "0010111", why: "one page inside the large one"),
    Row(low: 0x5_0032, high: 0x0a, goes: "1110111", why: "1024 pages, AM 10"),
    Row(low: 0x5_0032, high: 0x09, goes: "1100111", why: "512 pages, up to the large one"),
    Row(low: 0x1_0005_0026, goes: "0000110", why: "PASID 1 of domain 5"),
    Row(low: 0x1_0005_0036, high: 0x1_0000, goes: "0000110", why: "one page of PASID 1"),
    Row(low: 0x1_0005_0036, high: 0x1_1000, goes: "0000000", why: "another page of PASID 1"),
    Row(low: 0x2_0006_0036, high: 0x1_0000, goes: "0000000", why: "a PASID of another domain"),
  ]

  @Test("take from the IOTLB what their granularity says", arguments: rows)
  func iotlb(_ row: Row) throws {
    var unit = VTdUnit(VTdFixture.description { _ in }, seed: 1)
    let command = IOCommand(word0: row.low, word1: row.high)
    let decoded = unit.invalidation(of: command, at: EventPlace())
    let invalidation = try #require(decoded)
    let goes = Self.entries.map {
      unit.takes(invalidation, page: $0.page << 12, $0.value) ? "1" : "0"
    }
    #expect(goes.joined() == row.goes)
  }

  @Test(
    "that the architecture forbids are refused",
    arguments: [
      (0x02, 0), (0x36, 0x1000), (0x01, 0), (0x27, 0), (0x0a, 0), (0x06, 0),
      // AM 19 with MAMV 18.
      (0x5_0032, 19),
    ] as [(UInt64, UInt64)])
  func illegal(_ words: (UInt64, UInt64)) {
    var fixture = VTdFixture()
    // PASID-selective pages (36h) exist; all others here do not.
    fixture.command(words.0, words.1, waits: false)
    #expect(fixture.unit.queue.illegal == (words.0 == 0x36 ? 0 : 1))
  }

  @Test("take contexts globally, by domain, and by device with the function masked")
  func contexts() {
    // Devices 0x38 to 0x3f are one device's eight functions, of domain 5 but 0x3f of 6.
    for (low, goes) in [
      (0x11, "11111111"), (0x5_0021, "11111110"), (0x6_0021, "00000001"),
      (0x0038_0000_0031, "10000000"), (0x1_0038_0000_0031, "10001000"),
      (0x2_0038_0000_0031, "10101010"), (0x3_0038_0000_0031, "11111111"),
      (0x1_003a_0000_0031, "00100010"), (0x0040_0000_0031, "00000000"),
    ] as [(UInt64, String)] {
      var fixture = VTdFixture()
      for function in 0..<8 as Range<UInt64> {
        fixture.memory.write(0x2380 + 16 * function, 0x3001)
        fixture.memory.write(0x2388 + 16 * function, function == 7 ? 0x602 : 0x502)
      }
      for function in 0..<8 as Range<UInt32> {
        _ = fixture.translate(VTdFixture.request(0x7000, device: 0x38 + function))
      }
      fixture.command(low)
      var gone = ""
      for function in 0..<8 as Range<UInt32> {
        let outcome = fixture.translate(VTdFixture.request(0x7000, device: 0x38 + function))
        gone += outcome.context == .miss ? "1" : "0"
      }
      #expect(gone == goes, "\(String(low, radix: 16))")
    }
  }

  @Test("take PASID entries by domain, by PASID and globally")
  func pasids() {
    for (low, goes) in [
      (0x5_0007, "111"), (0x6_0007, "000"), (0x1_0005_0017, "010"), (0x37, "111"),
    ] as [(UInt64, String)] {
      var fixture = VTdFixture(isScalable: true)
      for pasid in 0..<3 as Range<UInt32> {
        _ = fixture.translate(VTdFixture.request(0x7000, pasid: pasid))
      }
      fixture.command(low)
      var gone = ""
      for pasid in 0..<3 as Range<UInt32> {
        let before = fixture.unit.pasidLookups.misses
        _ = fixture.translate(VTdFixture.request(0x7000, pasid: pasid))
        gone += fixture.unit.pasidLookups.misses > before ? "1" : "0"
      }
      #expect(gone == goes, "\(String(low, radix: 16))")
    }
  }

  @Test("hold when the wait behind them completes, and at once with the quirk")
  func waits() {
    for atOnce in [false, true] {
      var fixture = VTdFixture { if atOnce { $0.quirks = [.invalidatesAtOnce] } }
      _ = fixture.translate(VTdFixture.request(0x7000))
      fixture.memory.write(0x6038, 0xa003)
      fixture.command(0x5_0022, waits: false)
      let before = fixture.translate(VTdFixture.request(0x7000))
      #expect(before.output == (atOnce ? 0xa000 : 0x9000))
      fixture.command(0x25, waits: false)
      #expect(fixture.translate(VTdFixture.request(0x7000)).output == 0xa000)
    }
  }

  /// Below the root a cached table saves the reads above it: 4 cold, 1 with the hint, 4 without.
  @Test("keep the tables on the way with IH, and drop them without")
  func hint() {
    for (high, reads) in [(0x7000, 4), (0x7040, 1)] as [(UInt64, UInt16)] {
      var fixture = VTdFixture {
        $0.walkCaches = [
          .init(stage: .second, level: 1, cache: VTdFixture.cache(4)),
          .init(stage: .second, level: 2, cache: VTdFixture.cache(4)),
        ]
      }
      // The root and context entries.
      #expect(fixture.translate(VTdFixture.request(0x7000)).references == 4 + 2)
      fixture.command(0x5_0032, high)
      #expect(fixture.translate(VTdFixture.request(0x7000)).references == reads)
    }
  }

  @Test("work by register too")
  func registers() {
    var fixture = VTdFixture()
    _ = fixture.translate(VTdFixture.request(0x7000))
    fixture.memory.write(0x6038, 0xa003)
    // IVA: page 7, AM 0; IOTLB: IVT, page-selective, domain 5, as two halves.
    fixture.unit.write(register: 0xf0, bytes: 8, 0x7000, at: EventPlace())
    fixture.unit.write(register: 0xf8, bytes: 4, 0, at: EventPlace())
    fixture.unit.write(register: 0xfc, bytes: 4, 0xb000_0005, at: EventPlace())
    #expect(fixture.translate(VTdFixture.request(0x7000)).output == 0xa000)
    // CCMD: ICC, global.
    fixture.unit.write(register: 0x28, bytes: 8, 0xa000_0000_0000_0000, at: EventPlace())
    #expect(fixture.translate(VTdFixture.request(0x7000)).context == .miss)
  }
}
