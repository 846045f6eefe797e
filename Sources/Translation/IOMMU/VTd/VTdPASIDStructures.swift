// Layouts of the PASID directory and table: Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1; every field
// compared with Linux 6.12, drivers/iommu/intel/iommu.h and pasid.h, and QEMU, intel_iommu_internal.h.

/// An entry of the PASID directory, found by bits 19:6 of a PASID.
///
/// Source: VT-d, "Scalable-Mode PASID Directory Entry".
struct VTdPASIDDirectoryEntry: HardwareWord {
  var rawValue: UInt64

  static let table = BitRange(63, 12)  // SMPTBLPTR
  static let reserved = BitRange(11, 2)
  static let disablesFaults = BitRange(1)  // FPD
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("table", table), ("reserved", reserved), ("disablesFaults", disablesFaults),
      ("present", present),
    ]
  }
}

/// The first word of a PASID table entry, which has eight; the last five are reserved here.
///
/// Source: VT-d, "Scalable-Mode PASID Table Entry".
struct VTdPASIDEntry0: HardwareWord {
  var rawValue: UInt64

  static let secondTable = BitRange(63, 12)  // SSPTPTR
  static let available = BitRange(11, 10)
  static let accessedDirty = BitRange(9)  // SSADE
  static let type = BitRange(8, 6)  // PGTT: 1 first stage, 2 second, 3 nested, 4 pass-through
  static let secondExecute = BitRange(5)  // SSEE
  static let secondWidth = BitRange(4, 2)  // AW: 1 has 3 levels, 2 has 4, 3 has 5
  static let disablesFaults = BitRange(1)  // FPD
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("secondTable", secondTable), ("available", available), ("accessedDirty", accessedDirty),
      ("type", type), ("secondExecute", secondExecute), ("secondWidth", secondWidth),
      ("disablesFaults", disablesFaults), ("present", present),
    ]
  }
}

/// The second word of a PASID table entry.
///
/// Source: VT-d, "Scalable-Mode PASID Table Entry".
struct VTdPASIDEntry1: HardwareWord {
  var rawValue: UInt64

  static let memoryType = BitRange(63, 25)  // PAT and what goes with it; not modelled
  static let pageSnoop = BitRange(24)  // PGSNP
  static let walkSnoop = BitRange(23)  // PWSNP
  static let cacheDisable = BitRange(22)  // PCD
  static let writeThrough = BitRange(21)  // PWT
  static let cacheControl = BitRange(20)  // CD
  static let memoryTypes = BitRange(19, 17)  // EMTE, EMT
  static let reserved = BitRange(16)
  static let domain = BitRange(15, 0)  // DID

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("memoryType", memoryType), ("pageSnoop", pageSnoop), ("walkSnoop", walkSnoop),
      ("cacheDisable", cacheDisable), ("writeThrough", writeThrough),
      ("cacheControl", cacheControl), ("memoryTypes", memoryTypes), ("reserved", reserved),
      ("domain", domain),
    ]
  }
}

/// The third word of a PASID table entry.
///
/// Source: VT-d, "Scalable-Mode PASID Table Entry".
struct VTdPASIDEntry2: HardwareWord {
  var rawValue: UInt64

  static let firstTable = BitRange(63, 12)  // FSPTPTR
  static let reservedHigh = BitRange(11, 8)
  static let extendedAccessed = BitRange(7)  // EAFE
  static let reserved = BitRange(6, 5)
  static let writeProtect = BitRange(4)  // WPE
  static let firstLevels = BitRange(3, 2)  // FSPM: 00 has 4 levels, 01 has 5
  static let execution = BitRange(1)  // ERE
  static let supervisor = BitRange(0)  // SRE

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("firstTable", firstTable), ("reservedHigh", reservedHigh),
      ("extendedAccessed", extendedAccessed), ("reserved", reserved),
      ("writeProtect", writeProtect), ("firstLevels", firstLevels), ("execution", execution),
      ("supervisor", supervisor),
    ]
  }
}
