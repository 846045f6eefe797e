/// What a remapping unit made of one message.
struct InterruptOutcome: BitwiseCopyable, Sendable {
  enum Result: UInt8, Sendable, CaseIterable {
    /// The message goes on as it was written.
    case passedThrough
    /// An entry said what becomes of it.
    case remapped
    /// An entry posted it to a virtual processor.
    case posted
    /// Stopped, for the reason in `check` and `fault`.
    case blocked
    /// Neither the trace nor the image has the entry that would decide, or what was written.
    case unresolved
  }

  /// The check that stopped a message.
  enum Check: UInt8, Sendable, CaseIterable {
    case none
    /// Reserved bits of the message are set.
    case request
    /// The index is beyond the table.
    case index
    /// The entry cannot be read.
    case access
    /// The entry is not present.
    case present
    /// Reserved bits of the entry are set.
    case reserved
    /// The format is blocked.
    case format
    /// The source is not the one that the entry allows.
    case source
    /// The device's entry blocks this kind of interrupt.
    case device
  }

  enum Lookup: UInt8, Sendable {
    /// Decided before the entry cache.
    case none
    case hit
    case miss
  }

  static let noIndex: UInt32 = .max

  // Words first, as in `InterruptMessage`.
  var message: InterruptMessage
  /// The entry that was used, from the cache or from memory.
  var entry = InterruptEntry()
  /// AMD-Vi: where the device's interrupt table is; 0 where nothing says.
  var table: UInt64 = 0
  /// Of a posted interrupt: the descriptor's address, or AMD-Vi's tag.
  var descriptor: UInt64 = 0
  var index = noIndex
  /// The architecture's code for what stopped it.
  var fault: UInt16 = 0
  var result: Result
  /// What stopped it, or would have if messages were checked.
  var check: Check = .none
  /// What is delivered; of a posted interrupt only the vector.
  var request = InterruptRequest()
  var lookup: Lookup = .none
  /// The unit remaps messages, and the machine checks them.
  var isEnforced = true
  /// The entry asks that its faults are not recorded.
  var isFaultSilent = false
  /// The trace does not say which device sent it, so that no source could be checked.
  var isSourceUnchecked = false
  var isUrgent = false

  init(_ message: InterruptMessage, _ result: Result) {
    self.message = message
    self.result = result
  }

  /// A message that was stopped.
  static func blocked(
    _ message: InterruptMessage, _ check: Check, _ fault: UInt16
  ) -> InterruptOutcome {
    var outcome = InterruptOutcome(message, .blocked)
    outcome.check = check
    outcome.fault = fault
    return outcome
  }
}

/// An interrupt remapping entry of up to 128 bits.
struct InterruptEntry: BitwiseCopyable, Equatable, Sendable {
  var low: UInt64 = 0
  var high: UInt64 = 0
}
