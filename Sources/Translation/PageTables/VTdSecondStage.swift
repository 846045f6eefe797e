/// VT-d's second-stage tables, three to five levels.
///
/// Model: the unit controls snooping and supports pages of 2 MiB and 1 GiB, so that SNP and PS are no
/// reserved bits where such pages stand.
///
/// Model: bit 2 does not allow execution; requests that execute are judged by the first stage alone.
///
/// Source: Intel VT-d 4.1, "Second-Stage Paging Entries"; the reserved bits by QEMU,
/// hw/i386/intel_iommu_internal.h, `VTD_SPTE_PAGE_L1_RSVD_MASK` and those after it.
enum VTdSecondStage: PageTableFormat {
  private typealias Entry = VTdSecondStageEntry

  @inline(__always)
  static func isPresent(_ entry: UInt64, _ controls: PagingControls) -> Bool { entry & 3 != 0 }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    level == 0 || entry & Entry.pageSize.mask != 0
  }

  /// The size bit above the 1 GiB level, address bits below a large page's alignment or beyond the
  /// host's.
  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int, _ controls: PagingControls) -> Bool {
    if entry & controls.reservedAddress != 0 { return true }
    guard level > 0, entry & Entry.pageSize.mask != 0 else { return false }
    let offset: UInt64 = 1 << UInt64(12 + 9 * level) - 1
    return level > 2 || entry & offset & Entry.frame.mask != 0
  }

  /// R and W are in the order of `Rights`.
  @inline(__always)
  static func rights(_ entry: UInt64, _ controls: PagingControls) -> Rights {
    let rights = Rights(rawValue: UInt8(truncatingIfNeeded: entry & 3))
    return rights.contains(.read) ? rights.union([.execute, .userExecute, .user]) : rights
  }

  @inline(__always)
  static func accepts(_ address: UInt64, levels: Int) -> Bool {
    ExtendedPageTable.accepts(address, levels: levels)
  }

  @inline(__always)
  static func denial(
    of access: Rights, _ rights: Rights, key: UInt8, _ controls: PagingControls
  ) -> WalkFault.Reason? {
    rights.isSuperset(of: access.intersection(.data)) ? nil : .forbidden
  }

  /// With accessed and dirty bits a first-stage table is written to as it is walked.
  static func tableAccess(_ controls: PagingControls) -> Rights { .read }

  static func dataAccess(_ access: Rights, page: Rights) -> Rights {
    // Execution reads.
    access.contains(.execute) ? access.union(.read) : access
  }

  static func key(_ leaf: UInt64) -> UInt8 { 0 }
  static func isGlobal(_ leaf: UInt64) -> Bool { false }

  static func memoryType(_ leaf: UInt64, level: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: leaf[Entry.memoryType])
  }

  static func accessed(_ controls: PagingControls) -> UInt64 {
    controls.flags.contains(.accessedDirty) ? Entry.accessed.mask : 0
  }

  static func dirty(_ controls: PagingControls) -> UInt64 {
    controls.flags.contains(.accessedDirty) ? Entry.dirty.mask : 0
  }

  /// The unit's own codes are in `VTdFault`; a processor never walks these tables.
  static func report(_ facts: FaultFacts, _ controls: PagingControls) -> FaultReport {
    FaultReport(kind: .eptViolation, code: nil)
  }

  static func table(at address: UInt64) -> UInt64 { address | 3 }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    address | 3 | (level > 0 ? Entry.pageSize.mask : 0)
  }
}
