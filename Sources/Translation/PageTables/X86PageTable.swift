/// An entry of x86-64 long-mode paging, any level.
///
/// Source: Intel SDM volume 3A, June 2016 (325384-059US), "4-Level Paging", tables "Format of a
/// 4-Level Page-Map Entry", "... Page-Directory-Pointer-Table Entry", "... Page-Directory Entry" and
/// "... Page-Table Entry". The bit that is the page size in an upper level is the PAT bit in the last.
struct X86PageTableEntry: HardwareWord {
  var rawValue: UInt64

  static let executeDisable = BitRange(63)  // XD
  static let protectionKey = BitRange(62, 59)
  static let ignoredHigh = BitRange(58, 52)
  static let frame = BitRange(51, 12)
  static let ignored = BitRange(11, 9)
  static let global = BitRange(8)  // G
  static let pageSize = BitRange(7)  // PS, PAT in the last level
  static let dirty = BitRange(6)  // D
  static let accessed = BitRange(5)  // A
  static let cacheDisable = BitRange(4)  // PCD
  static let writeThrough = BitRange(3)  // PWT
  static let user = BitRange(2)  // U/S
  static let writable = BitRange(1)  // R/W
  static let present = BitRange(0)  // P

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("executeDisable", executeDisable), ("protectionKey", protectionKey),
      ("ignoredHigh", ignoredHigh), ("frame", frame), ("ignored", ignored), ("global", global),
      ("pageSize", pageSize), ("dirty", dirty), ("accessed", accessed),
      ("cacheDisable", cacheDisable), ("writeThrough", writeThrough), ("user", user),
      ("writable", writable), ("present", present),
    ]
  }
}

/// Long-mode paging with the 4 KiB granule, four or five levels.
///
/// Model: shadow stacks, linear-address masking and separation (CET, LAM, LASS) are not modelled.
enum X86PageTable: PageTableFormat {
  private typealias Entry = X86PageTableEntry

  @inline(__always)
  static func isPresent(_ entry: UInt64, _ controls: PagingControls) -> Bool {
    entry & Entry.present.mask != 0
  }

  @inline(__always)
  static func isOpenTable(_ entry: UInt64, _ controls: PagingControls) -> Bool {
    entry & controls.openLongMode.mask == controls.openLongMode.value
  }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    level == 0 || entry & Entry.pageSize.mask != 0
  }

  /// A reserved bit is set.
  ///
  /// Reserved are address bits from the physical width up, bit 63 where execution cannot be disabled,
  /// the page-size bit where the level has no pages, and address bits below a large page's alignment.
  /// Bit 12 of a large page's entry is its PAT bit and not reserved.
  ///
  /// Source: Intel SDM volume 3A, June 2016, "4-Level Paging" and "Reserved Bits" of "Page-Fault
  /// Exceptions"; for bit 8 of AMD's two highest levels Linux, `__reset_rsvds_bits_mask` in
  /// arch/x86/kvm/mmu/mmu.c ("nonleaf_bit8_rsvd").
  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int, _ controls: PagingControls) -> Bool {
    if entry & controls.reservedLongMode != 0 { return true }
    guard level > 0 else { return false }
    guard entry & Entry.pageSize.mask != 0 else {
      return level > 2 && entry & Entry.global.mask != 0
        && controls.flags.contains(.reservesUpperGlobal)
    }
    guard level < 2 || level == 2 && controls.flags.contains(.hugePages) else { return true }
    return entry & TableLevel.offsets(level) & ~(1 << 13 - 1) != 0
  }

  @inline(__always)
  static func rights(_ entry: UInt64, _ controls: PagingControls) -> Rights {
    var rights: Rights =
      entry & Entry.executeDisable.mask == 0 ? [.read, .execute, .userExecute] : .read
    if entry & Entry.writable.mask != 0 { rights.insert(.write) }
    if entry & Entry.user.mask != 0 { rights.insert(.user) }
    return rights
  }

  /// Canonical: bits 63 down to the highest translated one are equal.
  ///
  /// Source: Intel SDM volume 1, June 2016, "Canonical Addressing"; 57 bits with five levels by
  /// "5-Level Paging and 5-Level EPT", white paper 335252-002, "Linear-Address Expansion".
  @inline(__always)
  static func accepts(_ address: UInt64, levels: Int) -> Bool {
    GVA(address).isCanonical(levels: levels)
  }

  @inline(__always)
  static func tableAccess(_ controls: PagingControls) -> Rights { .read }

  @inline(__always)
  static func dataAccess(_ access: Rights, page: Rights) -> Rights {
    access.intersection([.read, .write, .execute])
  }

  @inline(__always)
  static func key(_ leaf: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: leaf >> 59 & 15) }

  @inline(__always)
  static func isGlobal(_ leaf: UInt64) -> Bool { leaf & Entry.global.mask != 0 }

  /// The index into the PAT: the PAT bit, PCD and PWT.
  @inline(__always)
  static func memoryType(_ leaf: UInt64, level: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: leaf >> 3 & 3 | (leaf >> (level == 0 ? 7 : 12) & 1) << 2)
  }

  @inline(__always)
  static func accessed(_ controls: PagingControls) -> UInt64 { Entry.accessed.mask }

  @inline(__always)
  static func dirty(_ controls: PagingControls) -> UInt64 { Entry.dirty.mask }

  static func table(at address: UInt64) -> UInt64 {
    address | Entry.user.mask | Entry.writable.mask | Entry.present.mask
  }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    table(at: address) | (level > 0 ? Entry.pageSize.mask : 0)
  }
}
