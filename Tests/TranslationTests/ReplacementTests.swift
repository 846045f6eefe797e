import Machine
import Testing

@testable import TraceFile
@testable import Translation

@Suite("Replacement policies")
struct ReplacementTests {
  @Test(
    "every policy and geometry equals its definition",
    arguments: [ReplacementName.fifo, .treePLRU, .srrip], [(1, 2), (1, 4), (8, 8), (2, 64)])
  func definitions(policy: ReplacementName, geometry: (sets: Int, ways: Int)) {
    let (sets, ways) = geometry
    let table = AssociativeTable<UInt64>(sets: sets, ways: ways, policy: policy, initial: 0)
    var naive = (0..<sets).map { _ in NaiveSet(ways: ways, policy: policy) }
    var random = SeededGenerator(state: UInt64(sets * 100 + ways))
    var present: Set<UInt64> = []
    for step in 0..<20_000 {
      // Half of the touches are of few tags, so that there are hits to tell policies apart.
      let span = UInt64(sets * ways * (step % 2 == 0 ? 2 : 1) + 1)
      let tag = UInt64.random(in: 0..<span, using: &random)
      let expected = naive[Int(tag) % sets].touch(tag)
      let found = table.find(tag)
      guard (found != nil) == expected.hit else {
        Issue.record("step \(step): tag \(tag) should \(expected.hit ? "hit" : "miss")")
        return
      }
      guard found == nil else { continue }
      let evicts = table.insert(tag, tag)
      #expect(evicts == (expected.evicted != nil))
      present.insert(tag)
      if let evicted = expected.evicted { present.remove(evicted) }
    }
    #expect(table.occupied == present.count)
  }

  @Test(
    "entries that are removed leave the rest as the policy had it",
    arguments: ReplacementName.allCases.filter { $0 != .random },
    [(1, 2), (1, 4), (8, 8), (2, 64)])
  func removal(policy: ReplacementName, geometry: (sets: Int, ways: Int)) {
    let (sets, ways) = geometry
    let table = AssociativeTable<UInt64>(sets: sets, ways: ways, policy: policy, initial: 0)
    var naive = (0..<sets).map { _ in NaiveSet(ways: ways, policy: policy) }
    var random = SeededGenerator(state: UInt64(sets * 100 + ways))
    for step in 0..<20_000 {
      let tag = UInt64.random(in: 0..<UInt64(2 * sets * ways), using: &random)
      switch Int.random(in: 0..<20, using: &random) {
      case 0:
        let removed = table.remove(tag)
        let count = naive[Int(tag) % sets].remove { $0 == tag }
        #expect(removed == (count > 0))
      case 1 where step % 7 == 0:
        let part = UInt64.random(in: 2..<9, using: &random)
        let removed = table.remove { found, _ in found % part == 0 }
        #expect(
          removed
            == naive.indices.reduce(0) { sum, set in
              sum + naive[set].remove { $0 % part == 0 }
            })
      default:
        let peeked = table.peek(tag) != nil
        let expected = naive[Int(tag) % sets].touch(tag)
        let found = table.find(tag) != nil
        #expect(peeked == expected.hit)
        guard found == expected.hit else {
          Issue.record("step \(step): tag \(tag) should \(expected.hit ? "hit" : "miss")")
          return
        }
        if !found { _ = table.insert(tag, tag) }
      }
    }
    #expect(table.occupied == naive.reduce(0) { $0 + $1.tags.count { $0 != nil } })
  }

  @Test("random replacement is a function of the seed and keeps the set full")
  func random() {
    func misses(seed: UInt64) -> Int {
      let table = AssociativeTable<UInt64>(
        sets: 2, ways: 8, policy: .random, seed: seed, initial: 0)
      var random = SeededGenerator(state: 4)
      var misses = 0
      for _ in 0..<10_000 {
        let tag = UInt64.random(in: 0..<32, using: &random)
        if table.find(tag) == nil {
          misses += 1
          _ = table.insert(tag, 0)
        }
      }
      #expect(table.occupied == 16)
      return misses
    }
    #expect(misses(seed: 1) == misses(seed: 1))
    #expect(misses(seed: 1) != misses(seed: 2))
    // Touches drawn evenly from 32 tags find half of them in 16 places, whatever goes.
    #expect((4800...5200).contains(misses(seed: 3)))
  }

  /// Four ways with tree-PLRU: after a, b, c, d the tree points to a; touching a turns it to c, so c
  /// goes and not b, which true LRU would take.
  @Test("tree-PLRU is not LRU")
  func treeExample() {
    let table = AssociativeTable<UInt64>(sets: 1, ways: 4, policy: .treePLRU, initial: 0)
    for tag: UInt64 in [10, 11, 12, 13] { _ = table.insert(tag, 0) }
    _ = table.find(10)
    let evicts = table.insert(14, 0)
    let (second, third) = (table.find(11), table.find(12))
    #expect(evicts)
    #expect(second != nil && third == nil)
  }

  @Test(
    "run by run and touch by touch agree under every policy",
    arguments: ReplacementName.allCases)
  func loops(policy: ReplacementName) throws {
    let settings = ["tlbs.L1I", "tlbs.L1D", "tlbs.L2"].flatMap {
      ["\($0).replacement=\(policy.rawValue)", "\($0).ways=8"]
    }
    let preset = try #require(Preset.named("reference-cached"))
    let machine = try MachineDescription.load(
      json: preset.json, file: "reference-cached",
      settings: settings + ["walkCaches.first1.replacement=\(policy.rawValue)"])
    let records = DifferentialTests.records(seed: 21, count: 20_000, faults: false)
    let byRuns = try replay(records, on: machine)
    let byTouches = try replay(records, on: machine, everyTouch: true)
    #expect(byRuns == byTouches)
  }
}
