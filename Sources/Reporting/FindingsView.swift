import Results

extension ResultView {
  /// Every finding with its evidence.
  var findings: Table? { findings(limit: .max) }

  /// The first findings, which are the most severe, with their evidence.
  func findings(limit: Int) -> Table? {
    guard !result.findings.isEmpty else { return nil }
    return Table(
      "Findings",
      [
        .text("rule"), .text("severity"), .text("what"), .number("count"), .text("of"),
        .text("first at"), .number("at ns"), .prose("evidence"),
      ],
      result.findings.prefix(limit).map { finding in
        [
          finding.rule, finding.severity.rawValue,
          IsolationRule.named(finding.rule)?.title ?? "", grouped(finding.count),
          sentence(finding.subject), number(of: finding.first),
          finding.first.time == 0 ? "" : grouped(finding.first.time),
          sentence(finding.first.detail),
        ]
      })
  }

  /// What the rules that fired mean, and what to do.
  var firedRules: Table? {
    let rules = IsolationRule.all.filter { rule in
      result.findings.contains { $0.rule == rule.id }
    }
    guard !rules.isEmpty else { return nil }
    return Table(
      "What the findings mean",
      [
        .text("rule"), .text("title"), .prose("meaning"), .prose("what to do"), .prose("reference"),
      ],
      rules.map { [$0.id, $0.title, $0.meaning, $0.remedy, $0.reference] })
  }

  /// How often each rule fired, and for how many subjects, by severity.
  var ruleCounts: Table {
    var counts: [String: (subjects: Int, times: Int)] = [:]
    for finding in result.findings {
      let key = "\(finding.rule) \(finding.severity.rawValue)"
      let known = counts[key, default: (0, 0)]
      counts[key] = (known.subjects + 1, total([known.times, finding.count]))
    }
    let order = Severity.allCases.reversed().flatMap { severity in
      IsolationRule.all.map { (id: $0.id, title: $0.title, severity: severity.rawValue) }
    }
    return Table(
      "Findings by rule",
      [
        .text("rule"), .text("severity"), .text("what"), .number("subjects"), .number("times"),
      ],
      order.compactMap { rule in
        counts["\(rule.id) \(rule.severity)"].map {
          [rule.id, rule.severity, rule.title, grouped($0.subjects), grouped($0.times)]
        }
      })
  }

  /// The later places of findings that have some.
  var findingExamples: Table? { findingExamples(limit: .max) }

  /// The later places of the first findings, as many as the limit.
  func findingExamples(limit: Int) -> Table? {
    let rows = result.findings.prefix(limit).flatMap { finding in
      finding.examples.map { example in
        [
          finding.rule, sentence(finding.subject), number(of: example),
          example.time == 0 ? "" : grouped(example.time), sentence(example.detail),
        ]
      }
    }
    guard !rows.isEmpty else { return nil }
    return Table(
      "Further examples",
      [.text("rule"), .text("of"), .text("at"), .number("time"), .prose("evidence")],
      Array(rows.prefix(limit)))
  }

  /// Rules that the run could judge, by how often it did.
  var judgedRules: Table? {
    let prefix = "isolation.judged."
    let rows = IsolationRule.all.compactMap { rule -> [String]? in
      guard let judged = result.counters[prefix + rule.id], judged > 0 else { return nil }
      let fired = total(result.findings.filter { $0.rule == rule.id }.map(\.count))
      return [rule.id, rule.title, grouped(judged), grouped(fired)]
    }
    guard !rows.isEmpty else { return nil }
    return Table(
      "Isolation rules",
      [.text("rule"), .text("title"), .number("judged"), .number("fired")], rows)
  }
}

/// Evidence as one sentence, its names in an order that reads.
func sentence(_ detail: [String: String]) -> String {
  Finding.ordered(detail).map { "\(spaced($0.name)) \($0.value)" }.joined(separator: "; ")
}

/// Where a finding is, in the numbers that `nestwalk inspect` prints.
func number(of place: Finding.Place) -> String {
  if let event = place.event { return "event \(grouped(event))" }
  return place.record < 0 ? "tables" : "record \(grouped(place.record))"
}

/// Where a finding was first made, within a sentence.
func firstPlace(_ place: Finding.Place) -> String {
  place.event == nil && place.record < 0 ? "in the tables" : "first at " + number(of: place)
}

/// `otherGuest` as `other guest`.
private func spaced(_ name: String) -> String {
  var text = ""
  for scalar in name.unicodeScalars {
    if scalar.properties.isUppercase, !text.isEmpty { text += " " }
    text += scalar.properties.isUppercase ? scalar.properties.lowercaseMapping : String(scalar)
  }
  return text
}
