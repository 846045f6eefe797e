import Foundation
import Testing

@testable import TraceFile

@Suite("Recognition of formats")
struct RecognitionTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var name = "trace"
    var bytes: [UInt8]
    var format: TraceFormat
    var testDescription: String { what }
  }

  static let instruction = champSim(ip: 0x40_1000)
  static let flat = flat16(0x7fff_0000, kind: 1, size: 8, thread: 0, instructions: 1)
  static let gem5 = Array("gem5".utf8) + unhex("040a0161" + "10" + "00")

  static let recognised = [
    Row(
      what: "lackey among remarks", bytes: text("==1== x\nhello\n", Sample.text),
      format: .lackey),
    Row(what: "lackey with DOS lines", bytes: text("I  0401ab70,3\r\n"), format: .lackey),
    Row(what: "din", bytes: text("2 401ab70\n0 0x7fff ,a comment\n"), format: .din),
    Row(what: "xdin", bytes: text("I 401AB70 3\nr 0x7fff 10 a comment\n"), format: .xdin),
    Row(what: "flat16 by suffix", name: "a.flat16", bytes: flat, format: .flat16),
    Row(
      what: "flat16 by suffix before a compression's", name: "a.b.flat16.gz",
      bytes: storedGzip(flat), format: .flat16),
    Row(what: "champsimtrace", name: "a.champsimtrace", bytes: instruction, format: .champsim),
    Row(
      what: "champsim.xz, not compressed", name: "a.champsim.xz", bytes: instruction,
      format: .champsim),
    Row(what: "gem5 by its magic number", bytes: gem5, format: .gem5),
    Row(what: "a container", bytes: ByteSourceTests.container, format: .nwt),
    Row(
      what: "a compressed container", bytes: storedGzip(ByteSourceTests.container), format: .nwt),
  ]

  @Test("formats are recognised by content, and by suffix only with it", arguments: recognised)
  func recognition(_ row: Row) throws {
    try withFile(row.bytes, named: row.name) { path in
      let recognised = try TraceFormat(of: ByteSource(path: path))
      #expect(recognised == row.format)
      let requested = try TraceFormat(of: ByteSource(path: path), requested: row.format)
      #expect(requested == row.format)
    }
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var what: String
    var name = "trace"
    var bytes: [UInt8]
    var requested: TraceFormat?
    var place: String
    var problem: String
    var cure = " "
    var testDescription: String { what }
  }

  static let tar: [UInt8] =
    Array("trace.din".utf8) + [UInt8](repeating: 0, count: 248) + Array("ustar".utf8)

  static let refused = [
    Refusal(
      what: "nothing in a compression", bytes: storedGzip([]), place: "byte 0",
      problem: "the gzip data hold nothing"),
    Refusal(
      what: "two compressions", bytes: storedGzip(Sample.zstd), place: "byte 0",
      problem: "the gzip data hold zstd data", cure: "once"),
    Refusal(
      what: "an archive", name: "a.champsimtrace", bytes: tar, place: "byte 257",
      problem: "is a tar archive", cure: "unpack"),
    Refusal(
      what: "a compressed archive", name: "a.champsimtrace.tar.gz", bytes: storedGzip(tar),
      place: "byte 257", problem: "is a tar archive"),
    Refusal(
      what: "flat16 without its suffix", bytes: flat, place: "byte 0",
      problem: "begins with 00 00 ff 7f", cure: "--format flat16"),
    Refusal(
      what: "ChampSim with another suffix", name: "a.trace", bytes: instruction, place: "byte 0",
      problem: "begins with 00 10 40 00", cure: "champsim"),
    Refusal(
      what: "text with a binary suffix", name: "a.flat16", bytes: Sample.text, place: "line 1",
      problem: "\"I  0401ab70,3\" is text where flat16", cure: "--format lackey"),
    Refusal(
      what: "a wrong flat16 suffix", name: "a.flat16",
      bytes: flat + champSim(ip: 0x40_1000, stores: [0x200, 0x7ff4]),
      place: "record 3", problem: "kind is 244", cure: "--format flat16"),
    Refusal(
      what: "a wrong ChampSim suffix", name: "a.champsimtrace",
      bytes: instruction + [UInt8](repeating: 7, count: 64), place: "record 2",
      problem: "is_branch is 7", cure: "--format champsim"),
    Refusal(
      what: "CloudSuite's records with ChampSim's suffix", name: "a.champsimtrace",
      bytes: champSim(ip: 0x40_1000, layout: .cloudSuite) + champSim(ip: 9, layout: .cloudSuite),
      place: "record 2", problem: "pointer is zero", cure: "--format champsim-cloudsuite"),
    Refusal(
      what: "din and xdin mixed", bytes: text("0 7fff\nr 7fff 8\n"), place: "line 1",
      problem: "some fit din, some xdin", cure: "--format din or --format xdin"),
    Refusal(
      what: "a line of no format among din", bytes: text("0 7fff\nhello\n"), place: "line 2",
      problem: "\"hello\" does not fit din"),
    Refusal(
      what: "other text, quoted in 40 characters",
      bytes: text("the quick brown fox jumps over the lazy dog\n"), place: "line 1",
      problem: "\"the quick brown fox jumps over the lazy ...\"", cure: "--format"),
    Refusal(
      what: "binary where text was promised", bytes: flat, requested: .lackey, place: "byte 0",
      problem: "is binary (00 00 ff 7f 00 00 00 00) where lackey is text"),
    Refusal(
      what: "text where binary was promised", bytes: Sample.text, requested: .champsim,
      place: "line 1", problem: "is text where champsim has binary records"),
    Refusal(
      what: "one text format promised as another", bytes: Sample.text, requested: .xdin,
      place: "line 1", problem: "\"I  0401ab70,3\" does not fit xdin"),
    Refusal(
      what: "gem5 promised as flat16", bytes: gem5, requested: .flat16, place: "byte 0",
      problem: "begins as gem5 does, not flat16"),
    Refusal(
      what: "no container though promised", bytes: flat, requested: .nwt, place: "byte 0",
      problem: "not with the magic number of nwt"),
  ]

  @Test("in doubt the error names what was seen and what to give", arguments: refused)
  func refusal(_ row: Refusal) throws {
    let error = try withFile(row.bytes, named: row.name) { path in
      #expect(throws: TraceError.self) {
        try TraceFormat(of: ByteSource(path: path), requested: row.requested)
      }
    }
    #expect(error?.place == row.place)
    #expect(error?.problem.contains(row.problem) == true, "\(String(describing: error))")
    #expect(error?.cure.contains(row.cure) == true, "\(String(describing: error))")
  }
}
