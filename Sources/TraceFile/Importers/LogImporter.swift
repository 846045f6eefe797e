/// What readers of logs count of their lines.
struct LogLines {
  /// Lines read so far.
  var count = 0
  /// Lines that are nothing known here, and the first of them.
  private(set) var others = 0
  private(set) var firstOther = 0
  /// The text ended inside its last line, which was dropped.
  var isTorn = false

  mutating func countOther() {
    if others == 0 { firstOther = count }
    others += 1
  }
}

/// A reader of logs: lines that begin with an event's name, between lines that are something else.
protocol LogImporter: RecordImporter {
  var source: ByteSource { get }
  var names: LineNames { get }
  var lines: LogLines { get set }

  /// Appends whole lines until they or the block's room end.
  ///
  /// - Returns: the bytes taken.
  mutating func append(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, to block: inout BlockBuilder
  ) throws(TraceError) -> Int

  /// The text has ended: appends what waits, and refuses a text of which nothing was used.
  mutating func finish(_ block: inout BlockBuilder) throws(TraceError)
}

extension LogImporter {
  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool {
    while !block.isFull {
      let text = try source.wholeLines(from: lines.count + 1)
      guard let first = text.baseAddress, !text.isEmpty else {
        try finish(&block)
        return false
      }
      let start = first.assumingMemoryBound(to: UInt8.self)
      source.consume(try append(start, start + text.count, to: &block))
    }
    return true
  }

  /// Where the line ends that begins at a place and was read up to another.
  @inline(__always)
  func end(
    of start: UnsafePointer<UInt8>, from place: UnsafePointer<UInt8>
  ) throws(TraceError) -> UnsafePointer<UInt8> {
    var cursor = TextCursor(place)
    _ = cursor.takeRestOfLine()
    guard cursor.place - start <= ByteSource.maximumLineBytes + 1 else {
      throw source.longLine(lines.count)
    }
    return cursor.place
  }

  /// Passes over a line of a known event that does not fit, if the text ends inside it.
  ///
  /// - Returns: where the line ends, and false where it is to be refused.
  mutating func passTorn(
    at place: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(TraceError) -> (next: UnsafePointer<UInt8>, isTorn: Bool) {
    let next = try self.end(of: place, from: place)
    guard source.endsInsideLine, next == end else { return (next, false) }
    lines.isTorn = true
    return (next, true)
  }

  var skipped: Int { names.skipped + lines.others }

  /// Notes about lines: those of known names first, then others, which are `kind`.
  func lineNotes(_ kind: String) -> [String] {
    var notes: [String] = []
    if let skippedNames = names.skippedNames() {
      notes.append("Lines that make no event of their own, skipped: \(skippedNames).")
    }
    if lines.others > 0 {
      notes.append(
        "Lines that are \(kind), skipped: \(lines.others), the first of them line "
          + "\(lines.firstOther).")
    }
    return notes
  }

  /// Notes about how the text ends.
  var endNotes: [String] {
    if lines.isTorn { return ["The last line is cut off and was dropped."] }
    return source.endsInsideLine ? [ByteSource.openEndNote] : []
  }
}
