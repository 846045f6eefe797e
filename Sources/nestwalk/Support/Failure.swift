import ArgumentParser
import Machine
import TraceFile
import Translation

/// The exit codes of the contract.
enum Exit {
  static let stopped = ExitCode(1)
  static let refused = ExitCode(2)
}

/// Runs a command's body; an error of the user's files becomes one line on stderr and exit code 2.
func refusing(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as TraceError {
    try refuse(error.description)
  } catch let error as MachineError {
    try refuse(error.description)
  } catch let error as FileError {
    try refuse(error.description)
  } catch let error as ConservationError {
    try refuse(error.description)
  }
}

private func refuse(_ problem: String) throws -> Never {
  // One line whatever a file's name or a quoted value holds.
  let line = problem.split(whereSeparator: \.isNewline).joined(separator: " ")
  printError("nestwalk: \(line)")
  throw Exit.refused
}
