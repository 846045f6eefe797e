/// What the isolation rules take for too much.
public struct IsolationDescription: Sendable, Equatable {
  /// Of a window over which rates are counted.
  public var windowMicroseconds: Int
  /// Requests of a window, in traces without times.
  public var windowRequests: Int
  /// Faults of one device in a window.
  public var faults: Int
  /// Writes of one device in a window.
  public var writes: Int
  /// Interrupt messages of one device in a window.
  public var interrupts: Int
  /// Present interrupt entries of one guest.
  public var entries: Int

  /// Of a machine that says nothing.
  ///
  /// Windows of 10 ms; 256 faults; a million writes, 100 M a second, which a link of 400 Gb/s carries in
  /// writes of 500 bytes; 4,000 interrupts, 400,000 a second, twice what a processor that does nothing
  /// else handles at 5 microseconds each; 2,048 entries.
  public static let usual = IsolationDescription(
    windowMicroseconds: 10_000, windowRequests: 10_000, faults: 256, writes: 1_000_000,
    interrupts: 4_000, entries: 2_048)

  /// Reads the key `isolation`; what it does not say is as usual.
  static func optional(_ node: MachineNode) throws(MachineError) -> IsolationDescription {
    var limits = Self.usual
    if node.isAbsent { return limits }
    let members = try node.members([
      "windowMicroseconds", "windowRequests", "faults", "writes", "interrupts", "entries",
    ])
    func limit(_ key: String, _ usual: Int) throws(MachineError) -> Int {
      members[key].isAbsent ? usual : try members[key].whole(1...1_000_000_000)
    }
    limits.windowMicroseconds = try limit("windowMicroseconds", limits.windowMicroseconds)
    limits.windowRequests = try limit("windowRequests", limits.windowRequests)
    limits.faults = try limit("faults", limits.faults)
    limits.writes = try limit("writes", limits.writes)
    limits.interrupts = try limit("interrupts", limits.interrupts)
    limits.entries = try limit("entries", limits.entries)
    return limits
  }

  /// The section as JSON; nothing where all of it is as usual.
  var json: JSONValue? {
    guard self != .usual else { return nil }
    return .object([
      "windowMicroseconds": .int(windowMicroseconds), "windowRequests": .int(windowRequests),
      "faults": .int(faults), "writes": .int(writes), "interrupts": .int(interrupts),
      "entries": .int(entries),
    ])
  }
}
