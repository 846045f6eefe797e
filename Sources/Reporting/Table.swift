/// A table that every readable format draws in its own way; its first column heads the rows.
struct Table {
  struct Column {
    var title: String
    var isNumber: Bool
    /// Left out where space is short.
    var isDetail = false
    /// Sentences, which may be broken into lines.
    var isProse = false

    static func text(_ title: String, detail: Bool = false) -> Column {
      Column(title: title, isNumber: false, isDetail: detail)
    }

    static func number(_ title: String, detail: Bool = false) -> Column {
      Column(title: title, isNumber: true, isDetail: detail)
    }

    static func prose(_ title: String) -> Column {
      Column(title: title, isNumber: false, isProse: true)
    }
  }

  var title: String
  var columns: [Column]
  var rows: [[String]]

  /// A column that is empty in every row says nothing, so it goes.
  init(_ title: String, _ columns: [Column], _ rows: [[String]]) {
    self.title = title
    let kept = columns.indices.filter { place in place == 0 || rows.contains { $0[place] != "" } }
    self.columns = kept.map { columns[$0] }
    self.rows = rows.map { row in kept.map { row[$0] } }
  }

  /// The table without its details.
  var brief: Table {
    let kept = columns.indices.filter { !columns[$0].isDetail }
    return Table(title, kept.map { columns[$0] }, rows.map { row in kept.map { row[$0] } })
  }
}
