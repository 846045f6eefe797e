/// A JSON text, as far as reports look into one: a resolved machine.
enum JSONValue: Equatable {
  case null
  case boolean(Bool)
  /// As it was written.
  case number(String)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Parses a text; nothing where it is not one JSON value of at most 64 levels.
  init?(_ text: String) {
    var reader = JSONReader(text: Array(text.utf8))
    guard let value = reader.value(depth: 0), reader.isAtEnd else { return nil }
    self = value
  }

  subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// The elements of an array; none of anything else.
  var elements: [JSONValue] {
    if case .array(let elements) = self { elements } else { [] }
  }

  /// A string's text, or a number as it was written.
  var text: String? {
    switch self {
    case .string(let text), .number(let text): text
    default: nil
    }
  }
}

private struct JSONReader {
  var text: [UInt8]
  var place = 0

  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return place == text.count
    }
  }

  mutating func value(depth: Int) -> JSONValue? {
    skipSpace()
    guard depth < 64, place < text.count else { return nil }
    switch text[place] {
    case UInt8(ascii: "{"): return object(depth: depth)
    case UInt8(ascii: "["): return array(depth: depth)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return take("true") ? .boolean(true) : nil
    case UInt8(ascii: "f"): return take("false") ? .boolean(false) : nil
    case UInt8(ascii: "n"): return take("null") ? .null : nil
    default: return number()
    }
  }

  private mutating func object(depth: Int) -> JSONValue? {
    place += 1
    var members: [String: JSONValue] = [:]
    if takeSymbol("}") { return .object(members) }
    repeat {
      skipSpace()
      guard let key = string(), takeSymbol(":"), let value = value(depth: depth + 1) else {
        return nil
      }
      members[key] = value
    } while takeSymbol(",")
    return takeSymbol("}") ? .object(members) : nil
  }

  private mutating func array(depth: Int) -> JSONValue? {
    place += 1
    var elements: [JSONValue] = []
    if takeSymbol("]") { return .array(elements) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      elements.append(value)
    } while takeSymbol(",")
    return takeSymbol("]") ? .array(elements) : nil
  }

  private mutating func number() -> JSONValue? {
    let start = place
    takeOne("-")
    let whole = takeDigits()
    guard whole == 1 || (whole > 1 && text[place - whole] != UInt8(ascii: "0")) else { return nil }
    if takeOne("."), takeDigits() == 0 { return nil }
    if takeOne("e") || takeOne("E") {
      if !takeOne("+") { takeOne("-") }
      if takeDigits() == 0 { return nil }
    }
    return .number(String(decoding: text[start..<place], as: UTF8.self))
  }

  private mutating func string() -> String? {
    guard takeOne("\"") else { return nil }
    var bytes: [UInt8] = []
    while place < text.count {
      let byte = text[place]
      place += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        bytes += Array(String(scalar).utf8)
      case ..<0x20: return nil
      default: bytes.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    guard place < text.count else { return nil }
    let byte = text[place]
    place += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let high = hexadecimal() else { return nil }
      guard 0xd800..<0xdc00 ~= high else { return Unicode.Scalar(high) }
      guard take("\\u"), let low = hexadecimal(), 0xdc00..<0xe000 ~= low else { return nil }
      return Unicode.Scalar(0x10000 + (high - 0xd800) << 10 + (low - 0xdc00))
    default: return nil
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    guard place + 4 <= text.count else { return nil }
    let digits = text[place..<place + 4]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    place += 4
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private mutating func skipSpace() {
    while place < text.count, [0x20, 0x09, 0x0a, 0x0d].contains(text[place]) { place += 1 }
  }

  @discardableResult
  private mutating func takeOne(_ symbol: Unicode.Scalar) -> Bool {
    guard place < text.count, text[place] == UInt8(ascii: symbol) else { return false }
    place += 1
    return true
  }

  private mutating func takeSymbol(_ symbol: Unicode.Scalar) -> Bool {
    skipSpace()
    return takeOne(symbol)
  }

  private mutating func takeDigits() -> Int {
    let digits = text[place...].prefix { 0x30...0x39 ~= $0 }.count
    place += digits
    return digits
  }

  private mutating func take(_ word: String) -> Bool {
    guard text[place...].starts(with: word.utf8) else { return false }
    place += word.utf8.count
    return true
  }
}
