// Layout of second-stage entries: Intel Virtualization Technology for Directed I/O, Architecture Specification, revision 4.1; every field
// compared with Linux 6.12, drivers/iommu/intel/iommu.h and pasid.h, and QEMU, intel_iommu_internal.h.

/// An entry of a second-stage table, any level.
///
/// Source: VT-d, "Second-Stage Paging Entries".
struct VTdSecondStageEntry: HardwareWord {
  var rawValue: UInt64

  static let ignoredTop = BitRange(63)
  static let transient = BitRange(62)  // TM
  static let ignored = BitRange(61, 52)
  static let frame = BitRange(51, 12)  // ADDR
  static let snoop = BitRange(11)  // SNP
  static let ignoredLow = BitRange(10)
  static let dirty = BitRange(9)  // D
  static let accessed = BitRange(8)  // A
  static let pageSize = BitRange(7)  // PS
  static let memoryType = BitRange(6, 3)  // EMT, IPAT
  static let execute = BitRange(2)  // X
  static let writable = BitRange(1)  // W
  static let readable = BitRange(0)  // R

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("ignoredTop", ignoredTop), ("transient", transient), ("ignored", ignored), ("frame", frame),
      ("snoop", snoop), ("ignoredLow", ignoredLow), ("dirty", dirty), ("accessed", accessed),
      ("pageSize", pageSize), ("memoryType", memoryType), ("execute", execute),
      ("writable", writable), ("readable", readable),
    ]
  }
}
