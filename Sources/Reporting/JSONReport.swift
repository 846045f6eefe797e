import Results

/// Results as `nestwalk.result/1`: one object, or an array of them where there are several.
///
/// Numbers are exact 64-bit integers; a reader that keeps numbers as doubles is exact to 2^53.
func jsonReport(_ results: [RunResult]) -> String {
  if results.count == 1 { return jsonObject(results[0], indent: "") + "\n" }
  if results.isEmpty { return "[]\n" }
  return "[\n" + results.map { "  " + jsonObject($0, indent: "  ") }.joined(separator: ",\n")
    + "\n]\n"
}

/// A string as JSON writes it, its quotation marks included.
func jsonString(_ text: String) -> String {
  var quoted = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": quoted += "\\\""
    case "\\": quoted += "\\\\"
    case "\n": quoted += "\\n"
    case "\r": quoted += "\\r"
    case "\t": quoted += "\\t"
    case "\0"..."\u{1f}", "\u{7f}":
      let digits = String(scalar.value, radix: 16)
      quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: quoted.unicodeScalars.append(scalar)
    }
  }
  return quoted + "\""
}

private func jsonObject(_ result: RunResult, indent: String) -> String {
  let inner = indent + "  "
  let trace = members(
    [
      ("name", jsonString(result.trace.name)), ("sha256", jsonString(result.trace.sha256)),
      ("records", String(result.trace.records)), ("tables", jsonString(result.trace.tables)),
      ("notes", list(result.trace.notes.map(jsonString), indent: inner + "  ")),
    ], indent: inner)
  let machine = members(
    [
      ("name", jsonString(result.machine.name)), ("sha256", jsonString(result.machine.sha256)),
      ("resolved", resolved(result.machine.resolvedJSON, indent: inner + "  ")),
    ], indent: inner)
  let counters = result.counters.sorted { $0.key < $1.key }.map { ($0.key, String($0.value)) }
  let histograms = result.histograms.sorted { $0.key < $1.key }.map {
    ($0.key, pairs($0.value, indent: inner + "  "))
  }
  // A result without answers has no such member.
  let tables =
    result.tables.isEmpty
    ? [] : [("tables", list(result.tables.map { table($0, indent: inner) }, indent: inner))]
  let timeLines =
    result.timeLines.isEmpty
    ? []
    : [("timeLines", list(result.timeLines.map { timeLine($0, indent: inner) }, indent: inner))]
  return members(
    [
      ("schema", jsonString(resultSchema)), ("tool", jsonString(toolVersion)), ("trace", trace),
      ("machine", machine), ("counters", members(counters, indent: inner)),
      ("histograms", members(histograms, indent: inner)),
      ("findings", list(result.findings.map { finding($0, indent: inner) }, indent: inner)),
    ] + timeLines + tables + [("notes", list(result.notes.map(jsonString), indent: inner))],
    indent: indent)
}

/// A time line: where its intervals end, and what each added to each counter.
private func timeLine(_ line: TimeLine, indent: String) -> String {
  let inner = indent + "  "
  let series = line.series.map {
    ($0.counter, numbers($0.values, indent: inner + "    "))
  }
  return members(
    [
      ("unit", jsonString(line.unit.rawValue)), ("ends", numbers(line.ends, indent: inner + "  ")),
      ("series", members(series, indent: inner + "  ")),
    ], indent: inner)
}

private func table(_ table: ResultTable, indent: String) -> String {
  let inner = indent + "  "
  let rows = table.rows.map { row in "[" + row.map(cell).joined(separator: ", ") + "]" }
  return members(
    [
      ("name", jsonString(table.name)), ("title", jsonString(table.title)),
      ("explanation", jsonString(table.explanation)),
      ("columns", "[" + table.columns.map { jsonString($0.name) }.joined(separator: ", ") + "]"),
      ("rows", list(rows, indent: inner + "  ")),
    ], indent: inner)
}

private func cell(_ cell: ResultTable.Cell) -> String {
  switch cell {
  case .text(let text): jsonString(text)
  case .number(let number): String(number)
  case .hundredths(let number): hundredths(number)
  case .empty: "null"
  }
}

private func finding(_ finding: Finding, indent: String) -> String {
  let inner = indent + "  "
  func evidence(_ detail: [String: String], _ indent: String) -> String {
    members(Finding.ordered(detail).map { ($0.name, jsonString($0.value)) }, indent: indent)
  }
  let subject =
    finding.subject.isEmpty ? [] : [("subject", evidence(finding.subject, inner + "  "))]
  let examples = finding.examples.map { example in
    "{ \(numbers(example)), \"detail\": " + evidence(example.detail, inner + "    ") + " }"
  }
  return members(
    [
      ("rule", jsonString(finding.rule)), ("severity", jsonString(finding.severity.rawValue)),
      ("count", String(finding.count)),
    ] + subject + [
      ("first", "{ \(numbers(finding.first)) }"),
      ("detail", evidence(finding.first.detail, inner + "  ")),
    ] + (examples.isEmpty ? [] : [("examples", list(examples, indent: inner + "  "))]),
    indent: inner)
}

/// The numbers of a place; one in tables has no event.
private func numbers(_ place: Finding.Place) -> String {
  let event = place.event.map { "\"event\": \($0), " } ?? ""
  return "\"record\": \(max(place.record, 0)), \(event)\"time\": \(place.time)"
}

/// An object, one member a line; `indent` is that of the line on which it begins.
private func members(_ members: [(name: String, value: String)], indent: String) -> String {
  guard !members.isEmpty else { return "{}" }
  let lines = members.map { indent + "  " + jsonString($0.name) + ": " + $0.value }
  return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
}

/// An array, one element a line.
private func list(_ elements: [String], indent: String) -> String {
  guard !elements.isEmpty else { return "[]" }
  return "[\n" + elements.map { indent + "  " + $0 }.joined(separator: ",\n") + "\n" + indent
    + "]"
}

/// An array of pairs, as many on a line as 100 columns hold.
private func pairs(_ bars: [HistogramBar], indent: String) -> String {
  filled(bars.map { "[\($0.value), \($0.count)]" }, indent: indent)
}

/// An array of numbers, as many on a line as 100 columns hold.
private func numbers(_ values: [Int], indent: String) -> String {
  filled(values.map(String.init), indent: indent)
}

private func filled(_ elements: [String], indent: String) -> String {
  guard !elements.isEmpty else { return "[]" }
  var lines: [String] = []
  var line = ""
  for (place, element) in elements.enumerated() {
    let text = element + (place + 1 == elements.count ? "" : ",")
    if line != "" && indent.count + 2 + line.count + 1 + text.count > 100 {
      lines.append(line)
      line = ""
    }
    line += (line == "" ? "" : " ") + text
  }
  lines.append(line)
  return "[\n" + lines.map { indent + "  " + $0 }.joined(separator: "\n") + "\n" + indent + "]"
}

/// The machine as it is, moved to its place; a text that is not JSON stays a string.
private func resolved(_ text: String, indent: String) -> String {
  guard JSONValue(text) != nil else { return jsonString(text) }
  // A newline inside a JSON string is always escaped, so every newline here ends a line.
  var moved = ""
  for scalar in text.unicodeScalars {
    moved.unicodeScalars.append(scalar)
    if scalar == "\n" { moved += indent }
  }
  return moved
}
