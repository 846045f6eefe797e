// Layouts of AMD-Vi's interrupt remapping, as
// - AMD I/O Virtualization Technology (IOMMU) Specification, 48882, "Interrupt Remapping Tables";
// - Linux 6.12, drivers/iommu/amd/amd_iommu_types.h (`union irte`, `irte_ga_lo`, `irte_ga_hi`)
// give them. Bit positions were compared with the second.

/// An interrupt remapping table entry of 32 bits.
struct AMDViShortEntry: HardwareWord {
  var rawValue: UInt64

  static let beyond = BitRange(63, 32)  // not part of the entry
  static let reserved = BitRange(31, 24)
  static let vector = BitRange(23, 16)  // Vector
  static let destination = BitRange(15, 8)  // Destination
  static let guestMode = BitRange(7)  // GuestMode: must be 0 in this format
  static let destinationMode = BitRange(6)  // DM: 1 logical
  static let requestEOI = BitRange(5)  // RqEoi
  static let type = BitRange(4, 2)  // IntType
  static let suppressFault = BitRange(1)  // SupIOPF
  static let enabled = BitRange(0)  // RemapEn

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("beyond", beyond), ("reserved", reserved), ("vector", vector),
      ("destination", destination), ("guestMode", guestMode),
      ("destinationMode", destinationMode), ("requestEOI", requestEOI), ("type", type),
      ("suppressFault", suppressFault), ("enabled", enabled),
    ]
  }
}

/// Bits 63:0 of an entry of 128 bits that remaps (GuestMode 0).
struct AMDViEntryLow: HardwareWord {
  var rawValue: UInt64

  static let reserved = BitRange(63, 32)
  static let destinationLow = BitRange(31, 8)  // Destination[23:0]
  static let guestMode = BitRange(7)  // GuestMode
  static let destinationMode = BitRange(6)  // DM
  static let requestEOI = BitRange(5)  // RqEoi
  static let type = BitRange(4, 2)  // IntType
  static let suppressFault = BitRange(1)  // SupIOPF
  static let enabled = BitRange(0)  // RemapEn

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reserved", reserved), ("destinationLow", destinationLow), ("guestMode", guestMode),
      ("destinationMode", destinationMode), ("requestEOI", requestEOI), ("type", type),
      ("suppressFault", suppressFault), ("enabled", enabled),
    ]
  }
}

/// Bits 63:0 of an entry of 128 bits for a guest's virtual interrupt controller (GuestMode 1).
struct AMDViGuestEntryLow: HardwareWord {
  var rawValue: UInt64

  static let tag = BitRange(63, 32)  // GATag
  static let destinationLow = BitRange(31, 8)  // Destination[23:0]: the core that runs it
  static let guestMode = BitRange(7)  // GuestMode
  static let isRunning = BitRange(6)  // IsRun
  static let reserved = BitRange(5, 3)
  static let logs = BitRange(2)  // GALogIntr
  static let suppressFault = BitRange(1)  // SupIOPF
  static let enabled = BitRange(0)  // RemapEn

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("tag", tag), ("destinationLow", destinationLow), ("guestMode", guestMode),
      ("isRunning", isRunning), ("reserved", reserved), ("logs", logs),
      ("suppressFault", suppressFault), ("enabled", enabled),
    ]
  }
}

/// Bits 127:64 of an entry of 128 bits.
struct AMDViEntryHigh: HardwareWord {
  var rawValue: UInt64

  static let destinationHigh = BitRange(63, 56)  // 127:120, Destination[31:24]
  static let reservedHigh = BitRange(55, 52)
  static let backingPage = BitRange(51, 12)  // Guest Virtual APIC Table Root Pointer
  static let reserved = BitRange(11, 8)
  static let vector = BitRange(7, 0)  // Vector

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("destinationHigh", destinationHigh), ("reservedHigh", reservedHigh),
      ("backingPage", backingPage), ("reserved", reserved), ("vector", vector),
    ]
  }
}

/// Bits 191:128 of a device table entry: what the device's interrupts may do.
///
/// Source: AMD I/O Virtualization Technology (IOMMU) Specification, 48882, "Device Table Entry
/// Format"; Linux drivers/iommu/amd/amd_iommu_types.h, `DTE_IRQ_*`.
struct AMDViDeviceInterrupts: HardwareWord {
  var rawValue: UInt64

  static let lint1Passes = BitRange(63)  // Lint1Pass
  static let lint0Passes = BitRange(62)  // Lint0Pass
  static let control = BitRange(61, 60)  // IntCtl: 0 abort, 1 pass, 2 remap
  static let reservedHigh = BitRange(59)
  static let nmiPasses = BitRange(58)  // NMIPass
  static let externalPasses = BitRange(57)  // EIntPass
  static let initPasses = BitRange(56)  // INITPass
  static let reserved = BitRange(55, 52)
  static let table = BitRange(51, 6)  // interrupt table root pointer
  static let ignoresUnmapped = BitRange(5)  // IG
  static let tableLength = BitRange(4, 1)  // IntTabLen: 2^n entries
  static let valid = BitRange(0)  // IV

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("lint1Passes", lint1Passes), ("lint0Passes", lint0Passes), ("control", control),
      ("reservedHigh", reservedHigh), ("nmiPasses", nmiPasses),
      ("externalPasses", externalPasses), ("initPasses", initPasses), ("reserved", reserved),
      ("table", table), ("ignoresUnmapped", ignoresUnmapped), ("tableLength", tableLength),
      ("valid", valid),
    ]
  }
}
