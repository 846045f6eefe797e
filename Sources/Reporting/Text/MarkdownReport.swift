import Results

/// Results as GitHub-flavoured Markdown.
func markdownReport(_ results: [RunResult]) -> String {
  let views = results.map(ResultView.init)
  var blocks: [String] = []
  if views.count != 1 {
    blocks.append("# Nestwalk: \(views.count) replays")
    if !views.isEmpty { blocks.append(markdown(overview(views))) }
  }
  for (place, view) in views.enumerated() {
    let number = views.count == 1 ? "" : "\(place + 1). "
    blocks.append((views.count == 1 ? "# " : "## ") + number + markdown(view.title))
    blocks += sections(of: view, level: views.count == 1 ? "## " : "### ")
  }
  blocks.append("nestwalk \(toolVersion), \(resultSchema)")
  return blocks.joined(separator: "\n\n") + "\n"
}

private func sections(of view: ResultView, level: String) -> [String] {
  var blocks = [identity(of: view), markdown(figures(of: view))]
  func section(_ title: String, _ body: String...) {
    blocks.append(level + markdown(title))
    blocks += body.filter { $0 != "" }
  }
  func section(_ table: Table?, _ lead: String = "") {
    if let table { section(table.title, lead, markdown(table)) }
  }
  section(view.findings)
  section(view.firedRules)
  section(view.findingExamples)
  section(view.judgedRules)
  section(view.devices)
  section(view.faults)
  for answer in view.answers {
    section(
      answer.table.title, markdown(answer.explanation),
      answer.table.rows.isEmpty ? "No rows: there was none of it." : markdown(answer.table))
  }
  if let absent = view.absentWalks {
    section("Walks", absent)
  }
  for distribution in (view.references.map { [$0] } ?? []) + view.otherDistributions
  where distribution.count > 0 {
    section(distribution.table, markdown(distribution.quantiles))
  }
  if let grid = view.grid, grid.count > 0 { section(grid.table, ReferenceGrid.explanation) }
  section(view.tlbs)
  section(view.walkCaches)
  section(view.cost, Figure.workNotTime)
  section(view.effects)
  if !view.notes.isEmpty { section("Notes", bullets(view.notes)) }
  if !view.modelSentences.isEmpty { section("What is modelled", bullets(view.modelSentences)) }
  return blocks
}

private func identity(of view: ResultView) -> String {
  let trace = view.result.trace
  let machine = view.result.machine
  return bullets([
    "Trace: \(trace.name), \(counted(trace.records, "record")), SHA-256 \(trace.sha256)",
    "Tables: \(trace.tables)",
    "Machine: \(machine.name), "
      + [view.machine.translation, view.machine.memory].filter { $0 != "" }.map { $0 + ", " }
      .joined() + "SHA-256 \(machine.sha256)",
  ])
}

private func figures(of view: ResultView) -> Table {
  Table(
    "Key figures", [.text("figure"), .number("value"), .text("from"), .text("definition")],
    (view.figures + view.deviceFigures).filter { $0.value != "" }.map {
      [$0.title, $0.value, $0.basis, $0.definition]
    })
}

private func bullets(_ lines: [String]) -> String {
  lines.map { "- " + markdown($0) }.joined(separator: "\n")
}

func markdown(_ table: Table) -> String {
  func line(_ cells: [String]) -> String {
    "| " + cells.map(markdown).joined(separator: " | ") + " |"
  }
  let rule = "|" + table.columns.map { $0.isNumber ? " ---: |" : " --- |" }.joined()
  return ([line(table.columns.map(\.title)), rule] + table.rows.map(line)).joined(separator: "\n")
}

/// A text that Markdown shows as it is, on one line.
func markdown(_ text: String) -> String {
  var escaped = ""
  for scalar in printable(text).unicodeScalars {
    switch scalar {
    case "\\", "`", "*", "_", "[", "]", "|", "#", "~": escaped += "\\" + String(scalar)
    case "<": escaped += "&lt;"
    case ">": escaped += "&gt;"
    case "&": escaped += "&amp;"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}
