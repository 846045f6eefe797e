extension IsolationMonitor {
  /// The check that stops a message, in words, with its fault reason.
  static func stop(_ outcome: InterruptOutcome) -> String {
    let entry = outcome.index == InterruptOutcome.noIndex ? "" : " of entry \(outcome.index)"
    let what =
      switch outcome.check {
      case .none: "nothing"
      case .request: "the check of the message's reserved bits"
      case .index: "the bound of the table, below index \(outcome.index)"
      case .access: "the read" + entry
      case .present: "the present bit" + entry
      case .reserved: "the check of the reserved bits" + entry
      case .format: "the block of compatibility format"
      case .source:
        "the source check\(entry), which allows "
          + InterruptUnit.sources(outcome.entry.high, VTdInterrupts(isEnabled: true))
      case .device: "the device's table entry"
      }
    return what + " (" + InterruptCounters.name(of: Int(outcome.fault)) + ")"
  }
}
