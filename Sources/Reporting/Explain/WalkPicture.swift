import Results

/// A walk as the square that its references go through: the first stage's tables downwards, for each of
/// them the second stage's to the right, then the first stage's own entry.
struct WalkPicture {
  var walk: AccessStory.Walk
  var levels: (first: Int, second: Int)

  private static let cell = (width: 132.0, height: 62.0)
  private static let left = 96.0
  private static let top = 34.0

  private var rows: [String] {
    (0..<levels.first).reversed().map { "L\($0)" } + (levels.second > 0 ? ["data"] : [])
  }

  private var columns: [String] { (0..<levels.second).reversed().map { "L\($0)" } + ["entry"] }

  private func place(_ row: Int, _ column: Int) -> (x: Double, y: Double) {
    (
      Self.left + Double(column) * Self.cell.width, Self.top + Double(row) * Self.cell.height
    )
  }

  var markup: Markup {
    let (rows, columns) = (rows, columns)
    var steps: [String: [Int]] = [:]
    for (number, reference) in walk.references.enumerated() {
      steps["\(reference.first) \(reference.second)", default: []].append(number)
    }
    let width = Self.left + Double(columns.count) * Self.cell.width + 10
    let height = Self.top + Double(rows.count) * Self.cell.height + 10
    let heads = columns.enumerated().map { column, name -> Markup in
      """
      <text class="axis" x="\(place(0, column).x + Self.cell.width / 2)" y="22" \
      text-anchor="middle">\(name == "entry" ? "first-stage entry" : "second stage \(name)")</text>

      """
    }
    let body = rows.enumerated().map { row, first -> Markup in
      let cells = columns.enumerated().map { column, second -> Markup in
        guard !(first == "data" && second == "entry") else { return "" }
        return cell(place(row, column), steps["\(first) \(second)"] ?? [], "\(first), \(second)")
      }
      return """
        <text class="panel" x="4" y="\(place(row, 0).y + 34)">\
        \(first == "data" ? "data address" : "\(first) table")</text>
        \(cells)
        """
    }
    let name = "Walk of \(hex(walk.address)), \(counted(walk.references.count, "reference"))"
    return """
      <svg class="walk" style="max-width:\(width)px;min-width:\(width * 0.8)px" \
      viewBox="0 0 \(width) \(height)" role="img" aria-label="\(name)">
      <title>\(name)</title>
      <desc>Each reference in its order; the table below tells the same.</desc>
      \(heads)\(way)\(body)</svg>

      """
  }

  /// One place of the square: what was read there, or that nothing had to be.
  private func cell(_ at: (x: Double, y: Double), _ steps: [Int], _ name: String) -> Markup {
    let (x, y) = (at.x + 4, at.y + 4)
    let (width, height) = (Self.cell.width - 8, Self.cell.height - 14)
    guard let step = steps.first else {
      return """
        <rect class="skipped" x="\(x)" y="\(y)" width="\(width)" height="\(height)" rx="4"/>
        <text class="axis" x="\(x + width / 2)" y="\(y + 28)" text-anchor="middle">not read</text>

        """
    }
    let reference = walk.references[step]
    return """
      <rect class="read" x="\(x)" y="\(y)" width="\(width)" height="\(height)" rx="4">\
      <title>\(name): \(hex(reference.address)) holds \(hex(reference.value)), \
      \(reference.cycles) cycles</title></rect>
      <text class="panel" x="\(x + 8)" y="\(y + 18)">\(step + 1)</text>
      <text class="axis" x="\(x + width - 6)" y="\(y + 18)" text-anchor="end">\
      \(hex(reference.address))</text>
      <text class="axis" x="\(x + width - 6)" y="\(y + 36)" text-anchor="end">\
      \(shortened(hex(reference.value), to: 18))</text>

      """
  }

  /// From each reference to the next, behind them.
  private var way: Markup {
    let (rows, columns) = (rows, columns)
    var points: [(x: Double, y: Double)] = []
    for reference in walk.references {
      guard let row = rows.firstIndex(of: reference.first),
        let column = columns.firstIndex(of: reference.second)
      else { continue }
      let at = place(row, column)
      points.append((at.x + Self.cell.width / 2, at.y + Self.cell.height / 2 - 3))
    }
    let lines = zip(points, points.dropFirst()).map { one, other -> Markup in
      """
      <line class="way" x1="\(one.x)" y1="\(one.y)" x2="\(other.x)" y2="\(other.y)"/>

      """
    }
    return "\(lines)"
  }
}
