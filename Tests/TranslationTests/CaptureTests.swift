import Foundation
import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Figures that two real captures must give, counted by other programs.
@Suite("Real captures")
struct CaptureTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var trace: String
    var counters: [String: Int]
    /// On the machine with walk caches.
    var cached: [String: Int]
    var bars: [[Int]]
    var testDescription: String { trace }
  }

  static let graph = Row(
    trace: "graph-bfs.flat16.zst",
    counters: [
      "cpu.accesses": 4_000_000, "tlb.L1D.lookups": 4_000_000, "tlb.L1D.misses": 1_072_985,
      "tlb.L2.lookups": 1_072_985, "tlb.L2.misses": 327_939, "walk.count": 327_939,
      "walk.references": 24 * 327_939, "walk.cycles": 40 * 24 * 327_939,
    ],
    cached: [
      "walk.references.firstStage": 345_274, "walk.references.secondStage": 349_101,
      "walkCache.firstStage.L1.hits": 310_606, "walkCache.firstStage.L1.lookups": 327_939,
      "walkCache.firstStage.L2.hits": 17_332, "walkCache.firstStage.L2.lookups": 17_333,
      "walkCache.firstStage.L3.hits": 0, "walkCache.firstStage.L3.lookups": 1,
      "walkCache.secondStage.L1.hits": 341_441, "walkCache.secondStage.L1.lookups": 345_270,
      "walkCache.secondStage.L2.hits": 3828, "walkCache.secondStage.L2.lookups": 3829,
      "walkCache.secondStage.L3.hits": 0, "walkCache.secondStage.L3.lookups": 1,
      "walkCache.nested.hits": 5, "walkCache.nested.lookups": 345_275,
      "frames.firstStage": 22_889,
    ],
    bars: [[1, 5], [2, 308_088], [3, 2513], [4, 16_018], [5, 1313], [6, 1], [12, 1]])

  static let sqlite = Row(
    trace: "sqlite-probe.flat16.zst",
    counters: [
      "cpu.fetches": 15_636_059, "cpu.accesses": 52_848_362, "cpu.instructions": 82_787_700,
      "cpu.touches": 52_848_362 + 78, "tlb.L1I.lookups": 15_636_136, "tlb.L1I.misses": 330,
      "tlb.L1D.lookups": 37_212_304, "tlb.L1D.misses": 57_574, "tlb.L2.lookups": 57_904,
      "tlb.L2.misses": 32_679, "walk.references": 24 * 32_679,
      "walk.cycles": 40 * 24 * 32_679,
    ],
    cached: [
      "walk.references.firstStage": 61_618, "walk.references.secondStage": 61_680,
      "walkCache.firstStage.L1.hits": 3744, "walkCache.firstStage.L1.lookups": 32_679,
      "walkCache.firstStage.L2.hits": 28_932, "walkCache.firstStage.L2.lookups": 28_935,
      "walkCache.firstStage.L3.hits": 2, "walkCache.firstStage.L3.lookups": 3,
      "walkCache.secondStage.L1.hits": 61_560, "walkCache.secondStage.L1.lookups": 61_619,
      "walkCache.secondStage.L2.hits": 58, "walkCache.secondStage.L2.lookups": 59,
      "walkCache.secondStage.L3.hits": 0, "walkCache.secondStage.L3.lookups": 1,
      "walkCache.nested.hits": 0, "walkCache.nested.lookups": 61_619,
      "frames.firstStage": 29_712,
    ],
    bars: [[2, 3740], [3, 4], [4, 28_878], [5, 54], [6, 2], [12, 1]])

  private func check(_ row: Row) throws {
    let plain = try replay(Captures.path(row.trace), on: try machine("reference"))
    for (name, value) in row.counters { #expect(plain.counters[name] == value, "\(name)") }
    let cached = try replay(Captures.path(row.trace), on: try machine("reference-cached"))
    for (name, value) in row.cached { #expect(cached.counters[name] == value, "\(name)") }
    #expect(
      cached.histograms["walk.references"]
        == row.bars.map { HistogramBar(value: $0[0], count: $0[1]) })
  }

  @Test("graph-bfs", .enabled(if: Captures.exists("graph-bfs.flat16.zst")))
  func graphBFS() throws { try check(Self.graph) }

  @Test("sqlite-probe", .enabled(if: Captures.exists("sqlite-probe.flat16.zst")))
  func sqliteProbe() throws { try check(Self.sqlite) }

  @Test(
    "graph-bfs behind 96 fully associative entries and 256 sets of 16",
    .enabled(if: Captures.exists("graph-bfs.flat16.zst")))
  func otherGeometry() throws {
    let machine = try machine(
      "reference", "tlbs.L1D.sets=1", "tlbs.L1D.ways=96", "tlbs.L2.sets=256", "tlbs.L2.ways=16")
    let result = try replay(Captures.path("graph-bfs.flat16.zst"), on: machine)
    #expect(result.counters["tlb.L1D.misses"] == 1_010_808)
    #expect(result.counters["tlb.L2.misses"] == 56_109)
  }

  @Test(
    "a container and the file it was made of give the same result but for name and hash",
    .enabled(if: Captures.exists("true.lackey.txt.zst")))
  func containerEqualsForeign() throws {
    for name in ["true.lackey.txt.zst", "fixtures/true.din.gz", "fixtures/true.champsimtrace.xz"] {
      let machine = try machine("reference-cached")
      let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let container = folder.appending(path: "copy.nwt").path
      try importTrace(Captures.path(name), to: container)
      let foreign = try replay(Captures.path(name), on: machine)
      var own = try replay(container, on: machine)
      own.trace.name = foreign.trace.name
      own.trace.sha256 = foreign.trace.sha256
      #expect(own == foreign, "\(name)")
    }
  }

  private func importTrace(_ path: String, to container: String) throws {
    _ = FileManager.default.createFile(atPath: container, contents: nil)
    let handle = try #require(FileHandle(forUpdatingAtPath: container))
    defer { try? handle.close() }
    var header = ContainerHeader(producer: "test")
    let writer = try ContainerWriter(
      descriptor: handle.fileDescriptor, file: container, header: header)
    let reader = try TraceReader(path: path)
    let block = TraceBlock()
    while try reader.next(into: block) { try writer.write(block) }
    header.notes = try reader.finish().notes
    _ = try writer.finish(header, skipped: 0)
  }
}
