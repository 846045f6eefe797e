import Results
import Testing

@testable import Translation

/// VT-d tables written by hand: root table at 0x1000, bus 0's context table at 0x2000.
///
/// A legacy context is `table | 1` and `domain << 8 | 2` for four levels, `9` in the low word passes
/// through; a second-stage table is `| 3`, a page `| 3` too, `| 1` for reading alone. Device 00:03.0 is
/// entry 0x18, 00:04.0 entry 0x20.
@Suite("Audit of VT-d's tables")
struct VTdAuditTests {
  static func findings(
    contexts: [Int: UInt64], pages: [UInt64: [Int: UInt64]] = [:],
    _ change: (inout TableAudit.Options) -> Void = { _ in }
  ) throws -> [String] {
    var options = TableAudit.Options()
    options.vtd = 0x1000
    options.assignments = ["a=00:03.0", "b=00:04.0"].compactMap { AuditAssignment($0) }
    change(&options)
    let audit = TableAudit(options)
    var all = pages
    all[0x1000] = all[0x1000] ?? [0: 0x2001]
    all[0x2000] = contexts
    for (address, entries) in all { #expect(AuditTests.add(entries, at: address, to: audit)) }
    return try audit.result(
      of: TraceIdentity(name: "i", sha256: "", records: 0, tables: "", notes: [])
    ).findings.map { "\($0.rule) \($0.severity) \($0.count)" }
  }

  /// Device a's domain 1 has tables at 0x3000 to 0x6000, b's domain 2 at 0x7000 to 0xa000.
  static func tables(a: [Int: UInt64], b: [Int: UInt64]) -> [UInt64: [Int: UInt64]] {
    [
      0x3000: [0: 0x4003], 0x4000: [0: 0x5003], 0x5000: [0: 0x6003], 0x6000: a,
      0x7000: [0: 0x8003], 0x8000: [0: 0x9003], 0x9000: [0: 0xa003], 0xa000: b,
    ]
  }

  static let contexts: [Int: UInt64] = [
    2 * 0x18: 0x3001, 2 * 0x18 + 1: 0x102, 2 * 0x20: 0x7001, 2 * 0x20 + 1: 0x202,
  ]

  @Test("V10: a guest's device that passes through is high, the host's low")
  func passThrough() throws {
    #expect(try Self.findings(contexts: [2 * 0x18: 9, 2 * 0x18 + 1: 0x102]) == ["V10 high 1"])
    #expect(try Self.findings(contexts: [2 * 0x28: 9, 2 * 0x28 + 1: 0x102]) == ["V10 low 1"])
  }

  @Test("two guests' devices that reach one frame, a table, or nothing in common")
  func frames() throws {
    func found(_ a: UInt64, _ b: UInt64) throws -> [String] {
      try Self.findings(
        contexts: Self.contexts, pages: Self.tables(a: [1: a], b: [1: b]))
    }
    #expect(try found(0x10_0003, 0x10_1003) == [])
    #expect(try found(0x10_0003, 0x10_0001) == ["V20 critical 1"])
    // The context table, and b's last table.
    #expect(try found(0x2003, 0x10_1003) == ["V21 critical 1"])
    #expect(try found(0xa001, 0x10_1003) == ["V21 high 1"])
    // Without owners the same tables are the host's, and break nothing.
    let host = try Self.findings(
      contexts: Self.contexts, pages: Self.tables(a: [1: 0x2003], b: [1: 0x2003])
    ) { $0.assignments = [] }
    #expect(host == [])
  }

  @Test("V27: reserved bits of a root entry, a context, a width that there is not")
  func reserved() throws {
    #expect(
      try Self.findings(contexts: [:], pages: [0x1000: [0: 0x2003]]) == ["V27 medium 1"])
    #expect(
      try Self.findings(contexts: [:], pages: [0x1000: [0: 0x2001, 1: 1]]) == ["V27 medium 1"])
    #expect(
      try Self.findings(contexts: [2 * 0x28: 0x3011, 2 * 0x28 + 1: 0x102]) == ["V27 medium 1"])
    #expect(
      try Self.findings(contexts: [2 * 0x28: 0x3001, 2 * 0x28 + 1: 0x107]) == ["V27 medium 1"])
  }

  @Test("scalable mode: a PASID that passes through, and one whose first stage is swept")
  func scalable() throws {
    // A context of 32 bytes: directory at 0x3000 with 128 entries; its first leads to 0x4000.
    let found = try Self.findings(
      contexts: [4 * 0x18: 0x3001],
      pages: [
        0x3000: [0: 0x4001],
        // PASID 0 passes through (type 4 in bits 8:6); PASID 1 has its first stage at 0x5000.
        0x4000: [0: 0x101, 1: 1, 8: 0x41, 9: 1, 10: 0x5000],
        // Its only page is the PASID table, to be written.
        0x5000: [0: 0x6003], 0x6000: [0: 0x7003], 0x7000: [0: 0x8003], 0x8000: [1: 0x4003],
      ]
    ) { $0.vtd = 0x1400 }
    #expect(found == ["V21 critical 1", "V10 high 1"])
  }

  @Test("entries of the interrupt table: an open source, an exception's vector, reserved bits")
  func interrupts() throws {
    func found(_ low: UInt64, _ high: UInt64, assigned: Bool = true) throws -> [String] {
      try Self.findings(contexts: [:], pages: [0x9000: [6: low, 7: high]]) {
        // 16 entries at 0x9000: S is 3.
        $0.interrupts = 0x9003
        if !assigned { $0.assignments = [] }
      }
    }
    #expect(try found(0x41_0001, 0x40018) == [])
    #expect(try found(0x41_0001, 0) == ["V13 high 1"])
    #expect(try found(0x41_0001, 0, assigned: false) == ["V13 low 1"])
    #expect(try found(0x1f_0001, 0x40018) == ["V15 critical 1"])
    // NMI, mode 4 in bits 7:5, for a guest's device and for the host's.
    #expect(try found(0x41_0081, 0x40018) == ["V15 critical 1"])
    #expect(try found(0x41_0081, 0x40028) == [])
    #expect(try found(0x41_1001, 0x40018) == ["V27 medium 1"])
    #expect(try found(0x41_0000, 0) == [])
  }
}
