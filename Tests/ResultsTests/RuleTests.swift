import Testing

@testable import Results

@Suite("Isolation rules")
struct RuleTests {
  @Test("there are 29, V1 to V27 and then C1 and C2, each told whole")
  func whole() {
    #expect(IsolationRule.all.map(\.id) == (1...27).map { "V\($0)" } + ["C1", "C2"])
    #expect(Set(IsolationRule.all.map(\.title)).count == 29)
    for rule in IsolationRule.all {
      #expect(rule.meaning.hasSuffix("."), "\(rule.id)")
      #expect(rule.remedy.hasSuffix("."), "\(rule.id)")
      #expect(!rule.title.hasSuffix("."), "\(rule.id)")
      #expect(rule.title.count < 80, "\(rule.id)")
      #expect(!rule.reference.isEmpty, "\(rule.id)")
    }
  }

  @Test("a rule is found by its identifier in any case")
  func named() {
    #expect(IsolationRule.named("v6")?.id == "V6")
    #expect(IsolationRule.named("V28") == nil)
    #expect(IsolationRule.named("") == nil)
    #expect(IsolationRule.order(of: "V2") < IsolationRule.order(of: "V10"))
    #expect(IsolationRule.order(of: "V99") == 29)
  }

  static func finding(_ rule: String, _ severity: Severity) -> Finding {
    Finding(
      rule: rule, severity: severity, count: 2, subject: ["device": "00:03.0", "domain": "0x2"],
      first: Finding.Place(record: 0, event: 7, time: 0, detail: [:]))
  }

  @Test(
    "a severity stops what is as severe or more, a rule only its own",
    arguments: [
      ("low", Severity.low, true), ("medium", .low, false), ("medium", .medium, true),
      ("high", .medium, false), ("high", .critical, true), ("CRITICAL", .critical, true),
      ("critical", .high, false), ("V6", .low, true), ("v6", .critical, true),
      ("V7", .critical, false),
    ])
  func gates(_ text: String, _ severity: Severity, _ stops: Bool) throws {
    let gate = try #require(Gate(text))
    #expect(gate.stops(Self.finding("V6", severity)) == stops)
  }

  @Test("what is no severity and no rule is no gate", arguments: ["", "none", "V0", "V28", "6"])
  func unknown(_ text: String) { #expect(Gate(text) == nil) }

  @Test("an objection names the rules, once each")
  func objections() {
    var result = RunResult(
      trace: TraceIdentity(name: "t", sha256: "", records: 0, tables: "", notes: []),
      machine: MachineIdentity(name: "m", sha256: "", resolvedJSON: "{}"))
    #expect(Gate.severity(.low).objection(to: result) == nil)
    result.findings = [
      Self.finding("V7", .critical), Self.finding("V6", .high), Self.finding("V6", .high),
      Self.finding("V1", .medium),
    ]
    #expect(Gate.severity(.high).objection(to: result) == "3 findings: V7, V6.")
    #expect(Gate.rule("V1").objection(to: result) == "1 finding: V1.")
    #expect(Gate.recorded.objection(to: result) == nil)
    result.counters["check.contradicted"] = 1
    #expect(Gate.recorded.objection(to: result) == "1 recorded outcome is contradicted.")
  }

  @Test("a finding's identity is its rule and subject, wherever and how often it was met")
  func identity() {
    var other = Self.finding("V6", .critical)
    other.count = 9
    other.first.event = 1
    #expect(other.identity == Self.finding("V6", .high).identity)
    #expect(other.identity == "V6 device=00:03.0 domain=0x2")
    other.subject["domain"] = "0x3"
    #expect(other.identity != Self.finding("V6", .high).identity)
  }

  @Test("evidence reads device first, times last, the unknown in between by name")
  func order() {
    let detail = ["zeta": "1", "iova": "2", "device": "3", "alpha": "4", "frame": "5"]
    #expect(
      Finding.ordered(detail).map(\.name) == ["device", "iova", "frame", "alpha", "zeta"])
  }
}
