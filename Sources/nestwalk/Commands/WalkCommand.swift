import ArgumentParser
import TraceFile
import Translation

struct WalkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "walk",
    abstract: "Walk real page tables in an image of memory.",
    discussion: """
      IMAGE is a sparse page image (.nwsp), a raw dump (with --base) or an ELF core of guest memory, \
      plain or compressed. FORMAT is x86-64, ept or npt with :4 or :5 levels; ROOT is the root table's \
      physical address, as in CR3, EPTP or nCR3; bit 6 of an EPTP turns accessed and dirty flags on.

      LIST names control registers, separated by commas: \(TableControls.help).

      A fault is an answer: the command ends with 0 and says which stage failed, why, where, and the \
      processor's error code or exit qualification. Walks set no bits in the image.

      EXAMPLES:
        nestwalk walk tables.nwsp --first x86-64:4@0x100000 --second npt:4@0x4176000 0x400000
        nestwalk walk dump.core --first x86-64:5@0x90de000 --all --csv > pages.csv
        nestwalk walk dump.raw --base 0 --first x86-64:4@0x1aa000 --json 0x7f0000001000
        nestwalk walk dump.raw --base 0 --first x86-64:4@0x1aa000 --controls cr0=0x80050033,cr4=0x3726f0 \
          --second ept:4@0x10505e --second-controls mbec --user --access store 0x7f0000001000
      """)

  @Argument(help: "The image, or - for standard input.")
  var image: String

  @Argument(help: "Addresses to walk, hexadecimal with 0x or decimal.")
  var addresses: [Address] = []

  @Option(help: ArgumentHelp("The first stage's tables.", valueName: "format@root"))
  var first: TableRoot

  @Option(
    help: ArgumentHelp(
      "The second stage's tables; without them the first stage gives physical addresses.",
      valueName: "format@root"))
  var second: TableRoot?

  @Flag(help: "Print every page that the tables map.")
  var all = false

  @Flag(help: "Print CSV.")
  var csv = false

  @Flag(help: "Print JSON, an object a line.")
  var json = false

  @Option(help: "What the access does: fetch, load or store.")
  var access: AccessKind = .load

  @Flag(help: "Walk as an application and not as a kernel.")
  var user = false

  @Option(
    help: ArgumentHelp(
      "Control registers of the first stage, such as no-wp,smep,pkru=0x4.", valueName: "list"))
  var controls = TableControls()

  @Option(
    help: ArgumentHelp(
      "Control registers of the second stage, such as ad,mbec,physical-bits=46.",
      valueName: "list"))
  var secondControls = TableControls()

  @Option(help: "What the image is, where its content and suffix do not tell.")
  var format: MemoryImageFormat?

  @Option(help: "A raw dump's first physical address.")
  var base: Address?

  func validate() throws {
    guard all != !addresses.isEmpty else {
      throw ValidationError(
        all
          ? "--all prints every page; leave out the addresses"
          : "Missing expected argument '<addresses> ...'; or give --all")
    }
    guard second != nil || secondControls == TableControls() else {
      throw ValidationError("--second-controls needs --second")
    }
    guard !csv || !json else { throw ValidationError("--csv and --json exclude each other") }
  }

  func run() throws {
    try refusing {
      let tables = try openTables()
      if all { try printLeaves(tables) } else { printWalks(tables) }
      if let error = tables.readError { throw error }
    }
  }

  /// The tables of an image whose pages can be read where they stand, or of one that is read whole.
  private func openTables() throws -> ImageTables {
    let pages = try PagedImage(path: image, format: format, base: base?.value)
    let tables = ImageTables(
      first: first, second: second, firstControls: controls, secondControls: secondControls,
      pages: pages)
    guard pages == nil else { return tables }
    var refused: UInt64?
    _ = try MemoryImage.read(path: image, format: format, base: base?.value) {
      (address, bytes) throws(TraceError) in
      if !tables.addPage(at: address, bytes), refused == nil { refused = address }
    }
    if let refused {
      throw FileError(
        image, "page 0x\(hex(refused)) comes twice or finds no memory",
        cure: "give an image with each page once")
    }
    return tables
  }

  private func printLeaves(_ tables: ImageTables) throws {
    var text = csv ? "va,pa,bytes,leaf,effective\n" : ""
    let summary: LeafSummary
    do throws(TableError) {
      summary = try tables.forEachLeaf { leaf in
        text += line(leaf)
        if text.utf8.count > 1 << 16 {
          printResult(text)
          text = ""
        }
      }
    } catch {
      throw FileError(image, error.problem, cure: error.cure)
    }
    printResult(text)
    for (count, what) in [
      (summary.malformed, "entries are malformed"),
      (summary.absentTables, "tables are not in the image"),
      (summary.unbacked, "first-stage tables or pages are not mapped by the second stage"),
    ] where count > 0 { printError("nestwalk: \(image): \(grouped(count)) \(what)") }
  }

  private func line(_ leaf: LeafReport) -> String {
    if csv {
      return "0x\(hex(leaf.address)),0x\(hex(leaf.output)),\(leaf.bytes),\(leaf.flags),"
        + "\(leaf.effective)\n"
    }
    if json {
      return "{\"va\":\"0x\(hex(leaf.address))\",\"pa\":\"0x\(hex(leaf.output))\","
        + "\"bytes\":\(leaf.bytes),\"leaf\":\"\(leaf.flags)\",\"effective\":\"\(leaf.effective)\"}\n"
    }
    return "\(padded(leaf.address)) -> \(padded(leaf.output))  \(size(leaf.bytes))  "
      + "\(leaf.flags)  \(leaf.effective)\n"
  }

  private func printWalks(_ tables: ImageTables) {
    if csv { printResult("address,step,stage,level,entry,value\n") }
    for address in addresses {
      let report = tables.walk(address.value, access, isUser: user)
      printResult(csv ? rows(report) : json ? object(report) : story(report))
    }
  }

  private func rows(_ report: WalkReport) -> String {
    var text = ""
    for (step, reference) in report.path.enumerated() {
      text += "0x\(hex(report.address)),\(step),\(reference.stage),\(reference.level),"
      text += "0x\(hex(reference.address)),0x\(hex(reference.value))\n"
    }
    return text
  }

  private func object(_ report: WalkReport) -> String {
    var text = "{\"address\":\"0x\(hex(report.address))\","
    if let output = report.output {
      text += "\"outcome\":\"translated\",\"output\":\"0x\(hex(output))\","
    } else {
      text += "\"outcome\":\"fault\","
    }
    text += "\"references\":\(report.path.count)"
    if let bytes = report.firstBytes { text += ",\"firstBytes\":\(bytes)" }
    if let bytes = report.secondBytes { text += ",\"secondBytes\":\(bytes)" }
    if let effective = report.effective { text += ",\"effective\":\"\(effective)\"" }
    if report.isGlobal { text += ",\"global\":true" }
    if report.protectionKey > 0 { text += ",\"protectionKey\":\(report.protectionKey)" }
    if let type = report.memoryType {
      text += ",\"memoryType\":\"\(type)\"" + (report.ignoresPAT ? ",\"ignoresPAT\":true" : "")
    }
    if let fault = report.fault {
      text += ",\"fault\":{\"stage\":\"\(fault.stage)\",\"reason\":\"\(fault.reason)\","
      text += "\"address\":\"0x\(hex(fault.address))\",\"onTableWalk\":\(fault.onTableWalk)}"
      if let code = fault.errorCode { text += ",\"errorCode\":\"0x\(hex(code))\"" }
      if let raises = fault.raises { text += ",\"raises\":\"\(raises)\"" }
    }
    let path = report.path.map {
      "[\"\($0.stage)\",\($0.level),\"0x\(hex($0.address))\",\"0x\(hex($0.value))\"]"
    }
    return text + ",\"path\":[\(path.joined(separator: ","))]}\n"
  }

  private func story(_ report: WalkReport) -> String {
    var text = "0x\(hex(report.address))\n"
    for reference in report.path {
      let indent = reference.stage == "second" ? "      " : "  "
      text += "\(indent)\(reference.stage) L\(reference.level)  entry \(padded(reference.address))"
      text += "  value \(padded(reference.value))\n"
    }
    let count = "\(report.path.count) reference\(report.path.count == 1 ? "" : "s")"
    if let output = report.output, let bytes = report.firstBytes {
      let second = report.secondBytes.map { " over \(size($0))" } ?? ""
      let global = report.isGlobal ? ", global" : ""
      let key = report.protectionKey > 0 ? ", key \(report.protectionKey)" : ""
      let type = report.memoryType.map { ", \($0)\(report.ignoresPAT ? " (PAT ignored)" : "")" }
      text += "  -> 0x\(hex(output))  \(size(bytes))\(second), \(report.effective ?? "")"
      text += "\(global)\(key)\(type ?? ""), \(count)\n"
    }
    if let fault = report.fault {
      let way = fault.onTableWalk ? ", on the way to a first-stage table" : ""
      let name = fault.raises?.hasPrefix("ept") == true ? "exit qualification" : "error code"
      let code = fault.errorCode.map { ", \(name) 0x\(hex($0))" } ?? ""
      let raises = fault.raises.map { " (\($0))" } ?? ""
      text += "  -> fault: \(fault.stage) stage, \(fault.reason) at 0x\(hex(fault.address))"
      text += "\(way)\(raises)\(code), \(count)\n"
    }
    return text
  }
}

/// An address on the command line.
struct Address: ExpressibleByArgument {
  var value: UInt64

  init?(argument: String) {
    guard let value = number(argument) else { return nil }
    self.value = value
  }
}

extension TableRoot: ExpressibleByArgument {
  /// Reads `FORMAT@ROOT`.
  public init?(argument: String) { self.init(argument) }
}

extension TableControls: ExpressibleByArgument {
  /// Reads a list.
  public init?(argument: String) { self.init(argument) }
}

extension MemoryImageFormat: ExpressibleByArgument {}

extension AccessKind: ExpressibleByArgument {
  /// Reads a kind's name.
  public init?(argument: String) {
    guard let kind = AccessKind.allCases.first(where: { "\($0)" == argument }) else { return nil }
    self = kind
  }

  /// The kinds' names.
  public static var allValueStrings: [String] { allCases.map { "\($0)" } }
}

private func hex(_ number: UInt64) -> String { String(number, radix: 16) }

private func padded(_ number: UInt64) -> String {
  let digits = hex(number)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

private func size(_ bytes: UInt64) -> String {
  bytes == 1 << 30 ? "1G" : bytes == 1 << 21 ? "2M" : "4K"
}
