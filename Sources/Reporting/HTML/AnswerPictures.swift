import Results

extension ResultTable {
  /// The number in a row's column; nothing where there is none.
  fileprivate func number(_ row: [Cell], _ column: String) -> Int? {
    guard let place = columns.firstIndex(where: { $0.name == column }), place < row.count,
      case .number(let number) = row[place]
    else { return nil }
    return number
  }

  fileprivate func head(_ row: [Cell]) -> String {
    if case .text(let text)? = row.first { text } else { "" }
  }

  /// Modes beside each other: cycles of walks and of exits, a bar each.
  var modeBars: Markup? {
    guard name == "modes" else { return nil }
    let bars = rows.compactMap { row -> (name: String, walks: Int, exits: Int)? in
      guard let walks = number(row, "walkCycles"), let exits = number(row, "exitCycles"),
        walks >= 0, exits >= 0
      else { return nil }
      return (head(row), walks, exits)
    }
    let most = bars.map { Double($0.walks) + Double($0.exits) }.max() ?? 0
    guard bars.count == rows.count, most > 0 else { return nil }
    let (left, right, line) = (86.0, 600.0, 26.0)
    let height = Double(bars.count) * line + 34
    let marks = bars.enumerated().map { place, bar -> Markup in
      let y = 30 + Double(place) * line
      let walks = Double(bar.walks) / most * (right - left)
      let exits = Double(bar.exits) / most * (right - left)
      let sum = total([bar.walks, bar.exits])
      return """
        <text class="axis" x="\(left - 8)" y="\(y + 12)" text-anchor="end">\(bar.name)</text>
        <rect class="bar" x="\(left)" y="\(y)" width="\(max(walks, bar.walks > 0 ? 1 : 0))" height="16">\
        <title>\(bar.name): \(grouped(bar.walks)) cycles of walks</title></rect>
        <rect class="bar two" x="\(left + walks)" y="\(y)" width="\(exits)" height="16">\
        <title>\(bar.name): \(grouped(bar.exits)) cycles of exits</title></rect>
        <text class="axis" x="\(left + walks + exits + 6)" y="\(y + 12)">\(compact(sum))</text>

        """
    }
    let summary = bars.map { "\($0.name): \(grouped($0.walks)) and \(grouped($0.exits))" }
      .joined(separator: "; ")
    return scrolling(
      """
      <svg viewBox="0 0 720 \(height)" role="img" aria-label="\(title)">
      <title>\(title)</title>
      <desc>Cycles of walks and of exits. \(summary)</desc>
      <rect class="bar" x="\(left)" y="6" width="12" height="12"/>
      <text class="axis" x="\(left + 18)" y="16">cycles of walks</text>
      <rect class="bar two" x="\(left + 130)" y="6" width="12" height="12"/>
      <text class="axis" x="\(left + 148)" y="16">cycles of exits</text>
      \(marks)</svg>
      """, label: title)
  }

  /// First-stage pages by second-stage pages, as a table whose cells are the darker the more their
  /// walks read.
  var pageSizeMatrix: Markup? {
    guard name == "pageSizes" else { return nil }
    var sizes: (first: [String], second: [String]) = ([], [])
    var cells: [String: (references: Int, walks: Int)] = [:]
    for row in rows {
      let words = head(row).split(separator: " ").map(String.init)
      guard words.count == 3, let references = number(row, "references"),
        let walks = number(row, "walks"), references >= 0
      else { return nil }
      if !sizes.first.contains(words[0]) { sizes.first.append(words[0]) }
      if !sizes.second.contains(words[2]) { sizes.second.append(words[2]) }
      cells[words[0] + " " + words[2]] = (references, walks)
    }
    let most = cells.values.map(\.references).max() ?? 0
    guard most > 0 else { return nil }
    let body = sizes.first.map { first -> Markup in
      let line = sizes.second.map { second -> Markup in
        guard let cell = cells[first + " " + second] else { return "<td></td>" }
        let tenths = Int(Double(cell.references) / Double(most) * 6.99)
        return """
          <td class="h\(tenths + 1)" title="\(grouped(cell.references)) references of \
          \(grouped(cell.walks)) walks">\(compact(cell.references))\
          <span>\(Ratio(cell.references, over: most)?.share ?? "")</span></td>
          """
      }
      return "<tr><th scope=\"row\">\(first)</th>\(line)</tr>\n"
    }
    let heads = sizes.second.map { "<th scope=\"col\">\($0)</th>" as Markup }
    return """
      \(scrolling(
        """
        <table class="heat">
        <thead><tr><th scope="col" rowspan="2">first stage</th>\
        <th scope="colgroup" colspan="\(sizes.second.count)">second-stage page</th></tr>
        <tr>\(heads)</tr></thead>
        <tbody>
        \(body)</tbody>
        </table>
        """, label: title))\
      <p class="key">References of walks, and their share of the most.</p>

      """
  }
}
