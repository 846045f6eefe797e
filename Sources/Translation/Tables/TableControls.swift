/// Control registers of one stage as a user names them: `no-wp,smep,pkru=0x4,physical-bits=46`.
public struct TableControls: Sendable, Equatable {
  private var flags = PagingControls.Flags.standard
  private var physicalBits: UInt8 = 52
  private var userKeyRights: UInt32 = 0
  private var supervisorKeyRights: UInt32 = 0

  /// What most machines have: CR0.WP and EFER.NXE, pages of 1 GiB, execute-only EPT entries, 52 bits of
  /// physical address.
  public init() {}

  /// A flag's name, what it is, and whether it is set without being named.
  private struct Name {
    var name: String
    var flag: PagingControls.Flags
    var meaning: String
  }

  private static let names: [Name] = [
    Name(name: "wp", flag: .writeProtect, meaning: "CR0.WP"),
    Name(name: "nxe", flag: .executeDisable, meaning: "EFER.NXE"),
    Name(name: "smep", flag: .smep, meaning: "CR4.SMEP"),
    Name(name: "smap", flag: .smap, meaning: "CR4.SMAP"),
    Name(name: "ac", flag: .alignmentCheck, meaning: "RFLAGS.AC"),
    Name(name: "pke", flag: .userKeys, meaning: "CR4.PKE"),
    Name(name: "pks", flag: .supervisorKeys, meaning: "CR4.PKS"),
    Name(name: "1g", flag: .hugePages, meaning: "pages of 1 GiB"),
    Name(name: "amd", flag: .reservesUpperGlobal, meaning: "bit 8 reserved in levels 3 and 4"),
    Name(name: "ad", flag: .accessedDirty, meaning: "EPTP bit 6, accessed and dirty flags"),
    Name(name: "xo", flag: .executeOnly, meaning: "execute-only EPT entries"),
    Name(name: "mbec", flag: .modeBasedExecute, meaning: "mode-based execute control"),
    Name(
      name: "exit-info", flag: .advancedExitInformation,
      meaning: "bits 9 to 11 of exit qualifications"),
    Name(name: "ve", flag: .virtualizationException, meaning: "EPT-violation #VE"),
  ]

  /// A register that is given whole, with its bits that count.
  private static let registers:
    [(name: String, bits: [(bit: UInt64, flag: PagingControls.Flags)])] =
      [
        ("cr0", [(16, .writeProtect)]),
        (
          "cr4",
          [(20, .smep), (21, .smap), (22, .userKeys), (24, .supervisorKeys)]
        ),
        ("efer", [(11, .executeDisable)]), ("rflags", [(18, .alignmentCheck)]),
      ]

  /// Every name with what it is, for help.
  public static var help: String {
    names.map { name in
      let isSet = PagingControls.Flags.standard.contains(name.flag)
      return "\(isSet ? "no-" : "")\(name.name) (\(name.meaning))"
    }.joined(separator: ", ")
      + "; cr0=, cr4=, efer=, rflags= with a register's value; pkru=, pkrs=, which turn keys on; "
      + "physical-bits= 32 to 52"
  }

  /// Reads a list, of which what stands later wins; none where a name or a number is not known.
  ///
  /// - Parameter list: names with commas between; `no-` before one clears it.
  public init?(_ list: String) {
    for item in list.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = parts.first.map(String.init) else { return nil }
      let isRead =
        parts.count == 2 ? setValue(name, String(parts[1])) : setFlag(name)
      guard isRead else { return nil }
    }
  }

  private mutating func setFlag(_ name: String) -> Bool {
    let isClear = name.hasPrefix("no-")
    let plain = isClear ? String(name.dropFirst(3)) : name
    guard let flag = Self.names.first(where: { $0.name == plain })?.flag else { return false }
    if isClear { flags.remove(flag) } else { flags.insert(flag) }
    return true
  }

  private mutating func setValue(_ name: String, _ text: String) -> Bool {
    guard let value = number(text) else { return false }
    if let register = Self.registers.first(where: { $0.name == name }) {
      for (bit, flag) in register.bits {
        if value >> bit & 1 == 1 { flags.insert(flag) } else { flags.remove(flag) }
      }
      return true
    }
    switch name {
    case "pkru", "pkrs":
      guard let rights = UInt32(exactly: value) else { return false }
      if name == "pkru" { userKeyRights = rights } else { supervisorKeyRights = rights }
      flags.insert(name == "pkru" ? .userKeys : .supervisorKeys)
    case "physical-bits":
      guard (32...52).contains(value) else { return false }
      physicalBits = UInt8(truncatingIfNeeded: value)
    default: return false
    }
    return true
  }

  /// For walks of tables with a root.
  func controls(of root: TableRoot?) -> PagingControls {
    PagingControls(
      root?.hasAccessedDirty == true ? flags.union(.accessedDirty) : flags,
      physicalBits: physicalBits, userKeyRights: userKeyRights,
      supervisorKeyRights: supervisorKeyRights)
  }
}
