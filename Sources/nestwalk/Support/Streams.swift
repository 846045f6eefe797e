#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Writes bytes to a descriptor, all of them.
///
/// - Throws: an error with the system's reason.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, file: String) throws(FileError) {
  var done = 0
  while done < bytes.count {
    let written = bytes.withUnsafeBytes {
      write(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done)
    }
    if written < 0 && errno == EINTR { continue }
    guard written > 0 else { throw FileError(file, "cannot be written (\(systemReason()))") }
    done += written
  }
}

/// Results go to stdout; a reader that has gone away ends the program quietly.
func printResult(_ text: String) {
  do {
    try writeAll(Array(text.utf8), to: STDOUT_FILENO, file: "-")
  } catch {
    exit(errno == EPIPE ? 0 : 2)
  }
}

/// Everything else goes to stderr, a line at a time.
func printError(_ line: String) {
  try? writeAll(Array((line + "\n").utf8), to: STDERR_FILENO, file: "-")
}

/// The text of the system's last error.
func systemReason() -> String { String(cString: strerror(errno)) }

/// A file that could not be read or written: the file, the problem and the cure.
struct FileError: Error, CustomStringConvertible {
  var file: String
  var problem: String
  var cure: String

  init(_ file: String, _ problem: String, cure: String = "choose another place with -o") {
    self.file = file
    self.problem = problem
    self.cure = cure
  }

  var description: String { "\(file): file: \(problem); \(cure)" }
}
