#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// An output that appears whole or not at all: written beside its place, then renamed.
final class PendingFile {
  let path: String
  private(set) var descriptor: Int32
  private let temporary: String
  private var slot: Int?

  /// Opens an output that nobody sees before `commit`.
  ///
  /// - Parameter path: `-` for stdout, which gets the whole output once it is complete.
  /// - Throws: why the place cannot be written.
  init(_ path: String) throws(FileError) {
    self.path = path
    // Said before the work, and before another output is in its place.
    guard !FilePlace.isFolder(path) else { throw FileError(path, "is a directory") }
    let scratch = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    let base = path == "-" ? "\(scratch)/nestwalk" : path
    temporary = "\(base).\(getpid()).partial"
    descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw FileError(path, "cannot be created (\(systemReason()))")
    }
    slot = PartialFiles.add(temporary)
  }

  deinit { discard() }

  /// Puts the output in its place.
  func commit() throws(FileError) {
    if path == "-" {
      try copyToStandardOutput()
      discard()
      return
    }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else {
      let reason = systemReason()
      unlink(temporary)
      throw FileError(path, "cannot be written (\(reason))")
    }
    descriptor = -1
    forget()
  }

  /// Removes what was written; does nothing after `commit`.
  func discard() {
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    unlink(temporary)
    forget()
  }

  private func forget() {
    if let slot { PartialFiles.remove(slot) }
    slot = nil
  }

  private func copyToStandardOutput() throws(FileError) {
    lseek(descriptor, 0, SEEK_SET)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return }
      try writeAll(Array(chunk[..<count]), to: STDOUT_FILENO, file: path)
    }
  }
}

/// The unfinished outputs, so that an interrupted run leaves nothing behind.
enum PartialFiles {
  private static let capacity = 64
  // Written before the handler can see them and never freed: a handler may touch nothing else.
  nonisolated(unsafe) private static let paths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> =
    {
      let paths = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: capacity)
      paths.initialize(repeating: nil, count: capacity)
      return paths
    }()

  static func add(_ path: String) -> Int? {
    for slot in 0..<capacity where paths[slot] == nil {
      paths[slot] = strdup(path)
      return slot
    }
    return nil
  }

  static func remove(_ slot: Int) { paths[slot] = nil }

  /// Removes unfinished outputs on Ctrl-C and on the system's request to end, and makes a closed
  /// pipe an error and not a death.
  static func installHandlers() {
    _ = paths
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      let before = signal(number) { received in
        for slot in 0..<PartialFiles.capacity {
          if let path = PartialFiles.paths[slot] { unlink(path) }
        }
        _exit(128 + received)
      }
      // What `nohup` or a shell's background job ignores stays ignored.
      if unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        signal(number, SIG_IGN)
      }
    }
  }
}
