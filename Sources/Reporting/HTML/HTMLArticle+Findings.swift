import Results

extension HTMLArticle {
  /// Findings with their evidence, as many as the page has room for.
  var findings: Section? {
    let judged = view.judgedRules.map { folded($0) } ?? ""
    guard let table = view.findings(limit: room.findingRows) else {
      return judged.text == "" ? nil : section("findings", "Findings", "<p>None.</p>\n\(judged)")
    }
    let shown = Array(view.result.findings.prefix(room.findingRows))
    let more = view.result.findings.count - shown.count
    let note: Markup =
      more > 0
      ? """
      <p class="muted">The \(grouped(shown.count)) most severe of \
      \(grouped(view.result.findings.count)); the JSON has every one.</p>
      \(view.ruleCounts.markup)
      """ : ""
    let meanings = view.firedRules.map { folded($0) } ?? ""
    let examples = shown.flatMap { finding in finding.examples.map { (finding, $0) } }
      .prefix(room.findingRows)
    let exampleTable = view.findingExamples(limit: room.findingRows).map { table in
      folded(
        table.title,
        table.markup(
          Table.Dress(row: { row in
            row < examples.count ? places([examples[examples.startIndex + row].1]) : ""
          })))
    }
    let main = table.markup(
      Table.Dress(
        row: { row in places([shown[row].first] + shown[row].examples) },
        cell: { row, column, text in
          column == 1
            ? "<span class=\"severity \(shown[row].severity.rawValue)\">\(text)</span>" : nil
        }))
    return section(
      "findings", table.title, "\(note)\(main)\(meanings)\(exampleTable ?? "")\(judged)")
  }

  /// Where a row's findings are, for the time lines' selections.
  private func places(_ places: [Finding.Place]) -> Markup {
    func attribute(_ unit: TimeLine.Unit) -> Markup {
      let list = places.compactMap { TimeLineChart.place($0, on: unit) }.map(String.init)
      return list.isEmpty
        ? "" : " data-\(unit.rawValue)=\"\(list.joined(separator: " "))\""
    }
    return "\(attribute(.records))\(attribute(.events))"
  }
}
