import Foundation
import Testing

/// A result as another program would read it.
struct ResultFile: Decodable {
  struct Trace: Decodable {
    var name: String
    var sha256: String
    var records: Int
    var notes: [String]
  }

  struct Machine: Decodable {
    var name: String
    var sha256: String
  }

  var schema: String
  var trace: Trace
  var machine: Machine
  var counters: [String: Int]
  var histograms: [String: [[Int]]]

  /// The only result of a file, or all of them.
  static func one(_ data: Data) throws -> ResultFile {
    try JSONDecoder().decode(ResultFile.self, from: data)
  }

  static func all(_ data: Data) throws -> [ResultFile] {
    try JSONDecoder().decode([ResultFile].self, from: data)
  }

  /// A file's text with the trace's name and hash, which differ between copies, blotted out.
  static func withoutIdentity(_ data: Data) throws -> String {
    let trace = try one(data).trace
    return String(decoding: data, as: UTF8.self)
      .replacing("\"\(trace.name)\"", with: "NAME").replacing(trace.sha256, with: "HASH")
  }
}
