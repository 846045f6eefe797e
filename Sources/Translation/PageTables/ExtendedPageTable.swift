/// An entry of Intel's extended page tables, any level.
///
/// Source: Intel SDM volume 3C, June 2016 (325384-059US), "EPT Translation Mechanism", tables "Format
/// of an EPT PML4 Entry" to "Format of an EPT Page-Table Entry that Maps a 4-KByte Page".
struct ExtendedPageTableEntry: HardwareWord {
  var rawValue: UInt64

  static let suppressException = BitRange(63)  // suppress #VE
  static let ignoredHigh = BitRange(62, 52)
  static let frame = BitRange(51, 12)
  static let ignored = BitRange(11)
  static let userExecute = BitRange(10)  // with mode-based execute control; ignored otherwise
  static let dirty = BitRange(9)
  static let accessed = BitRange(8)
  static let largePage = BitRange(7)
  static let ignorePAT = BitRange(6)
  static let memoryType = BitRange(5, 3)
  static let execute = BitRange(2)  // X
  static let write = BitRange(1)  // W
  static let read = BitRange(0)  // R

  static var layout: [(name: String, bits: BitRange)] {
    [
      ("suppressException", suppressException), ("ignoredHigh", ignoredHigh), ("frame", frame),
      ("ignored", ignored), ("userExecute", userExecute), ("dirty", dirty), ("accessed", accessed),
      ("largePage", largePage),
      ("ignorePAT", ignorePAT), ("memoryType", memoryType), ("execute", execute),
      ("write", write), ("read", read),
    ]
  }
}

/// Extended page tables, four or five levels.
///
/// Model: sub-page write permission, guest-paging verification and supervisor shadow stacks (bits 57,
/// 58, 60, 61 of a leaf) are off, so that the bits are ignored.
enum ExtendedPageTable: PageTableFormat {
  private typealias Entry = ExtendedPageTableEntry

  /// Write-back, the type of ordinary memory.
  private static let writeBack: UInt64 = 6

  /// Any of read, write and execute.
  @inline(__always)
  static func isPresent(_ entry: UInt64, _ controls: PagingControls) -> Bool {
    entry & 7 != 0
      || entry & Entry.userExecute.mask != 0 && controls.flags.contains(.modeBasedExecute)
  }

  @inline(__always)
  static func isOpenTable(_ entry: UInt64, _ controls: PagingControls) -> Bool {
    entry & controls.openExtended.mask == controls.openExtended.value
  }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    level == 0 || entry & Entry.largePage.mask != 0
  }

  /// Write without read, execute without read where the processor has none of it, a reserved bit, or
  /// a memory type that does not exist.
  ///
  /// Source: Intel SDM volume 3C, June 2016, "EPT Misconfigurations"; with mode-based execute control
  /// as in later editions.
  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int, _ controls: PagingControls) -> Bool {
    if entry & 3 == 2 { return true }
    // What is present and neither read nor written is executed.
    if entry & 1 == 0, !controls.flags.contains(.executeOnly) { return true }
    if entry & controls.reservedAddress != 0 { return true }
    if !isLeaf(entry, level: level) {
      return entry & (Entry.memoryType.mask | Entry.ignorePAT.mask) != 0
    }
    if level > 2 || level == 2 && !controls.flags.contains(.hugePages) { return true }
    let type = (entry & Entry.memoryType.mask) >> 3
    if type == 2 || type == 3 || type == 7 { return true }
    return entry & TableLevel.offsets(level) & ~(1 << 12 - 1) != 0
  }

  @inline(__always)
  static func rights(_ entry: UInt64, _ controls: PagingControls) -> Rights {
    // Bits 2:0 are in the order of `Rights`; users and supervisors are alike but for execution.
    let users =
      controls.flags.contains(.modeBasedExecute) ? Entry.userExecute.mask : Entry.execute.mask
    return Rights(rawValue: UInt8(truncatingIfNeeded: entry & 7))
      .union(entry & users != 0 ? [.user, .userExecute] : .user)
  }

  /// No bit above the highest translated one.
  @inline(__always)
  static func accepts(_ address: UInt64, levels: Int) -> Bool {
    address &>> TableLevel.shift(levels) == 0
  }

  /// Each of read, write and execute that the access needs; `user` says from whose page a fetch is.
  @inline(__always)
  static func denial(
    of access: Rights, _ rights: Rights, key: UInt8, _ controls: PagingControls
  ) -> WalkFault.Reason? {
    var needs = access.intersection([.read, .write, .execute])
    if access.isSuperset(of: [.execute, .user]) {
      needs.remove(.execute)
      needs.insert(.userExecute)
    }
    return rights.isSuperset(of: needs) ? nil : .forbidden
  }

  /// Reading a guest's table is a data read, and with accessed and dirty flags for EPT a write too.
  ///
  /// Source: Intel SDM volume 3C, June 2016, "Accessed and Dirty Flags for EPT".
  @inline(__always)
  static func tableAccess(_ controls: PagingControls) -> Rights {
    controls.flags.contains(.accessedDirty) ? .data : .read
  }

  /// What counts for a fetch is whether the linear address is a user's, and not the CPL.
  ///
  /// Source: Intel SDM volume 3C, "EPT Violations" of editions with mode-based execute control.
  @inline(__always)
  static func dataAccess(_ access: Rights, page: Rights) -> Rights {
    access.intersection([.read, .write, .execute]).union(page.intersection(.user))
  }

  @inline(__always)
  static func key(_ leaf: UInt64) -> UInt8 { 0 }

  @inline(__always)
  static func isGlobal(_ leaf: UInt64) -> Bool { false }

  /// The type in bits 2:0, and in bit 3 that the guest's PAT is ignored.
  @inline(__always)
  static func memoryType(_ leaf: UInt64, level: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: leaf >> 3 & 15)
  }

  @inline(__always)
  static func accessed(_ controls: PagingControls) -> UInt64 {
    controls.flags.contains(.accessedDirty) ? Entry.accessed.mask : 0
  }

  @inline(__always)
  static func dirty(_ controls: PagingControls) -> UInt64 {
    controls.flags.contains(.accessedDirty) ? Entry.dirty.mask : 0
  }

  static func table(at address: UInt64) -> UInt64 { address | 7 }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    address | writeBack << 3 | 7 | (level > 0 ? Entry.largePage.mask : 0)
  }
}
