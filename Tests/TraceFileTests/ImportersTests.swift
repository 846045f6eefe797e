import Foundation
import Testing

@testable import TraceFile

@Suite("Importers")
struct ImportersTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var what: String
    var format: TraceFormat
    var bytes: [UInt8]
    var records: [TraceRecord]
    var trailing = 0
    var skipped = 0
    var note = ""
    var testDescription: String { what }
  }

  static func record(
    _ kind: AccessKind, _ address: UInt64, _ size: UInt16, _ instructions: UInt32,
    thread: UInt16 = 0
  ) -> TraceRecord {
    TraceRecord(
      address: address, kind: kind, size: size, thread: thread, instructions: instructions)
  }

  static let most = TraceRecord.maximumSize

  static let rows = [
    // Three instructions in line 0x40, one in line 0x80; the second has a load.
    Row(
      what: "lackey: instructions of one line share a fetch", format: .lackey,
      bytes: text(
        "I  00000040,4\nI  00000044,4\n L 1ffeff,8\nI  00000048,4\nI  00000080,2\n"
          + " M 00002000,\(most)\n S 00003000,1\nI  00000082,2\n"),
      records: [
        record(.fetch, 0x40, 4, 1), record(.load, 0x1ffeff, 8, 1), record(.fetch, 0x80, 2, 2),
        record(.modify, 0x2000, most, 0), record(.store, 0x3000, 1, 0),
      ], trailing: 1),
    Row(
      what: "lackey: other lines are counted", format: .lackey,
      bytes: text(
        "==7== x\nI  00000040,0\nI  00000040,4097\nI  ,4\nI  00000040\n L 0123456789abcdef0,1\n"
          + "  L 40,1\n L 40,1 \n\nI  ffffffffffffffff,1\n"),
      records: [record(.fetch, .max, 1, 1)], skipped: 9,
      note: "not lackey's, skipped: 9, the first of them line 1."),
    Row(
      what: "lackey: a last line without its newline is read and noted", format: .lackey,
      bytes: text(" L 40,1\n L 80,2"),
      records: [record(.load, 0x40, 1, 0), record(.load, 0x80, 2, 0)], note: "no newline"),
    // 0xffc in line 0xfc0 has a fetch; 0xffe ends in page 1 and has none; nothing starts there.
    Row(
      what: "lackey: a page that only a tail touched is noted", format: .lackey,
      bytes: text("I  00000ffc,2\nI  00000ffe,4\nI  00005000,1\n"),
      records: [record(.fetch, 0xffc, 2, 1), record(.fetch, 0x5000, 1, 2)],
      note: "lost: 1."),
    Row(
      what: "din: labels 3 and 4 are skipped, the rest of a line is comment", format: .din,
      bytes: text("2 40\n0 0X1f r\n  1\t20 8\n3 0\n4 0\n2 44\n"),
      records: [record(.fetch, 0x40, 0, 1), record(.load, 0x1f, 0, 0), record(.store, 0x20, 0, 0)],
      trailing: 1, skipped: 2, note: "labels 3 and 4 (escapes), skipped: 2."),
    Row(
      what: "xdin: sizes are hexadecimal, m is a read, c and v are skipped", format: .xdin,
      bytes: text(
        "i 40 f\nR 1f 10\nw 0x20 0x\(String(most, radix: 16)) x\nm 30 4\nc 0 0\nV 40 40\n"),
      records: [
        record(.fetch, 0x40, 15, 1), record(.load, 0x1f, 16, 0), record(.store, 0x20, most, 0),
        record(.load, 0x30, 4, 0),
      ], skipped: 2, note: "c (copyback) and v (invalidate), skipped: 2."),
    Row(
      what: "flat16: every field is kept", format: .flat16,
      bytes: flat16(0x1122_3344_5566_7788, kind: 3, size: 255, thread: 0xabcd, instructions: .max)
        + flat16(1, kind: 0, size: 0, thread: 0, instructions: 7),
      records: [
        record(.modify, 0x1122_3344_5566_7788, 255, .max, thread: 0xabcd),
        record(.fetch, 1, 0, 7),
      ]),
    Row(
      what: "ChampSim: the fetch, then loads, then stores", format: .champsim,
      bytes: champSim(ip: 0x40, loads: [0, 0x100, 0, 0x101], stores: [0x200, 0x201])
        + champSim(ip: 0x44) + champSim(ip: 0x48, loads: [0x300]) + champSim(ip: 0x7f),
      records: [
        record(.fetch, 0x40, 0, 1), record(.load, 0x100, 0, 0), record(.load, 0x101, 0, 0),
        record(.store, 0x200, 0, 0), record(.store, 0x201, 0, 0), record(.load, 0x300, 0, 2),
      ], trailing: 1, note: "at most 4 loads and 2 stores"),
    Row(
      what: "CloudSuite: four stores, and a note where spaces change",
      format: .champsimCloudsuite,
      bytes: champSim(
        ip: 0x40, loads: [1, 2, 3, 4], stores: [5, 6, 7, 8], asid: 1, layout: .cloudSuite)
        + champSim(ip: 0x80, asid: 2, layout: .cloudSuite),
      records: [record(.fetch, 0x40, 0, 1)] + (1...4).map { record(.load, $0, 0, 0) }
        + (5...8).map { record(.store, $0, 0, 0) } + [record(.fetch, 0x80, 0, 1)],
      note: "Changes of address space: 1;"),
    // Messages: length, then key (number << 3 | wire type) and value.
    Row(
      what: "gem5: read and write requests, others skipped", format: .gem5,
      bytes: text("gem5", unhex("05" + "0a0161" + "1800"))
        + unhex("08" + "0801" + "1001" + "1840" + "2008")  // tick 1, command 1, 0x40, 8 bytes
        + unhex("05" + "1004" + "18ff01")  // command 4, 0xff
        + unhex("04" + "1007" + "1840"),  // command 7
      records: [record(.load, 0x40, 8, 0), record(.store, 0xff, 0, 0)], skipped: 1,
      note: "WriteReq (4), skipped: 1."),
  ]

  @Test("each format's fields become records", arguments: rows)
  func fields(_ row: Row) throws {
    let imported = try withFile(row.bytes) { try importTrace($0, as: row.format) }
    #expect(imported.records == row.records)
    #expect(imported.trailingInstructions == row.trailing)
    #expect(imported.skipped == row.skipped)
    #expect(row.note.isEmpty || imported.notes.contains { $0.contains(row.note) })
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var what: String
    var format: TraceFormat
    var bytes: [UInt8]
    var place: String
    var problem: String
    var testDescription: String { what }
  }

  static let header = text("gem5", unhex("0410001800"))

  static let refused = [
    Refusal(
      what: "lackey: a cut last line", format: .lackey, bytes: text(" L 40,1\n L 8"),
      place: "line 2", problem: "\" L 8\" ends without a newline"),
    Refusal(
      what: "din: a label of 5", format: .din, bytes: text("0 40\n5 40\n"),
      place: "line 2", problem: "\"5 40\" lacks a label from 0 to 4"),
    Refusal(
      what: "din: an address of 17 digits", format: .din,
      bytes: text("0 40\n0 00000000000000040\n"), place: "line 2", problem: "at most 16 digits"),
    Refusal(
      what: "din: an empty line", format: .din, bytes: text("0 40\n\n"), place: "line 2",
      problem: "lacks a label"),
    Refusal(
      what: "din: escapes alone", format: .din, bytes: text("3 40\n"), place: "line 1",
      problem: "no line up to line 1"),
    Refusal(
      what: "din: a cut last line", format: .din, bytes: text("0 40\n1 "), place: "line 2",
      problem: "ends without a newline"),
    Refusal(
      what: "xdin: no size", format: .xdin, bytes: text("r 40 1\nr 40\n"), place: "line 2",
      problem: "lacks a hexadecimal size"),
    Refusal(
      what: "xdin: a read of no bytes", format: .xdin, bytes: text("r 40 1\nr 40 0\n"),
      place: "line 2", problem: "lacks a hexadecimal size"),
    Refusal(
      what: "xdin: a size of 4097", format: .xdin, bytes: text("r 40 1\nr 40 1001\n"),
      place: "line 2", problem: "lacks a hexadecimal size"),
    Refusal(
      what: "flat16: a kind of 4", format: .flat16,
      bytes: flat16(1, kind: 1, size: 1, thread: 0, instructions: 0)
        + flat16(1, kind: 4, size: 1, thread: 0, instructions: 0),
      place: "record 2", problem: "kind is 4"),
    Refusal(
      what: "flat16: 17 bytes", format: .flat16,
      bytes: flat16(1, kind: 1, size: 1, thread: 0, instructions: 0) + [0],
      place: "record 2", problem: "ends after 1 of 16 bytes"),
    Refusal(
      what: "ChampSim: 65 bytes", format: .champsim, bytes: champSim(ip: 1) + [0],
      place: "record 2", problem: "ends after 1 of 64 bytes"),
    Refusal(
      what: "ChampSim: is_branch of 2", format: .champsim,
      bytes: champSim(ip: 1) + little(UInt64(1)) + [2] + [UInt8](repeating: 0, count: 55),
      place: "record 2", problem: "at byte 64 of the trace, is_branch is 2"),
    Refusal(
      what: "ChampSim: zeros", format: .champsim,
      bytes: champSim(ip: 1) + [UInt8](repeating: 0, count: 64),
      place: "record 2", problem: "instruction pointer is zero"),
    Refusal(
      what: "gem5: nothing but its magic number", format: .gem5, bytes: text("gem5"),
      place: "header", problem: "header is missing"),
    Refusal(
      what: "gem5: an elastic trace", format: .gem5, bytes: text("gem5", unhex("022040")),
      place: "header", problem: "elastic"),
    Refusal(
      what: "gem5: no packets", format: .gem5, bytes: header, place: "packet 1",
      problem: "no read or write request"),
    Refusal(
      what: "gem5: a cut message", format: .gem5, bytes: header + unhex("081001"),
      place: "packet 1", problem: "at byte 10 of the trace, a message of 8 bytes ends after 2"),
    Refusal(
      what: "gem5: a message of 65,537 bytes", format: .gem5, bytes: header + unhex("81800400"),
      place: "packet 1", problem: "more than 65536"),
    Refusal(
      what: "gem5: a read without an address", format: .gem5, bytes: header + unhex("021001"),
      place: "packet 1", problem: "the message at byte 10 of the trace has no address"),
    Refusal(
      what: "gem5: a size of 4097", format: .gem5,
      bytes: header + unhex("07" + "1001" + "1840" + "208120"), place: "packet 1",
      problem: "has 4097 bytes"),
    Refusal(
      what: "gem5: a number of eleven bytes", format: .gem5,
      bytes: header + unhex("0c" + "10" + "8080808080808080808001"), place: "packet 1",
      problem: "is malformed"),
    Refusal(
      what: "gem5: a group", format: .gem5, bytes: header + unhex("010b"), place: "packet 1",
      problem: "is malformed"),
  ]

  @Test("the first thing that does not fit is named by its place", arguments: refused)
  func refusal(_ row: Refusal) throws {
    let error = try withFile(row.bytes) { path in
      #expect(throws: TraceError.self) { try importTrace(path, as: row.format) }
    }
    #expect(error?.place == row.place, "\(String(describing: error))")
    #expect(error?.problem.contains(row.problem) == true, "\(String(describing: error))")
    #expect(error?.cure.isEmpty == false)
  }

  @Test("a block that fills inside an instruction goes on there")
  func fullBlock() throws {
    // Each instruction enters a new line and has four loads and two stores: seven records, and a
    // power of two, as a block's capacity is, is no multiple of seven.
    let one = champSim(ip: 0x40, loads: [1, 2, 3, 4], stores: [5, 6])
    let other = champSim(ip: 0x80, loads: [1, 2, 3, 4], stores: [5, 6])
    let pairs = 20_000
    let bytes = [[UInt8]](repeating: one + other, count: pairs).flatMap { $0 }
    let imported = try withFile(bytes) { try importTrace($0, as: .champsim) }
    #expect(imported.records.count == 14 * pairs)
    let pair = Array(imported.records.prefix(14))
    #expect(pair.map(\.address) == [0x40, 1, 2, 3, 4, 5, 6, 0x80, 1, 2, 3, 4, 5, 6])
    let agree = (0..<pairs).allSatisfy { index in
      imported.records[(14 * index)..<(14 * index + 14)].elementsEqual(pair)
    }
    #expect(agree)
  }

  @Test(
    "a line of 65,536 bytes is text, one of 65,537 is not, wherever its newline is",
    arguments: [TraceFormat.lackey, .din])
  func longLines(_ format: TraceFormat) throws {
    let access = format == .lackey ? " L 40,1\n" : "0 40\n"
    // A remark for lackey, an access with a comment for din.
    let line = text("0 40" + String(repeating: " ", count: 65_532))
    for tail in ["", "\n", "\n" + access] {
      let first = tail.isEmpty && format == .lackey ? "\n" : tail
      let limit = try withFile(text(access, line + text(first))) { try importTrace($0, as: format) }
      #expect(limit.records.count + limit.skipped == (tail.count > 1 ? 3 : 2))
      let error = try withFile(text(access, line + text(" " + tail))) { path in
        #expect(throws: TraceError.self) { try importTrace(path, as: format) }
      }
      #expect(error?.place == "line 2")
      #expect(error?.problem == "is longer than 65536 bytes")
    }
  }

  @Test("more instructions than a record can count are no number")
  func instructionCount() {
    for (before, expected) in [(Int(UInt32.max) - 1, UInt32.max), (Int(UInt32.max), nil)] {
      var fetches = FetchCoalescer(pending: before)
      let isDue = fetches.enter(0x40, size: 4)
      let instructions = fetches.takeInstructions()
      #expect(isDue)
      #expect(instructions == expected)
    }
  }
}
