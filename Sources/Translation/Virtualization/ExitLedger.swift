import Machine

/// Exits by reason, and what they cost under a hypervisor of some kind.
struct ExitLedger {
  /// Exits that the trace recorded and those that the model derives.
  private(set) var counts = [Int](repeating: 0, count: ExitReason.allCases.count)
  private(set) var cycles = 0
  /// Exits whose handling takes a process.
  private(set) var userSpace = 0
  private let costs: ExitsDescription?

  init(_ costs: ExitsDescription?) { self.costs = costs }

  /// Counts exits for one reason.
  mutating func count(_ reason: ExitReason, _ more: Int = 1) {
    guard more > 0 else { return }
    counts[reason.rawValue] += more
    guard let costs else { return }
    if costs.hypervisor == .thin { userSpace += more }
    cycles += more * Self.cycles(of: reason, costs)
  }

  /// What one exit costs.
  ///
  /// Model: an exit costs its round trip and its handler, the same for every reason; a thin
  /// hypervisor adds the way into a process and back. Without hardware support a privileged
  /// instruction costs a trap (the same round trip), or under binary translation a call instead.
  static func cycles(of reason: ExitReason, _ costs: ExitsDescription) -> Int {
    switch costs.hypervisor {
    case .full, .trapAndEmulate: costs.roundTripCycles + costs.handlerCycles
    case .thin: costs.roundTripCycles + costs.userSpaceCycles + costs.handlerCycles
    case .binaryTranslation:
      (reason.isPrivilegedInstruction || reason == .cpuid || reason == .rdtsc
        ? costs.calloutCycles : costs.roundTripCycles) + costs.handlerCycles
    }
  }

  /// Each reason that occurred, with how often.
  var byReason: [(name: String, count: Int)] {
    zip(ExitReason.allCases, counts).filter { $0.1 > 0 }.map { ($0.0.name, $0.1) }
  }

  var total: Int { counts.reduce(0, +) }

  /// How often an exit for one reason was counted.
  subscript(_ reason: ExitReason) -> Int { counts[reason.rawValue] }
}
