/// What a hypervisor has to keep in a posted-interrupt descriptor, by what its virtual processor does.
///
/// Source: VT-d specification, "Virtual Machine Monitor usage of posted interrupts"; Linux 6.12
/// arch/x86/kvm/vmx/posted_intr.c: `vmx_vcpu_pi_load` when it runs, `vmx_vcpu_pi_put` when it is
/// preempted, `pi_enable_wakeup_handler` when it blocks.
struct PostedContract: Sendable {
  /// The vector that a core in guest mode takes as "look into your descriptor".
  var notification: UInt8
  /// The vector whose handler wakes virtual processors that blocked on this core.
  var wakeup: UInt8
  var isExtended: Bool

  /// What a virtual processor does.
  enum Activity: BitwiseCopyable, Equatable, Sendable {
    case running(core: UInt32)
    case preempted
    /// It waits for an interrupt, on the list of the core that it last ran on.
    case blocked(core: UInt32)
  }

  /// A way in which a descriptor disagrees with what its virtual processor does.
  enum Breach: UInt8, Sendable, CaseIterable {
    case none
    /// It runs, and notifications go to another core.
    case wrongCore
    /// It runs, and notifications are suppressed: a vector waits until the next entry.
    case suppressedWhileRunning
    /// It runs, and notifications have the wake-up vector: an exit for nothing.
    case wakeupWhileRunning
    /// It does not run, and notifications are sent: an interrupt for nothing.
    case notifiedWhilePreempted
    /// It is blocked, and no notification is sent: nothing wakes it.
    case suppressedWhileBlocked
    /// It is blocked, and notifications do not have the wake-up vector: nothing wakes it.
    case notWokenWhileBlocked
    /// It is blocked, and notifications go to a core on whose list it is not: nothing wakes it.
    case wrongCoreWhileBlocked
    /// It was blocked although vectors waited: nothing is sent for them any more.
    case blockedWithRequests
  }

  /// The first disagreement of a descriptor with an activity.
  func breach(_ control: PostedControl, _ activity: Activity) -> Breach {
    switch activity {
    case .running(let core):
      if control.core(isExtended: isExtended) != core { return .wrongCore }
      if control.isSuppressed { return .suppressedWhileRunning }
      return control.notificationVector == notification ? .none : .wakeupWhileRunning
    case .preempted:
      return control.isSuppressed ? .none : .notifiedWhilePreempted
    case .blocked(let core):
      if control.isSuppressed { return .suppressedWhileBlocked }
      if control.notificationVector != wakeup { return .notWokenWhileBlocked }
      return control.core(isExtended: isExtended) == core ? .none : .wrongCoreWhileBlocked
    }
  }

  /// What the contract asks a hypervisor to write when an activity begins.
  ///
  /// - Parameters:
  ///   - descriptor: as it is; a request that waits when it begins to run is outstanding.
  ///   - activity: that begins.
  func update(_ descriptor: inout PostedDescriptor, for activity: Activity) {
    switch activity {
    case .running(let core):
      descriptor.control.setCore(core, isExtended: isExtended)
      descriptor.control.notificationVector = notification
      descriptor.control.isSuppressed = false
      if !descriptor.isEmpty { descriptor.control.isOutstanding = true }
    case .preempted:
      descriptor.control.isSuppressed = true
    case .blocked(let core):
      descriptor.control.setCore(core, isExtended: isExtended)
      descriptor.control.notificationVector = wakeup
      descriptor.control.isSuppressed = false
    }
  }
}
