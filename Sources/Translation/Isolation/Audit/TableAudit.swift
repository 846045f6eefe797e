import Machine
import Results

/// Isolation rules over tables alone: who reaches whose memory, in an image of it.
public final class TableAudit {
  var memory = PhysicalMemory()
  let options: Options
  var log = FindingLog()
  var judged: InlineArray<28, Int> = .init(repeating: 0)
  var sweeps: [TableSweep] = []
  /// Names of `sweeps`, and whether devices use them.
  var subjects: [Subject] = []
  /// Frames of structures that hold no page tables.
  var structures: [UInt64] = []
  var notes: [String] = []
  var tables: [ResultTable] = []

  struct Subject {
    var name: String
    var isGuest: Bool
    var device: UInt32?
    var domain: UInt32?
  }

  /// What is looked at.
  public struct Options: Sendable {
    /// Guests, each with its tables.
    public var guests: [AuditSubject] = []
    /// The host's own tables, which no guest may reach.
    public var host: [TableRoot] = []
    /// VT-d's root table register.
    public var vtd: UInt64?
    /// AMD-Vi's device table base register.
    public var amdvi: UInt64?
    /// VT-d's interrupt remapping table register.
    public var interrupts: UInt64?
    /// Devices of guests; the others are the host's.
    public var assignments: [AuditAssignment] = []
    /// Ranges that no guest may reach.
    public var protected: [AuditRange] = []
    /// Ranges with their owners' names, `host` among them.
    public var owners: [AuditRange] = []
    /// Ranges that everybody may reach.
    public var shared: [AuditRange] = []
    /// Judge V22: no page of a guest may be both written and executed.
    public var separatesCode = false

    /// Nothing yet.
    public init() {}
  }

  /// An audit without any page yet.
  ///
  /// - Parameter options: what is looked at.
  public init(_ options: Options) { self.options = options }

  /// Adds a page of the image.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == 4096, memory.words(in: address >> 12) == nil,
      let words = memory.addFrame(address >> 12)
    else { return false }
    for at in 0..<512 {
      words[at] = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * at, as: UInt64.self))
    }
    return true
  }

  /// Judges the tables; once.
  ///
  /// - Parameter image: its name, hash and notes.
  /// - Returns: findings, counters and tables.
  /// - Throws: an error where tables have no end.
  public func result(of image: TraceIdentity) throws(TableError) -> RunResult {
    for guest in options.guests {
      try sweep(guest.second, as: Subject(name: guest.name, isGuest: true))
    }
    for root in options.host {
      try sweep(root, as: Subject(name: "host", isGuest: false))
    }
    if let root = options.vtd { try sweepVTd(root) }
    if let table = options.amdvi { try sweepAMDVi(table) }
    if let table = options.interrupts { judgeInterruptTable(table) }
    for guest in options.guests.indices { try judgeFirstStage(guest) }
    judgeMalformed()
    judgeProtected()
    judgeShared()
    if options.separatesCode { judgeCode() }
    return fill(image)
  }

  /// Sweeps one set of tables of whatever format.
  private func sweep(_ root: TableRoot, as subject: Subject) throws(TableError) {
    var sweep = TableSweep(subject: sweeps.count)
    switch root.format {
    case .x86:
      try sweep.visit(
        X86PageTable.self, root: root.address, levels: root.levels, in: memory)
    case .ept:
      try sweep.visit(
        ExtendedPageTable.self, root: root.address, levels: root.levels, in: memory)
    case .npt:
      try sweep.visit(
        NestedPageTable.self, root: root.address, levels: root.levels, in: memory)
    }
    sweeps.append(sweep)
    subjects.append(subject)
  }

  /// A guest's first stage through its second: V24.
  private func judgeFirstStage(_ guest: Int) throws(TableError) {
    guard let first = options.guests[guest].first else { return }
    guard first.format == .x86 else {
      throw TableError(
        problem: "\(first.format.rawValue) is no first stage", cure: "give x86-64 before the /")
    }
    let second = sweeps[guest].byPage
    var own = TableSweep(subject: guest, keepsPointers: true)
    try own.visit(X86PageTable.self, root: first.address, levels: first.levels, in: memory) {
      address in second.frame(of: address >> 12).map { $0 << 12 | address & 0xfff }
    }
    judgePointers(own, of: guest, second)
    // What the guest maps for itself is its own affair, but its tables have to be well formed.
    judgeMalformed(own, as: guest, "its first stage")
  }

  private func fill(_ image: TraceIdentity) -> RunResult {
    var result = RunResult(
      trace: image, machine: MachineIdentity(name: "its tables", sha256: "", resolvedJSON: ""))
    result.trace.tables += ": " + description
    var leaves = 0
    for sweep in sweeps { leaves += sweep.leaves[0] + sweep.leaves[1] + sweep.leaves[2] }
    result.counters = [
      "audit.roots": sweeps.count, "audit.tables": sweeps.reduce(0) { $0 + $1.tables.count },
      "audit.leaves": leaves, "audit.malformed": sweeps.reduce(0) { $0 + $1.malformed },
      "audit.absentTables": sweeps.reduce(0) { $0 + $1.absentTables },
    ]
    for rule in 1...27 where judged[rule] > 0 {
      result.counters["isolation.judged.V\(rule)"] = judged[rule]
      let count = log.count(of: rule)
      if count > 0 { result.counters["isolation.findings.V\(rule)"] = count }
    }
    let names = NameBook()
    let subjects = subjects
    result.findings = log.findings { subject in
      var detail: [String: String] = [:]
      if subject.device != FindingLog.Subject.none {
        detail["device"] = names.device(subject.device)
      }
      if subject.domain != FindingLog.Subject.none {
        detail["domain"] = names.domain(subject.domain)
      }
      if subject.other != FindingLog.Subject.none {
        let at = Int(subject.other)
        detail["guest"] = at < subjects.count ? subjects[at].name : String(at)
      }
      return detail
    }
    result.tables = [sweepTable] + tables
    result.notes = notes
    let absent = result.counters["audit.absentTables", default: 0]
    if absent > 0 {
      result.notes.append("\(absent) tables are not in the image: what they map was not judged.")
    }
    return result
  }

  /// What was looked at.
  private var description: String {
    var roots = options.guests.map { "\($0.name)=\($0.text)" }
    roots += options.host.map { "host=\($0.format.rawValue):\($0.levels)@\(hex($0.address))" }
    if let root = options.vtd { roots.append("vtd@\(hex(root))") }
    if let table = options.amdvi { roots.append("amdvi@\(hex(table))") }
    if let table = options.interrupts { roots.append("interrupts@\(hex(table))") }
    return roots.joined(separator: ", ")
  }

  private var sweepTable: ResultTable {
    ResultTable(
      name: "audit", title: "Tables",
      explanation: "What each set of tables maps; writable and executable are the accumulated "
        + "rights of the way.",
      columns: [
        .init("of", "of"), .init("tables", "tables"), .init("leaves4K", "4 KiB"),
        .init("leaves2M", "2 MiB"), .init("leaves1G", "1 GiB"), .init("bytes", "bytes"),
        .init("writable", "writable"), .init("executable", "executable"),
        .init("both", "both"), .init("malformed", "malformed"),
      ],
      rows: zip(subjects, sweeps).map { subject, sweep in
        [
          .text(subject.name), .number(sweep.tables.count), .number(sweep.leaves[0]),
          .number(sweep.leaves[1]), .number(sweep.leaves[2]), .number(sweep.bytes()),
          .number(sweep.bytes(with: .write)), .number(sweep.bytes(with: .execute)),
          .number(sweep.bytes(with: [.write, .execute])), .number(sweep.malformed),
        ]
      })
  }
}
