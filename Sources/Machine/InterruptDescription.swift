/// How a machine's devices interrupt it.
public struct InterruptDescription: Sendable, Equatable {
  /// What becomes of messages.
  public var mode: InterruptMode
  /// What holds before the trace's first write of the unit's registers.
  public var start: InterruptStart
  /// Cores that interrupts are delivered to; core n has APIC id n.
  public var cores: Int
  /// Entries that the unit keeps; no ways for none.
  public var entryCache: InterruptCacheDescription
  /// Vectors that the hypervisor gives notifications of posted interrupts.
  public var vectors: InterruptVectors
  /// What the steps of a delivery cost.
  public var costs: InterruptCosts
  /// Where the unit is not what its architecture says.
  public var quirks: Set<InterruptQuirk>
  /// The processors' clock, by which time is told in cycles too.
  public var clockMegahertz: Int?

  /// Nothing: what a machine without the key has.
  public static let absent = InterruptDescription(
    mode: .none,
    start: InterruptStart(
      isEnabled: false, isExtended: false, passesCompatibility: true, entries: 0,
      hasLongEntries: true),
    cores: 1, entryCache: InterruptCacheDescription(sets: 1, ways: 0, replacement: .lru),
    vectors: InterruptVectors(notification: 0, wakeup: 0),
    costs: InterruptCosts(
      remapNanoseconds: 0, referenceNanoseconds: 0, deliveryNanoseconds: 0, postNanoseconds: 0,
      exitNanoseconds: 0, injectionNanoseconds: 0, forwardNanoseconds: 0, wakeupNanoseconds: 0),
    quirks: [])
}

/// What becomes of messages, so that one trace can be replayed on each alternative.
public enum InterruptMode: String, Sendable, CaseIterable {
  /// No unit checks a message: what an entry says is delivered unchecked.
  case none
  /// Entries are checked; those that post interrupt the host, which injects.
  case remapped
  /// Entries are checked, and those that post do.
  case posted
}

/// A remapping unit's state before the trace's first write of its registers.
public struct InterruptStart: Sendable, Equatable {
  /// Messages are remapped; VT-d's IRE.
  public var isEnabled: Bool
  /// Destinations have 32 bits; VT-d's EIME, AMD-Vi's XTEn.
  public var isExtended: Bool
  /// Messages in compatibility format pass; VT-d's CFIS.
  public var passesCompatibility: Bool
  /// Entries of the table.
  public var entries: Int
  /// Entries have 128 bits, as VT-d's always do; AMD-Vi's GAEn.
  public var hasLongEntries: Bool
}

/// The size of the interrupt entry cache.
public struct InterruptCacheDescription: Sendable, Equatable {
  /// A power of two.
  public var sets: Int
  /// Entries in each set; 0 for a unit that reads memory for each message.
  public var ways: Int
  /// Which entry of a full set goes.
  public var replacement: ReplacementName
}

/// Vectors that a hypervisor gives notifications.
public struct InterruptVectors: Sendable, Equatable {
  /// Of a virtual processor that may run.
  public var notification: Int
  /// Of one that is blocked.
  public var wakeup: Int
}

/// What the steps of a delivery cost, in nanoseconds.
public struct InterruptCosts: Sendable, Equatable {
  /// The unit's work for a message whose entry it has.
  public var remapNanoseconds: Int
  /// An entry read from memory.
  public var referenceNanoseconds: Int
  /// From the unit to the first instruction of a handler, in host or guest.
  public var deliveryNanoseconds: Int
  /// The update of a posted-interrupt descriptor.
  public var postNanoseconds: Int
  /// A VM exit and the entry after it.
  public var exitNanoseconds: Int
  /// The hypervisor's work to inject an interrupt.
  public var injectionNanoseconds: Int
  /// An interrupt from one core to another.
  public var forwardNanoseconds: Int
  /// From a notification to a blocked virtual processor's run.
  public var wakeupNanoseconds: Int
}

/// A way in which a unit differs from its architecture.
public enum InterruptQuirk: String, Sendable, CaseIterable {
  /// A range of buses ends at SID 15:8 and begins at SID 7:0.
  case busRangeReversed = "bus-range-reversed"
  /// Messages in compatibility format pass whatever the registers say.
  case compatibilityPasses = "compatibility-passes"
  /// An index is cut to 16 bits and not compared with the table's size.
  case indexUnchecked = "index-unchecked"
  /// Blocked messages leave no record in the fault or event log.
  case faultsNotRecorded = "faults-not-recorded"
}
