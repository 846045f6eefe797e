import Foundation
import Testing

/// What one run of the program did.
struct Outcome {
  /// Its exit code, or 128 and the signal that ended it.
  var status: Int32
  var output: Data
  var errors: String

  /// What it printed on stdout.
  var text: String { String(decoding: output, as: UTF8.self) }

  /// The lines that it printed on stderr.
  var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// The program as it was built with these tests, run as a user runs it.
enum Nestwalk {
  /// Beside the test bundle, which is the process that runs.
  static let binary = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "nestwalk").path

  /// Runs the program to its end.
  static func run(
    _ arguments: [String], in folder: Folder, input: Running.Input = .nothing,
    environment: [String: String] = [:]
  ) throws -> Outcome {
    try Running(
      program: binary, arguments, in: folder.url, input: input, environment: environment
    ).outcome()
  }

  /// Runs the program, which has to succeed without a word on stderr but for the files it wrote.
  @discardableResult
  static func succeed(
    _ arguments: [String], in folder: Folder, input: Running.Input = .nothing,
    environment: [String: String] = [:], location: SourceLocation = #_sourceLocation
  ) throws -> String {
    let outcome = try run(arguments, in: folder, input: input, environment: environment)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)", sourceLocation: location)
    #expect(
      outcome.errorLines.allSatisfy { $0.hasPrefix("nestwalk: wrote ") },
      "\(arguments): \(outcome.errors)", sourceLocation: location)
    return outcome.text
  }
}
