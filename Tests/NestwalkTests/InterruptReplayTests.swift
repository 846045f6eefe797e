import Foundation
import Testing

/// The shipped traces of interrupts, replayed as a user does.
@Suite("Interrupts of devices")
struct InterruptReplayTests {
  private struct Result: Decodable {
    struct Finding: Decodable {
      var rule: String
      var severity: String
      var count: Int
      var detail: [String: String]
      var examples: [Example]?

      struct Example: Decodable { var detail: [String: String] }

      /// What the report says of each of the first messages.
      var details: [[String: String]] { [detail] + (examples ?? []).map(\.detail) }
    }
    struct Table: Decodable { var name: String }
    var counters: [String: Int]
    var findings: [Finding]
    var tables: [Table]

    func interrupts(_ name: String) -> Int { counters["interrupt." + name] ?? 0 }
  }

  private static func run(_ file: String, mode: String) throws -> Result {
    let text = try Nestwalk.succeed(
      [
        "run", Shipped.path(file), "-m", "reference-interrupts", "--set",
        "interrupts.mode=\(mode)", "--quiet", "-o", "-",
      ], in: try Folder())
    return try JSONDecoder().decode(Result.self, from: Data(text.utf8))
  }

  /// Ten messages: three for which the entries are, and seven that the attacker chose.
  @Test("forged messages are blocked, each with its code, and the report says by what")
  func remappingStops() throws {
    let result = try Self.run("forged-interrupts.scenario", mode: "posted")
    #expect(result.interrupts("requests") == 10)
    #expect(result.interrupts("blocked") == 7)
    #expect(result.interrupts("misdelivered") == 0)
    let faults = ["20h": 1, "21h": 1, "22h": 1, "25h": 2, "26h": 2]
    for (code, count) in faults { #expect(result.interrupts("fault." + code) == count) }
    let stops = Set(result.findings.flatMap(\.details).compactMap { $0["stoppedBy"] })
    #expect(
      stops == [
        "the block of compatibility format (25h)",
        "the source check of entry 8, which allows 04:00.0 (26h)",
        "the source check of entry 2, which allows 00:1f.2 (26h)",
        "the present bit of entry 100 (22h)",
        "the bound of the table, below index 256 (21h)",
        "the check of the message's reserved bits (20h)",
      ])
    #expect(result.findings.allSatisfy { ["low", "medium"].contains($0.severity) })
    #expect(
      Set(["interrupts.devices", "interrupts.vcpus", "interrupts.entries"])
        .isSubset(of: Set(result.tables.map(\.name))))
  }

  @Test("without remapping they reach the host")
  func noRemapping() throws {
    let result = try Self.run("forged-interrupts.scenario", mode: "none")
    #expect(result.interrupts("blocked") == 0)
    #expect(result.interrupts("forged") == 7)
    #expect(result.interrupts("misdelivered") == 7)
    // One chose an NMI, one vector 17, and three have no vector of their own: 0.
    let dangerous = result.findings.filter { $0.rule == "V15" }
    #expect(dangerous.reduce(0) { $0 + $1.count } == 5)
    let compatible = result.findings.filter { $0.rule == "V12" }
    #expect(compatible.map(\.severity) == ["critical"] && compatible.map(\.count) == [2])
  }

  @Test("the shipped schedule's fifteen mistakes are found, five of each kind, and nothing else")
  func schedule() throws {
    let result = try Self.run("posted-schedule.scenario", mode: "posted")
    for kind in ["wrongCore", "lostNotifications", "spuriousNotifications"] {
      #expect(result.interrupts(kind) == 5)
    }
    #expect(Set(result.findings.map(\.rule)) == ["V18"])
    #expect(result.findings.reduce(0) { $0 + $1.count } == 15)
  }
}
