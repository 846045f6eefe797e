// Layouts of the invalidation queue's descriptors: Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1; every field
// compared with Linux 6.12, drivers/iommu/intel/iommu.h and pasid.h, and QEMU, intel_iommu_internal.h.

/// What the low words of all descriptors have.
///
/// Source: VT-d, "Invalidation Queue Interface".
struct VTdDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let rest = BitRange(63, 12)
  static let typeHigh = BitRange(11, 9)
  static let flags = BitRange(8, 4)
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("rest", rest), ("typeHigh", typeHigh), ("flags", flags), ("type", type),
    ]
  }
}

/// Type 1, the low word; the high one is reserved.
///
/// Source: VT-d, "Context-Cache Invalidate Descriptor".
struct VTdContextDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63, 50)
  static let functionMask = BitRange(49, 48)  // FM
  static let source = BitRange(47, 32)  // SID
  static let domain = BitRange(31, 16)  // DID
  static let reserved = BitRange(15, 6)
  static let granularity = BitRange(5, 4)  // G: 1 global, 2 domain, 3 device
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("functionMask", functionMask), ("source", source),
      ("domain", domain), ("reserved", reserved), ("granularity", granularity), ("type", type),
    ]
  }
}

/// Types 2 and 6, the low word.
///
/// Source: VT-d, "IOTLB Invalidate Descriptor" and "PASID-based-IOTLB Invalidate Descriptor".
struct VTdIOTLBDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63, 52)
  static let pasid = BitRange(51, 32)  // PASID, of type 6
  static let domain = BitRange(31, 16)  // DID
  static let reserved = BitRange(15, 8)
  static let drainReads = BitRange(7)  // DR
  static let drainWrites = BitRange(6)  // DW
  static let granularity = BitRange(5, 4)  // G: 1 global, 2 domain or PASID, 3 pages
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("pasid", pasid), ("domain", domain), ("reserved", reserved),
      ("drainReads", drainReads), ("drainWrites", drainWrites), ("granularity", granularity),
      ("type", type),
    ]
  }
}

/// Types 2 and 6, the high word.
///
/// Source: VT-d, "IOTLB Invalidate Descriptor".
struct VTdIOTLBDescriptorHigh: HardwareWord {
  var rawValue: UInt64

  static let address = BitRange(63, 12)  // ADDR
  static let reserved = BitRange(11, 7)
  static let hint = BitRange(6)  // IH: only leaf entries have changed
  static let mask = BitRange(5, 0)  // AM: 2^AM pages

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("address", address), ("reserved", reserved), ("hint", hint), ("mask", mask),
    ]
  }
}

/// Type 3, the low word.
///
/// Source: VT-d, "Device-TLB Invalidate Descriptor".
struct VTdDeviceTLBDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let functionHigh = BitRange(63, 52)  // PFSID
  static let reservedTop = BitRange(51, 48)
  static let source = BitRange(47, 32)  // SID
  static let reserved = BitRange(31, 21)
  static let depth = BitRange(20, 16)  // MIP
  static let functionLow = BitRange(15, 12)  // PFSID
  static let typeHigh = BitRange(11, 9)
  static let reservedLow = BitRange(8, 4)
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("functionHigh", functionHigh), ("reservedTop", reservedTop), ("source", source),
      ("reserved", reserved), ("depth", depth), ("functionLow", functionLow),
      ("typeHigh", typeHigh), ("reservedLow", reservedLow), ("type", type),
    ]
  }
}

/// Types 3 and 8, the high word.
///
/// Source: VT-d, "Device-TLB Invalidate Descriptor" and "PASID-based-Device-TLB Invalidate Descriptor".
struct VTdDeviceTLBDescriptorHigh: HardwareWord {
  var rawValue: UInt64

  static let address = BitRange(63, 12)  // ADDR
  static let size8 = BitRange(11)  // S, of type 8
  static let reserved = BitRange(10, 1)
  static let low = BitRange(0)  // S of type 3, G of type 8

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("address", address), ("size8", size8), ("reserved", reserved), ("low", low),
    ]
  }
}

/// Type 4, the low word; the high one is reserved.
///
/// Source: VT-d, "Interrupt Entry Cache Invalidate Descriptor".
struct VTdEntryCacheDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63, 48)
  static let index = BitRange(47, 32)  // IIDX
  static let mask = BitRange(31, 27)  // IM: 2^IM entries
  static let reserved = BitRange(26, 5)
  static let granularity = BitRange(4)  // G: 1 selective
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("index", index), ("mask", mask), ("reserved", reserved),
      ("granularity", granularity), ("type", type),
    ]
  }
}

/// Type 5, the low word; the high one is where the status goes.
///
/// Source: VT-d, "Invalidation Wait Descriptor".
struct VTdWaitDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let data = BitRange(63, 32)
  static let reserved = BitRange(31, 12)
  static let typeHigh = BitRange(11, 9)
  static let reservedLow = BitRange(8)
  static let drain = BitRange(7)  // PD
  static let fence = BitRange(6)  // FN
  static let write = BitRange(5)  // SW
  static let interrupt = BitRange(4)  // IF
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("data", data), ("reserved", reserved), ("typeHigh", typeHigh), ("reservedLow", reservedLow),
      ("drain", drain), ("fence", fence), ("write", write), ("interrupt", interrupt),
      ("type", type),
    ]
  }
}

/// Type 7, the low word; the high one is reserved.
///
/// Source: VT-d, "PASID-Cache Invalidate Descriptor".
struct VTdPASIDCacheDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63, 52)
  static let pasid = BitRange(51, 32)  // PASID
  static let domain = BitRange(31, 16)  // DID
  static let reserved = BitRange(15, 6)
  static let granularity = BitRange(5, 4)  // G: 0 domain, 1 PASID, 3 global
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("pasid", pasid), ("domain", domain), ("reserved", reserved),
      ("granularity", granularity), ("type", type),
    ]
  }
}

/// Type 8, the low word.
///
/// Source: VT-d, "PASID-based-Device-TLB Invalidate Descriptor".
struct VTdPASIDDeviceTLBDescriptorLow: HardwareWord {
  var rawValue: UInt64

  static let functionHigh = BitRange(63, 52)  // PFSID
  static let pasid = BitRange(51, 32)  // PASID
  static let source = BitRange(31, 16)  // SID
  static let functionLow = BitRange(15, 12)  // PFSID
  static let typeHigh = BitRange(11, 9)
  static let depth = BitRange(8, 4)  // MIP
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("functionHigh", functionHigh), ("pasid", pasid), ("source", source),
      ("functionLow", functionLow), ("typeHigh", typeHigh), ("depth", depth), ("type", type),
    ]
  }
}

/// Type 9, the low word.
///
/// Source: VT-d, "Page Group Response Descriptor".
struct VTdPageResponseLow: HardwareWord {
  var rawValue: UInt64

  static let reservedTop = BitRange(63, 52)
  static let pasid = BitRange(51, 32)  // PASID
  static let source = BitRange(31, 16)  // RID
  static let code = BitRange(15, 12)  // 0 success, 1 invalid, 15 failure
  static let typeHigh = BitRange(11, 9)
  static let reserved = BitRange(8, 5)
  static let hasPASID = BitRange(4)  // PP
  static let type = BitRange(3, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reservedTop", reservedTop), ("pasid", pasid), ("source", source), ("code", code),
      ("typeHigh", typeHigh), ("reserved", reserved), ("hasPASID", hasPASID), ("type", type),
    ]
  }
}

/// Type 9, the high word.
///
/// Source: VT-d, "Page Group Response Descriptor".
struct VTdPageResponseHigh: HardwareWord {
  var rawValue: UInt64

  static let reserved = BitRange(63, 12)
  static let group = BitRange(11, 3)  // PRGI
  static let last = BitRange(2)  // LPIG
  static let reservedLow = BitRange(1, 0)

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("reserved", reserved), ("group", group), ("last", last), ("reservedLow", reservedLow),
    ]
  }
}
