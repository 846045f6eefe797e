import FoundationEssentials

/// A JSON value as it was written.
enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Reads one JSON5 value: comments, unquoted keys and trailing commas are welcome.
  ///
  /// - Parameter bytes: UTF-8 text; its structure was checked by `JSONText`.
  /// - Throws: `DecodingError`, with the place of the value where the decoder knows it.
  init(decoding bytes: some Sequence<UInt8>) throws {
    let decoder = JSONDecoder()
    decoder.allowsJSON5 = true
    // Foundation's decoder looks past the text's end where that ends in a number, and may trap there.
    self = try decoder.decode(JSONValue.self, from: Data(bytes) + [UInt8(ascii: "\n")])
  }

  /// How errors name the value: the scalar itself in one short line, or its kind.
  var inWords: String {
    switch self {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number): String(number)
    case .string(let text): quoted(text)
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// The members of an object.
  var members: [String: JSONValue]? {
    if case .object(let members) = self { members } else { nil }
  }
}

extension JSONValue: Decodable {
  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Key.self) {
      var members: [String: JSONValue] = [:]
      for key in container.allKeys {
        members[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
      }
      self = .object(members)
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONValue] = []
      while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
      self = .array(elements)
    } else {
      self = try Self.scalar(of: decoder.singleValueContainer())
    }
  }

  private static func scalar(of container: any SingleValueDecodingContainer) throws -> JSONValue {
    if container.decodeNil() { return .null }
    if let flag = try? container.decode(Bool.self) { return .bool(flag) }
    if let number = try? container.decode(Int.self) { return .int(number) }
    if let number = try? container.decode(Double.self) { return .double(number) }
    return .string(try container.decode(String.self))
  }
}

/// The text in quotes, on one line and no longer than an error message bears.
func quoted(_ text: String) -> String { "\"" + printable(text, atMost: 40) + "\"" }

/// The text on one line, cut where it is longer than that many characters.
func printable(_ text: String, atMost limit: Int) -> String {
  var line = ""
  for scalar in text.unicodeScalars.prefix(limit) {
    if scalar.isUnprintable {
      line += "\\u{" + String(scalar.value, radix: 16) + "}"
    } else {
      line.unicodeScalars.append(scalar)
    }
  }
  return text.unicodeScalars.count > limit ? line + "..." : line
}

extension Unicode.Scalar {
  /// Whether the scalar would break or bend the line in which it is printed.
  var isUnprintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate,
      .unassigned:
      true
    default: false
    }
  }
}
