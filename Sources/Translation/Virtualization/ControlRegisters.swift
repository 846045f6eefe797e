/// The registers of a virtual processor that decide how its addresses translate.
///
/// Source: Intel SDM volume 3A, June 2016 (325384-059US), "Control Registers", "Extended Feature Enable
/// Register" and "Paging Modes and Control Bits".
struct ControlRegisters: Equatable {
  /// PG, WP and PE.
  var cr0: UInt64 = 1 << 31 | 1 << 16 | 1
  /// PAE, PGE and PCIDE.
  var cr4: UInt64 = 1 << 5 | 1 << 7 | 1 << 17
  /// LME, LMA and NXE.
  var efer: UInt64 = 1 << 8 | 1 << 10 | 1 << 11
  var pkru: UInt64 = 0
  var pkrs: UInt64 = 0
  /// RFLAGS.AC.
  var hasAlignmentCheck = false

  private static let pg: UInt64 = 1 << 31
  private static let wp: UInt64 = 1 << 16
  private static let pae: UInt64 = 1 << 5
  private static let pge: UInt64 = 1 << 7
  private static let pcide: UInt64 = 1 << 17
  private static let smep: UInt64 = 1 << 20
  private static let smap: UInt64 = 1 << 21
  private static let pke: UInt64 = 1 << 22
  private static let pks: UInt64 = 1 << 24
  private static let nxe: UInt64 = 1 << 11

  var usesPCID: Bool { cr4 & Self.pcide != 0 }
  var hasGlobalPages: Bool { cr4 & Self.pge != 0 }

  /// Writes a register by the number that the `control` event has for it: 0 CR0, 4 CR4, 0xc0000080
  /// EFER, 0x6e1 IA32_PKRS, 0x1000 PKRU (which is no MSR, so the number is this tool's own).
  ///
  /// - Returns: what the write invalidates; nothing also for a register that is none of these.
  mutating func write(_ value: UInt64, to register: UInt64) -> Invalidation? {
    let before = self
    switch register {
    case 0: cr0 = value
    case 4: cr4 = value
    case 0xc000_0080: efer = value
    case 0x6e1: pkrs = value
    case 0x1000: pkru = value
    default: return nil
    }
    let (changed, cleared) = (before.cr4 ^ cr4, before.cr4 & ~cr4)
    if changed & Self.pge != 0 || cleared & Self.pcide != 0 || before.cr0 & ~cr0 & Self.pg != 0 {
      return .allWithGlobals
    }
    if changed & Self.pae != 0 || cr4 & ~before.cr4 & Self.smep != 0 { return .currentSpace }
    return nil
  }

  /// As the walker takes them; what no register says comes from `others`.
  func controls(_ others: PagingControls) -> PagingControls {
    var flags = others.flags.subtracting([
      .writeProtect, .executeDisable, .smep, .smap, .userKeys, .supervisorKeys, .alignmentCheck,
    ])
    for (isSet, flag) in [
      (cr0 & Self.wp, .writeProtect), (efer & Self.nxe, .executeDisable), (cr4 & Self.smep, .smep),
      (cr4 & Self.smap, .smap), (cr4 & Self.pke, .userKeys), (cr4 & Self.pks, .supervisorKeys),
      (hasAlignmentCheck ? 1 : 0, .alignmentCheck),
    ] as [(UInt64, PagingControls.Flags)] where isSet != 0 {
      flags.insert(flag)
    }
    return PagingControls(
      flags, physicalBits: others.physicalBits,
      userKeyRights: UInt32(truncatingIfNeeded: pkru),
      supervisorKeyRights: UInt32(truncatingIfNeeded: pkrs))
  }
}
