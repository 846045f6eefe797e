import Results

/// Results as a reader at a terminal wants them: the answer first.
///
/// - Parameters:
///   - results: one or many; several are first compared.
///   - color: whether headings and figures may be marked with terminal escapes.
///   - width: columns to fill; 40 where it is less.
/// - Returns: lines that end in a newline.
public func summary(_ results: [RunResult], color: Bool, width: Int) -> String {
  let page = TerminalPage(isColored: color, width: max(width, 40))
  let views = results.map(ResultView.init)
  var lines = views.isEmpty ? ["No results."] : []
  if views.count > 1 {
    lines += page.heading("\(views.count) replays")
    lines += page.table(overview(views).brief)
    lines += page.paragraph(Figure.workNotTime)
  }
  for view in views {
    if !lines.isEmpty { lines.append("") }
    lines += page.lines(of: view)
  }
  return lines.map { $0 + "\n" }.joined()
}

private struct TerminalPage {
  var isColored: Bool
  var width: Int

  func heading(_ text: String) -> [String] { [bold(shortened(printable(text), to: width))] }

  func paragraph(_ text: String) -> [String] {
    wrapped(printable(text), width: width, indent: "  ")
  }

  func table(_ table: Table) -> [String] {
    let lines = table.lines(width: width - 2).map { "  " + $0 }
    return [dim(lines[0])] + lines.dropFirst()
  }

  func lines(of view: ResultView) -> [String] {
    var lines = heading(view.title) + identity(of: view) + [""] + answer(of: view)
    func section(_ title: String, _ body: [String]) { lines += [""] + heading(title) + body }
    func section(_ table: Table?) {
      if let table { section(table.title, self.table(table.brief)) }
    }
    if !view.result.findings.isEmpty {
      section("Findings", findings(of: view))
    } else if let judged = view.judgedRules {
      let rules = judged.rows.map { $0[0] }.joined(separator: ", ")
      section("Findings", paragraph("None by the rules that could be judged: \(rules)."))
    }
    section(view.devices)
    section(view.faults)
    for answer in view.answers {
      section(
        answer.table.title,
        paragraph(answer.explanation)
          + (answer.table.rows.isEmpty
            ? paragraph("No rows: there was none of it.") : table(answer.table.brief)))
    }
    section(view.tlbs)
    section(view.walkCaches)
    if let absent = view.absentWalks {
      section("Walks", paragraph(absent))
    } else if let references = view.references, references.count > 0 {
      let most = view.machine.maximumReferences.map { " (maximum \($0))" } ?? ""
      section(references.title + most, references.lines(width: width - 2).map { "  " + $0 })
    }
    let notes = view.result.trace.notes + view.result.notes
    if !notes.isEmpty {
      section(
        "Notes",
        notes.flatMap { wrapped("- " + printable($0), width: width, indent: "  ", hanging: "  ") })
    }
    return lines
  }

  /// Findings that are told at most; files have all of them.
  private static var mostFindings: Int { 20 }

  private func findings(of view: ResultView) -> [String] {
    let findings = view.result.findings
    var lines: [String] = []
    var told: Set<String> = []
    for finding in findings.prefix(Self.mostFindings) {
      let rule = IsolationRule.named(finding.rule)
      let title = rule.map { ": " + $0.title } ?? ""
      let count = counted(finding.count, "time")
      lines += wrapped(
        printable("\(finding.rule) \(finding.severity.rawValue), \(count)\(title)"), width: width,
        indent: "  ", hanging: "     ")
      let evidence = [
        sentence(finding.subject), firstPlace(finding.first),
        sentence(finding.first.detail),
      ].filter { $0 != "" }.joined(separator: "; ")
      lines += wrapped(printable(evidence), width: width, indent: "     ").map(cut)
      if let rule, told.insert(rule.id).inserted {
        lines += wrapped(rule.remedy, width: width, indent: "     ").map(dim)
      }
    }
    let rest = findings.count - Self.mostFindings
    if rest > 0 { lines.append("  and \(counted(rest, "more finding")); -o FILE.html has all.") }
    return lines
  }

  private func cut(_ line: String) -> String { shortened(line, to: width) }

  private func identity(of view: ResultView) -> [String] {
    let trace = view.result.trace
    let machine = [view.machine.translation, view.machine.memory].filter { $0 != "" }
    return paragraph("\(counted(trace.records, "record")); tables \(trace.tables)")
      + (machine.isEmpty ? [] : paragraph(machine.joined(separator: "; ")))
  }

  private func answer(of view: ResultView) -> [String] {
    let figures = view.figures.filter { $0.value != "" }
    let values = figures.map(\.value.count).max() ?? 0
    let titles = figures.map(\.title.count).max() ?? 0
    return figures.flatMap { figure -> [String] in
      let padding = String(repeating: " ", count: values - figure.value.count)
      let start = "  " + padding + bold(figure.value) + "  " + figure.title
      let room = width - values - titles - 6
      var lines = [start]
      if figure.basis != "" && figure.basis.count <= room {
        let gap = String(repeating: " ", count: titles - figure.title.count + 2)
        lines = [start + gap + dim(figure.basis)]
      }
      if figure.heading == "cycles/access" {
        let indent = String(repeating: " ", count: values + 4)
        lines += wrapped(Figure.workNotTime, width: width, indent: indent).map(dim)
      }
      return lines
    }
  }

  private func bold(_ text: String) -> String { isColored ? "\u{1b}[1m\(text)\u{1b}[0m" : text }

  private func dim(_ text: String) -> String { isColored ? "\u{1b}[2m\(text)\u{1b}[0m" : text }
}
