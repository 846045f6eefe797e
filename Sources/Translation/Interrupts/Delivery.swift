/// Where an interrupt ended.
struct Delivery: BitwiseCopyable, Sendable {
  enum Result: UInt8, Sendable, CaseIterable {
    /// A running virtual processor took it without an exit.
    case direct
    /// The hypervisor took it and injected it.
    case injected
    /// It waits until its virtual processor next enters.
    case pending
    /// The host took it: it is the host's device's, or no virtual processor is known.
    case host
    /// It reached a core or a guest that it is not for.
    case misdelivered
    /// The remapping unit stopped it.
    case blocked
    /// Nothing says where it goes.
    case unknown
  }

  /// What went wrong on the way, besides the result.
  enum Defect: UInt8, Sendable, CaseIterable {
    case none
    /// A notification reached a core while the virtual processor ran on another.
    case wrongCore
    /// Nothing tells the virtual processor, or wakes it.
    case lostNotification
    /// A notification that nobody needed.
    case spuriousNotification
    /// A message that a guest's device chose itself reached the host.
    case forged
  }

  // Words first, as in `InterruptMessage`.
  /// Its virtual processor; -1 for none.
  var processor = -1
  /// Another that executed guest code where it arrived; -1 for none.
  var disturbed = -1
  /// VM exits that it caused.
  var exits = 0
  /// Modelled, without the time that it waits.
  var nanoseconds = 0
  /// Of that, what the host's processors spend: exits, injection, forwarding.
  var hostNanoseconds = 0
  /// Where the interrupt or its notification arrived; `noCore` for none.
  var core: UInt32 = noCore
  var result: Result
  var defect: Defect = .none
  /// How the descriptor disagreed with its contract.
  var breach: PostedContract.Breach = .none
  /// The vector was already waiting: both are one interrupt.
  var isMerged = false
  /// The host passed it on to another core.
  var isForwarded = false
  /// AMD-Vi wrote it into the guest log, because its virtual processor does not run.
  var isLogged = false

  static let noCore: UInt32 = .max

  init(_ result: Result) { self.result = result }
}
