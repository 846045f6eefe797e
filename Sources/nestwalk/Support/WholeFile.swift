#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What stands after the last dot of a file's name; empty where it has none.
func suffix(of path: String) -> String {
  let name = path.split(separator: "/").last ?? ""
  guard let dot = name.lastIndex(of: ".") else { return "" }
  return String(name[name.index(after: dot)...])
}

/// A text file as a whole.
///
/// - Parameter path: `-` for standard input.
/// - Returns: its text, bytes that are no UTF-8 replaced.
/// - Throws: why it cannot be read; a file above 256 MiB is refused.
func wholeText(of path: String) throws(FileError) -> String {
  let limit = 256 << 20
  let cure = "name a result that nestwalk run -o FILE.json wrote"
  let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else {
    throw FileError(path, "cannot be opened (\(systemReason()))", cure: cure)
  }
  defer { if path != "-" { close(descriptor) } }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw FileError(path, "cannot be read (\(systemReason()))", cure: cure)
    }
    if count == 0 { break }
    bytes += chunk[..<count]
    guard bytes.count <= limit else {
      throw FileError(path, "has more than \(limit) bytes", cure: cure)
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}
