/// The decompressed bytes of a file or of standard input, in a window that moves forward.
///
/// Memory is bounded whatever the file holds: one buffer of stored bytes, one of decompressed
/// bytes, and the window that the compression itself needs.
public final class ByteSource {
  private let input: RawInput
  private let decompressor: any Decompressor
  private let buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var isAtEnd = false

  /// How the file is compressed.
  let compression: Compression
  /// Where in the decompressed data `window` begins.
  private(set) var position = 0
  /// Whether `wholeLines` had to end the last line itself; the data then end inside a line.
  private(set) var endsInsideLine = false

  /// The most bytes that a window can be asked to hold.
  static let windowBytes = 1 << 18

  /// Opens a file, or standard input by the name `-`, and recognises its compression.
  ///
  /// - Throws: an error for what cannot be opened, is empty, or is compressed in a way that is not
  ///   read here.
  public init(path: String) throws(TraceError) {
    input = try RawInput(path: path)
    let head = try input.peek(Compression.headBytes)
    guard !head.isEmpty else {
      throw TraceError(
        file: path, place: "byte 0", problem: "is empty",
        cure: "give a trace, or look whether its capture failed")
    }
    compression = Compression(firstBytes: head)
    decompressor = try compression.decompressor(for: input)
    // One byte more than a window, for the newline that a last line may lack.
    buffer = .allocate(byteCount: Self.windowBytes + 1, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// The path as the user gave it.
  public var name: String { input.name }

  /// Stored bytes read so far, for progress.
  public var bytesRead: Int { input.bytesRead }

  /// Stored bytes in all; nothing where they come through a pipe.
  public var totalBytes: Int? { input.totalBytes }

  /// Reads the stored bytes to their end and gives their SHA-256; nothing can be read afterwards.
  ///
  /// - Returns: 64 lower-case hexadecimal digits.
  public func finish() throws(TraceError) -> String {
    isAtEnd = true
    return try input.finishHash()
  }

  /// Decompressed bytes that are not consumed; valid until the window is filled again.
  var window: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[start..<end]) }

  /// Gives up the first bytes of the window.
  func consume(_ count: Int) {
    precondition(count <= end - start, "more bytes consumed than the window has")
    start += count
    position += count
  }

  /// Makes the window longer; what is in it stays.
  ///
  /// - Precondition: the window holds fewer than `windowBytes`.
  /// - Returns: false at the end of the data, where the window stays as it is.
  func fill() throws(TraceError) -> Bool {
    guard !isAtEnd else { return false }
    if start > 0 {
      let tail = window
      buffer.copyMemory(from: tail)
      (start, end) = (0, tail.count)
    }
    precondition(end < Self.windowBytes, "no room in the window")
    let room = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<Self.windowBytes])
    let count = try decompressor.decompress(from: input, into: room)
    end += count
    isAtEnd = count == 0
    return !isAtEnd
  }

  /// Makes the window at least so long, unless the data end before.
  ///
  /// - Returns: whether it is that long.
  func ensure(_ count: Int) throws(TraceError) -> Bool {
    while end - start < count, try fill() {}
    return end - start >= count
  }

  /// An error in this file.
  func error(_ place: String, _ problem: String, _ cure: String) -> TraceError {
    TraceError(file: name, place: place, problem: problem, cure: cure)
  }

  /// Ends the last line where the data lack its newline.
  func endLastLine() {
    buffer[end] = newline
    end += 1
    endsInsideLine = true
  }
}
