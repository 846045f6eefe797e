/// A law of counting that a run broke: some counter is wrong, so the run has no result.
public struct ConservationError: Error, CustomStringConvertible {
  /// Each broken law with both of its sides.
  public var broken: [String]

  /// One line.
  public var description: String {
    "the counters contradict each other (\(broken.joined(separator: "; "))); "
      + "this is a defect of nestwalk, please report it with the trace and the machine"
  }
}

/// The laws that every run's counters obey.
struct Conservation {
  private var broken: [String] = []

  mutating func equal(_ left: Int, _ right: Int, _ law: String) {
    if left != right { broken.append("\(law): \(left) and \(right)") }
  }

  mutating func nonnegative(_ value: Int, _ name: String) {
    if value < 0 { broken.append("\(name) is \(value)") }
  }

  /// Ends the run where a law is broken.
  func check() throws(ConservationError) {
    if !broken.isEmpty { throw ConservationError(broken: broken) }
  }
}
