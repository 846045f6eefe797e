import Foundation
import Testing

/// The files of the repository that tests read.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
  }

  /// Files under a folder whose names end so, by path from the root, in order.
  static func files(under folder: String, suffixes: [String]) -> [String] {
    (FileManager.default.subpaths(atPath: root.appending(path: folder).path) ?? [])
      .filter { path in
        suffixes.contains { path.hasSuffix($0) }
          && !path.split(separator: "/").contains { $0.hasPrefix(".build") }
      }
      .map { "\(folder)/\($0)" }.sorted()
  }
}

/// The shipped traces.
enum Shipped {
  static func path(_ name: String) -> String {
    Repository.root.appending(path: "traces/\(name)").path
  }

  static func sample(_ name: String) -> String { path("samples/\(name)") }

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path(name))))
  }

  /// One row of the tables of `traces/README.md`.
  struct Row: Sendable, CustomTestStringConvertible {
    var file: String
    var records: Int
    var sha256: String
    var command: String
    var testDescription: String { file }
  }

  /// The tables of `traces/README.md`; a row that cannot be read is missing here, which a test sees.
  static let table: [Row] = {
    let text = (try? Repository.text("traces/README.md")) ?? ""
    return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { line in
      // A bar within a cell is written \|.
      let cells = line.replacing("\\|", with: "\u{1}").split(separator: "|").map {
        $0.replacing("\u{1}", with: "|").trimmingCharacters(in: CharacterSet(charactersIn: " `"))
      }
      guard cells.count == 6, let records = Int(cells[3]) else { return nil }
      return Row(file: cells[0], records: records, sha256: cells[4], command: cells[5])
    }
  }()

  static let samples = table.map(\.file).filter { $0.hasPrefix("samples/") }
}

/// The value of a line `name   value` of a command's output, up to two blanks.
func value(_ name: String, in text: String) -> String? {
  for line in text.split(separator: "\n") where line.hasPrefix(name + " ") {
    let rest = line.dropFirst(name.count).drop { $0 == " " }
    return String(rest.firstRange(of: "  ").map { rest[..<$0.lowerBound] } ?? rest)
  }
  return nil
}

/// A number as the program prints it for people.
func number(_ text: String?) -> Int? {
  text.flatMap { Int($0.replacing(",", with: "")) }
}
