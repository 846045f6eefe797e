import Results

extension ResultView {
  /// Every finding with its evidence.
  var findings: Table? {
    guard !result.findings.isEmpty else { return nil }
    return Table(
      "Findings",
      [
        .text("rule"), .text("severity"), .text("what"), .number("count"), .text("of"),
        .text("first at"), .number("its time"), .prose("evidence"),
      ],
      result.findings.map { finding in
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

  /// The later places of findings that have some.
  var findingExamples: Table? {
    let rows = result.findings.flatMap { finding in
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
      [.text("rule"), .text("of"), .text("at"), .number("time"), .prose("evidence")], rows)
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
