extension JSONValue {
  /// The one way in which a value is written: keys sorted, two spaces for each level, no newline
  /// at the end.
  var canonicalText: String {
    var text = ""
    write(to: &text, indentation: "")
    return text
  }

  private func write(to text: inout String, indentation: String) {
    switch self {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .int(let number): text += String(number)
    case .double(let number): text += String(number)
    case .string(let string): text += Self.escaped(string)
    case .array(let elements):
      let lines = elements.map { (label: "", value: $0) }
      Self.write(lines, between: ("[", "]"), to: &text, indentation: indentation)
    case .object(let members):
      let lines = members.sorted { $0.key < $1.key }
        .map { (label: Self.escaped($0.key) + ": ", value: $0.value) }
      Self.write(lines, between: ("{", "}"), to: &text, indentation: indentation)
    }
  }

  private static func write(
    _ lines: [(label: String, value: JSONValue)], between brackets: (String, String),
    to text: inout String, indentation: String
  ) {
    text += brackets.0
    for (index, line) in lines.enumerated() {
      text += (index == 0 ? "\n" : ",\n") + indentation + "  " + line.label
      line.value.write(to: &text, indentation: indentation + "  ")
    }
    text += (lines.isEmpty ? "" : "\n" + indentation) + brackets.1
  }

  private static func escaped(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
