import Foundation
import Testing

@Suite("Gates and rules on the command line")
struct GateTests {
  @Test("the rules are listed, and each is explained by both commands")
  func rules() throws {
    let folder = try Folder()
    let listing = try Nestwalk.succeed(["rules"], in: folder)
    // A head and 29 rules.
    #expect(listing.split(separator: "\n").count == 30)
    let text = try Nestwalk.succeed(["rules", "V6"], in: folder)
    #expect(text.hasPrefix("V6 DMA through a stale translation"))
    #expect(text.contains("What to do: "))
    #expect(try Nestwalk.succeed(["run", "--explain", "V6"], in: folder) == text)
    #expect(try Nestwalk.run(["rules", "V28"], in: folder).status == 64)
  }

  @Test("a run without findings passes every gate, and says so in XML and SARIF")
  func clean() throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      [
        "run", Shipped.path("true.nwt"), "-m", "reference", "--fail-on", "low", "--fail-on", "V6",
        "-o", "r.xml", "-o", "r.sarif",
      ], in: folder)
    let xml = try folder.text("r.xml")
    // 29 rules without anything to judge them by, and two gates.
    #expect(xml.contains("tests=\"31\" failures=\"0\" errors=\"0\" skipped=\"29\""))
    let log = try #require(
      try JSONSerialization.jsonObject(with: try folder.data("r.sarif")) as? [String: Any])
    let runs = try #require(log["runs"] as? [[String: Any]])
    #expect((runs.first?["results"] as? [Any])?.isEmpty == true)
  }

  @Test("what is no severity and no rule is wrong usage", arguments: ["none", "V0", "7"])
  func unknown(_ gate: String) throws {
    let outcome = try Nestwalk.run(
      ["run", Shipped.path("true.nwt"), "-m", "reference", "--fail-on", gate], in: try Folder())
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
  }
}
