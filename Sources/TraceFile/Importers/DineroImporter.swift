/// The two text formats of the Dinero cache simulators.
///
/// Source: Dinero IV, release 7, `dinfmt.c` and `xdinfmt.c`, and the manual page, "-informat".
enum DineroDialect {
  /// `din` of Dinero III: a label from 0 to 4 and an address.
  case din
  /// Dinero IV's own: a letter, an address and a size, which is hexadecimal too.
  case xdin
}

/// One line of a Dinero trace.
struct DineroLine {
  enum Access {
    case read
    case write
    case instruction
    /// An operation on the cache, or din's escape record.
    case other
  }

  let access: Access
  let address: UInt64
  /// 0 where the format does not say.
  let size: UInt16

  /// Reads a line and moves the cursor past it, or to the first byte that does not fit.
  ///
  /// The rest of a line after its fields is a comment.
  ///
  /// - Throws: what was expected instead.
  init(_ cursor: inout TextCursor, _ dialect: DineroDialect) throws(Misfit) {
    _ = cursor.takeBlanks()
    switch dialect {
    case .din: access = try Self.label(of: cursor.next)
    case .xdin: access = try Self.letter(of: cursor.next)
    }
    cursor.step()
    guard cursor.takeBlanks() else { throw .blank }
    guard let address = Self.number(&cursor) else { throw .address }
    self.address = address
    switch dialect {
    case .din: size = 0
    case .xdin:
      // Zero stands for the whole cache, in operations on it.
      let smallest: UInt64 = access == .other ? 0 : 1
      guard let size = Self.number(&cursor),
        (smallest...UInt64(TraceRecord.maximumSize)).contains(size)
      else { throw .size }
      self.size = UInt16(size)
    }
    _ = cursor.takeRestOfLine()
  }

  /// What a line that does not fit should have had.
  enum Misfit: Error {
    case label
    case letter
    case blank
    case address
    case size

    var expected: String {
      switch self {
      case .label: "a label from 0 to 4"
      case .letter: "one of the letters r w i m c v"
      case .blank: "a blank after the first character"
      case .address: "a hexadecimal address of at most 16 digits"
      case .size: "a hexadecimal size from 1 to \(String(TraceRecord.maximumSize, radix: 16))"
      }
    }
  }

  private static func label(of byte: UInt8) throws(Misfit) -> Access {
    switch byte {
    case UInt8(ascii: "0"): .read
    case UInt8(ascii: "1"): .write
    case UInt8(ascii: "2"): .instruction
    case UInt8(ascii: "3"), UInt8(ascii: "4"): .other
    default: throw .label
    }
  }

  private static func letter(of byte: UInt8) throws(Misfit) -> Access {
    // ASCII letters differ in one bit from capitals.
    switch byte | 0x20 {
    // Dinero IV: miscellaneous is a read that triggers no prefetch.
    case UInt8(ascii: "r"), UInt8(ascii: "m"): .read
    case UInt8(ascii: "w"): .write
    case UInt8(ascii: "i"): .instruction
    case UInt8(ascii: "c"), UInt8(ascii: "v"): .other
    default: throw .letter
    }
  }

  private static func number(_ cursor: inout TextCursor) -> UInt64? {
    let start = cursor
    if cursor.take(UInt8(ascii: "0")), cursor.next | 0x20 == UInt8(ascii: "x") {
      cursor.step()
    } else {
      cursor = start
    }
    guard let value = cursor.takeHexadecimal() else { return nil }
    let ends = cursor.takeBlanks() || cursor.next == newline || cursor.next == 0x0d
    return ends ? value : nil
  }
}

/// Reads the text of Dinero III (`din`) or Dinero IV (`xdin`).
struct DineroImporter: RecordImporter {
  private let source: ByteSource
  private let dialect: DineroDialect
  private var fetches = FetchCoalescer()
  private var lines = 0
  private(set) var skipped = 0

  init(_ source: ByteSource, _ dialect: DineroDialect) {
    self.source = source
    self.dialect = dialect
  }

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
    var place = start
    defer { self.fetches = fetches }
    while place < end, !block.isFull {
      lines += 1
      var cursor = TextCursor(place)
      let line: DineroLine
      do throws(DineroLine.Misfit) {
        line = try DineroLine(&cursor, dialect)
      } catch {
        throw refusal(error, at: place, end)
      }
      guard cursor.place - place <= ByteSource.maximumLineBytes + 1 else {
        throw source.longLine(lines)
      }
      place = cursor.place
      let kind: AccessKind
      switch line.access {
      case .read: kind = .load
      case .write: kind = .store
      case .instruction:
        guard fetches.enter(line.address, size: line.size) else { continue }
        kind = .fetch
      case .other:
        skipped += 1
        continue
      }
      guard let instructions = fetches.takeInstructions() else {
        throw source.instructionOverflow(at: "line \(lines)")
      }
      block.append(
        address: line.address, kind: kind, size: line.size, thread: 0, instructions: instructions)
    }
    return place - start
  }

  private func refusal(
    _ misfit: DineroLine.Misfit, at place: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) -> TraceError {
    var cursor = TextCursor(place)
    let count = cursor.takeRestOfLine()
    if count > ByteSource.maximumLineBytes { return source.longLine(lines) }
    let text = quotedLine(UnsafeRawBufferPointer(start: place, count: count))
    if source.endsInsideLine, cursor.place == end {
      return source.error(
        "line \(lines)", "\(text) ends without a newline and without \(misfit.expected)",
        "the copy is incomplete: fetch it again, or cut the last line")
    }
    return source.error(
      "line \(lines)", "\(text) lacks \(misfit.expected)",
      "mend the line, or give another --format")
  }

  private func requireAccess() throws(TraceError) {
    guard skipped == lines else { return }
    throw source.error(
      "line 1", "no line up to line \(lines) is a read, a write or an instruction fetch",
      "give a trace that has accesses")
  }

  var trailingInstructions: Int { fetches.pending }

  var notes: [String] {
    var notes = fetches.notes
    switch dialect {
    case .din: notes.append("din gives no sizes: every access counts as one byte.")
    case .xdin: break
    }
    notes.append("Dinero formats name no threads, and whose addresses these are is not recorded.")
    if skipped > 0 {
      let what = dialect == .din ? "labels 3 and 4 (escapes)" : "c (copyback) and v (invalidate)"
      notes.append("Lines with \(what), skipped: \(skipped).")
    }
    if source.endsInsideLine { notes.append(ByteSource.openEndNote) }
    return notes
  }
}
