import Machine

/// What a run is made of besides its machine.
public struct ReplayPlan {
  /// The trace has events of processors between its records.
  public var hasEvents = false
  /// Where the tables of an image begin; nothing for tables that are synthesised.
  public var recorded: RecordedTables?
  /// Counts walks by region, if asked.
  var observer: WalkObserver?

  /// A run of records alone on synthesised tables.
  public init(hasEvents: Bool = false, recorded: RecordedTables? = nil) {
    self.hasEvents = hasEvents
    self.recorded = recorded
  }

  /// Whether the fast replay has no place for something.
  func isGeneral(on machine: MachineDescription) -> Bool {
    hasEvents || recorded != nil || observer != nil || machine.exits != nil
      || machine.mode == .shadow || machine.mode == .agile
      || machine.tlbs.contains { $0.index != .modulo }
  }
}
