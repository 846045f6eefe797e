import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// `--answer interrupts`: the same messages on all three alternatives.
@Suite("Alternatives for interrupts")
struct InterruptAnswerTests {
  private static func table(_ trace: String, on preset: String) throws -> ResultTable? {
    let machine = try MachineDescription.load(
      json: try #require(Preset.named(preset)).json, file: preset)
    let run = AnswerRun([.interrupts], of: machine, ReplayPlan())
    let reader = try TraceReader(path: shippedTrace(trace))
    let block = TraceBlock()
    while try reader.next(into: block) { try run.replay(block) }
    return try run.finish().first
  }

  private static func column(_ table: ResultTable, _ name: String) -> [ResultTable.Cell] {
    guard let at = table.columns.firstIndex(where: { $0.name == name }) else { return [] }
    return table.rows.map { $0[at] }
  }

  private static func numbers(_ values: Int...) -> [ResultTable.Cell] { values.map { .number($0) } }

  /// Ten messages: seven forged, one for the host's disk, one each for the two guests, who run on
  /// cores 0 and 1.
  @Test("the forged messages: outcomes, exits and the host's work of each alternative")
  func forged() throws {
    let table = try #require(
      try Self.table("forged-interrupts.scenario", on: "reference-interrupts"))
    #expect(table.rows.count == 3)
    #expect(Self.column(table, "messages") == Self.numbers(10, 10, 10))
    #expect(Self.column(table, "blocked") == Self.numbers(0, 7, 7))
    #expect(Self.column(table, "misdelivered") == Self.numbers(7, 0, 0))
    #expect(Self.column(table, "delivery.direct") == Self.numbers(0, 0, 2))
    #expect(Self.column(table, "delivery.injected") == Self.numbers(2, 2, 0))
    #expect(Self.column(table, "delivery.host") == Self.numbers(1, 1, 1))
    #expect(Self.column(table, "exits") == Self.numbers(6, 2, 0))
    // An exit is 1000 ns and an injection 300: 6 x 1000 + 2 x 300, and 2 x 1300.
    #expect(Self.column(table, "hostNanoseconds") == Self.numbers(6600, 2600, 0))
    // Posted: remap 10, reference 100, and post 50 and delivery 500 for two of three: 610, 660, 660.
    #expect(Self.column(table, "medianNanoseconds").last == .number(640))
    // V12 twice, V13 twice, V15 five times and V16 three times, when nothing checks.
    #expect(Self.column(table, "critical").dropFirst() == [.number(0), .number(0)])
    #expect(Self.column(table, "critical").first != .number(0))
    // No clock, no cycles.
    #expect(Self.column(table, "hostCycles").isEmpty)
  }

  @Test("with a clock the host's work is told in cycles")
  func cycles() throws {
    let table = try #require(
      try Self.table("forged-interrupts.scenario", on: "skylake-sp-interrupts"))
    // 2 x (710 + 400) ns at 2.4 GHz.
    #expect(Self.column(table, "hostCycles")[1] == .number(2220 * 24 / 10))
    #expect(Self.column(table, "hostCycles")[2] == .number(0))
  }

  @Test("a machine without interrupts, or a trace without them, gives no table")
  func nothing() throws {
    #expect(try Self.table("forged-interrupts.scenario", on: "zen5") == nil)
    #expect(try Self.table("true.nwt", on: "reference-interrupts") == nil)
  }
}
