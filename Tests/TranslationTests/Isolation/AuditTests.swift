import Results
import Testing

@testable import Translation

/// Tables written by hand: an EPT table entry is `address | 7`, a leaf `address | 0x37` (write-back,
/// all rights), `| 0x31` read only, `| 0x33` without execution, `| 0xb7` for 2 MiB.
@Suite("Isolation rules over tables alone")
struct AuditTests {
  /// Guest a has tables at 0x1000 to 0x4000, guest b at 0x5000 to 0x8000; their last tables are given.
  static func findings(
    a: [Int: UInt64], b: [Int: UInt64] = [:], second: [Int: UInt64] = [:],
    _ change: (inout TableAudit.Options) -> Void = { _ in }
  ) throws -> [String] {
    try result(a: a, b: b, second: second, change).findings.map {
      "\($0.rule) \($0.severity) \($0.count)"
    }
  }

  static func result(
    a: [Int: UInt64], b: [Int: UInt64] = [:], second: [Int: UInt64] = [:],
    _ change: (inout TableAudit.Options) -> Void = { _ in }
  ) throws -> RunResult {
    var options = TableAudit.Options()
    options.guests = ["a=ept:4@0x1000", "b=ept:4@0x5000"].compactMap { AuditSubject($0) }
    change(&options)
    let audit = TableAudit(options)
    // `second` goes into a's table of 2 MiB pages, beside the pointer to its last table.
    let pages: [UInt64: [Int: UInt64]] = [
      0x1000: [0: 0x2007], 0x2000: [0: 0x3007],
      0x3000: second.merging([0: 0x4007]) { $1 }, 0x4000: a,
      0x5000: [0: 0x6007], 0x6000: [0: 0x7007], 0x7000: [0: 0x8007], 0x8000: b,
    ]
    for (address, entries) in pages { #expect(add(entries, at: address, to: audit)) }
    return try audit.result(
      of: TraceIdentity(name: "i", sha256: "", records: 0, tables: "recorded", notes: []))
  }

  static func add(_ entries: [Int: UInt64], at address: UInt64, to audit: TableAudit) -> Bool {
    var words = [UInt64](repeating: 0, count: 512)
    for (index, entry) in entries { words[index] = entry }
    return words.withUnsafeBytes { audit.addPage(at: address, $0) }
  }

  @Test("V20: one frame of two guests is critical where either writes, low where both read")
  func shared() throws {
    #expect(try Self.findings(a: [1: 0x10_0037], b: [9: 0x10_0031]) == ["V20 critical 1"])
    #expect(try Self.findings(a: [1: 0x10_0031], b: [9: 0x10_0031]) == ["V20 low 1"])
    #expect(try Self.findings(a: [1: 0x10_0037], b: [9: 0x10_1037]) == [])
    let declared = try Self.findings(a: [1: 0x10_0037], b: [9: 0x10_0031]) {
      $0.shared = ["0x100000..0x101000"].compactMap { AuditRange($0) }
    }
    #expect(declared == [])
  }

  @Test("V20: one guest may map a frame twice")
  func alias() throws {
    #expect(try Self.findings(a: [1: 0x10_0037, 2: 0x10_0037]) == [])
  }

  @Test("V20: the last 4 KiB of another guest's 2 MiB are found with both addresses")
  func overlap() throws {
    let result = try Self.result(a: [:], b: [511: 0x7f_f031], second: [1: 0x60_00b7])
    let finding = try #require(result.findings.first)
    #expect("\(finding.rule) \(finding.severity)" == "V20 critical")
    #expect(finding.subject == ["guest": "b"])
    #expect(finding.first.detail["frame"] == "0x7ff000")
    #expect(finding.first.detail["gpa"] == "0x1ff000")
    // 2 MiB at 0x200000 of guest a: its last page.
    #expect(finding.first.detail["otherGpa"] == "0x3ff000")
    #expect(finding.first.detail["otherGuest"] == "a")
  }

  @Test("V20: a frame of another owner, whether or not that one maps it")
  func owner() throws {
    let owners = ["b=0x100000..0x110000", "a=0x200000..0x210000"].compactMap { AuditRange($0) }
    let found = try Self.findings(a: [1: 0x10_f037, 2: 0x11_0037, 3: 0x20_0037]) {
      $0.owners = owners
    }
    #expect(found == ["V20 critical 1"])
  }

  @Test("V21: a guest that reaches a table, its own among them, or a protected range")
  func tables() throws {
    #expect(try Self.findings(a: [1: 0x8037]) == ["V21 critical 1"])
    #expect(try Self.findings(a: [1: 0x4031]) == ["V21 high 1"])
    #expect(try Self.findings(a: [1: 0x9037]) == [])
    let range = ["0x9800..0x9801"].compactMap { AuditRange($0) }
    #expect(try Self.findings(a: [1: 0x9037]) { $0.protected = range } == ["V21 critical 1"])
    let host = ["host=0x9000..0xa000"].compactMap { AuditRange($0) }
    #expect(
      try Self.findings(a: [1: 0xa037, 2: 0x9033]) { $0.owners = host } == ["V21 critical 1"])
  }

  @Test("V22: written and executed, where that is asked for")
  func code() throws {
    #expect(try Self.findings(a: [1: 0x10_0037]) == [])
    #expect(
      try Self.findings(a: [1: 0x10_0037, 2: 0x10_1033, 3: 0x10_2035]) { $0.separatesCode = true }
        == ["V22 medium 1"])
  }

  @Test("V27: an entry that EPT forbids is told with its place")
  func malformed() throws {
    // Write without read.
    let result = try Self.result(a: [3: 0x10_0032])
    let finding = try #require(result.findings.first)
    #expect("\(finding.rule) \(finding.severity)" == "V27 medium")
    #expect(finding.first.detail["entry"] == "0x4018")
    #expect(finding.first.detail["value"] == "0x100032")
    #expect(finding.first.event == nil)
    #expect(result.counters["audit.malformed"] == 1)
  }

  @Test("a table that is not in the image is no finding, and is counted")
  func absent() throws {
    let result = try Self.result(a: [:], second: [5: 0xdead_f007])
    #expect(result.findings.isEmpty)
    #expect(result.counters["audit.absentTables"] == 1)
    #expect(result.notes.contains { $0.contains("not in the image") })
  }

  @Test("tables that contain themselves are refused")
  func endless() throws {
    // Every entry of a table leads to the table itself: 512^4 ways.
    var options = TableAudit.Options()
    options.guests = ["a=ept:4@0x1000"].compactMap { AuditSubject($0) }
    let audit = TableAudit(options)
    let entries = Dictionary(uniqueKeysWithValues: (0..<512).map { ($0, UInt64(0x1007)) })
    #expect(Self.add(entries, at: 0x1000, to: audit))
    #expect(throws: TableError.self) {
      try audit.result(
        of: TraceIdentity(name: "i", sha256: "", records: 0, tables: "", notes: []))
    }
  }

  /// Guest a's first stage: its root at 0x10000 of its own memory leads to one table at 0x11000.
  @Test(
    "V24: a first-stage table in the host's memory is high, one without memory low",
    arguments: ["0x120000", "0x9000", "0"])
  func nested(_ place: String) throws {
    let frame = try #require(number(place))
    // In memory of its own nothing is wrong; 0x9000 is protected.
    let expected: Set<String> =
      frame == 0 ? ["V24 low 1"] : frame == 0x9000 ? ["V24 high 1", "V21 critical 1"] : []
    var options = TableAudit.Options()
    options.guests = ["a=x86-64:4@0x10000/ept:4@0x1000"].compactMap { AuditSubject($0) }
    options.protected = ["0x9000..0xa000"].compactMap { AuditRange($0) }
    let audit = TableAudit(options)
    // The second stage: 0x10000 is at 0x110000, 0x11000 at `frame` or nowhere.
    var last: [Int: UInt64] = [0x10: 0x11_0037]
    if frame != 0 { last[0x11] = frame | 0x37 }
    for (address, entries) in [
      0x1000: [0: 0x2007], 0x2000: [0: 0x3007], 0x3000: [0: 0x4007], 0x4000: last,
      0x11_0000: [0: 0x1_1003],
    ] as [UInt64: [Int: UInt64]] { #expect(Self.add(entries, at: address, to: audit)) }
    let result = try audit.result(
      of: TraceIdentity(name: "i", sha256: "", records: 0, tables: "", notes: []))
    #expect(Set(result.findings.map { "\($0.rule) \($0.severity) \($0.count)" }) == expected)
  }

  @Test(
    "what is no subject, range or device is refused",
    arguments: [
      "", "a", "=ept:4@0", "a=ept:4", "a=ept:4@0/", "a=x86-64:4@0/ept:4@0/ept:4@0", "a=arm:4@0",
    ])
  func subjects(_ text: String) {
    #expect(AuditSubject(text) == nil)
    #expect(AuditRange(text) == nil)
    #expect(AuditAssignment(text) == nil)
  }

  @Test("ranges are rounded outwards, devices are bus, number and function")
  func arguments() throws {
    let range = try #require(AuditRange("x=0x1fff..0x2001"))
    #expect((range.first, range.end) == (1, 3))
    #expect(AuditRange("0x2000..0x2000") == nil)
    #expect(AuditAssignment("a=0000:3a:1f.7")?.device == 0x3aff)
    #expect(AuditAssignment("a=00:03.0")?.device == 0x18)
    #expect(AuditAssignment("a=00:20.0") == nil)
    #expect(AuditAssignment("a=00:03.8") == nil)
  }
}
