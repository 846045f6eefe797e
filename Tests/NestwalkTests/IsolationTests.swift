import Foundation
import Testing

/// The shipped stories, from the text through the model of VT-d to the report.
@Suite("Isolation scenarios")
struct IsolationScenarioTests {
  struct Found: Decodable {
    struct Finding: Decodable {
      struct Place: Decodable { var event: Int }
      var rule: String
      var severity: String
      var count: Int
      var first: Place
      var detail: [String: String]
    }
    var findings: [Finding]
    var counters: [String: Int]
  }

  private func run(_ name: String, _ options: [String] = []) throws -> Found {
    let folder = try Folder()
    try Nestwalk.succeed(
      ["run", Shipped.path("isolation/\(name).txt"), "-m", "qemu-vtd", "-o", "r.json"] + options,
      in: folder)
    return try JSONDecoder().decode(Found.self, from: try folder.data("r.json"))
  }

  @Test("a stale translation is used once, and blocked after the invalidation")
  func staleWindow() throws {
    let found = try run("stale-window")
    #expect(
      found.findings.map { "\($0.rule) \($0.severity) \($0.count)" } == [
        "V6 critical 1", "V1 medium 1",
      ])
    // The events are counted in the file: the read is the thirteenth.
    let stale = try #require(found.findings.first)
    #expect(stale.first.event == 12)
    #expect(stale.detail["frame"] == "0x100000")
    #expect(stale.detail["unmapped"] == "event 8 at 2000000 ns")
    #expect(stale.detail["window"] == "3000000 ns")
    #expect(stale.detail["reused"]?.hasPrefix("domain 0x2") == true)
    // What was unmapped at 2 ms and invalidated at 12 ms: 4096 bytes for 10,000 microseconds.
    #expect(found.counters["isolation.exposure.byteMicroseconds"] == 40_960_000)
    #expect(found.counters["isolation.exposure.uses"] == 1)
    #expect(found.findings.last?.detail["unmapped"] == "event 8 at 2000000 ns")
  }

  @Test("a command of the former owner is told from the new owner's own")
  func delayed() throws {
    let found = try run("delayed-dma")
    #expect(found.findings.map { "\($0.rule) \($0.severity) \($0.count)" } == ["V8 critical 1"])
    #expect(found.findings.first?.detail["frame"] == "0x205000")
    #expect(found.findings.first?.detail["issued"] == "at 1100000 ns")
  }

  @Test("strict invalidation breaks no rule, and passes the strictest gate")
  func strict() throws {
    let found = try run("strict", ["--fail-on", "low"])
    #expect(found.findings.isEmpty)
    #expect(found.counters["isolation.judged.V6"] ?? 0 > 0)
    #expect(found.counters["isolation.exposure.windows"] == 1)
    #expect(found.counters["isolation.exposure.byteMicroseconds"] == 0)
  }

  @Test("a gate ends the run with 1 after its reports are written")
  func gate() throws {
    let folder = try Folder()
    let outcome = try Nestwalk.run(
      [
        "run", Shipped.path("isolation/stale-window.txt"), "-m", "qemu-vtd", "--fail-on", "V6",
        "-o", "r.sarif", "-o", "r.xml", "-o", "r.html", "-o", "r.md",
      ], in: folder)
    #expect(outcome.status == 1)
    #expect(folder.listing == ["r.html", "r.md", "r.sarif", "r.xml"])
    #expect(try folder.text("r.sarif").contains("\"ruleId\": \"V6\""))
    #expect(try folder.text("r.xml").contains("<failure type=\"critical\""))
    #expect(try folder.text("r.html").contains("Exposure between unmap and invalidation"))
  }
}
