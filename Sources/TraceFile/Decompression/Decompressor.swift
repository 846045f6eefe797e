/// Turns stored bytes into the bytes that they stand for.
protocol Decompressor: AnyObject {
  /// Writes the next bytes.
  ///
  /// - Parameters:
  ///   - input: the stored bytes, consumed as they are used.
  ///   - output: is not empty.
  /// - Returns: how many were written; none only at the end of all data, where the input ended too.
  /// - Throws: an error where the stored bytes are cut, damaged or followed by others.
  func decompress(
    from input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(TraceError) -> Int
}

/// Hands stored bytes on as they are.
final class PlainBytes: Decompressor {
  func decompress(
    from input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(TraceError) -> Int {
    if input.available.isEmpty, try !input.fill() { return 0 }
    let bytes = UnsafeRawBufferPointer(rebasing: input.available.prefix(output.count))
    output.copyMemory(from: bytes)
    input.consume(bytes.count)
    return bytes.count
  }
}

extension RawInput {
  /// The error of compressed data that stop before their end.
  func truncated(_ compression: Compression) -> TraceError {
    TraceError(
      file: name, place: "byte \(offset)",
      problem: "the \(compression.rawValue) data end here, before their end mark",
      cure: "the copy is incomplete: fetch the file again")
  }

  /// The error of bytes that follow compressed data and are not of their kind.
  func trailingBytes(after compression: Compression) throws(TraceError) -> TraceError {
    TraceError(
      file: name, place: "byte \(offset)",
      problem: "\(hexadecimal(try peek(8))) follows the end of the \(compression.rawValue) data",
      cure: "cut the file there, or fetch it again")
  }

  /// The error of compressed data that contradict themselves.
  func corrupt(_ compression: Compression, _ reason: String) -> TraceError {
    TraceError(
      file: name, place: "byte \(offset)",
      problem: "the \(compression.rawValue) data from here cannot be decompressed (\(reason))",
      cure: "the file is damaged: fetch it again")
  }
}
