/// HTML that may be written as it is: what is put into it is escaped unless it is markup itself.
struct Markup: ExpressibleByStringInterpolation {
  var text: String

  init(stringLiteral text: String) { self.text = text }

  init(stringInterpolation parts: StringInterpolation) { text = parts.text }

  struct StringInterpolation: StringInterpolationProtocol {
    var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ text: String) { self.text += escaped(text) }

    mutating func appendInterpolation(_ number: Int) { text += String(number) }

    mutating func appendInterpolation(_ markup: Markup) { text += markup.text }

    mutating func appendInterpolation(_ markup: [Markup]) {
      for part in markup { text += part.text }
    }

    /// A length in a picture, to a tenth of its unit.
    mutating func appendInterpolation(_ length: Double) {
      let tenths = Int((length * 10).rounded())
      text += String(tenths / 10) + (tenths % 10 == 0 ? "" : "." + String(abs(tenths % 10)))
    }
  }
}

/// A text for content and attributes; control characters, which HTML has none of, are marked.
func escaped(_ text: String) -> String {
  var safe = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": safe += "&amp;"
    case "<": safe += "&lt;"
    case ">": safe += "&gt;"
    case "\"": safe += "&quot;"
    case "'": safe += "&#39;"
    case "\n", "\t": safe.unicodeScalars.append(scalar)
    case "\0"..."\u{1f}", "\u{7f}"..."\u{9f}": safe += "\u{fffd}"
    default: safe.unicodeScalars.append(scalar)
    }
  }
  return safe
}

extension Table {
  /// How a table becomes more than its texts.
  struct Dress {
    /// Of the table.
    var attributes: Markup = ""
    /// Writes the attributes of the row at a place.
    var row: (Int) -> Markup = { _ in "" }
    /// Writes a cell of a row, both by their places; nothing for the text as it is.
    var cell: (_ row: Int, _ column: Int, _ text: String) -> Markup? = { _, _, _ in nil }
  }

  /// A table with headed rows and columns that scrolls by itself where the page is narrow.
  var markup: Markup { markup(Dress()) }

  /// The table with heads of its rows that may be more than text.
  ///
  /// - Parameter rowHead: writes the first cell of the row at a place.
  /// - Returns: the table and what it scrolls in.
  func markup(rowHead: @escaping (Int, String) -> Markup) -> Markup {
    markup(Dress(cell: { row, column, text in column == 0 ? rowHead(row, text) : nil }))
  }

  /// The table in a dress.
  ///
  /// - Parameter dress: what is added to texts.
  /// - Returns: the table and what it scrolls in.
  func markup(_ dress: Dress) -> Markup {
    guard !rows.isEmpty else { return "<p class=\"muted\">No rows: there was none of it.</p>\n" }
    let kinds = columns.map { column -> Markup in
      column.isNumber ? " class=\"n\"" : column.isProse ? " class=\"prose\"" : ""
    }
    let head = columns.indices.map { place -> Markup in
      "<th scope=\"col\"\(kinds[place])>\(columns[place].title)</th>"
    }
    let body = rows.enumerated().map { place, row -> Markup in
      let cells = row.indices.map { column -> Markup in
        let content = dress.cell(place, column, row[column]) ?? "\(row[column])"
        return column == 0
          ? "<th scope=\"row\"\(kinds[0])>\(content)</th>" : "<td\(kinds[column])>\(content)</td>"
      }
      return "<tr\(dress.row(place))>\(cells)</tr>\n"
    }
    return scrolling(
      """
      <table class="data"\(dress.attributes)>
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body)</tbody>
      </table>
      """, label: title)
  }
}

/// Something wide that scrolls sideways, by keyboard too.
func scrolling(_ content: Markup, label: String) -> Markup {
  """
  <div class="scroll" role="region" tabindex="0" aria-label="\(label)">
  \(content)
  </div>

  """
}
