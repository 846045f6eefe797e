// Layouts of the root table: Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1; every field
// compared with Linux 6.12, drivers/iommu/intel/iommu.h and pasid.h, and QEMU, intel_iommu_internal.h.

/// The register that says where the root table is (RTADDR_REG, 020h).
///
/// Source: VT-d, "Root Table Address Register".
struct VTdRootAddress: HardwareWord {
  var rawValue: UInt64

  static let table = BitRange(63, 12)  // RTA
  static let mode = BitRange(11, 10)  // TTM: 00 legacy, 01 scalable, 11 abort
  static let reserved = BitRange(9, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("table", table), ("mode", mode), ("reserved", reserved),
    ]
  }
}

/// The low word of a root entry; in scalable mode it serves device numbers below 16.
///
/// Source: VT-d, "Root Entry" and "Scalable-Mode Root Entry" (LP, LCTP).
struct VTdRootEntryLow: HardwareWord {
  var rawValue: UInt64

  static let table = BitRange(63, 12)  // CTP, LCTP
  static let reserved = BitRange(11, 1)
  static let present = BitRange(0)  // P, LP

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("table", table), ("reserved", reserved), ("present", present),
    ]
  }
}

/// The high word of a root entry: reserved in legacy mode, device numbers from 16 in scalable mode.
///
/// Source: VT-d, "Scalable-Mode Root Entry" (UP, UCTP).
struct VTdRootEntryHigh: HardwareWord {
  var rawValue: UInt64

  static let table = BitRange(63, 12)  // UCTP
  static let reserved = BitRange(11, 1)
  static let present = BitRange(0)  // UP

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("table", table), ("reserved", reserved), ("present", present),
    ]
  }
}
