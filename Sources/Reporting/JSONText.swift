/// JSON that is written: members keep the order in which they are given.
indirect enum JSONText {
  case string(String)
  /// A number or a word, as it stands.
  case literal(String)
  case array([JSONText])
  case object([(String, JSONText)])

  /// The text, one member or element a line; `indent` is that of the line on which it begins.
  func text(indent: String) -> String {
    let inner = indent + "  "
    switch self {
    case .string(let text): return jsonString(text)
    case .literal(let text): return text
    case .array(let elements):
      guard !elements.isEmpty else { return "[]" }
      let lines = elements.map { inner + $0.text(indent: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n" + indent + "]"
    case .object(let members):
      guard !members.isEmpty else { return "{}" }
      let lines = members.map { inner + jsonString($0.0) + ": " + $0.1.text(indent: inner) }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + indent + "}"
    }
  }
}
