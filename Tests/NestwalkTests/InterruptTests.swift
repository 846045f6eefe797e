import Foundation
import Testing

@Suite("An interrupted command leaves nothing behind")
struct InterruptTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var command: String
    var signal: Int32
    var testDescription: String { "\(command), signal \(signal)" }
  }

  @Test(
    "Ctrl-C and the system's request to end, in the midst of reading a pipe",
    arguments: [
      Row(command: "import - --format flat16 -o out.nwt", signal: SIGINT),
      Row(command: "import - --format flat16 -o out.nwt", signal: SIGTERM),
      Row(command: "import - --format flat16 -o -", signal: SIGINT),
      Row(command: "export - --format flat16 -o out.flat16", signal: SIGINT),
      Row(command: "run - --format flat16 -m reference -o o.json -o o.html", signal: SIGINT),
    ])
  func interrupted(_ row: Row) throws {
    // A command that ended too early must fail this test and not end it.
    signal(SIGPIPE, SIG_IGN)
    let folder = try Folder()
    let running = try Running(
      program: Nestwalk.binary, row.command.split(separator: " ").map(String.init),
      in: folder.url, input: .pipe)
    let input = try #require(running.input)
    let toStandardOutput = "/tmp/nestwalk.\(running.id).partial"
    // Far more than a pipe holds, so that the command has read most of it when this returns; it then
    // waits for more that never comes.
    for _ in 0..<8 { try input.write(contentsOf: Self.megabyte) }
    let began =
      !folder.listing.isEmpty || FileManager.default.fileExists(atPath: toStandardOutput)
    #expect(began, "no unfinished output stood beside its place")

    kill(running.id, row.signal)
    let outcome = try running.outcome()
    try? input.close()
    #expect(outcome.status == 128 + row.signal)
    #expect(outcome.output.isEmpty)
    #expect(folder.listing == [])
    #expect(!FileManager.default.fileExists(atPath: toStandardOutput))
  }

  private static let megabyte = Data((0..<65_536).flatMap { flat16(page: $0) })

  /// One load of eight bytes that no two share a page with.
  private static func flat16(page: Int) -> [UInt8] {
    [0, UInt8(page & 15) << 4, UInt8(page >> 4 & 255), UInt8(page >> 12), 0x40, 0, 0, 0]
      + [1, 8, 0, 0, 1, 0, 0, 0]
  }

  @Test("what was ignored when it began stays ignored, as nohup wants")
  func ignored() throws {
    signal(SIGPIPE, SIG_IGN)
    let folder = try Folder()
    let running = try Running(
      program: "/usr/bin/env",
      ["nohup", Nestwalk.binary, "import", "-", "--format", "flat16", "-o", "out.nwt"],
      in: folder.url, input: .pipe)
    let input = try #require(running.input)
    for _ in 0..<8 { try input.write(contentsOf: Self.megabyte) }
    kill(running.id, SIGHUP)
    try input.close()
    #expect(try running.outcome().status == 0)
    #expect(folder.listing == ["out.nwt"])
  }

  @Test("a reader of stdout that has gone away is no failure")
  func closedPipe() throws {
    let folder = try Folder()
    let command = "\"$0\" inspect \"$1\" --records 0.. | head -n 1"
    let running = try Running(
      program: "/bin/sh",
      ["-c", command, Nestwalk.binary, Shipped.path("sqlite-probe-8m.nwt")], in: folder.url)
    let outcome = try running.outcome()
    #expect(outcome.status == 0)
    #expect(outcome.text == "record,kind,address,size,thread,instructions\n")
    #expect(outcome.errors == "")
  }
}
