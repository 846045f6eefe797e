import Results
import Testing

@testable import Reporting

@Suite("Machine summary")
struct MachineSummaryTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var mode: String
    var first: String
    var second: String
    var most: Int?
    var testDescription: String { "\(mode) \(first) \(second)" }
  }

  static let maxima = [
    Row(mode: "native", first: "x86-64:4", second: "ept:4", most: 4),
    Row(mode: "native", first: "x86-64:5", second: "", most: 5),
    // (4 + 1)(4 + 1) - 1 = 24, (5 + 1)(5 + 1) - 1 = 35, (5 + 1)(4 + 1) - 1 = 29
    Row(mode: "nested", first: "x86-64:4", second: "ept:4", most: 24),
    Row(mode: "nested", first: "x86-64:5", second: "ept:5", most: 35),
    Row(mode: "nested", first: "x86-64:5", second: "npt:4", most: 29),
    Row(mode: "nested", first: "x86-64:4", second: "", most: nil),
    Row(mode: "nested", first: "x86-64", second: "ept:4", most: nil),
    Row(mode: "nested", first: "x86-64:4", second: "ept:99", most: nil),
    Row(mode: "shadow", first: "x86-64:4", second: "ept:4", most: nil),
  ]

  @Test("the most that a walk can read, where the description says enough", arguments: maxima)
  func maximum(_ row: Row) {
    let text = """
      {"virtualization": {"mode": "\(row.mode)"}, "firstStage": {"format": "\(row.first)"},
      "secondStage": {"format": "\(row.second)"}}
      """
    let machine = MachineIdentity(name: "m", sha256: "", resolvedJSON: text)
    #expect(MachineSummary(machine).maximumReferences == row.most)
  }

  @Test("TLBs and walk caches by the names of their counters")
  func caches() {
    let machine = MachineSummary(Samples.graph.machine)
    #expect(machine.translation == "nested, x86-64:4 over ept:4")
    #expect(machine.memory == "flat, 40 cycles a reference")
    #expect(machine.tlbs.map(\.name) == ["L1I", "L1D", "L2"])
    #expect(machine.tlbs.map(\.geometry) == ["16 x 4", "16 x 4", "128 x 12"])
    #expect(
      machine.walkCaches.map(\.name) == [
        "firstStage.L1", "firstStage.L2", "firstStage.L3", "secondStage.L1", "secondStage.L2",
        "secondStage.L3", "nested",
      ])
  }

  @Test(
    "a description that says nothing shows nothing",
    arguments: ["", "[]", "{}", "{\"tlbs\": 3}"])
  func empty(_ text: String) {
    let machine = MachineSummary(MachineIdentity(name: "m", sha256: "", resolvedJSON: text))
    #expect(machine.translation == "" && machine.memory == "" && machine.tlbs.isEmpty)
    #expect(machine.maximumReferences == nil)
  }
}
