/// Why a machine description was refused: the file, the place in it, the problem and the cure.
public struct MachineError: Error, Equatable, CustomStringConvertible {
  /// The file or preset, or `--set`.
  public var file: String
  /// The JSON path, such as `tlbs[1].ways`.
  public var place: String
  /// What was found.
  public var problem: String
  /// What is allowed.
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
