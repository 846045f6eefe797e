import Foundation
import Results
import Testing

@testable import Reporting

@Suite("JSON report")
struct JSONReportTests {
  static let small = RunResult(
    trace: TraceIdentity(
      name: "a.nwt", sha256: "ab12", records: 3, tables: "recorded", notes: ["first", "second"]),
    machine: MachineIdentity(
      name: "tiny", sha256: "cd34", resolvedJSON: "{\n  \"cores\": 1,\n  \"name\": \"tiny\"\n}"),
    counters: ["walk.count": 2, "cpu.accesses": 3, "walk.references": 8],
    histograms: [
      "walk.references": [HistogramBar(value: 4, count: 2)],
      "walk.cycles": [],
    ],
    findings: [
      Finding(
        rule: "V6", severity: .high, count: 3,
        first: Finding.Place(
          record: 17, time: 5, detail: ["domain": "7", "device": "00:1f.2"]))
    ],
    notes: ["Model: none."])

  @Test("one result is one object, laid out member by member")
  func object() {
    #expect(
      render([Self.small], as: .json) == """
        {
          "schema": "nestwalk.result/1",
          "tool": "\(toolVersion)",
          "trace": {
            "name": "a.nwt",
            "sha256": "ab12",
            "records": 3,
            "tables": "recorded",
            "notes": [
              "first",
              "second"
            ]
          },
          "machine": {
            "name": "tiny",
            "sha256": "cd34",
            "resolved": {
              "cores": 1,
              "name": "tiny"
            }
          },
          "counters": {
            "cpu.accesses": 3,
            "walk.count": 2,
            "walk.references": 8
          },
          "histograms": {
            "walk.cycles": [],
            "walk.references": [
              [4, 2]
            ]
          },
          "findings": [
            {
              "rule": "V6",
              "severity": "high",
              "count": 3,
              "first": { "record": 17, "time": 5 },
              "detail": {
                "device": "00:1f.2",
                "domain": "7"
              }
            }
          ],
          "notes": [
            "Model: none."
          ]
        }

        """)
  }

  @Test("several results are an array, none an empty one")
  func array() throws {
    #expect(render([], as: .json) == "[]\n")
    let text = render([Self.small, Samples.graph], as: .json)
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
    let names = parsed.map { ($0["trace"] as? [String: Any])?["name"] as? String }
    #expect(names == ["a.nwt", "graph-bfs.flat16.zst"])
    let counters = parsed.compactMap { $0["counters"] as? [String: Int] }
    #expect(counters == [Self.small.counters, Samples.graph.counters])
  }

  @Test(
    "a foreign parser reads what was written",
    arguments: [small, Samples.graph, Samples.nothing, Samples.hostile])
  func parses(_ result: RunResult) throws {
    let text = render([result], as: .json)
    let parsed = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(parsed["schema"] as? String == "nestwalk.result/1")
    #expect(parsed["counters"] as? [String: Int] == result.counters)
    #expect(parsed["notes"] as? [String] == result.notes)
    let histograms = try #require(parsed["histograms"] as? [String: [[Int]]])
    #expect(histograms == result.histograms.mapValues { $0.map { [$0.value, $0.count] } })
    let trace = try #require(parsed["trace"] as? [String: Any])
    #expect(trace["notes"] as? [String] == result.trace.notes)
    let machine = try #require(parsed["machine"] as? [String: Any])
    #expect(machine["resolved"] is [String: Any])
  }

  private static let python = "/usr/bin/python3"

  @Test(
    "Python reads what was written",
    .enabled(if: FileManager.default.isExecutableFile(atPath: python), "needs \(python)"))
  func pythonParses() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.python)
    process.arguments = ["-m", "json.tool"]
    let input = Pipe()
    process.standardInput = input
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = render([Self.small, Samples.hostile, Samples.graph], as: .json)
    try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try input.fileHandleForWriting.close()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test(
    "strings are escaped as RFC 8259 asks",
    arguments: [
      ("plain", #""plain""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t", #""\n\r\t""#),
      ("\r\n", #""\r\n""#), ("\0\u{1b}\u{1f}\u{7f}", #""\u0000\u001b\u001f\u007f""#),
      ("é→😀", #""é→😀""#), ("</script>", #""</script>""#),
    ])
  func strings(_ text: String, _ expected: String) {
    #expect(jsonString(text) == expected)
  }

  @Test("histogram pairs fill lines of at most 100 columns")
  func pairs() {
    var result = Self.small
    result.histograms = [
      "walk.cycles": (100..<150).map { HistogramBar(value: $0, count: 1_000_000) }
    ]
    let lines = render([result], as: .json).split(separator: "\n")
    // "[100, 1000000]," and a space are 16 columns: (100 - 6) / 16 pairs fit, and not six more.
    #expect(lines.filter { $0.contains("1000000]") }.count == 10)
    #expect(lines.allSatisfy { $0.count <= 100 })
  }

  @Test("a description that is not JSON cannot break the file")
  func brokenMachine() throws {
    var result = Self.small
    result.machine.resolvedJSON = "{ \"cores\": 1"
    let text = render([result], as: .json)
    #expect(text.contains(#""resolved": "{ \"cores\": 1""#))
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
  }
}

@Suite("JSON values")
struct JSONValueTests {
  @Test(
    "texts that are one JSON value",
    arguments: [
      ("{}", JSONValue.object([:])),
      (" [ 1 , -2.5e+3 ] ", .array([.number("1"), .number("-2.5e+3")])),
      (#"{"a": {"b": null}}"#, .object(["a": .object(["b": .null])])),
      (#""\u0041\n\ud83d\ude00""#, .string("A\n😀")), ("true", .boolean(true)),
    ])
  func accepted(_ text: String, _ value: JSONValue) {
    #expect(JSONValue(text) == value)
  }

  @Test(
    "texts that are not",
    arguments: [
      "", "{", "[1,]", "{\"a\" 1}", "01", "1.", "-", "nul", "\"a", "\"\u{1}\"", "\"\\x\"",
      "\"\\ud800\"", "1 2", "{1: 2}", "+1", String(repeating: "[", count: 100_000),
    ])
  func refused(_ text: String) {
    #expect(JSONValue(text) == nil)
  }
}
