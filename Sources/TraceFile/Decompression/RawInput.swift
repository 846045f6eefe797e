#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The bytes of a file or of standard input as they are stored, hashed as they are read.
final class RawInput {
  /// The path as the user gave it.
  let name: String
  /// The size of a regular file; nothing for a pipe.
  let totalBytes: Int?
  /// Bytes that have left the file.
  private(set) var bytesRead = 0
  /// Whether the file has no byte after those available.
  private(set) var isAtEnd = false

  private let descriptor: CInt
  private let buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  private var hash: SHA256? = SHA256()

  private static let capacity = 1 << 18

  /// Opens a file, or standard input by the name `-`.
  init(path: String) throws(TraceError) {
    func refusal(_ problem: String, _ cure: String) -> TraceError {
      TraceError(file: path, place: "open", problem: problem, cure: cure)
    }
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw errno == ENOENT
        ? refusal("does not exist", "check the path")
        : refusal("cannot be opened (\(systemMessage()))", "check the path and its permissions")
    }
    var status = stat()
    let kind = fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
    if kind == S_IFDIR {
      close(descriptor)
      throw refusal("is a directory", "give the trace file itself")
    }
    name = path
    totalBytes = kind == S_IFREG ? Int(status.st_size) : nil
    self.descriptor = descriptor
    buffer = .allocate(byteCount: Self.capacity, alignment: 16)
  }

  deinit {
    buffer.deallocate()
    if descriptor > 0 { close(descriptor) }
  }

  /// Bytes read and not consumed; valid until the next `fill` or `peek`.
  var available: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: buffer[start..<end])
  }

  /// Where in the file `available` begins.
  var offset: Int { bytesRead - (end - start) }

  /// Gives up the first bytes of `available`.
  func consume(_ count: Int) {
    precondition(count <= end - start, "more bytes consumed than available")
    start += count
  }

  /// Reads on, so that `available` grows.
  ///
  /// - Returns: whether it did; false at the end of the file.
  func fill() throws(TraceError) -> Bool {
    guard !isAtEnd else { return false }
    if start > 0 {
      let tail = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
      buffer.copyMemory(from: tail)
      (start, end) = (0, tail.count)
    }
    precondition(end < buffer.count, "no room to read into")
    let room = UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
    var count = 0
    repeat {
      count = read(descriptor, room.baseAddress, room.count)
    } while count < 0 && errno == EINTR
    guard count >= 0 else {
      throw TraceError(
        file: name, place: "byte \(bytesRead)", problem: "cannot be read (\(systemMessage()))",
        cure: "check the file and the disk it is on")
    }
    guard count > 0 else {
      isAtEnd = true
      return false
    }
    hash?.update(UnsafeRawBufferPointer(rebasing: room[..<count]))
    end += count
    bytesRead += count
    return true
  }

  /// The next bytes, without consuming them.
  ///
  /// - Parameter count: far less than the buffer holds.
  /// - Returns: fewer bytes only where the file ends before.
  /// - Throws: an error where the file cannot be read.
  func peek(_ count: Int) throws(TraceError) -> UnsafeRawBufferPointer {
    while end - start < count, try fill() {}
    return UnsafeRawBufferPointer(rebasing: available.prefix(count))
  }

  /// Reads to the end of the file and gives the hash of all of it, once.
  func finishHash() throws(TraceError) -> String {
    repeat { consume(end - start) } while try fill()
    guard let hash = hash.take() else { preconditionFailure("the hash was finished before") }
    return hash.finish()
  }
}

private func systemMessage() -> String { String(cString: strerror(errno)) }
