/// The reasons that VT-d gives for blocking a request.
///
/// Source: Intel VT-d 4.1, "Fault Conditions"; the numbers by Linux 6.12,
/// drivers/iommu/intel/dmar.c, `dma_remap_fault_reasons` and `dma_remap_sm_fault_reasons`, and QEMU,
/// hw/i386/intel_iommu_internal.h, `VTDFaultReason`.
///
/// Model: memory that can be read can be written, so that 91h (an accessed or dirty flag could not be
/// set, QEMU's SFS.10) has no cause here; a log's is kept.
enum VTdFault {
  // Legacy mode.
  static let rootNotPresent: UInt16 = 0x01
  static let contextNotPresent: UInt16 = 0x02
  static let contextInvalid: UInt16 = 0x03
  static let beyondWidth: UInt16 = 0x04
  static let write: UInt16 = 0x05
  static let read: UInt16 = 0x06
  static let tableAccess: UInt16 = 0x07
  static let rootAccess: UInt16 = 0x08
  static let contextAccess: UInt16 = 0x09
  static let rootReserved: UInt16 = 0x0a
  static let contextReserved: UInt16 = 0x0b
  static let entryReserved: UInt16 = 0x0c
  static let typeBlocks: UInt16 = 0x0d
  /// Recalled: Linux and QEMU have no name for it.
  static let interruptRange: UInt16 = 0x0e

  // Scalable mode.
  static let rootAddressInvalid: UInt16 = 0x30
  static let legacyWithPASID: UInt16 = 0x31
  static let scalableRootAccess: UInt16 = 0x38
  static let scalableRootNotPresent: UInt16 = 0x39
  static let scalableRootReserved: UInt16 = 0x3a
  static let scalableContextAccess: UInt16 = 0x40
  static let scalableContextNotPresent: UInt16 = 0x41
  static let scalableContextReserved: UInt16 = 0x42
  static let scalableContextInvalid: UInt16 = 0x43
  static let deviceTLBDisabled: UInt16 = 0x44
  static let pasidDisabled: UInt16 = 0x45
  static let pasidTooLarge: UInt16 = 0x46
  static let pageRequestDisabled: UInt16 = 0x47
  static let requesterPASID: UInt16 = 0x48
  static let directoryAccess: UInt16 = 0x50
  static let directoryNotPresent: UInt16 = 0x51
  static let directoryReserved: UInt16 = 0x52
  static let pasidAccess: UInt16 = 0x58
  static let pasidNotPresent: UInt16 = 0x59
  static let pasidReserved: UInt16 = 0x5a
  static let pasidInvalid: UInt16 = 0x5b
  static let executionDisabled: UInt16 = 0x5c
  static let supervisorDisabled: UInt16 = 0x5d
  static let firstAccess: UInt16 = 0x70
  static let firstNotPresent: UInt16 = 0x71
  static let firstReserved: UInt16 = 0x72
  static let firstRootAccess: UInt16 = 0x73
  static let firstBeyondWidth: UInt16 = 0x74
  static let firstRootUnreadable: UInt16 = 0x75
  static let firstUnreadable: UInt16 = 0x76
  static let firstUnwritable: UInt16 = 0x77
  static let secondAccess: UInt16 = 0x78
  static let secondNotPresent: UInt16 = 0x79
  static let secondReserved: UInt16 = 0x7a
  static let secondRootAccess: UInt16 = 0x7b
  static let secondUnsnooped: UInt16 = 0x7c
  static let notCanonical: UInt16 = 0x80
  static let userForbidden: UInt16 = 0x81
  static let executeForbidden: UInt16 = 0x82
  static let scalableBeyondWidth: UInt16 = 0x83
  static let outputBeyondWidth: UInt16 = 0x84
  static let scalableWrite: UInt16 = 0x85
  static let scalableRead: UInt16 = 0x86
  static let scalableInterruptRange: UInt16 = 0x87
  static let firstUnsnooped: UInt16 = 0x90

  /// Whether FPD keeps the fault from being recorded: a fault that is found once the entry with the
  /// FPD bit was read and is sound.
  ///
  /// Source: Intel VT-d 4.1, "Fault Conditions", column "Qualified"; for legacy mode as QEMU has it in
  /// `vtd_qualified_faults`.
  static func isQualified(_ code: UInt16) -> Bool {
    switch code {
    case contextInvalid, beyondWidth, write, read, tableAccess, entryReserved, typeBlocks,
      interruptRange:
      true
    case scalableContextInvalid...requesterPASID, directoryAccess...directoryReserved,
      pasidAccess...supervisorDisabled, firstAccess...0x7c, notCanonical...scalableInterruptRange,
      0x90...0x91:
      true
    default: false
    }
  }

  /// What scalable mode says where legacy mode says `code`.
  static func scalable(_ code: UInt16) -> UInt16 {
    switch code {
    case rootNotPresent: scalableRootNotPresent
    case contextNotPresent: scalableContextNotPresent
    case contextInvalid: scalableContextInvalid
    case beyondWidth: scalableBeyondWidth
    case write: scalableWrite
    case read: scalableRead
    case tableAccess: secondAccess
    case rootAccess: scalableRootAccess
    case contextAccess: scalableContextAccess
    case rootReserved: scalableRootReserved
    case contextReserved: scalableContextReserved
    case entryReserved: secondReserved
    case interruptRange: scalableInterruptRange
    default: code
    }
  }
}
