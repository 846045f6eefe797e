// Layouts of AMD-Vi's device table and page tables, as
// - AMD I/O Virtualization Technology (IOMMU) Specification, 48882, revision 3.10;
// - Linux 6.12, drivers/iommu/amd/amd_iommu_types.h; and OpenVMM's dte.rs
// give them. The third word of a device table entry is in `AMDViDeviceInterrupts`.

/// The first word of a device table entry.
///
/// Source: AMD 48882, "Device Table Entry Format".
struct AMDViDevice0: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63)
  static let writes = BitRange(62)  // IW
  static let reads = BitRange(61)  // IR
  static let guestRootLow = BitRange(60, 58)  // GCR3 14:12
  static let guestLevels = BitRange(57, 56)  // GLX: levels of the table of guest CR3s, less one
  static let guestValid = BitRange(55)  // GV
  static let guestIO = BitRange(54)  // GIoV
  static let guestResponse = BitRange(53)  // GPRP
  static let pageRequests = BitRange(52)  // PPR
  static let root = BitRange(51, 12)  // host page table root pointer
  static let mode = BitRange(11, 9)  // 0 no tables, 1 to 6 levels
  static let accessedDirty = BitRange(8, 7)  // HAD
  static let reserved = BitRange(6, 2)
  static let translationValid = BitRange(1)  // TV
  static let valid = BitRange(0)  // V

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("writes", writes), ("reads", reads),
      ("guestRootLow", guestRootLow), ("guestLevels", guestLevels), ("guestValid", guestValid),
      ("guestIO", guestIO), ("guestResponse", guestResponse), ("pageRequests", pageRequests),
      ("root", root), ("mode", mode), ("accessedDirty", accessedDirty), ("reserved", reserved),
      ("translationValid", translationValid), ("valid", valid),
    ]
  }
}

/// The second word of a device table entry.
///
/// Source: AMD 48882, "Device Table Entry Format".
struct AMDViDevice1: HardwareWord {
  var rawValue: UInt64

  static let guestRootHigh = BitRange(63, 43)  // GCR3 51:31
  static let secureATS = BitRange(42)  // SATS
  static let systemManagement = BitRange(41, 40)  // SysMgt
  static let exclusion = BitRange(39)  // EX
  static let suppressDirect = BitRange(38)  // SD
  static let cache = BitRange(37)  // Cache
  static let control = BitRange(36, 35)  // IoCtl
  static let suppressAll = BitRange(34)  // SA
  static let suppress = BitRange(33)  // SE
  static let deviceTLB = BitRange(32)  // I
  static let guestRootMiddle = BitRange(31, 16)  // GCR3 30:15
  static let domain = BitRange(15, 0)  // DomainID

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("guestRootHigh", guestRootHigh), ("secureATS", secureATS),
      ("systemManagement", systemManagement), ("exclusion", exclusion),
      ("suppressDirect", suppressDirect), ("cache", cache), ("control", control),
      ("suppressAll", suppressAll), ("suppress", suppress), ("deviceTLB", deviceTLB),
      ("guestRootMiddle", guestRootMiddle), ("domain", domain),
    ]
  }
}

/// An entry of a host page table, any level.
///
/// Source: AMD 48882, "I/O Page Tables for Host Translations".
struct AMDViPageTableEntry: HardwareWord {
  var rawValue: UInt64

  static let ignoredTop = BitRange(63)
  static let writes = BitRange(62)  // IW
  static let reads = BitRange(61)  // IR
  static let forceCoherent = BitRange(60)  // FC
  static let untranslated = BitRange(59)  // U
  static let reservedHigh = BitRange(58, 52)
  static let address = BitRange(51, 12)
  static let nextLevel = BitRange(11, 9)  // 0 or 7 for a page
  static let ignored = BitRange(8, 7)
  static let dirty = BitRange(6)  // D
  static let accessed = BitRange(5)  // A
  static let ignoredLow = BitRange(4, 1)
  static let present = BitRange(0)  // PR

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("ignoredTop", ignoredTop), ("writes", writes), ("reads", reads),
      ("forceCoherent", forceCoherent), ("untranslated", untranslated),
      ("reservedHigh", reservedHigh), ("address", address), ("nextLevel", nextLevel),
      ("ignored", ignored), ("dirty", dirty), ("accessed", accessed), ("ignoredLow", ignoredLow),
      ("present", present),
    ]
  }
}

/// The first word of every command; the second depends on the opcode.
///
/// Source: AMD 48882, "Commands".
struct AMDViCommand: HardwareWord {
  var rawValue: UInt64

  static let opcode = BitRange(63, 60)
  static let middle = BitRange(59, 48)
  static let domain = BitRange(47, 32)  // of INVALIDATE_IOMMU_PAGES
  static let high = BitRange(31, 20)
  static let pasidHigh = BitRange(19, 16)  // PASID 19:16
  static let device = BitRange(15, 0)  // DeviceID, PASID 15:0

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("opcode", opcode), ("middle", middle), ("domain", domain), ("high", high),
      ("pasidHigh", pasidHigh), ("device", device),
    ]
  }
}

/// The second word of INVALIDATE_IOMMU_PAGES and INVALIDATE_IOTLB_PAGES.
///
/// Source: AMD 48882, "INVALIDATE_IOMMU_PAGES" and "INVALIDATE_IOTLB_PAGES".
struct AMDViRange: HardwareWord {
  var rawValue: UInt64

  static let address = BitRange(63, 12)
  static let reserved = BitRange(11, 3)
  static let guest = BitRange(2)  // GN: guest-virtual addresses of a PASID
  static let tables = BitRange(1)  // PDE: cached tables go too
  static let sized = BitRange(0)  // S: the size is in the address

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("address", address), ("reserved", reserved), ("guest", guest), ("tables", tables),
      ("sized", sized),
    ]
  }
}
