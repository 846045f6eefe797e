/// Which rule a fault of a remapping unit belongs to.
enum FaultRule: Sendable, Equatable {
  /// V1 where nothing is mapped, V2 where something is, and does not permit the access.
  case unmappedOrForbidden
  case unmapped
  case forbidden
  /// V4.
  case noContext
  /// V5: a request of an address type that the device may not use.
  case addressType
  /// V23.
  case pasid
  /// V24.
  case nestedTable
  /// V25.
  case interruptAddress
  /// V27: tables that hardware cannot read.
  case malformed
  /// Of another kind, such as an interrupt's.
  case none

  /// Source: Intel VT-d specification, "Fault reason encodings"; the texts of Linux 6.12
  /// drivers/iommu/intel/dmar.c agree.
  static func vtd(_ code: UInt16) -> FaultRule {
    switch code {
    case 0x01...0x03: .noContext
    case 0x04, 0x83, 0x84: .unmapped
    case 0x05, 0x06: .unmappedOrForbidden
    case 0x07...0x0c: .malformed
    case 0x0d: .addressType
    case 0x30: .malformed
    case 0x31: .pasid
    case 0x39, 0x41, 0x43: .noContext
    case 0x38, 0x3a, 0x40, 0x42: .malformed
    case 0x44: .addressType
    case 0x45...0x48: .pasid
    case 0x51, 0x59, 0x5b, 0x5c, 0x5d: .pasid
    case 0x50, 0x52, 0x58, 0x5a: .malformed
    case 0x71, 0x80: .unmapped
    case 0x70, 0x72, 0x73: .malformed
    case 0x74...0x77: .nestedTable
    case 0x78, 0x7a, 0x7b, 0x7c: .malformed
    case 0x79: .unmappedOrForbidden
    case 0x81, 0x82: .forbidden
    case 0x85, 0x86: .unmappedOrForbidden
    case 0x87: .interruptAddress
    case 0x90, 0x91: .malformed
    default: .none
    }
  }

  /// Source: AMD I/O Virtualization Technology specification, "Event log entries"; Linux 6.12
  /// drivers/iommu/amd/amd_iommu_types.h, EVENT_TYPE_*.
  static func amdvi(_ code: UInt16) -> FaultRule {
    switch code {
    // An entry that is not valid, or beyond the table: nobody gave the requester a domain.
    case 1: .noContext
    case 3, 4: .malformed
    case 2: .unmappedOrForbidden
    case 8: .addressType
    default: .none
    }
  }
}
