/// The structure of a JSON5 text: where it is broken, and keys that stand twice in one object.
///
/// The decoder says neither: a broken text is only "not valid", and of two equal keys it keeps one
/// without a word. So the brackets, commas and keys are followed here before the text is decoded;
/// whether one number, string or word is well formed is asked of the decoder itself.
struct JSONText {
  /// What is wrong with a text, and where.
  struct Flaw: Error, Equatable {
    /// A byte of the text.
    var offset: Int
    /// What was found there.
    var problem: String
    /// What belongs there.
    var cure: String
  }

  /// Lists and objects in each other, far beyond what a machine description needs.
  static let maximumDepth = 64

  private let bytes: [UInt8]
  private var next = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Follows the text from its first byte to its last.
  ///
  /// - Parameter bytes: UTF-8 text.
  /// - Throws: the first flaw.
  static func check(_ bytes: [UInt8]) throws(Flaw) {
    var text = JSONText(bytes)
    try text.skipBlanks()
    if text.next == bytes.count {
      throw Flaw(
        offset: 0, problem: "the description is empty",
        cure: "start from a preset: nestwalk machine show reference")
    }
    try text.value(depth: 0)
    try text.skipBlanks()
    if text.next < bytes.count {
      throw text.unexpected("the end of the text")
    }
  }

  /// Line and column of a byte, both counted from 1, columns in characters.
  static func place(of offset: Int, in bytes: [UInt8]) -> String {
    let before = bytes.prefix(offset)
    let line = before.count { $0 == UInt8(ascii: "\n") } + 1
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    let column = before[lineStart...].count { $0 & 0xc0 != 0x80 } + 1
    return "line \(line), column \(column)"
  }

  private var current: UInt8? { next < bytes.count ? bytes[next] : nil }

  private func unexpected(_ expectation: String) -> Flaw {
    let found: String
    if next < bytes.count {
      let character = String(decoding: bytes[next...].prefix(4), as: UTF8.self).prefix(1)
      found = "found " + quoted(String(character))
    } else {
      found = "the text ends"
    }
    return Flaw(offset: next, problem: found, cure: "expected " + expectation)
  }

  private mutating func skipBlanks() throws(Flaw) {
    while let byte = current {
      if byte == UInt8(ascii: "/") {
        try skipComment()
      } else if Self.isBlank(byte) {
        next += 1
      } else {
        return
      }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d) ~= byte }

  private mutating func skipComment() throws(Flaw) {
    let start = next
    switch bytes[next...].dropFirst().first {
    case UInt8(ascii: "/"):
      while let byte = current, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { next += 1 }
    case UInt8(ascii: "*"):
      next += 2
      while next + 1 < bytes.count,
        bytes[next] != UInt8(ascii: "*") || bytes[next + 1] != UInt8(ascii: "/")
      {
        next += 1
      }
      guard next + 1 < bytes.count else {
        throw Flaw(offset: start, problem: "this comment has no end", cure: "close it with */")
      }
      next += 2
    default:
      throw unexpected("a value, or a comment that starts with // or /*")
    }
  }

  private mutating func value(depth: Int) throws(Flaw) {
    guard depth < Self.maximumDepth else {
      throw Flaw(
        offset: next, problem: "lists and objects nest deeper than \(Self.maximumDepth)",
        cure: "a machine description nests 3 deep")
    }
    switch current {
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): _ = try string()
    case .some(let byte) where !Self.isStructural(byte): try word()
    default: throw unexpected("a value")
    }
  }

  private mutating func array(depth: Int) throws(Flaw) {
    next += 1
    while true {
      try skipBlanks()
      if current == UInt8(ascii: "]") { break }
      try value(depth: depth + 1)
      try skipBlanks()
      if current == UInt8(ascii: "]") { break }
      guard current == UInt8(ascii: ",") else { throw unexpected("a comma or ]") }
      next += 1
    }
    next += 1
  }

  private mutating func object(depth: Int) throws(Flaw) {
    next += 1
    var keys: Set<String> = []
    while true {
      try skipBlanks()
      if current == UInt8(ascii: "}") { break }
      let start = next
      let key = try self.key()
      guard keys.insert(key).inserted else {
        throw Flaw(
          offset: start, problem: "the key \(quoted(key)) stands twice in this object",
          cure: "keep one of the two")
      }
      try skipBlanks()
      guard current == UInt8(ascii: ":") else { throw unexpected("a colon after the key") }
      next += 1
      try skipBlanks()
      try value(depth: depth + 1)
      try skipBlanks()
      if current == UInt8(ascii: "}") { break }
      guard current == UInt8(ascii: ",") else { throw unexpected("a comma or }") }
      next += 1
    }
    next += 1
  }

  private mutating func key() throws(Flaw) -> String {
    switch current {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return try string()
    case .some(let byte) where !Self.isStructural(byte):
      let start = next
      skipWord()
      return String(decoding: bytes[start..<next], as: UTF8.self)
    default: throw unexpected("a key or }")
    }
  }

  private static func isStructural(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"),
      UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "\""), UInt8(ascii: "'"),
      UInt8(ascii: "/"):
      true
    default: isBlank(byte)
    }
  }

  private mutating func skipWord() {
    while let byte = current, !Self.isStructural(byte) { next += 1 }
  }

  /// A number or a word such as `true`.
  private mutating func word() throws(Flaw) {
    let start = next
    skipWord()
    if Self.isPlainNumber(bytes[start..<next]) { return }
    if (try? JSONValue(decoding: bytes[start..<next])) == nil {
      let text = quoted(String(decoding: bytes[start..<next], as: UTF8.self))
      throw Flaw(
        offset: start, problem: "found \(text)",
        cure: "expected a number that fits, true, false, null or text in quotes")
    }
  }

  /// Most words are small whole numbers, which need no decoder.
  private static func isPlainNumber(_ word: ArraySlice<UInt8>) -> Bool {
    word.count <= 15 && word.allSatisfy { 0x30...0x39 ~= $0 }
      && (word.count == 1 || word.first != 0x30)
  }

  private mutating func string() throws(Flaw) -> String {
    let start = next
    let quote = bytes[next]
    var isPlain = true
    next += 1
    while let byte = current, byte != quote, byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "\\") { next += 1 }
      isPlain = isPlain && byte != UInt8(ascii: "\\") && byte >= 0x20
      next += 1
    }
    guard current == quote else {
      throw Flaw(
        offset: start, problem: "this text has no closing quote", cure: "close it on its line")
    }
    next += 1
    if isPlain { return String(decoding: bytes[(start + 1)..<(next - 1)], as: UTF8.self) }
    guard case .string(let text)? = try? JSONValue(decoding: bytes[start..<next]) else {
      throw Flaw(
        offset: start, problem: "this text holds an escape or a character that JSON5 forbids",
        cure: "write it as \\uXXXX")
    }
    return text
  }
}
