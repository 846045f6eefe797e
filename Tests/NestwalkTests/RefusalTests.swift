import Foundation
import Testing

/// Files that no command may accept, and what is said of them.
@Suite("Bad input")
struct RefusalTests {
  struct Row: Sendable, CustomTestStringConvertible {
    /// Words of the command line.
    var command: String
    /// What the line names as the file; the only bad file of the command where absent.
    var file: String?
    /// What the problem or the place has to say.
    var says: String
    var testDescription: String { command }
  }

  /// Makes the bad files.
  private func fill(_ folder: Folder) throws {
    let lackey = try Shipped.bytes("samples/true-500.lackey.txt.gz")
    let champSim = try Shipped.bytes("samples/true-500.champsimtrace.xz")
    let flat = try Shipped.bytes("samples/sqlite-probe-500.flat16.zst")
    let container = try Shipped.bytes("true.nwt")
    let files: [(String, [UInt8])] = [
      ("lackey.txt.gz", lackey), ("champsimtrace.xz", champSim), ("flat16.zst", flat),
      ("nwt", container),
    ]
    for (suffix, bytes) in files {
      try folder.write(bytes.prefix(bytes.count / 2), to: "cut.\(suffix)")
      var flipped = bytes
      flipped[bytes.count / 2] ^= 0x10
      try folder.write(flipped, to: "flipped.\(suffix)")
    }
    var header = container
    header[60] ^= 0x10
    try folder.write(header, to: "header.nwt")
    // One ChampSim instruction without operands, and a flat16 load, each short of its last byte.
    try folder.write(
      [0x70, 0xab, 1, 4] + [UInt8](repeating: 0, count: 59), to: "cut.champsimtrace")
    try folder.write([0x70, 0xab, 1, 4, 0, 0, 0, 0, 1, 8, 0, 0, 1, 0, 0], to: "cut.flat16")
    try folder.write("I  0401ab70,3\n S 1fff0006", to: "cut.lackey")
    try folder.write([UInt8](), to: "empty.nwt")
    try folder.write([UInt8](), to: "empty.flat16")
    for name in ["text.flat16", "text.champsimtrace", "text.nwt", "trace.lackey"] {
      try folder.write("I  0401ab70,3\n S 1fff000658,8\n", to: name)
    }
    try folder.write("one\ntwo\n", to: "words.txt")
    try folder.write([0x70, 0xab, 1, 4, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9], to: "binary.lackey")
    try folder.makeFolder("folder.nwt")
    try folder.makeFolder("folder.json")
    try fillMachines(folder)
  }

  private func fillMachines(_ folder: Folder) throws {
    let reference = try Nestwalk.succeed(["machine", "show", "reference"], in: folder)
    // The first TLB's geometry, whatever stands before it.
    let changes: [(file: String, from: String, to: String)] = [
      ("key.json", "\"ways\"", "\"wasy\""), ("ways.json", "\"ways\": 4", "\"ways\": 0"),
      ("sets.json", "\"sets\": 16", "\"sets\": 3"), ("comma.json", "\"cores\": 1,", "\"cores\": 1"),
    ]
    for change in changes {
      let place = try #require(reference.firstRange(of: change.from), "\(change.file)")
      try folder.write(
        reference.replacingCharacters(in: place, with: change.to), to: change.file)
    }
    try folder.write("", to: "empty.json")
    try folder.write([0, 1, 2, 0xff], to: "binary.json")
  }

  /// Each with every command that reads traces.
  static let traces: [(file: String, says: String)] = [
    ("cut.nwt", "ends within it"), ("cut.lackey.txt.gz", "gzip data end here"),
    ("cut.champsimtrace.xz", "xz data end here"), ("cut.flat16.zst", "zstd data end here"),
    ("cut.champsimtrace", "record 1: ends after 63 of 64 bytes"),
    ("cut.flat16", "record 1: ends after 15 of 16 bytes"),
    ("cut.lackey", "line 2: \" S 1fff0006\" ends without a newline"),
    ("flipped.nwt", "checksum does not match"),
    ("flipped.lackey.txt.gz", "cannot be decompressed"),
    ("flipped.champsimtrace.xz", "cannot be decompressed"),
    ("flipped.flat16.zst", "cannot be decompressed"),
    ("header.nwt", "header: its checksum does not match"), ("empty.nwt", "is empty"),
    ("empty.flat16", "is empty"), ("text.flat16", "is text where flat16 has binary records"),
    ("text.champsimtrace", "is text where champsim has binary records"),
    ("words.txt", "\"one\" fits no text format"), ("binary.lackey", "begins with 70 ab 01 04"),
    ("missing.nwt", "does not exist"), ("folder.nwt", "is a directory"),
  ]

  static let traceRows = traces.flatMap { trace in
    [
      "import FILE -o out.nwt", "run FILE -m reference -o out.json -o out.html", "inspect FILE",
      "export FILE -o out.flat16", "run FILE -m reference", "import FILE -o -",
    ].map {
      Row(command: $0.replacing("FILE", with: trace.file), file: trace.file, says: trace.says)
    }
  }

  static let otherRows = [
    Row(command: "verify cut.nwt", file: "cut.nwt", says: "ends within it"),
    Row(command: "verify flipped.nwt", file: "flipped.nwt", says: "checksum does not match"),
    Row(command: "verify text.nwt", file: "text.nwt", says: "does not begin as a container does"),
    Row(command: "verify missing.nwt", file: "missing.nwt", says: "does not exist"),
    // What is said with --format is held against the content.
    Row(
      command: "import text.flat16 -o o.nwt --format gem5", file: "text.flat16",
      says: "magic number of gem5"),
    Row(
      command: "import trace.lackey -o o.nwt --format nwt", file: "trace.lackey",
      says: "magic number of nwt"),
    Row(
      command: "import trace.lackey -o o.nwt --format champsim", file: "trace.lackey",
      says: "is text where champsim has binary records"),
    Row(
      command: "import binary.lackey -o o.nwt --format lackey", file: "binary.lackey",
      says: "is binary"),
    // One bad trace after a good one leaves nothing either.
    Row(
      command: "import trace.lackey cut.lackey -o o.nwt", file: "cut.lackey",
      says: "ends without a newline"),
    Row(
      command: "run trace.lackey cut.nwt -m reference -o o.json", file: "cut.nwt",
      says: "ends within it"),
    // Machines.
    Row(command: "machine check key.json", file: "key.json", says: "wasy"),
    Row(command: "run trace.lackey -m key.json", file: "key.json", says: "\"ways\""),
    Row(command: "run trace.lackey -m ways.json -o o.md", file: "ways.json", says: "ways: is 0"),
    Row(command: "run trace.lackey -m sets.json", file: "sets.json", says: "sets: is 3"),
    Row(command: "machine check comma.json", file: "comma.json", says: "line "),
    Row(command: "machine check empty.json", file: "empty.json", says: "is empty"),
    Row(command: "machine check binary.json", file: "binary.json", says: "not UTF-8"),
    Row(command: "machine check missing.json", file: "missing.json", says: "No such file"),
    Row(command: "machine check folder.json", file: "folder.json", says: "Is a directory"),
    Row(command: "machine show refernce", file: "refernce", says: "did you mean \"reference\"?"),
    Row(
      command: "run trace.lackey -m zen55 -o o.csv", file: "zen55", says: "did you mean \"zen5\"?"),
    Row(
      command: "run trace.lackey -m reference --set tlbs.L2.ways=0", file: "--set",
      says: "tlbs[2].ways: is 0"),
    Row(
      command: "run trace.lackey -m reference --set tlbs.L2.sets=3", file: "--set",
      says: "tlbs[2].sets: is 3"),
    Row(
      command: "run trace.lackey -m reference --set tlbs.L9.ways=4 -o o.json", file: "--set",
      says: "no such TLB; this machine has L1I, L1D, L2"),
    Row(command: "machine check reference --set cores", file: "--set", says: "has no ="),
    // Places that cannot be written.
    Row(
      command: "run trace.lackey -m reference -o nowhere/o.json", file: "nowhere/o.json",
      says: "cannot be created"),
    Row(
      command: "run trace.lackey -m reference -o o.csv -o folder.json", file: "folder.json",
      says: "directory"),
    Row(
      command: "import trace.lackey -o nowhere/o.nwt", file: "nowhere/o.nwt",
      says: "cannot be created"),
    Row(command: "import trace.lackey -o folder.nwt", file: "folder.nwt", says: "directory"),
    Row(
      command: "export trace.lackey -o nowhere/o", file: "nowhere/o", says: "cannot be created"),
  ]

  @Test(
    "exit code 2, one line with file, place, problem and cure, nothing on stdout, nothing left",
    arguments: traceRows + otherRows)
  func refused(_ row: Row) throws {
    let folder = try Folder()
    try fill(folder)
    let before = folder.listing
    let outcome = try Nestwalk.run(
      row.command.split(separator: " ").map(String.init), in: folder)
    #expect(outcome.status == 2)
    #expect(outcome.output.isEmpty, "\(outcome.text)")
    #expect(folder.listing == before)
    #expect(outcome.errorLines.count == 1 && outcome.errors.hasSuffix("\n"), "\(outcome.errors)")
    let line = outcome.errorLines.first ?? ""
    #expect(line.hasPrefix("nestwalk: \(row.file ?? ""): "), "\(line)")
    #expect(line.contains(row.says), "\(line)")
    let rest = line.dropFirst("nestwalk: \(row.file ?? ""): ".count)
    #expect(rest.wholeMatch(of: /[^:;]+: .+; .+/) != nil, "place: problem; cure: \(rest)")
  }

  @Test(
    "wrong usage: exit code 64 before anything is read or written",
    arguments: [
      "", "run", "run trace.lackey", "run -m reference", "run trace.lackey -m reference -o o.pdf",
      "run trace.lackey -m reference -o o", "run trace.lackey -m reference -o o.json -o o.json",
      "run trace.lackey -m reference -o o.json -o .//o.json",
      "import trace.lackey -o ./trace.lackey", "export trace.lackey -o trace.lackey",
      "import trace.lackey",
      "import -o o.nwt",
      "import trace.lackey -o o.nwt --format tracee", "import trace.lackey -o o.nwt --level 20",
      "import trace.lackey -o o.nwt --records 5..3", "export trace.lackey", "inspect", "verify",
      "machine show", "machine chekc reference", "frobnicate", "run --explain no.such.counter",
    ])
  func wrongUsage(_ command: String) throws {
    let folder = try Folder()
    try fill(folder)
    let before = folder.listing
    let outcome = try Nestwalk.run(command.split(separator: " ").map(String.init), in: folder)
    // The bare name prints help, as most tools do.
    #expect(outcome.status == (command.isEmpty ? 0 : 64))
    #expect(outcome.output.isEmpty != command.isEmpty)
    #expect(outcome.errors.isEmpty == command.isEmpty)
    #expect(folder.listing == before)
  }

  @Test("an output that was there stays as it was when the input is refused")
  func keepsOldOutput() throws {
    let folder = try Folder()
    try fill(folder)
    try folder.write("old", to: "o.nwt")
    try folder.write("old", to: "o.json")
    for command in ["import cut.nwt -o o.nwt", "run cut.nwt -m reference -o o.json"] {
      let outcome = try Nestwalk.run(command.split(separator: " ").map(String.init), in: folder)
      #expect(outcome.status == 2)
    }
    #expect(try folder.text("o.nwt") == "old")
    #expect(try folder.text("o.json") == "old")
  }
}
