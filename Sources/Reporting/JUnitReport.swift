import Results

/// Rules and gates as JUnit XML: a suite for each result, a case for each rule and each gate.
///
/// A rule's case fails where a gate stops one of its findings; findings that every gate lets pass
/// are in its output. A rule that the trace gave nothing to judge by is skipped.
func junitReport(_ results: [RunResult], gates: [Gate]) -> String {
  let suites = results.map { JUnitSuite($0, gates) }
  let totals = suites.reduce(into: (cases: 0, failures: 0, skipped: 0)) { sum, suite in
    sum.cases += suite.cases.count
    sum.failures += suite.failures
    sum.skipped += suite.skipped
  }
  return """
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="nestwalk" tests="\(totals.cases)" failures="\(totals.failures)" errors="0" \
    skipped="\(totals.skipped)" time="0">
    \(suites.map(\.markup).joined())</testsuites>

    """
}

private struct JUnitSuite {
  enum Verdict {
    case passed(output: [String])
    case failed(kind: String, lines: [String])
    case skipped(String)
  }

  var name: String
  var properties: [(String, String)]
  var cases: [(name: String, group: String, verdict: Verdict)] = []

  init(_ result: RunResult, _ gates: [Gate]) {
    name = result.trace.name + " on " + result.machine.name
    properties = [
      ("trace.sha256", result.trace.sha256), ("machine.sha256", result.machine.sha256),
      ("tool", toolVersion),
    ]
    for rule in IsolationRule.all {
      let findings = result.findings.filter { $0.rule == rule.id }
      let stopped = findings.filter { finding in gates.contains { $0.stops(finding) } }
      let verdict: Verdict =
        if let first = stopped.first {
          .failed(kind: first.severity.rawValue, lines: findings.map(line))
        } else if findings.isEmpty && result.counters["isolation.judged." + rule.id] ?? 0 == 0 {
          .skipped("Nothing was there to judge the rule by.")
        } else {
          .passed(output: findings.map(line))
        }
      cases.append(("\(rule.id) \(rule.title)", "nestwalk.rules", verdict))
    }
    for gate in gates {
      let objection = gate.objection(to: result)
      cases.append(
        (
          gate.name, "nestwalk.gates",
          objection.map { .failed(kind: "gate", lines: [$0]) } ?? .passed(output: [])
        ))
    }
  }

  var failures: Int { cases.count { if case .failed = $0.verdict { true } else { false } } }
  var skipped: Int { cases.count { if case .skipped = $0.verdict { true } else { false } } }

  var markup: String {
    var text = "  <testsuite name=\"\(xml(name))\" tests=\"\(cases.count)\""
    text += " failures=\"\(failures)\" errors=\"0\" skipped=\"\(skipped)\" time=\"0\">\n"
    text += "    <properties>\n"
    for (name, value) in properties {
      text += "      <property name=\"\(xml(name))\" value=\"\(xml(value))\"/>\n"
    }
    text += "    </properties>\n"
    for (name, group, verdict) in cases {
      text += "    <testcase name=\"\(xml(name))\" classname=\"\(group)\" time=\"0\""
      switch verdict {
      case .passed(let output) where output.isEmpty: text += "/>\n"
      case .passed(let output):
        text += ">\n      <system-out>\(xml(output.joined(separator: "\n")))</system-out>\n"
        text += "    </testcase>\n"
      case .failed(let kind, let lines):
        text += ">\n      <failure type=\"\(kind)\" message=\"\(xml(lines.first ?? ""))\">"
        text += xml(lines.joined(separator: "\n")) + "</failure>\n    </testcase>\n"
      case .skipped(let reason):
        text += ">\n      <skipped message=\"\(xml(reason))\"/>\n    </testcase>\n"
      }
    }
    return text + "  </testsuite>\n"
  }
}

private func line(_ finding: Finding) -> String {
  let subject = sentence(finding.subject)
  return printable(
    "\(finding.rule) \(finding.severity.rawValue)" + (subject == "" ? "" : ", \(subject)")
      + ", \(counted(finding.count, "time")), \(firstPlace(finding.first)): "
      + sentence(finding.first.detail))
}

/// Text in XML 1.0, which has no control characters but tab and the ends of lines.
func xml(_ text: String) -> String {
  var safe = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": safe += "&amp;"
    case "<": safe += "&lt;"
    case ">": safe += "&gt;"
    case "\"": safe += "&quot;"
    case "'": safe += "&apos;"
    case "\t", "\n": safe.unicodeScalars.append(scalar)
    case "\0"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{fffe}", "\u{ffff}": safe += "\u{fffd}"
    default: safe.unicodeScalars.append(scalar)
    }
  }
  return safe
}
