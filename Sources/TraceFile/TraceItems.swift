/// A record or an event of a trace, apart from its block.
public enum TraceItem: Sendable, Equatable {
  case record(TraceRecord)
  /// An event's tag and words, in the order of the tag's fields.
  case event(EventTag, [UInt64])

  /// The line of a scenario that says it.
  public var scenarioLine: String {
    switch self {
    case .record(let record):
      let count = record.instructions == 1 ? "" : " +\(record.instructions)"
      return "\(record.kind) \(hexadecimal(record.address)) \(max(record.size, 1))\(count)"
    case .event(.name, let words): return nameLine(words)
    case .event(let tag, let words):
      let fields = zip(tag.fields, words).filter { $0.1 != 0 }.map { name, word in
        " \(name)=\(word < 10 || tag == .time ? String(word) : hexadecimal(word))"
      }
      return "\(tag)\(fields.joined())"
    }
  }

  private func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

  private func nameLine(_ words: [UInt64]) -> String {
    guard words.count >= 3, let kind = NamedKind(rawValue: words[0]) else { return "# a name" }
    let length = Int(min(words[2], UInt64(8 * (words.count - 3))))
    let bytes = (0..<length).map { at in
      UInt8(truncatingIfNeeded: words[3 + at / 8] >> UInt64(at % 8 * 8))
    }
    // A line's words end at spaces and its comment begins with #.
    let text = String(decoding: bytes, as: UTF8.self).map {
      $0.isWhitespace || $0 == "#" ? "_" : $0
    }
    return "name kind=\(kind) id=\(hexadecimal(words[1])) text=\(String(text))"
  }
}

/// A trace's records and events in memory, of which parts can be made into blocks again.
public struct TraceItems: Sendable {
  /// In order.
  public private(set) var items: [TraceItem] = []

  /// None.
  public init() {}

  /// Keeps what a block has.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public mutating func append(_ block: TraceBlock) throws(TraceError) {
    var records: [TraceRecord] = []
    try block.forEachRecord { records.append($0) }
    try block.loadEvents()
    var next = 0
    block.withEvents { events in
      for event in events {
        while next < event.record {
          items.append(.record(records[next]))
          next += 1
        }
        items.append(.event(event.tag, (0..<event.count).map { event[$0] }))
      }
    }
    items += records[next...].map { .record($0) }
  }

  /// Makes blocks of some items.
  ///
  /// - Parameters:
  ///   - places: of the items, ascending.
  ///   - body: given each block, which is valid until it returns.
  /// - Throws: what `body` throws.
  public func forEachBlock<Failure: Error>(
    of places: some Sequence<Int>, _ body: (TraceBlock) throws(Failure) -> Void
  ) throws(Failure) {
    var builder = BlockBuilder()
    let block = TraceBlock()
    for place in places {
      if builder.isFull {
        builder.finish(into: block)
        try body(block)
      }
      switch items[place] {
      case .record(let record):
        builder.append(
          address: record.address, kind: record.kind, size: record.size, thread: record.thread,
          instructions: record.instructions)
      case .event(let tag, let words): builder.append(tag, words: words)
      }
    }
    if !builder.isEmpty {
      builder.finish(into: block)
      try body(block)
    }
  }

  /// Some items as a scenario.
  ///
  /// - Parameters:
  ///   - places: of the items, ascending.
  ///   - comments: lines before them.
  /// - Returns: a text that every command reads as a trace.
  public func scenario(of places: some Sequence<Int>, comments: [String]) -> String {
    let lines =
      ["nestwalk scenario 1"] + comments.map { "# " + $0 } + places.map { items[$0].scenarioLine }
    return lines.joined(separator: "\n") + "\n"
  }
}
