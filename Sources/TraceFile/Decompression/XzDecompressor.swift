import CLzma

/// Reads xz streams, one after another, with the padding that may stand between them.
final class XzDecompressor: Decompressor {
  private let stream: UnsafeMutablePointer<lzma_stream>
  private var isInsideStream = false

  /// Four times what `xz -9` needs.
  private static let memoryLimit: UInt64 = 256 << 20

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: lzma_stream())
  }

  deinit {
    lzma_end(stream)
    stream.deallocate()
  }

  func decompress(
    from input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(TraceError) -> Int {
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = output.count
    while stream.pointee.avail_out == output.count {
      if !isInsideStream, try !beginStream(of: input) { return 0 }
      if input.available.isEmpty { _ = try input.fill() }
      let given = input.available
      stream.pointee.next_in = given.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_in = given.count
      let result = lzma_code(stream, LZMA_RUN)
      input.consume(given.count - stream.pointee.avail_in)
      switch result {
      case LZMA_OK where given.isEmpty && stream.pointee.avail_out == output.count:
        throw input.truncated(.xz)
      case LZMA_OK: break
      case LZMA_STREAM_END: isInsideStream = false
      case LZMA_BUF_ERROR: throw input.truncated(.xz)
      default: throw refusal(result, of: input)
      }
    }
    return output.count - stream.pointee.avail_out
  }

  /// Passes over padding and looks whether another stream follows.
  private func beginStream(of input: RawInput) throws(TraceError) -> Bool {
    var head = try input.peek(Compression.headBytes)
    while head.count >= 4, head.prefix(4).allSatisfy({ $0 == 0 }) {
      input.consume(4)
      head = try input.peek(Compression.headBytes)
    }
    guard !head.isEmpty else { return false }
    guard Compression(firstBytes: head) == .xz else { throw try input.trailingBytes(after: .xz) }
    guard lzma_stream_decoder(stream, Self.memoryLimit, 0) == LZMA_OK else {
      fatalError("liblzma does not start")
    }
    isInsideStream = true
    return true
  }

  private func refusal(_ result: lzma_ret, of input: RawInput) -> TraceError {
    switch result {
    case LZMA_MEMLIMIT_ERROR:
      TraceError(
        file: input.name, place: "byte \(input.offset)",
        problem: "the xz data need more than 256 MiB of memory",
        cure: "compress it again with xz -9 or less")
    case LZMA_OPTIONS_ERROR: input.corrupt(.xz, "they use a filter that is not known here")
    default: input.corrupt(.xz, "liblzma error \(result.rawValue)")
    }
  }
}
