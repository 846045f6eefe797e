import Machine

/// What the rules take for too much, in the units in which it is counted.
struct IsolationPolicy: Sendable {
  let windowNanoseconds: UInt64
  /// Of a window, in traces without times.
  let windowRequests: UInt64
  let faults: Int
  let writes: Int
  let interrupts: Int
  let entries: Int

  init(_ description: IsolationDescription = .usual) {
    windowNanoseconds = UInt64(description.windowMicroseconds) * 1000
    windowRequests = UInt64(description.windowRequests)
    faults = description.faults
    writes = description.writes
    interrupts = description.interrupts
    entries = description.entries
  }
}
