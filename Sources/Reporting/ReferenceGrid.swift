/// Where the references of walks went: what the first stage was doing by what was read.
struct ReferenceGrid {
  /// `L3` to `L0` and `data`, as far as the result has them.
  var rows: [String]
  /// `L3` to `L0` and `entry`, as far as the result has them.
  var columns: [String]
  /// By row, then column; nothing where the result has no such counter.
  var cells: [[Int?]]
  var count: Int

  /// Nothing where the result has no grid.
  init?(counters: [String: Int]) {
    let prefix = "walk.grid."
    var cellsByPlace: [String: [String: Int]] = [:]
    for (name, value) in counters where name.hasPrefix(prefix) {
      let parts = name.dropFirst(prefix.count).split(separator: ".")
      guard parts.count == 2 else { continue }
      cellsByPlace[String(parts[0]), default: [:]][String(parts[1])] = value
    }
    guard !cellsByPlace.isEmpty else { return nil }
    let rows = cellsByPlace.keys.sorted(by: Self.precedes)
    let columns = Set(cellsByPlace.values.flatMap(\.keys)).sorted(by: Self.precedes)
    self.rows = rows
    self.columns = columns
    cells = rows.map { row in columns.map { cellsByPlace[row]?[$0] } }
    count = total(cells.joined().compactMap { $0 })
  }

  /// Levels downwards as a walk goes, then what is not a level.
  private static func precedes(_ one: String, _ other: String) -> Bool {
    switch (one.hasPrefix("L"), other.hasPrefix("L")) {
    case (true, true): one.count == other.count ? one > other : one.count > other.count
    case (true, false): true
    case (false, true): false
    case (false, false): one < other
    }
  }

  func label(row: String) -> String { row == "data" ? "data address" : row + " table" }

  func label(column: String) -> String {
    column == "entry" ? "first-stage entry" : "second-stage " + column
  }

  func rowTotal(_ row: Int) -> Int { total(cells[row].compactMap { $0 }) }

  func columnTotal(_ column: Int) -> Int { total(cells.compactMap { $0[column] }) }

  static let explanation =
    "Rows are what the first stage was doing: reading its table of a level, or translating the "
    + "data address. Columns are what was read for it: the second stage's table of a level on the "
    + "way there, or the first-stage entry itself."

  /// Counts alone, with sums.
  var table: Table {
    let body = rows.indices.map { row in
      [label(row: rows[row])] + cells[row].map { $0.map(grouped) ?? "" } + [grouped(rowTotal(row))]
    }
    let sums = ["all"] + columns.indices.map { grouped(columnTotal($0)) } + [grouped(count)]
    return Table(
      "Where references go",
      [.text("first stage")] + columns.map { .number(label(column: $0)) } + [.number("all")],
      body + [sums])
  }
}
