import Results

/// Every counter and every bar of every histogram, one number a row (RFC 4180, but lines end in
/// LF, which every reader takes and every Unix tool wants).
///
/// `bucket` is empty for a counter. Ratios are left to the reader: they cannot be summed.
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
  }
  return rows.joined()
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
