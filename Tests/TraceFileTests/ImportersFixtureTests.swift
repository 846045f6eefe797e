import Foundation
import Testing

@testable import TraceFile

/// A deliberately naive reading of lackey's text: what the importers are held against.
struct LackeyOracle {
  struct Instruction {
    var address: UInt64
    var size: UInt16
    var accesses: [(letter: String, address: UInt64, size: UInt16)] = []

    var loads: [UInt64] { accesses.filter { "LM".contains($0.letter) }.map(\.address) }
    var stores: [UInt64] { accesses.filter { "SM".contains($0.letter) }.map(\.address) }
  }

  var instructions: [Instruction] = []

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 2, ["I", "L", "S", "M"].contains(words[0]) else { continue }
      let numbers = words[1].split(separator: ",")
      guard numbers.count == 2, let address = UInt64(numbers[0], radix: 16),
        let size = UInt16(numbers[1])
      else { continue }
      if words[0] == "I" {
        instructions.append(Instruction(address: address, size: size))
      } else {
        instructions[instructions.count - 1].accesses.append((String(words[0]), address, size))
      }
    }
  }

  /// The records by the fetch rule, and the instructions after the last.
  func records(
    withSizes: Bool, accesses: (Instruction) -> [(AccessKind, UInt64, UInt16)]
  ) -> (records: [TraceRecord], trailing: Int) {
    var records: [TraceRecord] = []
    var line: UInt64?
    var pending = 0
    func append(_ kind: AccessKind, _ address: UInt64, _ size: UInt16) {
      records.append(
        TraceRecord(
          address: address, kind: kind, size: withSizes ? size : 0, instructions: UInt32(pending)))
      pending = 0
    }
    for instruction in instructions {
      pending += 1
      if instruction.address / 64 != line {
        append(.fetch, instruction.address, instruction.size)
      }
      line = instruction.address / 64
      for (kind, address, size) in accesses(instruction) { append(kind, address, size) }
    }
    return (records, pending)
  }

  /// A modify is a load and then a store of one place.
  static func inOrder(_ instruction: Instruction) -> [(AccessKind, UInt64, UInt16)] {
    instruction.accesses.flatMap { access -> [(AccessKind, UInt64, UInt16)] in
      switch access.letter {
      case "L": [(.load, access.address, access.size)]
      case "S": [(.store, access.address, access.size)]
      default: [(.load, access.address, access.size), (.store, access.address, access.size)]
      }
    }
  }

  /// As ChampSim keeps them: four loads, then two stores.
  static func truncated(_ instruction: Instruction) -> [(AccessKind, UInt64, UInt16)] {
    instruction.loads.prefix(4).map { (.load, $0, 0) }
      + instruction.stores.prefix(2).map { (.store, $0, 0) }
  }
}

/// One run of `/bin/true` in five formats, each read as the same accesses.
///
/// Skipped where the captures are absent: they are not part of the repository.
@Suite(
  "One run in five formats",
  .enabled(if: Captures.exists("fixtures"), "the captures of one run are not here"))
struct FixtureTests {
  static let lackey = "true.lackey.txt.zst"

  static func oracle() throws -> LackeyOracle {
    LackeyOracle(String(decoding: try bytes(of: Captures.path(lackey)), as: UTF8.self))
  }

  @Test("the oracle sees what was counted when the run was recorded")
  func oracleItself() throws {
    let oracle = try Self.oracle()
    #expect(oracle.instructions.count == 129_989)
    let references = oracle.instructions.reduce(0) { $0 + $1.loads.count + $1.stores.count }
    #expect(references + oracle.instructions.count == 171_578)
    #expect(oracle.instructions.count { $0.loads.count > 4 || $0.stores.count > 2 } == 4)
  }

  @Test("lackey: every line but Valgrind's remarks is an instruction or an access")
  func lackey() throws {
    let imported = try importTrace(Captures.path(Self.lackey))
    let (expected, trailing) = try Self.oracle().records(withSizes: true) {
      $0.accesses.map { access in
        let kind: AccessKind = ["L": .load, "S": .store][access.letter] ?? .modify
        return (kind, access.address, access.size)
      }
    }
    #expect(imported.format == .lackey)
    #expect(imported.instructions == 129_989)
    #expect(imported.records == expected)
    #expect(imported.trailingInstructions == trailing)
    // 170,080 lines less 129,989 instructions and 40,085 accesses.
    #expect(imported.skipped == 6)
    // Counted by a script of its own over the text.
    #expect(imported.notes.contains { $0.hasSuffix("lost: 4.") })
  }

  @Test("din: the same accesses without sizes, a modify as load and store")
  func din() throws {
    let imported = try importTrace(Captures.path("fixtures/true.din.gz"))
    let expected = try Self.oracle().records(withSizes: false, accesses: LackeyOracle.inOrder)
    #expect(imported.format == .din)
    #expect(imported.instructions == 129_989)
    #expect(imported.records == expected.records)
    #expect(imported.trailingInstructions == expected.trailing)
    #expect(imported.skipped == 0)
  }

  @Test("xdin: the same accesses with sizes")
  func xdin() throws {
    let imported = try importTrace(Captures.path("fixtures/true.xdin.gz"))
    let expected = try Self.oracle().records(withSizes: true, accesses: LackeyOracle.inOrder)
    #expect(imported.format == .xdin)
    #expect(imported.instructions == 129_989)
    #expect(imported.records == expected.records)
    #expect(imported.trailingInstructions == expected.trailing)
  }

  @Test(
    "ChampSim: the same but for four instructions that it cut",
    arguments: ["fixtures/true.champsimtrace.xz", "fixtures/true.champsimtrace.gz"])
  func champSim(_ name: String) throws {
    let imported = try importTrace(Captures.path(name))
    let expected = try Self.oracle().records(withSizes: false, accesses: LackeyOracle.truncated)
    #expect(imported.format == .champsim)
    #expect(imported.instructions == 129_989)
    #expect(imported.records == expected.records)
    #expect(imported.trailingInstructions == expected.trailing)
  }

  @Test("gem5: the same loads and stores, without instructions")
  func gem5() throws {
    let imported = try importTrace(Captures.path("fixtures/true.ptrc.gz"))
    let expected = try Self.oracle().instructions.flatMap { instruction in
      instruction.loads.map { (AccessKind.load, $0) }
        + instruction.stores.map { (AccessKind.store, $0) }
    }.map { TraceRecord(address: $1, kind: $0, size: 8, instructions: 0) }
    #expect(imported.format == .gem5)
    #expect(expected.count == 41_589)
    #expect(imported.records == expected)
    #expect(imported.instructions == 0)
  }

  @Test(
    "flat16: a large trace is read block by block",
    .enabled(if: Captures.exists("graph-bfs.flat16.zst"), "this capture is not here"))
  func flat16() throws {
    let source = try ByteSource(path: Captures.path("graph-bfs.flat16.zst"))
    let format = try TraceFormat(of: source)
    #expect(format == .flat16)
    var importer = try #require(format.importer(of: source))
    var count = 0
    var first: TraceRecord?
    var more = true
    while more {
      var block = BlockBuilder()
      more = try importer.read(into: &block)
      let records = try contents(of: &block)
      first = first ?? records.first
      count += records.count
    }
    #expect(count == 4_000_000)
    // The file's first sixteen bytes: 10200e60427f0000 02 04 0000 00000000.
    #expect(
      first == TraceRecord(address: 0x7f42_600e_2010, kind: .store, size: 4, instructions: 0))
    #expect(importer.notes.contains("The trace lists no instruction fetches."))
    #expect(importer.notes.contains("The trace counts no instructions."))
  }

  /// Recognised by name and content when it is whole; here its format is given.
  static let parts: [(name: String, format: TraceFormat)] = [
    (lackey, .lackey), ("fixtures/true.din.gz", .din), ("fixtures/true.xdin.gz", .xdin),
    ("fixtures/true.champsimtrace.xz", .champsim),
    ("fixtures/true.champsimtrace.gz", .champsimCloudsuite),
    ("fixtures/true.ptrc.gz", .gem5), ("graph-bfs.flat16.zst", .flat16),
  ]

  @Test("cut or damaged, every format gives records or an error", arguments: parts)
  func damage(_ name: String, _ format: TraceFormat) throws {
    let source = try ByteSource(path: Captures.path(name))
    _ = try source.ensure(4096)
    let whole = Array(source.window.prefix(4096))
    var random = SeededGenerator(state: 0x6e65_7374)
    let damaged =
      stride(from: 0, to: 4096, by: 61).map { Array(whole.prefix($0)) }
      + (0..<150).map { _ in
        var bytes = whole
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          let place = Int.random(in: 0..<4096, using: &random)
          bytes[place] = UInt8.random(in: 0...255, using: &random)
        }
        return bytes
      }
    for bytes in damaged {
      try withFile(bytes) { path in
        for requested in [format, nil] {
          do throws(TraceError) {
            let imported = try importTrace(path, as: requested)
            #expect(imported.records.allSatisfy { $0.size <= TraceRecord.maximumSize })
          } catch {
            #expect(error.file == path && !error.cure.isEmpty)
          }
        }
      }
    }
  }
}
