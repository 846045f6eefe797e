/// A text on one line without anything that steers a terminal or turns the writing direction.
///
/// Names and notes come from files; an escape sequence in one must not reach a terminal.
func printable(_ text: String) -> String {
  var clean = ""
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
      clean += "\n\r\t".unicodeScalars.contains(scalar) ? " " : "\u{fffd}"
    default: clean.unicodeScalars.append(scalar)
    }
  }
  return clean
}

/// The text in `width` columns at most, its middle left out where it is longer.
func shortened(_ text: String, to width: Int) -> String {
  guard text.count > width else { return text }
  guard width > 3 else { return String(text.prefix(width)) }
  let kept = width - 3
  return text.prefix(kept - kept / 2) + "..." + text.suffix(kept / 2)
}

/// The text broken at spaces; lines after the first are indented by `hanging` more.
func wrapped(_ text: String, width: Int, indent: String, hanging: String = "") -> [String] {
  var lines: [String] = []
  var line = indent
  var isEmpty = true
  for word in text.split(separator: " ") {
    if !isEmpty && line.count + 1 + word.count > width {
      lines.append(line)
      line = indent + hanging
      isEmpty = true
    }
    line += (isEmpty ? "" : " ") + word
    isEmpty = false
  }
  return isEmpty ? lines : lines + [line]
}

extension Table {
  /// Aligned columns, two spaces apart; text columns give way where the width is short.
  func lines(width: Int) -> [String] {
    let cells = ([columns.map(\.title)] + rows).map { $0.map(printable) }
    var widths = columns.indices.map { place in cells.map { $0[place].count }.max() ?? 0 }
    while widths.reduce(2 * (widths.count - 1), +) > width {
      let texts = columns.indices.filter { !columns[$0].isNumber && widths[$0] > 8 }
      guard let widest = texts.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
    }
    return cells.map { row in
      var line = ""
      for (place, cell) in row.enumerated() {
        let text = shortened(cell, to: widths[place])
        let padding = String(repeating: " ", count: widths[place] - text.count)
        line += place == 0 ? "" : "  "
        line += columns[place].isNumber ? padding + text : text + padding
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}

extension Distribution {
  /// One line a bin: its values, a bar as long as its share, its count and share.
  func lines(width: Int) -> [String] {
    let bins = bins(limit: 40)
    let labels = bins.map(\.label)
    let counts = bins.map { grouped($0.count) }
    let shares = bins.map { Ratio($0.count, over: count)?.share ?? "" }
    let most = bins.map(\.count).max() ?? 0
    func widest(_ texts: [String]) -> Int { texts.map(\.count).max() ?? 0 }
    let room = max(8, width - widest(labels) - widest(counts) - widest(shares) - 6)
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: width - text.count) + text
    }
    return bins.indices.map { place in
      // A dot is something that is less than half a mark.
      let marks = Int((Double(bins[place].count) / Double(most) * Double(room)).rounded())
      let bar = marks == 0 ? "." : String(repeating: "#", count: min(marks, room))
      return right(labels[place], widest(labels)) + "  " + bar
        + String(repeating: " ", count: room - bar.count) + "  "
        + right(counts[place], widest(counts)) + "  " + right(shares[place], widest(shares))
    }
  }
}
