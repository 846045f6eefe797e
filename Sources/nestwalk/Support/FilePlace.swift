#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A place in the file system, equal to another where both paths lead to one file.
struct FilePlace: Hashable {
  private let device: dev_t
  private let node: ino_t
  /// The path without `.` and doubled slashes, where no file is there yet.
  private let path: String

  /// - Parameter path: `-`, the standard streams, is a place only to itself.
  init(_ path: String) {
    var status = stat()
    guard path != "-", stat(path, &status) == 0 else {
      (device, node) = (0, 0)
      let parts = path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      self.path = path.hasPrefix("/") ? "/" + parts : parts
      return
    }
    (device, node, self.path) = (status.st_dev, status.st_ino, "")
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
