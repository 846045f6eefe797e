import Foundation
import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Every policy on one stream of events, in one table.
@Suite("Cost beside exposure")
struct InvalidationAnswerTests {
  private func table(_ scenario: String, _ settings: [String]) throws -> ResultTable? {
    let file = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString + ".scn")
    try Data(scenario.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let machine = try MachineDescription.load(
      json: try #require(Preset.named("qemu-vtd")).json, file: "qemu-vtd", settings: settings)
    let run = AnswerRun([.invalidation], of: machine, ReplayPlan())
    let reader = try TraceReader(path: file.path)
    let block = TraceBlock()
    while try reader.next(into: block) { try run.replay(block) }
    return try run.finish().first
  }

  private func row(_ policy: String, of table: ResultTable) throws -> [String: ResultTable.Cell] {
    let row = try #require(table.rows.first { $0.first == .text(policy) })
    return Dictionary(uniqueKeysWithValues: zip(table.columns.map(\.name), row))
  }

  /// Eight buffers, each mapped, written twice, unmapped and written once more, a microsecond apart.
  ///
  /// Strict blocks the eight late writes, each of which walks; lazy lets through all but the two behind
  /// the unmaps that fill the queue of four; recorded has no invalidation at all. A walk reads four
  /// entries, and the root and context entries are read once.
  @Test("requests, hits, references, waits and nanoseconds by policy")
  func cost() throws {
    let table = try #require(
      try table(
        FlushPolicyTests.scenario,
        [
          "iommu.quirks=[]", "iommu.flushQueue.entries=4",
          "iommu.latency={iotlbNanoseconds: 2, referenceNanoseconds: 50, "
            + "invalidationNanoseconds: 1000}",
        ]))
    #expect(
      table.rows.map(\.first) == ["recorded", "strict", "lazy", "pass-through"].map { .text($0) })
    for (policy, misses, waits) in [("recorded", 8, 0), ("strict", 16, 8), ("lazy", 10, 2)] {
      let row = try row(policy, of: table)
      let references = 4 * misses + 2
      let translating = 24 * 2 + references * 50
      #expect(row["requests"] == .number(24))
      #expect(row["misses"] == .number(misses) && row["hits"] == .number(24 - misses))
      #expect(row["references"] == .number(references))
      #expect(row["referencesPerRequest"] == .hundredths((references * 100 + 12) / 24))
      #expect(row["invalidations"] == .number(waits) && row["waits"] == .number(waits))
      #expect(row["walkNanoseconds"] == .number(translating))
      #expect(row["invalidationNanoseconds"] == .number(1000 * waits))
      #expect(
        row["nanosecondsPerRequest"]
          == .hundredths(((translating + 1000 * waits) * 100 + 12) / 24))
    }
    let passed = try row("pass-through", of: table)
    #expect(passed["requests"] == .number(24) && passed["references"] == .number(0))
    #expect(passed["nanosecondsPerRequest"] == .hundredths(0))
  }

  /// Unmaps are at 1 to 8 us.
  ///
  /// Lazy invalidates at 4 and 8 us: twice 3 + 2 + 1 + 0 us; recorded never
  /// does, so that windows are open when the trace ends at 8 us: 7 + 6 + .. + 0 us.
  @Test("bytes times microseconds, the longest window and stale requests by policy")
  func exposure() throws {
    let table = try #require(
      try table(FlushPolicyTests.scenario, ["iommu.quirks=[]", "iommu.flushQueue.entries=4"]))
    for (policy, microseconds, longest, stale) in [
      ("recorded", 28, 7000, 8), ("strict", 0, 0, 0), ("lazy", 12, 3000, 6),
    ] {
      let row = try row(policy, of: table)
      #expect(row["byteMicroseconds"] == .number(4096 * microseconds))
      #expect(row["longestNanoseconds"] == .number(longest))
      #expect(row["staleRequests"] == .number(stale))
    }
    #expect(try row("pass-through", of: table)["byteMicroseconds"] == .empty)
    // The preset's latencies are 0, and the table says what it took instead.
    #expect(table.explanation.contains("2,067 ns"))
  }

  @Test("a trace without requests of devices gives no table")
  func none() throws { #expect(try table("nestwalk scenario 1\nload 0x1000\n", []) == nil) }

  /// 2,000 MHz are two cycles a nanosecond.
  @Test("cycles where the machine has a clock, and no column where it has none")
  func cycles() throws {
    let latency =
      "iommu.latency={iotlbNanoseconds: 2, referenceNanoseconds: 50, invalidationNanoseconds: 1000}"
    let settings = ["iommu.quirks=[]", "iommu.flushQueue.entries=4", latency]
    let plain = try #require(try table(FlushPolicyTests.scenario, settings))
    #expect(!plain.columns.contains { $0.name == "cycles" })
    let clocked = try #require(
      try table(FlushPolicyTests.scenario, settings + ["interrupts.clockMegahertz=2000"]))
    let row = try row("strict", of: clocked)
    // 24 lookups of 2 ns, 4 x 16 + 2 entries of 50 ns and 8 waits of 1,000 ns.
    let nanoseconds = 24 * 2 + 66 * 50 + 8 * 1000
    #expect(row["cycles"] == .number(2 * nanoseconds))
    #expect(row["cyclesPerRequest"] == .hundredths((2 * nanoseconds * 100 + 12) / 24))
  }
}
