/// What a processor's control registers say about one stage's tables.
///
/// One struct for every format: each heeds what its manual names and ignores the rest. It is handed to
/// each walk, because guests change it as they run.
///
/// Source: Intel SDM volume 3A, June 2016 (325384-059US), "Paging Modes and Control Bits" and
/// "Determination of Access Rights"; volume 3C, "EPT Translation Mechanism" and "Extended-Page-Table
/// Pointer (EPTP)".
struct PagingControls: Equatable, Sendable, BitwiseCopyable {
  struct Flags: OptionSet, Hashable, Sendable, BitwiseCopyable {
    let rawValue: UInt32

    /// CR0.WP: supervisors heed the write bit, and keys that disable writes.
    static let writeProtect = Flags(rawValue: 1 << 0)
    /// EFER.NXE: bit 63 disables execution; it is reserved otherwise.
    static let executeDisable = Flags(rawValue: 1 << 1)
    /// CR4.SMEP: supervisors fetch nothing from users' pages.
    static let smep = Flags(rawValue: 1 << 2)
    /// CR4.SMAP: supervisors read and write users' pages only where `alignmentCheck` says so.
    static let smap = Flags(rawValue: 1 << 3)
    /// RFLAGS.AC: lifts SMAP for explicit accesses.
    static let alignmentCheck = Flags(rawValue: 1 << 4)
    /// CR4.PKE: users' pages have protection keys.
    static let userKeys = Flags(rawValue: 1 << 5)
    /// CR4.PKS: supervisors' pages have protection keys.
    static let supervisorKeys = Flags(rawValue: 1 << 6)
    /// Pages of 1 GiB (CPUID 80000001H:EDX bit 26; for EPT IA32_VMX_EPT_VPID_CAP bit 17).
    static let hugePages = Flags(rawValue: 1 << 7)
    /// Bit 8 is reserved in the two highest levels, as AMD has it; Intel ignores it.
    static let reservesUpperGlobal = Flags(rawValue: 1 << 8)
    /// EPTP bit 6: entries have accessed and dirty flags, and reading a guest's table is a write.
    static let accessedDirty = Flags(rawValue: 1 << 9)
    /// IA32_VMX_EPT_VPID_CAP bit 0: entries may allow execution without reading.
    static let executeOnly = Flags(rawValue: 1 << 10)
    /// Mode-based execute control: bit 10 allows users' execution and bit 2 supervisors'.
    static let modeBasedExecute = Flags(rawValue: 1 << 11)
    /// IA32_VMX_EPT_VPID_CAP bit 22: exit qualifications have bits 9 to 11.
    static let advancedExitInformation = Flags(rawValue: 1 << 12)
    /// EPT-violation #VE: violations become exceptions where bit 63 of an entry is clear.
    static let virtualizationException = Flags(rawValue: 1 << 13)

    /// Those that need no option on most machines.
    static let standard: Flags = [.writeProtect, .executeDisable, .hugePages, .executeOnly]

    /// Those that decide on permission in long-mode tables.
    static let permission: Flags = [.writeProtect, .smep, .smap, .userKeys, .supervisorKeys]
  }

  let flags: Flags
  /// MAXPHYADDR, 32 to 52.
  let physicalBits: UInt8
  /// PKRU and IA32_PKRS: for key k, bit 2k disables access and bit 2k + 1 writes.
  let userKeyRights: UInt32
  let supervisorKeyRights: UInt32
  /// Address bits that no entry may have: 51 down to MAXPHYADDR.
  let reservedAddress: UInt64
  /// As `reservedAddress`, and bit 63 where execution cannot be disabled.
  let reservedLongMode: UInt64
  /// What entries for tables that allow everything look like, for `PageTableFormat.isOpenTable`.
  let openLongMode: EntryForm
  let openExtended: EntryForm

  init(
    _ flags: Flags = .standard, physicalBits: UInt8 = 52, userKeyRights: UInt32 = 0,
    supervisorKeyRights: UInt32 = 0
  ) {
    self.flags = flags
    self.physicalBits = physicalBits
    self.userKeyRights = userKeyRights
    self.supervisorKeyRights = supervisorKeyRights
    reservedAddress = (1 << 52 - 1) & ~(1 << UInt64(min(physicalBits, 52)) - 1)
    reservedLongMode = reservedAddress | (flags.contains(.executeDisable) ? 0 : 1 << 63)
    // Accessed, user, writable and present; no page, no execute-disable, nothing reserved.
    openLongMode = EntryForm(
      mask: reservedAddress | 1 << 63 | 0xa7 | (flags.contains(.reservesUpperGlobal) ? 1 << 8 : 0),
      value: 0x27)
    // Read, write and execute; no page and no memory type, which bits 7:3 would be.
    let extended: UInt64 =
      7 | (flags.contains(.accessedDirty) ? 1 << 8 : 0)
      | (flags.contains(.modeBasedExecute) ? 1 << 10 : 0)
    openExtended = EntryForm(mask: reservedAddress | 0xf8 | extended, value: extended)
  }

  /// 52 bits of physical address, CR0.WP and EFER.NXE set, pages of 1 GiB, execute-only entries; no
  /// SMEP, SMAP or keys; accessed and dirty flags for EPT off.
  static let standard = PagingControls()
}
