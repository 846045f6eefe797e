// Layouts of context entries: Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1; every field
// compared with Linux 6.12, drivers/iommu/intel/iommu.h and pasid.h, and QEMU, intel_iommu_internal.h.

/// The low word of a legacy context entry.
///
/// Source: VT-d, "Context Entry".
struct VTdContextLow: HardwareWord {
  var rawValue: UInt64

  static let table = BitRange(63, 12)  // SSPTPTR
  static let reserved = BitRange(11, 4)
  static let type = BitRange(3, 2)  // TT: 00 no ATS, 01 with ATS, 10 pass-through
  static let disablesFaults = BitRange(1)  // FPD
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("table", table), ("reserved", reserved), ("type", type), ("disablesFaults", disablesFaults),
      ("present", present),
    ]
  }
}

/// The high word of a legacy context entry.
///
/// Source: VT-d, "Context Entry".
struct VTdContextHigh: HardwareWord {
  var rawValue: UInt64

  static let reservedHigh = BitRange(63, 24)
  static let domain = BitRange(23, 8)  // DID
  static let reserved = BitRange(7)
  static let available = BitRange(6, 3)
  static let width = BitRange(2, 0)  // AW: 1 has 3 levels, 2 has 4, 3 has 5

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedHigh", reservedHigh), ("domain", domain), ("reserved", reserved),
      ("available", available), ("width", width),
    ]
  }
}

/// The first word of a scalable-mode context entry; the entry's third and fourth are reserved.
///
/// Source: VT-d, "Scalable-Mode Context Entry".
struct VTdScalableContextLow: HardwareWord {
  var rawValue: UInt64

  static let directory = BitRange(63, 12)  // PASIDDIRPTR
  static let directorySize = BitRange(11, 9)  // PDTS: the directory has 2^(PDTS + 7) entries
  static let reserved = BitRange(8, 5)
  static let pageRequests = BitRange(4)  // PRE
  static let pasids = BitRange(3)  // PASIDE
  static let deviceTLB = BitRange(2)  // DTE
  static let disablesFaults = BitRange(1)  // FPD
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("directory", directory), ("directorySize", directorySize), ("reserved", reserved),
      ("pageRequests", pageRequests), ("pasids", pasids), ("deviceTLB", deviceTLB),
      ("disablesFaults", disablesFaults), ("present", present),
    ]
  }
}

/// The second word of a scalable-mode context entry.
///
/// Source: VT-d, "Scalable-Mode Context Entry".
struct VTdScalableContextHigh: HardwareWord {
  var rawValue: UInt64

  static let reserved = BitRange(63, 21)
  static let privileged = BitRange(20)  // RID_PRIV
  static let pasid = BitRange(19, 0)  // RID_PASID

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reserved", reserved), ("privileged", privileged), ("pasid", pasid),
    ]
  }
}
