/// AMD's nested page tables: the long-mode format as a second stage.
///
/// Every nested walk is a user's, so CR0.WP, SMEP, SMAP and keys of the host decide nothing, and what
/// serves a guest's table walk is a write, because the walk may set accessed and dirty bits there.
///
/// Source: AMD64 Architecture Programmer's Manual volume 2, 24593, "Nested Paging", "Nested versus
/// Guest Page Faults, Fault Ordering" (recalled). QEMU reads a guest's tables by
/// `probe_access_full(..., MMU_DATA_STORE, MMU_NESTED_IDX, ...)`, whose index is a user's
/// (target/i386/tcg/sysemu/excp_helper.c, `ptw_translate`, `get_physical_address`); Linux says the
/// same of NPT (arch/x86/kvm/mmu/paging_tmpl.h, `update_accessed_dirty_bits`). Held against a
/// recorded Linux guest in the tests.
enum NestedPageTable: PageTableFormat {
  @inline(__always)
  static func isPresent(_ entry: UInt64, _ controls: PagingControls) -> Bool {
    X86PageTable.isPresent(entry, controls)
  }

  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int, _ controls: PagingControls) -> Bool {
    X86PageTable.isMalformed(entry, level: level, controls)
  }

  @inline(__always)
  static func isOpenTable(_ entry: UInt64, _ controls: PagingControls) -> Bool {
    X86PageTable.isOpenTable(entry, controls)
  }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    X86PageTable.isLeaf(entry, level: level)
  }

  @inline(__always)
  static func rights(_ entry: UInt64, _ controls: PagingControls) -> Rights {
    X86PageTable.rights(entry, controls)
  }

  /// No bit above the highest translated one: a guest-physical address is not sign-extended.
  @inline(__always)
  static func accepts(_ address: UInt64, levels: Int) -> Bool {
    ExtendedPageTable.accepts(address, levels: levels)
  }

  @inline(__always)
  static func denial(
    of access: Rights, _ rights: Rights, key: UInt8, _ controls: PagingControls
  ) -> WalkFault.Reason? {
    rights.isSuperset(of: access.subtracting(.implicit).union(.user)) ? nil : .forbidden
  }

  @inline(__always)
  static func tableAccess(_ controls: PagingControls) -> Rights { [.read, .write, .user] }

  @inline(__always)
  static func dataAccess(_ access: Rights, page: Rights) -> Rights {
    access.subtracting(.implicit).union(.user)
  }

  /// Nested tables have none.
  @inline(__always)
  static func key(_ leaf: UInt64) -> UInt8 { 0 }

  /// The nested TLB has no PCID that an entry could be for all of.
  @inline(__always)
  static func isGlobal(_ leaf: UInt64) -> Bool { false }

  @inline(__always)
  static func memoryType(_ leaf: UInt64, level: Int) -> UInt8 {
    X86PageTable.memoryType(leaf, level: level)
  }

  @inline(__always)
  static func accessed(_ controls: PagingControls) -> UInt64 { X86PageTable.accessed(controls) }

  @inline(__always)
  static func dirty(_ controls: PagingControls) -> UInt64 { X86PageTable.dirty(controls) }

  static func table(at address: UInt64) -> UInt64 { X86PageTable.table(at: address) }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    X86PageTable.leaf(at: address, level: level)
  }
}
