// Layouts of what VT-d tells software of faults and page requests: Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1; every field
// compared with Linux 6.12, drivers/iommu/intel/iommu.h and pasid.h, and QEMU, intel_iommu_internal.h.

/// The low word of a fault recording register.
///
/// Source: VT-d, "Fault Recording Registers".
struct VTdFaultRecordLow: HardwareWord {
  var rawValue: UInt64

  static let address = BitRange(63, 12)  // FI
  static let reserved = BitRange(11, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("address", address), ("reserved", reserved),
    ]
  }
}

/// The high word of a fault recording register.
///
/// Source: VT-d, "Fault Recording Registers"; bit 60 is T2, which tells page requests and AtomicOps.
struct VTdFaultRecordHigh: HardwareWord {
  var rawValue: UInt64

  static let fault = BitRange(63)  // F
  static let read = BitRange(62)  // T
  static let addressType = BitRange(61, 60)  // AT
  static let pasid = BitRange(59, 40)  // PN
  static let reason = BitRange(39, 32)  // FR
  static let hasPASID = BitRange(31)  // PP
  static let execute = BitRange(30)  // EXE
  static let privileged = BitRange(29)  // PRIV
  static let reserved = BitRange(28, 16)
  static let source = BitRange(15, 0)  // SID

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("fault", fault), ("read", read), ("addressType", addressType), ("pasid", pasid),
      ("reason", reason), ("hasPASID", hasPASID), ("execute", execute), ("privileged", privileged),
      ("reserved", reserved), ("source", source),
    ]
  }
}

/// The first word of a page request descriptor.
///
/// Source: VT-d, "Page Request Descriptor"; Linux, drivers/iommu/intel/prq.c, `struct page_req_dsc`.
struct VTdPageRequestLow: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63, 54)
  static let privileged = BitRange(53)  // PR
  static let execute = BitRange(52)  // ER
  static let pasid = BitRange(51, 32)  // PASID
  static let source = BitRange(31, 16)  // RID
  static let reserved = BitRange(15, 9)
  static let hasPASID = BitRange(8)  // PP
  static let type = BitRange(7, 0)  // 01h

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("privileged", privileged), ("execute", execute),
      ("pasid", pasid), ("source", source), ("reserved", reserved), ("hasPASID", hasPASID),
      ("type", type),
    ]
  }
}

/// The second word of a page request descriptor; the third and fourth are private data.
///
/// Source: VT-d, "Page Request Descriptor".
struct VTdPageRequestHigh: HardwareWord {
  var rawValue: UInt64

  static let address = BitRange(63, 12)  // ADDR
  static let group = BitRange(11, 3)  // PRGI
  static let last = BitRange(2)  // LPIG
  static let write = BitRange(1)  // WR
  static let read = BitRange(0)  // RD

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("address", address), ("group", group), ("last", last), ("write", write), ("read", read),
    ]
  }
}
