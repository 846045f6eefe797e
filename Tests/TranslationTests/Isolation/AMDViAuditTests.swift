import Results
import Testing

@testable import Translation

/// An AMD-Vi device table written by hand: one page of 128 entries at 0x1000.
///
/// An entry is V, TV, three levels (`| 3 << 9 | 3`), IR and IW; device 00:03.0 is entry 0x18 and guest
/// a's, 00:04.0 entry 0x20 and guest b's. A table entry is `| level << 9 | 1` with both rights, a page
/// `| 1`.
@Suite("Audit of AMD-Vi's tables")
struct AMDViAuditTests {
  private static let both: UInt64 = 3 << 61

  private static func entry(_ root: UInt64, levels: UInt64 = 3) -> UInt64 {
    root | levels << 9 | 3 | both
  }

  private static func result(
    _ devices: [Int: UInt64], _ pages: [UInt64: [Int: UInt64]] = [:]
  ) throws -> RunResult {
    var options = TableAudit.Options()
    options.amdvi = 0x1000
    options.assignments = ["a=00:03.0", "b=00:04.0"].compactMap { AuditAssignment($0) }
    let audit = TableAudit(options)
    var all = pages
    all[0x1000] = devices
    for (address, entries) in all { #expect(AuditTests.add(entries, at: address, to: audit)) }
    return try audit.result(
      of: TraceIdentity(name: "i", sha256: "", records: 0, tables: "", notes: []))
  }

  private static func findings(
    _ devices: [Int: UInt64], _ pages: [UInt64: [Int: UInt64]] = [:]
  ) throws -> [String] {
    try result(devices, pages).findings.map { "\($0.rule) \($0.severity) \($0.count)" }
  }

  /// Entries of both guests' devices that translate by nothing, so that neither is V = 0.
  private static let closed: [Int: UInt64] = [4 * 0x18: 1, 4 * 0x20: 1]

  @Test("V10: a guest's entry without V and of mode 0, and none without TV; the host's is low")
  func passThrough() throws {
    #expect(try Self.findings(Self.closed) == [])
    for open in [0, 3 | Self.both] as [UInt64] {
      #expect(
        try Self.findings(Self.closed.merging([4 * 0x18: open]) { $1 }) == ["V10 high 1"])
    }
    #expect(try Self.findings(Self.closed.merging([4 * 0x18: 1 | Self.both]) { $1 }) == [])
    #expect(
      try Self.findings(Self.closed.merging([4 * 0x28: 3 | Self.both]) { $1 }) == ["V10 low 1"])
  }

  /// a's tables at 0x3000 to 0x5000, b's at 0x7000 to 0x9000, one page each.
  private static func shared(_ a: UInt64, _ b: UInt64) throws -> [String] {
    try findings(
      [4 * 0x18: entry(0x3000), 4 * 0x20: entry(0x7000)],
      [
        0x3000: [0: 0x4000 | 2 << 9 | 1 | both], 0x4000: [0: 0x5000 | 1 << 9 | 1 | both],
        0x5000: [1: a], 0x7000: [0: 0x8000 | 2 << 9 | 1 | both],
        0x8000: [0: 0x9000 | 1 << 9 | 1 | both], 0x9000: [1: b],
      ])
  }

  @Test("V20 and V21: frames of two guests, and tables")
  func frames() throws {
    #expect(try Self.shared(0x10_0001 | Self.both, 0x10_1001 | Self.both) == [])
    #expect(try Self.shared(0x10_0001 | Self.both, 0x10_0001 | Self.both) == ["V20 critical 1"])
    // The device table, and b's last table, for reading alone.
    #expect(try Self.shared(0x1001 | Self.both, 0x10_1001 | Self.both) == ["V21 critical 1"])
    #expect(try Self.shared(0x9001 | 1 << 61, 0x10_1001 | Self.both) == ["V21 high 1"])
  }

  /// Level 2's entry leads to a table of level 1 at once, and one of level 1 is a page of 32 KiB: next
  /// level 7 with ones in bits 13:12, in each of its eight entries.
  @Test("levels that are skipped, and pages of odd sizes")
  func sizes() throws {
    let page = 0x10_0000 | 0x3000 | 7 << 9 | 1 | Self.both as UInt64
    let result = try Self.result(
      Self.closed.merging([4 * 0x18: Self.entry(0x3000)]) { $1 },
      [
        0x3000: [0: 0x5000 | 1 << 9 | 1 | Self.both],
        0x5000: Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, page) }),
      ])
    #expect(result.findings.isEmpty)
    #expect(result.counters["audit.tables"] == 2 && result.counters["audit.leaves"] == 8)
    let contexts = try #require(result.tables.first { $0.name == "contexts" })
    #expect(contexts.rows.first { $0[2] == .text("3 levels") }?.last == .number(8 * 4096))
  }

  @Test("V27: reserved bits of an entry and of a table, a mode that does not exist")
  func reserved() throws {
    for word in [5 | Self.both, 1 << 63 | 1, 7 << 9 | 3] as [UInt64] {
      #expect(
        try Self.findings(Self.closed.merging([4 * 0x18: word & ~Self.both]) { $1 })
          == ["V27 medium 1"])
    }
    let next = try Self.findings(
      Self.closed.merging([4 * 0x18: Self.entry(0x3000)]) { $1 },
      [0x3000: [0: 0x4000 | 3 << 9 | 1 | Self.both, 1: 1 << 52 | 0x4001 | Self.both]])
    #expect(next == ["V27 medium 2"])
  }

  @Test("V14: two guests with one interrupt table, and each with its own")
  func interrupts() throws {
    for (a, b, expected) in [
      (0x6_0001, 0x6_0001, ["V14 critical 1"]), (0x6_0001, 0x6_0081, []),
      (0x6_0001, 0x6_0000, []),
    ] as [(UInt64, UInt64, [String])] {
      let devices = Self.closed.merging([4 * 0x18 + 2: a, 4 * 0x20 + 2: b]) { $1 }
      #expect(try Self.findings(devices) == expected)
    }
  }

  /// 128 * 512 * 512 tables, those of the lowest level not in the image.
  @Test("more tables than an audit visits are refused")
  func endless() {
    func full(_ count: Int, _ entry: UInt64) -> [Int: UInt64] {
      Dictionary(uniqueKeysWithValues: (0..<count).map { ($0, entry | 1 | Self.both) })
    }
    #expect(throws: TableError.self) {
      try Self.findings(
        Self.closed.merging([4 * 0x18: Self.entry(0x3000, levels: 6)]) { $1 },
        [
          0x3000: full(128, 0x4000 | 5 << 9), 0x4000: full(512, 0x5000 | 4 << 9),
          0x5000: full(512, 0x9000 | 3 << 9),
        ])
    }
  }
}
