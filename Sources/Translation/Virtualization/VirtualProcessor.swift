import Machine

/// A virtual processor with what its control structure holds.
///
/// Intel's VMCS and AMD's VMCB hold the same for translation: the guest's CR3 with its PCID, the
/// second stage's root (EPTP, nCR3), the tag (VPID, ASID), and which events exit.
struct VirtualProcessor {
  var id: Int
  /// Place in `GuestTables.guests`.
  var guest: Int
  /// VPID or ASID.
  var tag: UInt16
  /// Place in `GuestTables.spaces`.
  var space: Int
  var pcid: UInt16 = 0
  var registers = ControlRegisters()
  var isUser = true
  /// The core that it runs on; nothing while it is descheduled.
  var core: Int?
  /// In non-root mode: running the guest and not its hypervisor.
  var isInGuest = true
  var entries = 0
  var exits = 0
}

/// Which events of a guest exit, by the mode and the kind of hypervisor.
///
/// Source: Intel SDM volume 3C, June 2016, "Instructions That Cause VM Exits Unconditionally" and
/// "Instructions That Cause VM Exits Conditionally".
struct InterceptPolicy {
  var mode: TranslationMode
  var hypervisor: HypervisorProfile

  /// Whether an event that a hypervisor may intercept leaves the guest.
  func exits(_ reason: ExitReason) -> Bool {
    guard mode.isVirtualized else { return false }
    switch reason {
    // With a second stage the guest owns its address spaces; without one each change is the VMM's.
    case .crAccess, .invlpg, .invpcid: return mode != .nested || !hasHardware
    // Only a hypervisor that emulates time or spins takes these.
    case .rdtsc, .pause, .rdpmc: return !hasHardware
    case .cpuid where hypervisor == .trapAndEmulate:
      // CPUID is no privileged instruction: without hardware support it cannot be caught by a trap.
      return false
    default: return true
    }
  }

  private var hasHardware: Bool { hypervisor == .full || hypervisor == .thin }
}
