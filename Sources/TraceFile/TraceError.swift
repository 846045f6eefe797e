/// Why a trace file was refused: the file, the place in it, the problem and the cure.
public struct TraceError: Error, Equatable, CustomStringConvertible {
  /// The path as the user gave it, or `-` for standard input.
  public var file: String
  /// Such as `byte 81920`, `line 12` or `header`.
  public var place: String
  /// What was found and what was expected.
  public var problem: String
  /// What the user can do.
  public var cure: String

  /// Creates an error of its parts.
  public init(file: String, place: String, problem: String, cure: String) {
    self.file = file
    self.place = place
    self.problem = problem
    self.cure = cure
  }

  /// One line: file, place, problem, cure.
  public var description: String { "\(file): \(place): \(problem); \(cure)" }
}
