import Foundation
import Testing

@Suite("nestwalk audit")
struct AuditCommandTests {
  /// A sparse image: pages with some of their 8-byte words set.
  private func image(_ pages: [UInt64: [Int: UInt64]]) -> [UInt8] {
    pages.sorted { $0.key < $1.key }.flatMap { address, words -> [UInt8] in
      bytes(address) + (0..<512).flatMap { bytes(words[$0] ?? 0) }
    }
  }

  private func bytes(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  /// Two guests by EPT (a table is `| 7`, a page with all rights `| 0x37`) that both have 0x100000.
  private var shared: [UInt8] {
    image([
      0x1000: [0: 0x2007], 0x2000: [0: 0x3007], 0x3000: [0: 0x4007], 0x4000: [1: 0x10_0037],
      0x5000: [0: 0x6007], 0x6000: [0: 0x7007], 0x7000: [0: 0x8007], 0x8000: [2: 0x10_0037],
    ])
  }

  private static let guests = ["--guest", "a=ept:4@0x1000", "--guest", "b=ept:4@0x5000"]

  @Test("a shared frame is told, stops a gate after the reports, and passes once it is declared")
  func gate() throws {
    let folder = try Folder()
    try folder.write(shared, to: "t.nwsp")
    let text = try Nestwalk.succeed(["audit", "t.nwsp"] + Self.guests, in: folder)
    #expect(text.contains("V20 critical, 1 time: Frame that two guests reach\n"))
    #expect(text.contains("frame 0x100000"))

    let outcome = try Nestwalk.run(
      ["audit", "t.nwsp", "--fail-on", "critical", "-o", "r.json", "-o", "r.sarif"] + Self.guests,
      in: folder)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("--fail-on critical"))
    let result = try ResultFile.one(try folder.data("r.json"))
    // Four tables and one page each.
    #expect(result.counters["audit.tables"] == 8)
    #expect(result.counters["audit.leaves"] == 2)
    #expect(result.counters["isolation.findings.V20"] == 1)
    #expect(try folder.text("r.sarif").contains("\"ruleId\": \"V20\""))

    try Nestwalk.succeed(
      ["audit", "t.nwsp", "--fail-on", "low", "--share", "0x100000..0x101000"] + Self.guests,
      in: folder)
  }

  /// The same tables in every kind of image: pages 0x1000 to 0x8000 one after another.
  @Test("a raw dump, an ELF core and a sparse image give the same findings")
  func images() throws {
    let folder = try Folder()
    try folder.write(shared, to: "t.nwsp")
    // Without the addresses of its pages the sparse image is the raw one.
    var raw: [UInt8] = []
    for page in 0..<8 { raw += shared[(page * 4104 + 8)..<((page + 1) * 4104)] }
    try folder.write(raw, to: "t.raw")
    try folder.write(elf(raw, at: 0x1000), to: "t.core")
    var results: [Data] = []
    for (name, options) in [
      ("t.nwsp", []), ("t.raw", ["--base", "0x1000"]), ("t.core", []),
    ] as [(String, [String])] {
      try Nestwalk.succeed(["audit", name, "-o", "r.csv"] + options + Self.guests, in: folder)
      let text = try folder.text("r.csv").replacing(name, with: "t")
      results.append(Data(text.utf8.filter { $0 != 0 }))
      #expect(text.contains("isolation.findings.V20"))
    }
    func counters(_ data: Data) -> [Substring] {
      String(decoding: data, as: UTF8.self).split(separator: "\n").filter {
        $0.contains("audit.") || $0.contains("isolation.")
      }.map { $0.split(separator: ",").suffix(2).joined(separator: ",")[...] }
    }
    #expect(counters(results[0]) == counters(results[1]))
    #expect(counters(results[0]) == counters(results[2]))
  }

  /// An ELF core with one segment: header of 64 bytes, a program header of 56, the bytes from 4096 on.
  private func elf(_ content: [UInt8], at address: UInt64) -> [UInt8] {
    func small(_ number: UInt16) -> [UInt8] { [UInt8(number & 255), UInt8(number >> 8)] }
    func word(_ number: UInt32) -> [UInt8] { Array(bytes(UInt64(number)).prefix(4)) }
    var file: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    // ET_CORE, x86-64, version 1; entry, program headers at 64, no sections; flags.
    file += small(4) + small(62) + word(1) + bytes(0) + bytes(64) + bytes(0) + word(0)
    file += small(64) + small(56) + small(1) + small(64) + small(0) + small(0)
    // PT_LOAD, RWX; offset, virtual and physical address, sizes, alignment.
    file += word(1) + word(7) + bytes(4096) + bytes(0) + bytes(address)
    file += bytes(UInt64(content.count)) + bytes(UInt64(content.count)) + bytes(4096)
    return file + [UInt8](repeating: 0, count: 4096 - file.count) + content
  }

  /// Entry 0x38 of the device table at 0x1000 is guest a's device 00:07.0, whose second word is 0.
  @Test("AMD-Vi's device table is judged from the command line")
  func amdvi() throws {
    let folder = try Folder()
    try folder.write(image([0x1000: [4 * 0x38: 0, 4 * 0x40: 1]]), to: "t.nwsp")
    let outcome = try Nestwalk.run(
      ["audit", "t.nwsp", "--amdvi", "0x1000", "--assign", "a=00:07.0", "--fail-on", "V10"],
      in: folder)
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("V10 high, 1 time"))
    try Nestwalk.succeed(
      ["audit", "t.nwsp", "--amdvi", "0x1000", "--assign", "a=00:08.0", "--fail-on", "low"],
      in: folder)
  }

  @Test(
    "wrong usage",
    arguments: [
      [], ["--guest", "a=ept:4"], ["--guest", "host=ept:4@0x1000"],
      ["--guest", "a=ept:4@0x1000", "--owner", "0x1000..0x2000"],
      ["--guest", "a=ept:4@0x1000", "--owner", "b=0x1000..0x2000"],
      ["--guest", "a=ept:4@0x1000", "--protect", "0x2000..0x1000"],
      ["--guest", "a=ept:4@0x1000", "-o", "r.txt"],
      ["--guest", "a=ept:4@0x1000", "-o", "t.nwsp"],
    ])
  func usage(_ options: [String]) throws {
    let folder = try Folder()
    try folder.write(shared, to: "t.nwsp")
    #expect(try Nestwalk.run(["audit", "t.nwsp"] + options, in: folder).status == 64)
  }
}
