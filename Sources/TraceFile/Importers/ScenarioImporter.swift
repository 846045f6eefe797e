/// Reads a scenario: records and events as people write them, a line each.
///
/// ```
/// nestwalk scenario 1
/// load 0x7f0000001000 8        # kind, address, size; +N for instructions retired, 1 where left out
/// cr3 value=0x2001 noFlush=1   # an event of `EventTag`, its words by name, 0 where left out
/// name kind=device id=0x38 text=nvme
/// ```
struct ScenarioImporter: RecordImporter {
  private let source: ByteSource
  private var lines = 0

  /// What the first line of every scenario is.
  static let magic = Array("nestwalk scenario 1\n".utf8)

  init(_ source: ByteSource) { self.source = source }

  let skipped = 0
  let trailingInstructions = 0
  let notes = ["Written by hand: a scenario, and not a recording."]

  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool {
    while !block.isFull {
      let text = try source.wholeLines(from: lines + 1)
      guard let first = text.baseAddress?.assumingMemoryBound(to: UInt8.self), !text.isEmpty else {
        return false
      }
      let end = first + text.count
      var place = first
      while place < end, !block.isFull {
        var cursor = TextCursor(place)
        let length = cursor.takeRestOfLine()
        lines += 1
        guard length <= ByteSource.maximumLineBytes else { throw source.longLine(lines) }
        if lines > 1 {
          let line = String(
            decoding: UnsafeBufferPointer(start: place, count: length), as: UTF8.self)
          try append(line, to: &block)
        }
        place = cursor.place
      }
      source.consume(place - first)
    }
    return true
  }

  private func append(_ line: String, to block: inout BlockBuilder) throws(TraceError) {
    var words = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
      .split(whereSeparator: \.isWhitespace)
    guard !words.isEmpty else { return }
    let name = words.removeFirst()
    if let kind = AccessKind.allCases.first(where: { "\($0)" == name }) {
      try append(kind, words, to: &block)
    } else if name == "name" {
      try appendName(words, to: &block)
    } else if let tag = EventTag(name: name) {
      block.append(tag, words: try values(of: tag, words))
    } else {
      throw refusal("\(name) is no record and no event", expected: Self.known)
    }
  }

  private static var known: String {
    "records are fetch, load, store and modify; events " + EventTag.names.joined(separator: ", ")
  }

  private func refusal(_ problem: String, expected: String) -> TraceError {
    source.error("line \(lines)", problem, expected)
  }

  private func append(
    _ kind: AccessKind, _ words: [Substring], to block: inout BlockBuilder
  ) throws(TraceError) {
    var numbers: [UInt64] = []
    var instructions: UInt64 = 1
    for word in words {
      let isInstructions = word.first == "+"
      guard let value = Self.number(isInstructions ? word.dropFirst() : word) else {
        throw refusal("\(word) is no number", expected: "write 0x7f00 or 64")
      }
      if isInstructions { instructions = value } else { numbers.append(value) }
    }
    guard let address = numbers.first, numbers.count <= 2, instructions <= UInt64(UInt32.max) else {
      throw refusal(
        "a \(kind) has \(numbers.count) numbers", expected: "write \(kind) ADDRESS [SIZE] [+COUNT]")
    }
    let size = numbers.count > 1 ? numbers[1] : 1
    guard 1...UInt64(TraceRecord.maximumSize) ~= size else {
      throw refusal("a size of \(size)", expected: "1 to \(TraceRecord.maximumSize) bytes")
    }
    block.append(
      address: address, kind: kind, size: UInt16(size), thread: 0,
      instructions: UInt32(instructions))
  }

  /// `NAME=NUMBER` for any of the event's words.
  private func values(of tag: EventTag, _ words: [Substring]) throws(TraceError) -> [UInt64] {
    var values = [UInt64](repeating: 0, count: tag.fields.count)
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let index = tag.fields.firstIndex(of: String(parts[0])) else {
        throw refusal(
          "\(word) is no field of \(tag)",
          expected: "its fields: " + tag.fields.joined(separator: ", "))
      }
      guard let value = Self.number(parts[1]) else {
        throw refusal("\(word) has no number", expected: "write \(parts[0])=0x7f00 or =64")
      }
      values[index] = value
    }
    return values
  }

  private func appendName(_ words: [Substring], to block: inout BlockBuilder) throws(TraceError) {
    var fields: [Substring: Substring] = [:]
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    guard words.count == 3, let id = fields["id"].flatMap(Self.number), let text = fields["text"],
      let kind = NamedKind.allCases.first(where: { "\($0)" == fields["kind"] ?? "" })
    else {
      throw refusal(
        "name does not say what it names",
        expected: "write name kind=KIND id=NUMBER text=TEXT, KIND one of "
          + NamedKind.allCases.map { "\($0)" }.joined(separator: ", "))
    }
    block.name(kind, id, String(text))
  }

  private static func number(_ text: Substring) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
  }
}
