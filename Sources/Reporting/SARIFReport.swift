import Results

/// What GitHub takes of one run; a file with more is refused as a whole.
private let mostResults = 25_000

/// Findings as SARIF 2.1.0, in one run that a code scanning service takes.
///
/// A trace has no lines. `startLine` is the number of the event (or of the record, where there is
/// none) plus one, because GitHub refuses a file in which any result is without; the message says the
/// number as `nestwalk inspect` counts it. Fingerprints are made of rule and subject, so that
/// a finding keeps its identity when a trace is recorded anew. Results name a trace without its folder;
/// `traceFolder` says where traces lie in the repository, whose root places are relative to.
///
/// Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub, "SARIF
/// support for code scanning".
func sarifReport(_ results: [RunResult], traceFolder: String = "") -> String {
  let folder = traceFolder.split(separator: "/").filter { $0 != "." }
    .map { uri(String($0)) + "/" }.joined()
  let rules = IsolationRule.all.map(descriptor)
  let driver = JSONText.object([
    ("name", .string("nestwalk")), ("semanticVersion", .string(toolVersion)),
    ("rules", .array(rules)),
  ])
  var artifacts: [TraceIdentity] = []
  for result in results where !artifacts.contains(where: { $0.name == result.trace.name }) {
    artifacts.append(result.trace)
  }
  let run = JSONText.object([
    ("tool", .object([("driver", driver)])),
    ("columnKind", .string("unicodeCodePoints")),
    ("invocations", .array([.object([("executionSuccessful", .literal("true"))])])),
    (
      "artifacts",
      .array(
        artifacts.map { trace in
          .object([
            ("location", .object([("uri", .string(folder + uri(trace.name)))])),
            ("hashes", .object([("sha-256", .string(trace.sha256))])),
          ])
        })
    ),
    (
      "results",
      .array(
        told(results).map { result, finding in
          sarifResult(finding, of: result, at: folder + uri(result.trace.name))
        })
    ),
  ])
  return JSONText.object([
    ("$schema", .string("https://json.schemastore.org/sarif-2.1.0.json")),
    ("version", .string("2.1.0")), ("runs", .array([run])),
  ]).text(indent: "") + "\n"
}

/// Every finding, or the most severe where there are too many.
private func told(_ results: [RunResult]) -> [(result: RunResult, finding: Finding)] {
  let all = results.flatMap { result in
    result.findings.map { (result: result, finding: $0) }
  }
  guard all.count > mostResults else { return all }
  let ordered = all.enumerated().sorted { one, other in
    one.element.finding.severity != other.element.finding.severity
      ? one.element.finding.severity > other.element.finding.severity : one.offset < other.offset
  }
  return ordered.prefix(mostResults).map(\.element)
}

private func descriptor(_ rule: IsolationRule) -> JSONText {
  let help = rule.meaning + "\n\nWhat to do: " + rule.remedy + "\n\nReference: " + rule.reference
  let marked =
    markdown(rule.meaning) + "\n\n**What to do.** " + markdown(rule.remedy) + "\n\n**Reference.** "
    + markdown(rule.reference)
  return .object([
    ("id", .string(rule.id)), ("name", .string(identifier(rule.title))),
    ("shortDescription", message(rule.title + ".")), ("fullDescription", message(rule.meaning)),
    ("help", .object([("text", .string(help)), ("markdown", .string(marked))])),
    ("defaultConfiguration", .object([("level", .string(rule.severity.level))])),
    (
      "properties",
      .object([
        ("precision", .string("very-high")),
        ("problem.severity", .string(rule.severity.problem)),
        ("security-severity", .string(rule.severity.score)),
        ("tags", .array([.string("security"), .string("isolation")])),
      ])
    ),
  ])
}

private func sarifResult(
  _ finding: Finding, of result: RunResult, at uri: String
) -> JSONText {
  let fingerprint = fingerprint(finding.identity + " trace=" + result.trace.name)
  let title = IsolationRule.named(finding.rule)?.title ?? finding.rule
  let subject = sentence(finding.subject)
  let text =
    title + (subject == "" ? "" : ", \(subject)") + ": \(counted(finding.count, "time")) on "
    + result.machine.name + ", \(firstPlace(finding.first)). "
    + sentence(finding.first.detail)
  var members: [(String, JSONText)] = [("ruleId", .string(finding.rule))]
  let index = IsolationRule.order(of: finding.rule)
  if index < IsolationRule.all.count { members.append(("ruleIndex", .literal(String(index)))) }
  members += [
    ("level", .string(finding.severity.level)), ("message", message(text)),
    (
      "locations",
      .array([location(of: finding.first, in: uri, id: nil, subject: finding.subject)])
    ),
  ]
  if !finding.examples.isEmpty {
    members.append(
      (
        "relatedLocations",
        .array(
          finding.examples.enumerated().map { number, example in
            location(of: example, in: uri, id: number + 1, subject: [:])
          })
      ))
  }
  members += [
    (
      "partialFingerprints",
      .object([
        ("nestwalkFinding/v1", .string(fingerprint)),
        ("primaryLocationLineHash", .string(fingerprint + ":1")),
      ])
    ),
    ("occurrenceCount", .literal(String(max(finding.count, 1)))),
    (
      "properties",
      .object([
        ("severity", .string(finding.severity.rawValue)),
        ("security-severity", .string(finding.severity.score)),
        ("machine", .string(result.machine.name)), ("evidence", strings(finding.first.detail)),
      ])
    ),
  ]
  return .object(members)
}

private func location(
  of place: Finding.Place, in uri: String, id: Int?, subject: [String: String]
) -> JSONText {
  let (next, overflow) = (place.event ?? place.record).addingReportingOverflow(1)
  // Line numbers of a SARIF consumer may be 32 bits wide.
  let line = overflow ? Int(Int32.max) : min(max(next, 1), Int(Int32.max))
  var members: [(String, JSONText)] = []
  if let id { members.append(("id", .literal(String(id)))) }
  members.append(
    (
      "physicalLocation",
      .object([
        ("artifactLocation", .object([("uri", .string(uri))])),
        ("region", .object([("startLine", .literal(String(line)))])),
      ])
    ))
  if id != nil {
    members.append(("message", message("\(number(of: place)): \(sentence(place.detail))")))
  }
  if !subject.isEmpty {
    members.append(
      (
        "logicalLocations",
        .array(
          Finding.ordered(subject).map { name, value in
            .object([
              ("name", .string(value)), ("fullyQualifiedName", .string("\(name) \(value)")),
              ("kind", .string(name)),
            ])
          })
      ))
  }
  return .object(members)
}

private func message(_ text: String) -> JSONText { .object([("text", .string(text))]) }

private func strings(_ detail: [String: String]) -> JSONText {
  .object(Finding.ordered(detail).map { ($0.name, .string($0.value)) })
}

/// A title in the form that SARIF asks of a rule's name: words run together, each with a capital.
private func identifier(_ title: String) -> String {
  title.split { !$0.isLetter && !$0.isNumber }
    .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
}

/// A file's name as a relative reference: everything but letters, digits and a few marks escaped.
func uri(_ name: String) -> String {
  var text = ""
  for byte in name.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      text.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      let digits = String(byte, radix: 16, uppercase: true)
      text += "%" + (digits.count == 1 ? "0" : "") + digits
    }
  }
  return text
}

/// The 64-bit FNV-1a hash in sixteen hexadecimal digits.
///
/// Source: Fowler, Noll, Vo, "FNV Hash", parameters of the 64-bit variant.
func fingerprint(_ text: String) -> String {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  let digits = String(hash, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

extension Severity {
  /// SARIF's levels are three.
  var level: String {
    switch self {
    case .critical, .high: "error"
    case .medium: "warning"
    case .low: "note"
    }
  }

  /// What CodeQL queries call it.
  var problem: String {
    switch self {
    case .critical, .high: "error"
    case .medium: "warning"
    case .low: "recommendation"
    }
  }

  /// GitHub takes above 9.0 for critical, from 7.0 for high, from 4.0 for medium.
  var score: String {
    switch self {
    case .critical: "9.5"
    case .high: "8.0"
    case .medium: "5.5"
    case .low: "2.0"
    }
  }
}
