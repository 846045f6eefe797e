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
/// Model: physical addresses are 52 bits wide, so no address bit of an entry is reserved; execution
/// can be disabled (EFER.NXE), and supervisors heed the write bit (CR0.WP).
enum X86PageTable: PageTableFormat {
  private typealias Entry = X86PageTableEntry

  @inline(__always)
  static func isPresent(_ entry: UInt64) -> Bool { entry & Entry.present.mask != 0 }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    level == 0 || entry & Entry.pageSize.mask != 0
  }

  /// The page-size bit above the 1 GiB level, or address bits below a large page's alignment.
  ///
  /// Bit 12 of a large page's entry is its PAT bit and not reserved.
  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int) -> Bool {
    guard level > 0, entry & Entry.pageSize.mask != 0 else { return false }
    guard level <= 2 else { return true }
    let offset: UInt64 = 1 << UInt64(12 + 9 * level) - 1
    return entry & offset & ~(1 << 13 - 1) != 0
  }

  @inline(__always)
  static func rights(_ entry: UInt64) -> Rights {
    var rights: Rights = entry & Entry.executeDisable.mask == 0 ? [.read, .execute] : .read
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

  static var tableAccess: Rights { .read }
  static var dataAccess: Rights { [] }

  static var accessed: UInt64 { Entry.accessed.mask }
  static var dirty: UInt64 { Entry.dirty.mask }

  static func table(at address: UInt64) -> UInt64 {
    address | Entry.user.mask | Entry.writable.mask | Entry.present.mask
  }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    table(at: address) | (level > 0 ? Entry.pageSize.mask : 0)
  }
}
