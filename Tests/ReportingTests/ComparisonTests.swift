import Foundation
import Results
import Testing

@testable import Reporting

@Suite("Allowances")
struct AllowanceTests {
  @Test(
    "how far a counter may move",
    arguments: [
      // One percent of 1000 is 10.
      ("walk.count<=+1%", 1000, 1010, true), ("walk.count<=+1%", 1000, 1011, false),
      ("walk.count<=+1%", 1000, 0, true), ("walk.count>=-1%", 1000, 990, true),
      ("walk.count>=-1%", 1000, 989, false), ("walk.count>=-1%", 1000, 5000, true),
      ("walk.count+-0.5%", 1000, 1005, true), ("walk.count+-0.5%", 1000, 1006, false),
      ("walk.count+-0.5%", 1000, 995, true), ("walk.count+-0.5%", 1000, 994, false),
      ("walk.count<=+3", 10, 13, true), ("walk.count<=+3", 10, 14, false),
      ("walk.count<=+0", 10, 10, true), ("walk.count<=+0", 10, 11, false),
      ("walk.count=*", 10, 99, true),
      // A share of nothing is nothing.
      ("walk.count<=+50%", 0, 1, false),
      ("walk.count<=+0.0001%", 1_000_000, 1_000_001, true),
      ("walk.count<=+0.0001%", 1_000_000, 1_000_002, false),
      ("walk.count<=+1%", Int.min, Int.max, false), ("walk.count<=+1%", Int.max, Int.min, true),
    ])
  func moves(_ text: String, _ base: Int, _ new: Int, _ passes: Bool) throws {
    let allowance = try #require(Allowance(text))
    #expect(allowance.names("walk.count"))
    #expect(allowance.allows(base, new) == passes)
  }

  @Test(
    "a star stands for any characters",
    arguments: [
      ("tlb.*.fills=*", "tlb.L2.fills", true), ("tlb.*.fills=*", "tlb.L2.misses", false),
      ("*=*", "anything", true), ("walk*=*", "walk.count", true), ("walk*=*", "awalk", false),
      ("*.a.*.b=*", "x.a.y.b", true), ("*.a.*.b=*", "x.a.b", false),
      ("walk.count=*", "walk.counts", false), ("ab*ba=*", "aba", false),
    ])
  func stars(_ text: String, _ name: String, _ matches: Bool) throws {
    #expect(try #require(Allowance(text)).names(name) == matches)
  }

  @Test(
    "what says no bound is none",
    arguments: [
      "", "walk.count", "walk.count<=1%", "walk.count<=+", "walk.count<=+x%", "<=+1%",
      "walk.count<=+-1%", "walk.count<=+1.23456%", "walk.count<=+%", "walk.count<=+1.%",
      "walk.count=*1", "walk.count<=+1.5", "a<=+99999999%",
    ])
  func refused(_ text: String) { #expect(Allowance(text) == nil) }
}

@Suite("Comparison of results")
struct ComparisonTests {
  static let base = FindingSamples.result

  static func compare(
    _ base: [RunResult], _ new: [RunResult], _ allow: [String] = [], across: Bool = false
  ) throws -> Comparison {
    try Comparison(
      base: render(base, as: .json), new: render(new, as: .json),
      allowances: allow.compactMap { Allowance($0) }, acrossMachines: across)
  }

  static func verdicts(_ comparison: Comparison) -> [String: Comparison.Verdict] {
    Dictionary(
      uniqueKeysWithValues: comparison.pairs.flatMap(\.changes).map { ($0.name, $0.verdict) })
  }

  @Test(
    "a result equals itself", arguments: [Samples.graph, FindingSamples.result, Samples.hostile])
  func same(_ result: RunResult) throws {
    let comparison = try Self.compare([result], [result])
    #expect(comparison.passes)
    #expect(comparison.pairs.allSatisfy { $0.changes.isEmpty && $0.compared > 0 })
  }

  @Test("a counter that moved stops, unless it may move so far")
  func moved() throws {
    var new = Samples.graph
    new.counters["walk.cycles"] = 27_775_000 + 277_750
    #expect(!(try Self.compare([Samples.graph], [new])).passes)
    #expect(try Self.compare([Samples.graph], [new], ["walk.cycles<=+1%"]).passes)
    #expect(!(try Self.compare([Samples.graph], [new], ["walk.cycles<=+0.9%"])).passes)
    #expect(!(try Self.compare([Samples.graph], [new], ["walk.count<=+1%"])).passes)
  }

  @Test(
    "missing stops and added does not; a finding that appeared stops and one that is gone does not")
  func verdicts() throws {
    var new = Self.base
    new.counters["isolation.judged.V1"] = nil
    new.counters["isolation.judged.V2"] = 1
    new.findings[0].count = 4
    new.findings[1] = Finding(
      rule: "V7", severity: .critical, count: 1, subject: ["domain": "0x9"],
      first: Finding.Place(record: 0, time: 0, detail: [:]))
    let comparison = try Self.compare([Self.base], [new])
    #expect(
      Self.verdicts(comparison) == [
        "isolation.judged.V1": .missing, "isolation.judged.V2": .added,
        "finding.V6.critical device=00:03.0 domain=0x2": .worse,
        "finding.V1.medium device=<b>&\"'\u{1b}": .gone,
        "finding.V7.critical domain=0x9": .appeared,
      ])
    #expect(!comparison.passes)
    let allowed = [
      "isolation.judged.V1=*", "finding.V6.*<=+1", "finding.V7.critical domain=0x9=*",
    ]
    #expect(try Self.compare([Self.base], [new], allowed).passes)
  }

  @Test("a histogram that changed stops even where its counters are equal")
  func histograms() throws {
    var new = Samples.graph
    new.histograms["walk.cycles"]?[0].count += 1
    let comparison = try Self.compare([Samples.graph], [new])
    #expect(Self.verdicts(comparison) == ["walk.cycles (bars)": .changed])
    #expect(try Self.compare([Samples.graph], [new], ["walk.cycles=*"]).passes)
  }

  @Test("several results are paired by trace and machine, in any order")
  func pairs() throws {
    let all = [Samples.graph, Samples.graphUncached, Samples.database]
    #expect(try Self.compare(all, all.reversed()).passes)
    let fewer = try Self.compare(all, Array(all.dropLast()))
    #expect(!fewer.passes)
    #expect(fewer.missing == ["sqlite-probe.flat16.zst on reference-cached"])
    #expect(try Self.compare(Array(all.dropLast()), all).passes)
  }

  @Test("other traces cannot be compared, other machines only on demand")
  func incomparable() throws {
    var other = Samples.graph
    other.trace.sha256 = Samples.digest("ffff")
    #expect(throws: ComparisonFailure.self) { try Self.compare([Samples.graph], [other]) }
    #expect(throws: ComparisonFailure.self) {
      try Self.compare([Samples.graph], [Samples.graphUncached])
    }
    let across = try Self.compare([Samples.graph], [Samples.graphUncached], across: true)
    #expect(!across.passes)
    #expect(across.pairs.first?.machine == "reference-cached and reference")
  }

  @Test(
    "what is no result is refused with a cure",
    arguments: [
      "", "{", "[1]", "{}", #"{"schema": "other/1"}"#, #"{"schema": "nestwalk.result/1"}"#,
      #"{"schema":"nestwalk.result/1","trace":{"name":"a","sha256":"b"},"machine":{"name":"a","#
        + #""sha256":"b"},"counters":{"a":1.5},"histograms":{}}"#,
    ])
  func refused(_ text: String) {
    let good = render([Samples.nothing], as: .json)
    #expect(throws: ComparisonFailure.self) { try Comparison(base: text, new: good) }
    #expect(throws: ComparisonFailure.self) { try Comparison(base: good, new: text) }
  }

  @Test("every format tells what moved", arguments: ComparisonFormat.allCases)
  func formats(_ format: ComparisonFormat) throws {
    var new = Samples.graph
    new.counters["walk.cycles"] = 30_000_000
    new.trace.name = Samples.graph.trace.name
    let text = try Self.compare([Samples.graph], [new]).render(as: format)
    #expect(text.contains("walk.cycles"))
    #expect(text.contains("30000000") || text.contains("30,000,000"))
    #expect(text.hasSuffix("\n"))
  }

  @Test("the terminal says by how much, whether it is worse, and what it is")
  func terminal() throws {
    var new = Samples.graph
    new.counters["walk.cycles"] = 27_775_000 * 2
    let text = try Self.compare([Samples.graph], [new]).summary(width: 100)
    #expect(text.contains("1 moved, 1 more than allowed"))
    // The only number of its unit that moved.
    #expect(text.contains("+100.00 %") && text.contains("100.0 %  worse"), "\(text)")
    #expect(text.contains("walk.cycles: Modelled latency of all references of walks."))
    #expect(text.hasSuffix("The new result does not pass.\n"))
  }

  @Test("the verdict is the worst of what moved; improvements pass on demand")
  func conclusions() throws {
    func verdict(
      _ change: (inout RunResult) -> Void, improvementsPass: Bool = false
    ) throws -> (Comparison.Conclusion, Bool) {
      var new = Samples.graph
      change(&new)
      let comparison = try Comparison(
        base: render([Samples.graph], as: .json), new: render([new], as: .json),
        improvementsPass: improvementsPass)
      return (comparison.verdict, comparison.passes)
    }
    #expect(try verdict { _ in } == (.equal, true))
    #expect(try verdict { $0.counters["walk.cycles"] = 1 } == (.better, false))
    #expect(
      try verdict({ $0.counters["walk.cycles"] = 1 }, improvementsPass: true) == (.better, true))
    // What neither costs nor saves passes beside an improvement, and not alone.
    for (cycles, passes) in [(1, true), (nil, false)] as [(Int?, Bool)] {
      let conclusion = try verdict(
        {
          $0.counters["frames.firstStage"] = 1
          if let cycles { $0.counters["walk.cycles"] = cycles }
        }, improvementsPass: true)
      #expect(conclusion == (passes ? .better : .changed, passes))
    }
    #expect(try verdict { $0.counters["tlb.L2.hits"] = 1 } == (.worse, false))
    #expect(
      try verdict(
        { ($0.counters["walk.cycles"], $0.counters["walk.count"]) = (1, 999_999) },
        improvementsPass: true) == (.worse, false))
    #expect(try verdict { $0.counters["frames.firstStage"] = 1 } == (.changed, false))
    #expect(try verdict { $0.counters["walk.cycles"] = nil } == (.missing, false))
    let absent = Comparison(withoutBase: "a.json is not there")
    #expect(absent.verdict == .missing && !absent.passes && !absent.hasBase)
    #expect(absent.render(as: .json).contains("\"verdict\": \"missing\""))
  }

  @Test("what moved is ranked by its share of its unit's moves, cycles first")
  func contributions() throws {
    var new = Samples.graph
    // Cycles move by 3,000 and 1,000: three quarters and a quarter.
    new.counters["walk.cycles"] = 27_775_000 + 3_000
    new.counters["tlb.cycles"] = 7_510_895 + 1_000
    new.counters["walk.count"] = 327_939 + 5_000
    let pair = try #require(try Self.compare([Samples.graph], [new]).pairs.first)
    #expect(pair.ranked.map(\.change.name) == ["walk.cycles", "tlb.cycles", "walk.count"])
    #expect(pair.ranked.map(\.share) == ["75.0 %", "25.0 %", "100.0 %"])
    // A tenth of the references that went, of which parts are counters too.
    new.counters["walk.references"] = 694_375 - 1_000
    new.counters["walk.references.firstStage"] = 345_274 - 100
    let parts = try #require(try Self.compare([Samples.graph], [new]).pairs.first).ranked
    #expect(
      parts.first { $0.change.name == "walk.references.firstStage" }?.share == "10.0 %")
    let page = try Self.compare([Samples.graph], [new]).render(as: .html)
    #expect(page.contains("What moved most") && page.contains("+0.011 %"))
  }
}
