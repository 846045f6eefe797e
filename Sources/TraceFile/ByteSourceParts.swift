/// The byte that ends a line.
let newline: UInt8 = 0x0a

extension ByteSource {
  /// The longest line of a text format.
  static let maximumLineBytes = 1 << 16

  /// Makes whole lines available at the start of the window.
  ///
  /// - Parameter line: the number of the window's first line, for errors.
  /// - Returns: bytes that end with a newline; none at the end of the data.
  /// - Throws: an error for a line that is too long.
  func wholeLines(from line: Int) throws(TraceError) -> UnsafeRawBufferPointer {
    while true {
      let window = window
      if let last = window.lastIndex(of: newline) {
        return UnsafeRawBufferPointer(rebasing: window[...last])
      }
      guard window.count <= Self.maximumLineBytes else { throw longLine(line) }
      if try fill() { continue }
      if self.window.isEmpty { return self.window }
      endLastLine()
    }
  }

  /// The error of a line that is too long for text.
  func longLine(_ line: Int) -> TraceError {
    error(
      "line \(line)", "is longer than \(Self.maximumLineBytes) bytes",
      "this is no text trace: give --format for what it is")
  }
}

extension ByteSource {
  /// Makes whole records of one size available at the start of the window.
  ///
  /// - Parameters:
  ///   - size: of a record, in bytes.
  ///   - record: the number of the window's first record, from 1, for errors.
  /// - Returns: a multiple of the size; no bytes at the end of the data.
  /// - Throws: an error where the data end inside a record.
  func wholeRecords(of size: Int, from record: Int) throws(TraceError) -> UnsafeRawBufferPointer {
    if try !ensure(size), !window.isEmpty {
      throw error(
        "record \(record)", "ends after \(window.count) of \(size) bytes",
        "the copy is incomplete, or the format is another: fetch it again or give --format")
    }
    return UnsafeRawBufferPointer(rebasing: window[..<(window.count - window.count % size)])
  }
}

extension UnsafeRawBufferPointer {
  /// The little-endian number at an offset that the caller knows to be inside.
  func number<Number: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Number.Type
  ) -> Number {
    Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: type))
  }
}

extension ByteSource {
  /// What a text whose last line has no newline deserves to have said.
  static let openEndNote = "The last line has no newline at its end: the text may be cut there."
}
