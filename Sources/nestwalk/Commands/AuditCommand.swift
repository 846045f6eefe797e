import ArgumentParser
import Reporting
import Results
import TraceFile
import Translation

struct AuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Judge isolation by the tables in an image of memory alone.",
    discussion: """
      IMAGE is as for nestwalk walk. A guest's tables are its second stage, or its first over its \
      second with a slash between. Tables of everybody are protected from every guest; ranges are \
      host-physical, A..B without B.

      EXAMPLES:
        nestwalk audit host.core --guest a=ept:4@0x1000 --guest b=ept:4@0x9000 --fail-on high
        nestwalk audit tables.nwsp --guest l2=x86-64:4@0x100000/npt:4@0x4176000
        nestwalk audit tables.nwsp --vtd 0x24a5000 --interrupts 0x120000f --assign a=00:07.0
        nestwalk audit host.core --amdvi 0x100001 --assign a=00:07.0 --assign b=01:00.0
        nestwalk audit dump.raw --base 0 --guest a=npt:4@0x1000 --owner a=0x10000000..0x20000000 \
      --protect 0x0..0x1000000 -o findings.sarif
      """)

  @Argument(help: "The image, or - for standard input.")
  var image: String

  @Option(help: ArgumentHelp("A guest's tables; may be repeated.", valueName: "name=format@root"))
  var guest: [AuditSubject] = []

  @Option(
    help: ArgumentHelp(
      "The host's own tables, which no guest may reach; may be repeated.", valueName: "format@root")
  )
  var host: [TableRoot] = []

  @Option(
    help: ArgumentHelp(
      "VT-d's root table: the value of RTADDR_REG, whose bits 11:10 are the mode.",
      valueName: "register"))
  var vtd: Address?

  @Option(
    help: ArgumentHelp(
      "AMD-Vi's device table: the value of DEVTAB_BASE, whose bits 8:0 are its pages less one.",
      valueName: "register"))
  var amdvi: Address?

  @Option(
    help: ArgumentHelp(
      "VT-d's interrupt remapping table: the value of IRTA_REG, whose bits 3:0 are the size.",
      valueName: "register"))
  var interrupts: Address?

  @Option(
    help: ArgumentHelp(
      "A device that a guest has; all others are the host's.", valueName: "name=bus:device.function"
    ))
  var assign: [AuditAssignment] = []

  @Option(help: ArgumentHelp("A range that no guest may reach.", valueName: "a..b"))
  var protect: [AuditRange] = []

  @Option(
    help: ArgumentHelp("A range that belongs to a guest, or to host.", valueName: "name=a..b"))
  var owner: [AuditRange] = []

  @Option(help: ArgumentHelp("A range that everybody may reach.", valueName: "a..b"))
  var share: [AuditRange] = []

  @Flag(help: "Judge V22: no page of a guest may be both written and executed.")
  var writeXorExecute = false

  @Option(name: .customLong("fail-on"), help: GateInput.help)
  var gates: [Gate] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write a report; the suffix picks the format: "
        + ReportFormat.all.map { ".\($0.suffix)" }.joined(separator: " ")
        + ". May be repeated; - is JSON on standard output.", valueName: "file"))
  var output: [String] = []

  @Option(help: "What the image is, where its content and suffix do not tell.")
  var format: MemoryImageFormat?

  @Option(help: "A raw dump's first physical address.")
  var base: Address?

  func validate() throws {
    guard !guest.isEmpty || !host.isEmpty || vtd != nil || amdvi != nil || interrupts != nil else {
      throw ValidationError("Nothing to audit; give --guest NAME=FORMAT@ROOT, --vtd or --amdvi")
    }
    guard owner.allSatisfy({ !$0.name.isEmpty }) else {
      throw ValidationError("--owner needs a name, as in a=0x1000..0x2000")
    }
    guard (protect + share).allSatisfy({ $0.name.isEmpty }) else {
      throw ValidationError("--protect and --share take no name, as in 0x1000..0x2000")
    }
    let names = Set(guest.map(\.name) + assign.map(\.guest))
    guard !names.contains("host") else { throw ValidationError("host is no guest's name") }
    for range in owner where range.name != "host" && !names.contains(range.name) {
      throw ValidationError("--owner \(range.name): there is no such --guest")
    }
    guard Set(output.map(FilePlace.init)).count == output.count else {
      throw ValidationError("Two -o options name one file.")
    }
    for path in output {
      guard ReportFormat(path: path) != nil else {
        throw ValidationError(
          "-o \(path): its suffix names no format of this version; expected "
            + ReportFormat.all.map { ".\($0.suffix)" }.joined(separator: ", "))
      }
      try refuseOverwriting([image], with: path)
    }
  }

  func run() throws {
    try refusing {
      let files = try output.map { try PendingFile($0) }
      let result = try audited()
      for file in files {
        guard let format = ReportFormat(path: file.path) else { continue }
        let text = render([result], as: format, gates: gates)
        try writeAll(Array(text.utf8), to: file.descriptor, file: file.path)
      }
      for file in files { try file.commit() }
      for file in files where file.path != "-" { printError("nestwalk: wrote \(file.path)") }
      if files.isEmpty {
        printResult(summary([result], color: Terminal.hasColor, width: Terminal.width))
      }
      try GateInput.judge([result], by: gates)
    }
  }

  private func audited() throws -> RunResult {
    var options = TableAudit.Options()
    options.guests = guest
    options.host = host
    options.vtd = vtd?.value
    options.amdvi = amdvi?.value
    options.interrupts = interrupts?.value
    options.assignments = assign
    options.protected = protect
    options.owners = owner
    options.shared = share
    options.separatesCode = writeXorExecute
    let audit = TableAudit(options)
    var refused: UInt64?
    let read = try MemoryImage.read(path: image, format: format, base: base?.value) {
      (address, bytes) throws(TraceError) in
      if !audit.addPage(at: address, bytes), refused == nil { refused = address }
    }
    if let refused {
      throw FileError(
        image, "page 0x\(String(refused, radix: 16)) comes twice or finds no memory",
        cure: "give an image with each page once")
    }
    let name = image.split(separator: "/").last.map(String.init) ?? image
    let identity = TraceIdentity(
      name: name, sha256: read.sha256, records: 0, tables: "recorded, \(read.pages) pages",
      notes: [])
    do throws(TableError) {
      return try audit.result(of: identity)
    } catch {
      throw FileError(image, error.problem, cure: error.cure)
    }
  }
}

extension AuditSubject: ExpressibleByArgument {
  /// Reads `NAME=FORMAT@ROOT`, with another stage behind a slash.
  public init?(argument: String) { self.init(argument) }
}

extension AuditAssignment: ExpressibleByArgument {
  /// Reads `NAME=BUS:DEVICE.FUNCTION`.
  public init?(argument: String) { self.init(argument) }
}

extension AuditRange: ExpressibleByArgument {
  /// Reads `A..B` or `NAME=A..B`.
  public init?(argument: String) { self.init(argument) }
}
