import CZlib

/// Reads gzip members, one after another.
final class GzipDecompressor: Decompressor {
  // zlib remembers the address of its stream.
  private let stream: UnsafeMutablePointer<z_stream>
  private var isInsideMember = false

  /// The largest window, and 16 for the gzip wrapper.
  private static let windowBits: CInt = 15 + 16

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let size = CInt(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, Self.windowBits, ZLIB_VERSION, size) == Z_OK else {
      fatalError("zlib does not start")
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func decompress(
    from input: RawInput, into output: UnsafeMutableRawBufferPointer
  ) throws(TraceError) -> Int {
    let room = output.count
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = CUnsignedInt(room)
    while stream.pointee.avail_out == CUnsignedInt(room) {
      if !isInsideMember, try !beginMember(of: input) { return 0 }
      if input.available.isEmpty { _ = try input.fill() }
      let given = input.available
      stream.pointee.next_in = UnsafeMutablePointer(
        mutating: given.baseAddress?.assumingMemoryBound(to: UInt8.self))
      stream.pointee.avail_in = CUnsignedInt(given.count)
      let result = inflate(stream, Z_NO_FLUSH)
      input.consume(given.count - Int(stream.pointee.avail_in))
      switch result {
      case Z_OK: break
      case Z_STREAM_END: isInsideMember = false
      case Z_BUF_ERROR where given.isEmpty: throw input.truncated(.gzip)
      default:
        let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib error \(result)"
        throw input.corrupt(.gzip, reason)
      }
    }
    return room - Int(stream.pointee.avail_out)
  }

  /// Looks whether another member follows.
  private func beginMember(of input: RawInput) throws(TraceError) -> Bool {
    let head = try input.peek(Compression.headBytes)
    guard !head.isEmpty else { return false }
    guard Compression(firstBytes: head) == .gzip else {
      throw try input.trailingBytes(after: .gzip)
    }
    inflateReset(stream)
    isInsideMember = true
    return true
  }
}
