/// Where a block stands, for errors.
struct BlockPlace: Sendable {
  var file = ""
  var number = 0
  var byte = 0

  /// The error for a block whose bytes contradict each other.
  func damaged(_ problem: String) -> TraceError {
    TraceError(
      file: file, place: "block \(number) at byte \(byte)", problem: problem,
      cure: "the file is damaged: copy or import it again, or see what `nestwalk verify` can use")
  }
}
