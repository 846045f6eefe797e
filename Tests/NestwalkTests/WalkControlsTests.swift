import Foundation
import Testing

/// Control registers, second stages and images of every kind on the command line.
@Suite("walk: controls and images")
struct WalkControlsTests {
  private static func bytes(_ number: UInt64, _ count: Int = 8) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
  }

  /// Pages from 0x8000 on, with some of their words set.
  ///
  /// EPT 0x8000, 0x9000, 0xa000, 0xb000; guest-physical page 0 is at 0xc000, may be read and executed and
  /// not written. Its entry 0, accessed, dirty, writable and a user's, leads to page 0 at every level.
  /// Key 3 stands in it, which counts at the last level.
  private static let pages: [[Int: UInt64]] = [
    [0: 0x9007], [0: 0xa007], [0: 0xb007], [0: 0xc035], [0: 3 << 59 | 0x67],
  ]

  private static var memory: [UInt8] {
    pages.flatMap { words in (0..<512).flatMap { bytes(words[$0] ?? 0) } }
  }

  private static var sparse: [UInt8] {
    pages.indices.flatMap {
      bytes(0x8000 + UInt64($0) * 4096) + memory[($0 * 4096)..<($0 * 4096 + 4096)]
    }
  }

  /// An ELF core with one segment for each part of memory, which need not be whole pages.
  private static func core(_ cuts: [Int]) -> [UInt8] {
    let edges = [0] + cuts + [memory.count]
    let parts = zip(edges, edges.dropFirst()).map { memory[$0..<$1] }
    // ELF-64 Object File Format, version 1.5 draft 2: header of 64 bytes, program headers of 56.
    var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + bytes(0)
    file += bytes(4, 2) + bytes(62, 2) + bytes(1, 4) + bytes(0) + bytes(64) + bytes(0)
    file += bytes(0, 4) + bytes(64, 2) + bytes(56, 2) + bytes(UInt64(parts.count), 2) + bytes(0, 6)
    var offset = UInt64(64 + 56 * parts.count)
    for (part, edge) in zip(parts, edges) {
      let count = UInt64(part.count)
      file += bytes(1, 4) + bytes(7, 4) + bytes(offset) + bytes(0) + bytes(0x8000 + UInt64(edge))
      file += bytes(count) + bytes(count) + bytes(0)
      offset += count
    }
    return file + parts.flatMap { $0 }
  }

  private static let nested = ["--first", "x86-64:4@0", "--second", "ept:4@0x8000", "--json"]

  private func walk(_ file: String, _ content: [UInt8], _ arguments: [String]) throws -> String {
    let folder = try Folder()
    try folder.write(content, to: file)
    return try Nestwalk.succeed(["walk", file] + arguments, in: folder)
  }

  @Test("every kind of image gives the same walk")
  func images() throws {
    let expected = try walk("image.nwsp", Self.sparse, Self.nested + ["0x123"])
    // 24 references: four entries for each of four tables and the page, and the tables' own four.
    #expect(
      expected.hasPrefix(
        """
        {"address":"0x123","outcome":"translated","output":"0xc123","references":24,\
        "firstBytes":4096,"secondBytes":4096,"effective":"r-xu","protectionKey":3,\
        "memoryType":"WB","path":[["second",3,"0x8000","0x9007"],
        """))
    for (file, content, extra) in [
      ("image.raw", Self.memory, ["--base", "0x8000"]), ("whole.core", Self.core([]), []),
      ("pages.core", Self.core([4096, 8192]), []), ("parts.core", Self.core([5000, 9008]), []),
    ] {
      #expect(try walk(file, content, Self.nested + extra + ["0x123"]) == expected, "\(file)")
      let all = ["--first", "x86-64:4@0", "--second", "ept:4@0x8000", "--all", "--csv"]
      let pages = try walk(file, content, all + extra)
      #expect(pages == (try walk("image.nwsp", Self.sparse, all)), "\(file)")
      // Page 0 by the entry at each of four levels, and nothing else.
      #expect(pages == "va,pa,bytes,leaf,effective\n0x0,0xc000,4096,---DA--UW,r-xu\n")
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var reason: String?
    var code = ""
    var raises = "pageFault"
    var testDescription: String { arguments.joined(separator: " ") }
  }

  /// Codes: present 1, write 2, user 4, reserved 8, fetch 16, key 32; exit qualifications: read 1, write
  /// 2, fetch 4, allowed 8 to 32, linear 128, translated 256.
  static let rows = [
    Row(arguments: ["0"]),
    Row(arguments: ["--controls", "smap", "0"], reason: "forbidden", code: "0x1"),
    Row(arguments: ["--controls", "smap,ac", "0"]),
    Row(arguments: ["--controls", "smap,rflags=0x40000", "0"]),
    Row(arguments: ["--controls", "smap", "--user", "0"]),
    // CR4: bit 20 is SMEP, bit 21 SMAP.
    Row(
      arguments: ["--controls", "cr4=0x100000", "--access", "fetch", "0"], reason: "forbidden",
      code: "0x11"),
    Row(arguments: ["--controls", "cr4=0x200000", "--access", "fetch", "0"]),
    // Key 3: bits 6 and 7.
    Row(
      arguments: ["--controls", "pkru=0x40", "--user", "0"], reason: "protectionKey", code: "0x25"),
    Row(
      arguments: ["--controls", "pkru=0x80,wp", "--access", "store", "0"], reason: "protectionKey",
      code: "0x23"),
    Row(arguments: ["--controls", "pkru=0x80", "--user", "0"]),
    Row(arguments: ["--controls", "pkru=0x40,no-pke", "--user", "0"]),
    // The EPT page may not be written: present rights read and execute are 0x28.
    Row(
      arguments: ["--access", "store", "0"], reason: "forbidden", code: "0x1aa",
      raises: "eptViolation"),
    Row(
      arguments: ["--second-controls", "ad", "0"], reason: "forbidden", code: "0xab",
      raises: "eptViolation"),
    Row(
      arguments: ["--second", "ept:4@0x805e", "0"], reason: "forbidden", code: "0xab",
      raises: "eptViolation"),
    Row(
      arguments: ["--second-controls", "ad,ve", "0"], reason: "forbidden", code: "0xab",
      raises: "virtualizationException"),
    // Users' execution is bit 10, which no entry has; bit 6 of the qualification would say so.
    Row(
      arguments: ["--second-controls", "mbec", "--access", "fetch", "0"], reason: "forbidden",
      code: "0x1ac", raises: "eptViolation"),
    // The page is a user's, writable and executable for the guest: bits 9 and 10.
    Row(
      arguments: ["--second-controls", "exit-info", "--access", "store", "0"],
      reason: "forbidden", code: "0x7aa", raises: "eptViolation"),
  ]

  @Test("controls decide, and the code says how", arguments: rows)
  func controls(_ row: Row) throws {
    let second = row.arguments.contains("--second") ? [] : ["--second", "ept:4@0x8000"]
    let text = try walk(
      "image.nwsp", Self.sparse, ["--first", "x86-64:4@0", "--json"] + second + row.arguments)
    guard let reason = row.reason else {
      #expect(text.contains("\"outcome\":\"translated\""))
      return
    }
    #expect(text.contains("\"reason\":\"\(reason)\""))
    #expect(text.contains("\"errorCode\":\"\(row.code)\",\"raises\":\"\(row.raises)\""))
  }

  @Test("a second stage of any format under a first of any, and either alone")
  func combinations() throws {
    // Entries that every format takes for tables and pages: EPT's read, write, execute are present,
    // writable and user; bits 5 and 4 are a memory type at the last level.
    let pages: [[Int: UInt64]] = [
      [0: 0x9007], [0: 0xa007], [0: 0xb007], [0: 0xc037], [0: 0x1007], [0: 0x2007], [0: 0x3007],
      [0: 0x5037],
    ]
    var image: [UInt8] = []
    for (at, words) in pages.enumerated() {
      image += Self.bytes(0x8000 + UInt64(at) * 4096)
      image += (0..<512).flatMap { Self.bytes(words[$0] ?? 0) }
    }
    // Guest-physical pages 1, 2, 3 and 5 beside page 0, at 0xd000, 0xe000, 0xf000 and 0x15000.
    for (index, page) in [(1, 0xd037), (2, 0xe037), (3, 0xf037), (5, 0x15037)] as [(Int, UInt64)] {
      let at = 3 * 4104 + 8 + 8 * index
      image.replaceSubrange(at..<(at + 8), with: Self.bytes(page))
    }
    for first in ["x86-64", "ept", "npt"] {
      for second in ["x86-64", "ept", "npt"] {
        let text = try walk(
          "image.nwsp", image,
          ["--first", "\(first):4@0", "--second", "\(second):4@0x8000", "--json", "0x123"])
        #expect(text.contains("\"output\":\"0x15123\",\"references\":24,"), "\(first) \(second)")
      }
      let alone = try walk(
        "image.nwsp", image, ["--first", "\(first):4@0x8000", "--json", "0x5123"])
      #expect(alone.contains("\"output\":\"0x15123\",\"references\":4,"), "\(first)")
    }
  }

  @Test("a dump of 64 GiB is walked where it stands")
  func large() throws {
    let folder = try Folder()
    let path = folder.url.appending(path: "large.raw").path
    _ = FileManager.default.createFile(atPath: path, contents: Data(Self.memory))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: 64 << 30)
    try handle.close()
    let text = try Nestwalk.succeed(
      ["walk", "large.raw", "--base", "0x8000"] + Self.nested + ["0x123", "0x1000"], in: folder)
    #expect(text.contains("\"output\":\"0xc123\""))
    #expect(text.contains("\"reason\":\"notPresent\""))
  }

  @Test(
    "a control that is unknown, out of range or for no stage is wrong usage",
    arguments: [
      ["--controls", "smepp"], ["--controls", "pkru=x"], ["--controls", "pkru=0x100000000"],
      ["--controls", "physical-bits=60"], ["--controls", ""], ["--controls", "smep,,smap"],
      ["--controls", "smep=1"], ["--second-controls", "ad"],
    ])
  func usage(_ arguments: [String]) throws {
    let folder = try Folder()
    try folder.write(Self.sparse, to: "image.nwsp")
    let outcome = try Nestwalk.run(
      ["walk", "image.nwsp", "--first", "x86-64:4@0", "0"] + arguments, in: folder)
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
  }

  @Test("a dump that is cut off or lies nowhere is refused with its place")
  func refused() throws {
    let folder = try Folder()
    try folder.write(Array(Self.memory.dropLast(7)), to: "short.raw")
    try folder.write(Array(Self.core([4096]).dropLast(7)), to: "short.core")
    try folder.write(Self.memory, to: "image.raw")
    for (arguments, text) in [
      (
        ["short.raw", "--base", "0x8000"], "byte 16384: the last page ends after 4089 of 4096 bytes"
      ),
      (["short.core"], "program header 2: is cut off"), (["image.raw"], "byte 0: begins with"),
      (["image.raw", "--base", "0x8001"], "--base: 0x8001 is no multiple of 4096"),
      (["image.raw", "--base", "0xffffffffff000"], "--base: 0xffffffffff000 puts the end"),
    ] {
      let outcome = try Nestwalk.run(["walk"] + arguments + Self.nested + ["0"], in: folder)
      #expect(outcome.status == 2, "\(arguments)")
      #expect(outcome.output.isEmpty)
      #expect(outcome.errors.contains(text), "\(outcome.errors)")
      #expect(outcome.errorLines.count == 1)
    }
  }
}
