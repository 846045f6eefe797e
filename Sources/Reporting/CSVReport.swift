import Results

/// Every counter and every bar of every histogram, one number a row (RFC 4180, but lines end in
/// LF, which every reader takes and every Unix tool wants).
///
/// `bucket` is empty for a counter and a finding's subject for a finding. Ratios are left to the reader: they cannot be summed.
func csvReport(_ results: [RunResult]) -> String {
  var rows = ["trace,machine,metric,bucket,value\n"]
  for result in results {
    let start = csvField(result.trace.name) + "," + csvField(result.machine.name) + ","
    for (name, value) in result.counters.sorted(by: { $0.key < $1.key }) {
      rows.append("\(start)\(csvField(name)),,\(value)\n")
    }
    for (name, bars) in result.histograms.sorted(by: { $0.key < $1.key }) {
      for bar in bars {
        rows.append("\(start)\(csvField(name)),\(bar.value),\(bar.count)\n")
      }
    }
    for finding in result.findings {
      let metric = "finding.\(finding.rule).\(finding.severity.rawValue)"
      rows.append(
        "\(start)\(csvField(metric)),\(csvField(sentence(finding.subject))),\(finding.count)\n")
    }
    for table in result.tables { rows += tableRows(table, start) }
  }
  return rows.joined()
}

/// The cells of a table that hold something, each under its column's name; the bucket is its row's head.
private func tableRows(_ table: ResultTable, _ start: String) -> [String] {
  table.rows.flatMap { row -> [String] in
    let bucket = csvField(row.first.map(plain) ?? "")
    return zip(table.columns, row).dropFirst().compactMap { column, cell in
      let value = plain(cell)
      guard value != "" else { return nil }
      return "\(start)\(csvField("\(table.name).\(column.name)")),\(bucket),\(csvField(value))\n"
    }
  }
}

/// A cell as other programs read it.
private func plain(_ cell: ResultTable.Cell) -> String {
  switch cell {
  case .text(let text): text
  case .number(let number): String(number)
  case .hundredths(let number): hundredths(number)
  case .empty: ""
  }
}

/// Hundredths with a point before the last two digits.
func hundredths(_ number: Int) -> String {
  let (size, sign) = (number.magnitude, number < 0 ? "-" : "")
  return "\(sign)\(size / 100).\(size % 100 < 10 ? "0" : "")\(size % 100)"
}

/// A text field, quoted where it must be.
///
/// A spreadsheet takes a field that begins with one of `= + - @`, a tab or a return for a formula,
/// so an apostrophe goes before it.
func csvField(_ text: String) -> String {
  let formula: Set<Unicode.Scalar> = ["=", "+", "-", "@", "\t", "\r"]
  let special: Set<Unicode.Scalar> = ["\"", ",", "\n", "\r"]
  let guarded = text.unicodeScalars.first.map(formula.contains) == true ? "'" + text : text
  guard guarded.unicodeScalars.contains(where: special.contains) else { return guarded }
  var quoted = "\""
  for scalar in guarded.unicodeScalars {
    if scalar == "\"" { quoted += "\"" }
    quoted.unicodeScalars.append(scalar)
  }
  return quoted + "\""
}
