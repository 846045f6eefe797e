import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Answers on a machine without walk caches, where references per walk have a closed form.
@Suite("Answers in one command")
struct AnswerTests {
  private func table(
    _ answer: Answer, _ name: String, _ scenario: [TraceRecord], _ settings: String...,
    events: (inout BlockBuilder, Int) -> Void = { _, _ in }
  ) throws -> ResultTable {
    let preset = try #require(Preset.named("reference"))
    let machine = try MachineDescription.load(
      json: preset.json, file: "reference", settings: settings)
    let run = AnswerRun([answer], of: machine, ReplayPlan(hasEvents: true))
    var builder = BlockBuilder()
    for (place, record) in scenario.enumerated() {
      events(&builder, place)
      builder.append(
        address: record.address, kind: record.kind, size: record.size, thread: 0, instructions: 1)
    }
    let block = TraceBlock()
    builder.finish(into: block)
    try run.replay(block)
    let tables = try run.finish()
    return try #require(tables.first { $0.name == name })
  }

  private func column(_ name: String, of table: ResultTable) throws -> [ResultTable.Cell] {
    let place = try #require(table.columns.firstIndex { $0.name == name })
    return table.rows.map { $0[place] }
  }

  /// One page of each of some 2 MiB regions.
  private static let records = loads(0x20_0000, 0x60_1000, 0x7f00_1234_5000, 0x4000_0000)

  @Test("references per walk by mode: 4, 24, 4, and 4 + 4m with m levels nested")
  func modes() throws {
    let table = try table(.modes, "modes", Self.records)
    #expect(
      try column("referencesPerWalk", of: table)
        == [400, 2400, 400, 800, 1200, 1600, 2000].map { .hundredths($0) })
    // Four pages: nested exits for the four tables of the first, two or three of the others.
    let exits = try column("exits", of: table)
    #expect(exits[0] == .number(0))
    // Guest fault, table write and hidden fault of each page.
    #expect(exits[2] == .number(12))
  }

  /// (g + 1)(h + 1) - 1 with g and h entries for pages of 4K, 2M and 1G over four levels.
  @Test("references per walk by page sizes: 24, 19, 14, 19, 15, 11, 14, 11, 8")
  func pageSizes() throws {
    let table = try table(.pageSizes, "pageSizes", Self.records)
    let backed = [24, 19, 14, 19, 15, 11, 14, 11, 8]
    #expect(try column("referencesPerWalk", of: table).count == 9)
    for (cell, references) in zip(try column("referencesPerWalk", of: table), backed) {
      #expect(cell == .hundredths(references * 100))
    }
    // A walk is splintered where the second stage's page is smaller: 2M and 1G on 4K, 1G on 2M.
    let splintered = try column("splintered", of: table)
    let walks = try column("walks", of: table)
    for place in 0..<9 {
      #expect(splintered[place] == ([3, 6, 7].contains(place) ? walks[place] : .number(0)))
    }
  }

  @Test("references per walk by levels: 24, 29, 29, 35")
  func levels() throws {
    let table = try table(.levels, "levels", Self.records)
    #expect(
      try column("referencesPerWalk", of: table)
        == [2400, 2900, 2900, 3500].map { .hundredths($0) })
  }

  /// Two spaces take turns, each touching one page: with PCIDs each walks once, without every turn
  /// walks; VPIDs make no difference, because nobody leaves the guest.
  @Test("PCIDs save the walks of those who come back")
  func tags() throws {
    let records = Array(repeating: loads(0x1000)[0], count: 8)
    let table = try table(.tags, "tags", records) { builder, place in
      builder.append(.cr3, UInt64(place % 2 + 1) << 12 | UInt64(place % 2 + 1), 1)
    }
    #expect(
      try column("walks", of: table) == [2, 8, 2, 8, 2].map { .number($0) })
    #expect(
      try column("extraWalks", of: table) == [0, 6, 0, 6, 0].map { .number($0) })
  }

  /// Five pages 16 apart share one set of the four-way L1D (16 sets): with LRU each of three rounds
  /// misses all five; as one set of 64 ways only the first round does.
  @Test("pages of one set are lost to it, and a hash spreads them")
  func conflicts() throws {
    let pages = (0..<15).map { UInt64($0 % 5) * 16 << 12 | 1 << 40 }
    let records = pages.map { TraceRecord(address: $0, kind: .load, size: 1, instructions: 1) }
    let table = try table(.conflicts, "conflicts", records)
    #expect(try column("misses", of: table)[1] == .number(15))
    #expect(try column("fullyAssociative", of: table)[1] == .number(5))
    #expect(try column("conflict", of: table)[1] == .number(10))
    #expect(try column("hashed", of: table)[1] == .number(5))
  }

  /// Of one region three pages walk once each at 24 references; as one 2 MiB page it walks once at 15.
  @Test("a region's saving is its references less those with large pages")
  func regions() throws {
    let table = try table(
      .regions, "regions", loads(0x20_0000, 0x20_1000, 0x20_2000, 0x7f00_0000_0000))
    #expect(table.rows.map { $0[0] } == [.text("0x200000"), .text("0x7f0000000000")])
    #expect(try column("saved", of: table) == [.number(72 - 15), .number(24 - 15)])
  }

  @Test("walks are charged to the invalidation that removed their translation")
  func flushes() throws {
    let table = try table(.flushes, "flushes", loads(0x1000, 0x1000, 0x1000)) { builder, place in
      if place == 1 { builder.append(.invlpg, 0x1000) }
    }
    #expect(table.rows == [[.text("invlpg"), .number(1), .number(2), .number(1)]])
  }
}
