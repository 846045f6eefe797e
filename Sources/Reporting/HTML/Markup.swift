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
  /// A table with headed rows and columns that scrolls by itself where the page is narrow.
  var markup: Markup { markup { _, name in "\(name)" } }

  /// The table with one column's cells that may be more than text.
  ///
  /// - Parameters:
  ///   - column: not the first.
  ///   - cell: writes the column's cell of the row at a place.
  /// - Returns: the table and what it scrolls in.
  func markup(column: Int, cell: (Int, String) -> Markup) -> Markup {
    markup(rowHead: { _, name in "\(name)" }, column: column, cell: cell)
  }

  /// The table with heads of its rows that may be more than text.
  ///
  /// - Parameter rowHead: writes the first cell of the row at a place.
  /// - Returns: the table and what it scrolls in.
  func markup(rowHead: (Int, String) -> Markup) -> Markup {
    markup(rowHead: rowHead, column: 0) { _, _ in "" }
  }

  private func markup(
    rowHead: (Int, String) -> Markup, column special: Int, cell: (Int, String) -> Markup
  ) -> Markup {
    let kinds = columns.map { column -> Markup in
      column.isNumber ? " class=\"n\"" : column.isProse ? " class=\"prose\"" : ""
    }
    let head = columns.indices.map { place -> Markup in
      "<th scope=\"col\"\(kinds[place])>\(columns[place].title)</th>"
    }
    let body = rows.enumerated().map { place, row -> Markup in
      let cells = row.indices.dropFirst().map { column -> Markup in
        "<td\(kinds[column])>\(column == special ? cell(place, row[column]) : "\(row[column])")</td>"
      }
      return "<tr><th scope=\"row\">\(rowHead(place, row[0]))</th>\(cells)</tr>\n"
    }
    return scrolling(
      "<table>\n<thead><tr>\(head)</tr></thead>\n<tbody>\n\(body)</tbody>\n</table>", label: title)
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
