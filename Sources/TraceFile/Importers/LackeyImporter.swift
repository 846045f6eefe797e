/// One line of Valgrind lackey's `--trace-mem=yes`.
struct LackeyLine {
  /// `I`, `L`, `S` or `M`.
  let letter: UInt8
  let address: UInt64
  /// From 1 to `TraceRecord.maximumSize`.
  let size: UInt16

  /// Reads a line and moves the cursor past it; the cursor's place means nothing on failure.
  init?(_ cursor: inout TextCursor) {
    if cursor.take(UInt8(ascii: "I")) {
      guard cursor.take(0x20) else { return nil }
      letter = UInt8(ascii: "I")
    } else {
      guard cursor.take(0x20) else { return nil }
      switch cursor.next {
      case UInt8(ascii: "L"), UInt8(ascii: "S"), UInt8(ascii: "M"): letter = cursor.next
      default: return nil
      }
      cursor.step()
    }
    guard cursor.take(0x20), let address = cursor.takeHexadecimal(),
      cursor.take(UInt8(ascii: ",")), let size = cursor.takeDecimal(),
      (1...TraceRecord.maximumSize).contains(size), cursor.takeLineEnd()
    else { return nil }
    self.address = address
    self.size = size
  }
}

/// Reads Valgrind lackey's text.
///
/// A program's own output and Valgrind's remarks may stand between the lines, so a line that is
/// none of lackey's is passed over and counted.
struct LackeyImporter: RecordImporter {
  private let source: ByteSource
  private var fetches = FetchCoalescer()
  private var lines = 0
  private var firstSkipped = 0
  private(set) var skipped = 0

  init(_ source: ByteSource) { self.source = source }

  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool {
    while !block.isFull {
      let text = try source.wholeLines(from: lines + 1)
      guard let first = text.baseAddress, !text.isEmpty else {
        try requireAccess()
        return false
      }
      let start = first.assumingMemoryBound(to: UInt8.self)
      source.consume(try append(start, start + text.count, to: &block))
    }
    return true
  }

  /// Appends whole lines until they or the block's room end.
  ///
  /// - Returns: the bytes taken.
  private mutating func append(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, to block: inout BlockBuilder
  ) throws(TraceError) -> Int {
    var fetches = fetches
    var lines = lines
    var place = start
    defer { (self.fetches, self.lines) = (fetches, lines) }
    while place < end, !block.isFull {
      var cursor = TextCursor(place)
      lines += 1
      guard let line = LackeyLine(&cursor) else {
        place = try skipLine(lines, at: place, end)
        continue
      }
      place = cursor.place
      let kind: AccessKind
      switch line.letter {
      case UInt8(ascii: "I"):
        guard fetches.enter(line.address, size: line.size) else { continue }
        kind = .fetch
      case UInt8(ascii: "L"): kind = .load
      case UInt8(ascii: "S"): kind = .store
      default: kind = .modify
      }
      guard let instructions = fetches.takeInstructions() else {
        throw source.instructionOverflow(at: "line \(lines)")
      }
      block.append(
        address: line.address, kind: kind, size: line.size, thread: 0, instructions: instructions)
    }
    return place - start
  }

  private mutating func skipLine(
    _ line: Int, at place: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(TraceError) -> UnsafePointer<UInt8> {
    var cursor = TextCursor(place)
    let count = cursor.takeRestOfLine()
    guard count <= ByteSource.maximumLineBytes else { throw source.longLine(line) }
    if source.endsInsideLine, cursor.place == end {
      let text = quotedLine(UnsafeRawBufferPointer(start: place, count: count))
      throw source.error(
        "line \(line)", "\(text) ends without a newline and is no line of lackey's",
        "the copy is incomplete: fetch it again, or cut the last line")
    }
    if skipped == 0 { firstSkipped = line }
    skipped += 1
    return cursor.place
  }

  private func requireAccess() throws(TraceError) {
    guard skipped == lines else { return }
    throw source.error(
      "line 1", "no line up to line \(lines) is lackey's",
      "record with valgrind --tool=lackey --trace-mem=yes, or give another --format")
  }

  var trailingInstructions: Int { fetches.pending }

  var notes: [String] {
    var notes = fetches.notes
    notes.append(
      "Valgrind laid out this address space, more crowded than the kernel would: upper-level walk "
        + "caches look better than they are.")
    notes.append("Threads are serialised and not named; the kernel's accesses are missing.")
    if skipped > 0 {
      notes.append(
        "Lines that are not lackey's, skipped: \(skipped), the first of them line \(firstSkipped).")
    }
    if source.endsInsideLine { notes.append(ByteSource.openEndNote) }
    return notes
  }
}
