import CZstd

/// Reads zstd frames, one after another, skippable ones among them.
final class ZstdDecompressor: Decompressor {
  private let stream: OpaquePointer
  private var isInsideFrame = false

  /// The largest window is 2^27 bytes: what `zstd --long` makes, and what `zstd -d` takes unasked.
  private static let maximumWindowLog: CInt = 27
  /// Bytes given at once, so that an error can tell where they are.
  private static let sliceBytes = 1 << 16
  /// `ZSTD_error_frameParameter_windowTooLarge`: its numbers below 100 are fixed.
  private static let windowTooLarge = 16

  init() {
    guard let stream = ZSTD_createDCtx() else { fatalError("out of memory") }
    self.stream = stream
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Self.maximumWindowLog)
  }

  deinit { ZSTD_freeDCtx(stream) }

  func decompress(
    from input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(TraceError) -> Int {
    var written = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    while written.pos == 0 {
      if !isInsideFrame, try !beginFrame(of: input) { return 0 }
      if input.available.isEmpty { _ = try input.fill() }
      let slice = UnsafeRawBufferPointer(rebasing: input.available.prefix(Self.sliceBytes))
      var given = ZSTD_inBuffer(src: slice.baseAddress, size: slice.count, pos: 0)
      let result = ZSTD_decompressStream(stream, &written, &given)
      guard ZSTD_isError(result) == 0 else { throw refusal(result, of: input) }
      input.consume(given.pos)
      if result == 0 {
        isInsideFrame = false
      } else if slice.isEmpty, written.pos == 0 {
        throw input.truncated(.zstd)
      }
    }
    return written.pos
  }

  /// Looks whether another frame follows.
  private func beginFrame(of input: RawInput) throws(TraceError) -> Bool {
    let head = try input.peek(Compression.headBytes)
    guard !head.isEmpty else { return false }
    switch Compression(firstBytes: head) {
    case .zstd: break
    case .lz4: throw Compression.lz4.refusal(file: input.name, byte: input.offset)
    default:
      if !Compression.beginsSkippableFrame(head) { throw try input.trailingBytes(after: .zstd) }
    }
    isInsideFrame = true
    return true
  }

  private func refusal(_ result: Int, of input: RawInput) -> TraceError {
    guard 0 &- result == Self.windowTooLarge else {
      return input.corrupt(.zstd, String(cString: ZSTD_getErrorName(result)))
    }
    return TraceError(
      file: input.name, place: "byte \(input.offset)",
      problem: "the zstd frame needs a window of more than 128 MiB",
      cure: "compress it again with a window of at most --long=27")
  }
}
