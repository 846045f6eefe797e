/// Who may do what with a long-mode page, and what the processor says where it may not.
extension X86PageTable {
  /// Source: Intel SDM volume 3A, June 2016 (325384-059US), "Determination of Access Rights" and
  /// "Protection Keys"; keys of supervisors' pages by later editions, and by QEMU, `mmu_translate` in
  /// target/i386/tcg/sysemu/excp_helper.c.
  @inline(__always)
  static func denial(
    of access: Rights, _ rights: Rights, key: UInt8, _ controls: PagingControls
  ) -> WalkFault.Reason? {
    guard controls.flags.intersection(.permission) == .writeProtect else {
      return denialInFull(of: access, rights, key: key, controls)
    }
    // Then every right that is needed must be there, whoever needs it.
    return rights.isSuperset(of: access.subtracting(.implicit)) ? nil : .forbidden
  }

  @inline(never)
  private static func denialInFull(
    of access: Rights, _ rights: Rights, key: UInt8, _ controls: PagingControls
  ) -> WalkFault.Reason? {
    let flags = controls.flags
    let isUser = access.contains(.user)
    let isUsersPage = rights.contains(.user)
    let isData = !access.isDisjoint(with: .data)
    let isWrite = access.contains(.write)
    let heedsWrites = isUser || flags.contains(.writeProtect)
    if isUser, !isUsersPage { return .forbidden }
    // A key is judged whatever else forbids the access: its bit of the error code says just that.
    if isData, flags.contains(isUsersPage ? .userKeys : .supervisorKeys) {
      let disabled =
        (isUsersPage ? controls.userKeyRights : controls.supervisorKeyRights) >> (2 * UInt32(key))
      if disabled & 1 != 0 || disabled & 2 != 0 && isWrite && heedsWrites { return .protectionKey }
    }
    if !isUser, isUsersPage {
      if access.contains(.execute), flags.contains(.smep) { return .forbidden }
      let isLifted = flags.contains(.alignmentCheck) && !access.contains(.implicit)
      if isData, flags.contains(.smap), !isLifted { return .forbidden }
    }
    if isWrite, heedsWrites, !rights.contains(.write) { return .forbidden }
    if access.contains(.execute), !rights.contains(.execute) { return .forbidden }
    return nil
  }

  static func report(_ facts: FaultFacts, _ controls: PagingControls) -> FaultReport {
    facts.reason == .notCanonical
      ? FaultReport(kind: .generalProtection)
      : FaultReport(kind: .pageFault, code: errorCode(facts, controls))
  }

  /// P, W/R, U/S, RSVD, I/D and PK.
  ///
  /// Source: Intel SDM volume 3A, June 2016, "Page-Fault Exceptions"; a fetch is told from a read only
  /// where EFER.NXE or CR4.SMEP is set.
  static func errorCode(_ facts: FaultFacts, _ controls: PagingControls) -> UInt64? {
    guard facts.reason != .absent, facts.reason != .outOfFrames else { return nil }
    let access = facts.access
    var code: UInt64 = facts.reason == .notPresent ? 0 : 1
    if access.contains(.write) { code |= 1 << 1 }
    if access.contains(.user) { code |= 1 << 2 }
    if facts.reason == .malformed { code |= 1 << 3 }
    if access.contains(.execute), !controls.flags.isDisjoint(with: [.executeDisable, .smep]) {
      code |= 1 << 4
    }
    if facts.reason == .protectionKey { code |= 1 << 5 }
    return code
  }
}

extension NestedPageTable {
  /// The page fault's error code of a user's access, with bit 32 for the final address and bit 33 for
  /// a guest's table.
  ///
  /// Source: AMD64 Architecture Programmer's Manual volume 2, 24593, "Nested versus Guest Page Faults,
  /// Fault Ordering"; the bits' names in Linux are PFERR_GUEST_FINAL_MASK and PFERR_GUEST_PAGE_MASK.
  static func report(_ facts: FaultFacts, _ controls: PagingControls) -> FaultReport {
    var users = facts
    // A table's read is reported as the write that it is checked as.
    users.access = (facts.onTableWalk ? .write : facts.access).union(.user)
    let code = X86PageTable.errorCode(users, controls)
    return FaultReport(
      kind: .nestedPageFault, code: code.map { $0 | 1 << (facts.onTableWalk ? 33 : 32) })
  }
}

extension ExtendedPageTable {
  /// An EPT violation with its exit qualification, or an EPT misconfiguration, which has none.
  ///
  /// Bits 2:0 are the access, where reading a guest's table sets bits 0 and 1 with accessed and dirty
  /// flags; 5:3 and, under mode-based execute control, 6 what the entries allow together; 7 that there
  /// is a linear address; 8 that it was translated, and that no table was on the way; 11:9 what the
  /// guest's paging says of it, where the processor tells.
  ///
  /// Model: no event is delivered and no IRET unblocks NMIs while a trace is replayed, so bit 12 is 0
  /// and every violation that entries let become #VE does.
  ///
  /// Source: Intel SDM volume 3C, June 2016, "Exit Qualification for EPT Violations" and
  /// "Convertible EPT Violations"; bits 6 and 11:9 by later editions.
  static func report(_ facts: FaultFacts, _ controls: PagingControls) -> FaultReport {
    guard facts.reason != .malformed else { return FaultReport(kind: .eptMisconfiguration) }
    guard facts.reason != .absent, facts.reason != .outOfFrames else {
      return FaultReport(kind: .eptViolation)
    }
    let flags = controls.flags
    var code = UInt64(facts.access.intersection([.read, .write, .execute]).rawValue)
    if facts.reason != .notPresent {
      code |= UInt64(facts.allowed.intersection([.read, .write, .execute]).rawValue) << 3
      if flags.contains(.modeBasedExecute), facts.allowed.contains(.userExecute) { code |= 1 << 6 }
    }
    if facts.isSecondStage {
      code |= 1 << 7
      if !facts.onTableWalk {
        code |= 1 << 8
        if flags.contains(.advancedExitInformation) {
          if facts.page.contains(.user) { code |= 1 << 9 }
          if facts.page.contains(.write) { code |= 1 << 10 }
          if !facts.page.contains(.execute) { code |= 1 << 11 }
        }
      }
    }
    let suppresses = facts.entry.map { $0 >> 63 != 0 } ?? true
    return FaultReport(
      kind: .eptViolation, code: code,
      isException: flags.contains(.virtualizationException) && !suppresses)
  }
}
