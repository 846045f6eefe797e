@testable import Translation

/// Control registers as the oracle knows them, one name each.
struct NaiveControls: Sendable {
  var wp = true
  var nxe = true
  var smep = false
  var smap = false
  var ac = false
  var pke = false
  var pks = false
  var hugePages = true
  var amdReserved = false
  var ad = false
  var executeOnly = true
  var mbec = false
  var advanced = false
  var virtualizationException = false
  var physicalBits: UInt64 = 52
  var pkru: UInt32 = 0
  var pkrs: UInt32 = 0

  /// The same for the product.
  var product: PagingControls {
    var flags: PagingControls.Flags = []
    if wp { flags.insert(.writeProtect) }
    if nxe { flags.insert(.executeDisable) }
    if smep { flags.insert(.smep) }
    if smap { flags.insert(.smap) }
    if ac { flags.insert(.alignmentCheck) }
    if pke { flags.insert(.userKeys) }
    if pks { flags.insert(.supervisorKeys) }
    if hugePages { flags.insert(.hugePages) }
    if amdReserved { flags.insert(.reservesUpperGlobal) }
    if ad { flags.insert(.accessedDirty) }
    if executeOnly { flags.insert(.executeOnly) }
    if mbec { flags.insert(.modeBasedExecute) }
    if advanced { flags.insert(.advancedExitInformation) }
    if virtualizationException { flags.insert(.virtualizationException) }
    return PagingControls(
      flags, physicalBits: UInt8(physicalBits), userKeyRights: pkru, supervisorKeyRights: pkrs)
  }
}

/// An access as the manuals speak of it.
struct NaiveAccess: Sendable, Equatable {
  enum Kind: Sendable, CaseIterable { case read, write, fetch }
  enum Mode: Sendable, CaseIterable { case user, explicit, implicit }

  var kind: Kind
  var mode: Mode

  static let all = Kind.allCases.flatMap { kind in Mode.allCases.map { Self(kind: kind, mode: $0) }
  }

  /// The same for the product.
  var product: Rights {
    var rights: Rights = kind == .read ? .read : kind == .write ? .write : .execute
    if mode == .user { rights.insert(.user) }
    if mode == .implicit { rights.insert(.implicit) }
    return rights
  }
}

/// Who may do what, sentence by sentence from the manuals.
enum ManualRules {
  enum Verdict { case allowed, denied, deniedByKey }

  /// A page by what all entries on its way say together.
  struct Page {
    var isUser: Bool
    var isWritable: Bool
    var isExecuteDisabled: Bool
    var key: UInt64
  }

  /// Intel SDM volume 3A, June 2016, "Determination of Access Rights"; keys of supervisors' pages by
  /// later editions.
  static func longMode(_ page: Page, _ access: NaiveAccess, _ controls: NaiveControls) -> Verdict {
    if access.mode == .user, !page.isUser { return .denied }
    if access.kind != .fetch, keyForbids(page, access, controls) { return .deniedByKey }
    let isAllowed: Bool
    switch (access.mode, access.kind) {
    case (.user, .read): isAllowed = true
    case (.user, .write): isAllowed = page.isWritable
    case (.user, .fetch): isAllowed = !page.isExecuteDisabled
    case (_, .read): isAllowed = mayTouch(page, access, controls)
    case (_, .write):
      isAllowed = mayTouch(page, access, controls) && (!controls.wp || page.isWritable)
    case (_, .fetch): isAllowed = !(page.isUser && controls.smep) && !page.isExecuteDisabled
    }
    return isAllowed ? .allowed : .denied
  }

  /// "If CR4.SMAP = 1, access rights depend on the value of EFLAGS.AC and whether the access is
  /// implicit or explicit".
  private static func mayTouch(
    _ page: Page, _ access: NaiveAccess, _ controls: NaiveControls
  ) -> Bool {
    if !page.isUser || !controls.smap { return true }
    return access.mode == .explicit && controls.ac
  }

  /// "Protection Keys": ADi forbids data accesses, WDi writes, by supervisors only with CR0.WP.
  private static func keyForbids(
    _ page: Page, _ access: NaiveAccess, _ controls: NaiveControls
  ) -> Bool {
    let register: UInt32
    if page.isUser {
      guard controls.pke else { return false }
      register = controls.pkru
    } else {
      guard controls.pks else { return false }
      register = controls.pkrs
    }
    let accessDisable = register & (1 << UInt32(2 * page.key)) != 0
    let writeDisable = register & (1 << UInt32(2 * page.key + 1)) != 0
    if accessDisable { return true }
    return writeDisable && access.kind == .write && (access.mode == .user || controls.wp)
  }

  /// Bit 4 of an error code: "This flag is 1 if (1) the access causing the page-fault exception was an
  /// instruction fetch; and (2) either (a) CR4.SMEP = 1; or (b) both (i) CR4.PAE = 1; and (ii)
  /// IA32_EFER.NXE = 1".
  static func errorCode(
    present: Bool, reserved: Bool = false, key: Bool = false, _ access: NaiveAccess,
    _ controls: NaiveControls
  ) -> UInt64 {
    var code: UInt64 = 0
    if present { code += 1 }
    if access.kind == .write { code += 2 }
    if access.mode == .user { code += 4 }
    if reserved { code += 8 }
    if access.kind == .fetch, controls.smep || controls.nxe { code += 16 }
    if key { code += 32 }
    return code
  }

  /// Intel SDM volume 3A, June 2016, "4-Level Paging": the tables of formats, bit by bit.
  static func hasReservedBit(_ entry: UInt64, level: Int, _ controls: NaiveControls) -> Bool {
    for bit in bits(of: entry) {
      let isLarge = level > 0 && entry & 0x80 != 0
      switch bit {
      case 63 where !controls.nxe: return true
      case 12..<52 where UInt64(bit) >= controls.physicalBits: return true
      case 7 where level == 3 || level == 4: return true
      case 7 where level == 2 && !controls.hugePages: return true
      case 8 where level >= 3 && controls.amdReserved: return true
      case 13..<30 where level == 2 && isLarge: return true
      case 13..<21 where level == 1 && isLarge: return true
      default: continue
      }
    }
    return false
  }

  /// Intel SDM volume 3C, June 2016, "EPT Misconfigurations" and the tables of formats.
  static func isMisconfigured(_ entry: UInt64, level: Int, _ controls: NaiveControls) -> Bool {
    let (read, write) = (entry & 1 != 0, entry & 2 != 0)
    let execute = entry & 4 != 0 || controls.mbec && entry & 0x400 != 0
    if !read, write { return true }
    if !read, execute, !controls.executeOnly { return true }
    let isPage = level == 0 || entry & 0x80 != 0
    if isPage, [2, 3, 7].contains(entry / 8 % 8) { return true }
    for bit in bits(of: entry) {
      switch bit {
      case 3...6 where !isPage: return true
      case 7 where level >= 3: return true
      case 7 where level == 2 && !controls.hugePages: return true
      case 12..<52 where UInt64(bit) >= controls.physicalBits: return true
      case 12..<30 where level == 2 && isPage: return true
      case 12..<21 where level == 1 && isPage: return true
      default: continue
      }
    }
    return false
  }

  /// The numbers of the bits that are set.
  private static func bits(of entry: UInt64) -> some Sequence<Int> {
    sequence(state: entry) { rest in
      guard rest != 0 else { return nil }
      defer { rest &= rest - 1 }
      return rest.trailingZeroBitCount
    }
  }
}
