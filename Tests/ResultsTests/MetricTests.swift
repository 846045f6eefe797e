import Testing

@testable import Results

@Suite("Metric definitions")
struct MetricTests {
  @Test(
    "full names find their pattern",
    arguments: [
      ("cpu.accesses", "cpu.accesses"),
      ("tlb.L2.misses", "tlb.NAME.misses"),
      ("tlb.NAME.misses", "tlb.NAME.misses"),
      ("tlb.cycles", "tlb.cycles"),
      ("walk.references", "walk.references"),
      ("walk.references.firstStage", "walk.references.firstStage"),
      ("walk.grid.L3.entry", "walk.grid.FIRST.SECOND"),
      ("walk.grid.data.L0", "walk.grid.FIRST.SECOND"),
      // A name of the machine's may hold dots.
      ("walkCache.firstStage.L1.hits", "walkCache.NAME.hits"),
      ("walkCache.nested.lookups", "walkCache.NAME.lookups"),
      ("fault.notPresent", "fault.REASON"),
    ])
  func found(_ name: String, _ pattern: String) {
    #expect(Metric.definition(of: name)?.pattern == pattern)
  }

  @Test(
    "other names find none",
    arguments: [
      "", ".", "walk", "walk.", "walk.counts", "tlb.misses", "tlb..misses", "tlb.L2", "walk.grid",
      "walk.grid.data", "walkCache.nested.misses", "fault", "fault.", "Walk.count",
    ])
  func unknown(_ name: String) {
    #expect(Metric.definition(of: name) == nil)
    #expect(Metric.order(of: name) == Metric.all.count)
  }

  @Test("patterns are distinct, units are said, definitions are sentences")
  func registry() {
    #expect(Set(Metric.all.map(\.pattern)).count == Metric.all.count)
    #expect(Set(Metric.all.map(\.definition)).count == Metric.all.count)
    for metric in Metric.all {
      #expect(!metric.unit.isEmpty)
      #expect(metric.definition.hasSuffix("."), "\(metric.pattern)")
    }
  }

  @Test("the order is that of the registry")
  func order() {
    #expect(Metric.order(of: "cpu.instructions") == 0)
    #expect(Metric.order(of: "tlb.L2.lookups") < Metric.order(of: "tlb.L1D.hits"))
    #expect(Metric.order(of: "walk.count") < Metric.order(of: "fault.notPresent"))
  }
}
