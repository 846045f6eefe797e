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
