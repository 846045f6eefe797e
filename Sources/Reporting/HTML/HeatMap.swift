extension ReferenceGrid {
  /// The grid as a table whose cells are the darker the larger their share is.
  ///
  /// A table rather than a picture: its numbers can be read, copied, printed and heard.
  var heatMap: Markup {
    let stages = columns.filter { $0 != "entry" }
    let over: Markup =
      stages.isEmpty
      ? "" : "<th scope=\"colgroup\" colspan=\"\(stages.count)\">second-stage table</th>"
    let entry: Markup =
      stages.count == columns.count
      ? "" : "<th scope=\"col\" rowspan=\"2\">first-stage<br>entry</th>"
    let levels = stages.map { "<th scope=\"col\">\($0)</th>" as Markup }
    let body = rows.indices.map { row -> Markup in
      let line = columns.indices.map { cell(cells[row][$0]) }
      return """
        <tr><th scope="row">\(label(row: rows[row]))</th>\(line)\(sum(rowTotal(row)))</tr>

        """
    }
    let sums = columns.indices.map { sum(columnTotal($0)) }
    let key = Self.steps.indices.map { step -> Markup in
      "<span class=\"h\(step + 1)\">\(Self.name(step: step))</span>"
    }
    let table: Markup = """
      <table class="heat">
      <thead><tr><th scope="col" rowspan="2">first stage</th>\(over)\(entry)\
      <th scope="col" rowspan="2">all</th></tr>
      <tr>\(levels)</tr></thead>
      <tbody>
      \(body)<tr><th scope="row" class="sum">all</th>\(sums)\(sum(count))</tr>
      </tbody>
      </table>
      """
    return """
      \(scrolling(table, label: "Where references go"))\
      <p class="key">Share of references: \(key)</p>

      """
  }

  /// Shares, in thousandths, from which on a cell is darker; each is about twice the one before.
  private static let steps = [0, 10, 20, 50, 100, 200, 500]

  private static func name(step: Int) -> String {
    if step == 0 { return "below \(steps[1] / 10) %" }
    return "\(steps[step] / 10) %" + (step + 1 == steps.count ? " and more" : "")
  }

  private func cell(_ value: Int?) -> Markup {
    guard let value else { return "<td></td>" }
    guard value > 0, let share = Ratio(value, over: count) else { return "<td class=\"h0\">0</td>" }
    // Thousandths by division first: counts can be too large to be multiplied.
    let unit = Double(value) / Double(count) * 1_000
    let step = Self.steps.lastIndex { Double($0) <= unit } ?? 0
    return """
      <td class="h\(step + 1)" title="\(grouped(value)) references">\(compact(value))\
      <span>\(share.share)</span></td>
      """
  }

  private func sum(_ value: Int) -> Markup {
    let share = Ratio(value, over: count)?.share ?? ""
    return """
      <td class="sum" title="\(grouped(value)) references">\(compact(value))\
      <span>\(share)</span></td>
      """
  }
}
