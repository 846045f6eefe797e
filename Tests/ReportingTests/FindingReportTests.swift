import Foundation
import FoundationXML
import Results
import Testing

@testable import Reporting

/// Findings in every format.
enum FindingSamples {
  /// A device that reads through a stale translation, a guest that probes, and names that are hostile.
  static let result = RunResult(
    trace: TraceIdentity(
      name: "nic attack#1.nwt", sha256: Samples.digest("11aa"), records: 0, tables: "none",
      notes: []),
    machine: MachineIdentity(
      name: "qemu-vtd", sha256: Samples.digest("22bb"), resolvedJSON: "{}"),
    counters: ["isolation.judged.V1": 40, "isolation.judged.V3": 38, "isolation.judged.V6": 38],
    findings: [
      Finding(
        rule: "V6", severity: .critical, count: 3,
        subject: ["device": "00:03.0", "domain": "0x2"],
        first: Finding.Place(
          record: 0, event: 17, time: 1_250,
          detail: ["iova": "0xfffff000", "frame": "0x1234000", "unmapped": "event 12"]),
        examples: [
          Finding.Place(record: 0, event: 21, time: 1_300, detail: ["iova": "0xffffe000"])
        ]),
      Finding(
        rule: "V1", severity: .medium, count: 1, subject: ["device": "<b>&\"'\u{1b}"],
        first: Finding.Place(record: 4, time: 0, detail: ["fault": "06h"])),
    ])
}

@Suite("SARIF report")
struct SARIFReportTests {
  static func log(_ results: [RunResult]) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(render(results, as: .sarif).utf8))
        as? [String: Any])
  }

  static func run(_ results: [RunResult]) throws -> [String: Any] {
    let runs = try #require(try log(results)["runs"] as? [[String: Any]])
    #expect(runs.count == 1)
    return try #require(runs.first)
  }

  @Test("the head names version 2.1.0 and its schema")
  func head() throws {
    let log = try Self.log([FindingSamples.result])
    #expect(log["version"] as? String == "2.1.0")
    #expect((log["$schema"] as? String)?.hasSuffix("sarif-2.1.0.json") == true)
  }

  @Test("every rule is there with its help and a level, whether or not it fired")
  func rules() throws {
    let tool = try #require(try Self.run([])["tool"] as? [String: Any])
    let driver = try #require(tool["driver"] as? [String: Any])
    let rules = try #require(driver["rules"] as? [[String: Any]])
    #expect(rules.map { $0["id"] as? String } == (1...27).map { "V\($0)" } + ["C1", "C2"])
    for (rule, row) in zip(rules, IsolationRule.all) {
      let help = try #require(rule["help"] as? [String: String])
      #expect(help["text"]?.contains(row.remedy) == true)
      #expect(help["markdown"] != nil)
      let name = try #require(rule["name"] as? String)
      #expect(name.allSatisfy { $0.isLetter || $0.isNumber })
      #expect(rule["defaultConfiguration"] is [String: String])
    }
  }

  @Test("a result has all that GitHub wants: rule, message, file, line, fingerprint")
  func results() throws {
    let results = try #require(
      try Self.run([FindingSamples.result])["results"] as? [[String: Any]])
    #expect(results.count == 2)
    let first = results[0]
    #expect(first["ruleId"] as? String == "V6")
    #expect(first["ruleIndex"] as? Int == 5)
    #expect(first["level"] as? String == "error")
    #expect(first["occurrenceCount"] as? Int == 3)
    #expect(
      (first["message"] as? [String: String])?["text"]
        == "DMA through a stale translation, device 00:03.0; domain 0x2: 3 times on qemu-vtd, "
        + "first at event 17. iova 0xfffff000; frame 0x1234000; unmapped event 12")
    let location = try #require((first["locations"] as? [[String: Any]])?.first)
    let physical = try #require(location["physicalLocation"] as? [String: [String: Any]])
    // Blanks and fragments are escaped in a reference; event 17 is the eighteenth.
    #expect(physical["artifactLocation"]?["uri"] as? String == "nic%20attack%231.nwt")
    #expect(physical["region"]?["startLine"] as? Int == 18)
    #expect((first["relatedLocations"] as? [Any])?.count == 1)
    // Without an event the record counts: record 4 is the fifth.
    let second = try #require((results[1]["locations"] as? [[String: Any]])?.first)
    let place = try #require(second["physicalLocation"] as? [String: [String: Any]])
    #expect(place["region"]?["startLine"] as? Int == 5)
  }

  @Test("fingerprints stay when places and counts change, and differ between subjects")
  func fingerprints() throws {
    func prints(_ result: RunResult) throws -> [String] {
      let results = try #require(try Self.run([result])["results"] as? [[String: Any]])
      return results.compactMap {
        ($0["partialFingerprints"] as? [String: String])?["nestwalkFinding/v1"]
      }
    }
    let before = try prints(FindingSamples.result)
    var moved = FindingSamples.result
    moved.findings[0].count = 99
    moved.findings[0].first.event = 400
    #expect(try prints(moved) == before)
    #expect(Set(before).count == 2)
    moved.findings[0].subject["domain"] = "0x3"
    #expect(try prints(moved)[0] != before[0])
  }

  @Test(
    "of more findings than GitHub takes the most severe are told, and the file is small enough",
    .enabled(if: Browser.hasPython))
  func limits() throws {
    let text = render([Samples.withFindings(30_000)], as: .sarif)
    #expect(text.ranges(of: "\"ruleId\":").count == 25_000)
    try Browser.read(text, as: "r.sarif", by: "codescanning.py", [])
  }

  /// The test vectors of FNV-1a, 64 bits, by its authors.
  @Test(
    "the hash is FNV-1a",
    arguments: [
      ("", "cbf29ce484222325"), ("a", "af63dc4c8601ec8c"), ("foobar", "85944171f73967e8"),
    ])
  func hash(_ text: String, _ expected: String) { #expect(fingerprint(text) == expected) }
}

@Suite("JUnit report")
struct JUnitReportTests {
  /// The cases of a report by name: what is within each.
  static func cases(_ text: String) throws -> [String: String] {
    let reader = CaseReader()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    return reader.cases
  }

  private final class CaseReader: NSObject, XMLParserDelegate {
    var cases: [String: String] = [:]
    private var current = ""
    private var found = ""

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      if name == "testcase" {
        current = attributes["name"] ?? ""
        found = "passed"
      } else if name == "failure" || name == "skipped" {
        found = "\(name): \(attributes["message"] ?? "")"
      } else if name == "system-out" {
        found = "passed with output"
      }
    }

    func parser(
      _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
      qualifiedName: String?
    ) {
      if name == "testcase" { cases[current] = found }
    }
  }

  @Test("a rule fails where a gate stops it, passes where it was judged, else is skipped")
  func verdicts() throws {
    let cases = try Self.cases(
      render([FindingSamples.result], as: .junit, gates: [.severity(.high), .rule("V3")]))
    #expect(cases.count == 29 + 2)
    #expect(
      cases["V6 DMA through a stale translation"]?.hasPrefix(
        "failure: V6 critical, device 00:03.0; domain 0x2, 3 times, first at event 17: ") == true)
    #expect(cases["V1 DMA to an address that is not mapped"] == "passed with output")
    #expect(cases["V3 DMA outside the memory of the domain's owner"] == "passed")
    #expect(cases["V16 Malformed interrupt request"]?.hasPrefix("skipped: ") == true)
    #expect(cases["--fail-on high"] == "failure: 1 finding: V6.")
    #expect(cases["--fail-on V3"] == "passed")
  }

  @Test("the counts of the suite are those of its cases")
  func counts() {
    let text = render([FindingSamples.result], as: .junit, gates: [.severity(.low)])
    // 29 rules and a gate; two rules and the gate fail; V3 passes; the other 26 are skipped.
    #expect(
      text.contains(
        "<testsuites name=\"nestwalk\" tests=\"30\" failures=\"3\" errors=\"0\" skipped=\"26\""))
  }

  @Test("without gates nothing fails")
  func ungated() {
    #expect(render([FindingSamples.result], as: .junit).contains("failures=\"0\""))
  }
}

@Suite("Findings for people")
struct FindingTextTests {
  @Test("the terminal tells rule, subject, place and what to do")
  func terminal() {
    let text = summary([FindingSamples.result], color: false, width: 100)
    for line in [
      "Findings\n  V6 critical, 3 times: DMA through a stale translation\n",
      "     device 00:03.0; domain 0x2; first at event 17; iova 0xfffff000; frame 0x1234000; ",
      "     Invalidate strictly for devices that are not trusted",
    ] { #expect(text.contains(line), "\(line)\n\(text)") }
    #expect(!text.contains("\u{1b}"))
  }

  @Test("pages tell severities apart, explain the rules that fired and count what was judged")
  func page() {
    let text = render([FindingSamples.result], as: .html)
    #expect(text.contains("<span class=\"severity critical\">critical</span>"))
    #expect(text.contains("<summary>What the findings mean</summary>"))
    #expect(text.contains("<summary>Further examples</summary>"))
    #expect(text.contains("<summary>Isolation rules</summary>"))
    #expect(!text.contains("<b>"))
    var clean = FindingSamples.result
    clean.findings = []
    #expect(render([clean], as: .html).contains("<p>None.</p>"))
  }

  @Test("Markdown has findings, meanings, examples and what was judged")
  func tables() {
    let text = render([FindingSamples.result], as: .markdown)
    #expect(
      text.contains(
        "| V6 | critical | DMA through a stale translation | 3 | device 00:03.0; domain 0x2 | "
          + "event 17 | 1,250 | iova 0xfffff000; frame 0x1234000; unmapped event 12 |"))
    #expect(text.contains("| V3 | DMA outside the memory of the domain's owner | 38 | 0 |"))
  }
}
