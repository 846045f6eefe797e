import Foundation

/// A folder for one test, gone after it.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "nestwalk-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Every file and folder in it, by path, in order.
  var listing: [String] {
    (FileManager.default.subpaths(atPath: url.path) ?? []).sorted()
  }

  func path(_ name: String) -> URL { url.appending(path: name) }

  func data(_ name: String) throws -> Data { try Data(contentsOf: path(name)) }

  func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    try Data(bytes).write(to: path(name))
  }

  func write(_ text: String, to name: String) throws { try write(text.utf8, to: name) }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      at: path(name), withIntermediateDirectories: true)
  }
}
