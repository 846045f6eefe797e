/// An entry of Intel's extended page tables, any level.
///
/// Source: Intel SDM volume 3C, June 2016 (325384-059US), "EPT Translation Mechanism", tables "Format
/// of an EPT PML4 Entry" to "Format of an EPT Page-Table Entry that Maps a 4-KByte Page".
struct ExtendedPageTableEntry: HardwareWord {
  var rawValue: UInt64

  static let suppressException = BitRange(63)  // suppress #VE
  static let ignoredHigh = BitRange(62, 52)
  static let frame = BitRange(51, 12)
  static let ignored = BitRange(11, 10)
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
      ("ignored", ignored), ("dirty", dirty), ("accessed", accessed), ("largePage", largePage),
      ("ignorePAT", ignorePAT), ("memoryType", memoryType), ("execute", execute),
      ("write", write), ("read", read),
    ]
  }
}

/// Extended page tables, four or five levels.
///
/// Model: accessed and dirty flags for EPT are off (EPTP bit 6 clear), so a walk writes no
/// second-stage entry; execute-only entries are supported.
enum ExtendedPageTable: PageTableFormat {
  private typealias Entry = ExtendedPageTableEntry

  /// Write-back, the type of ordinary memory.
  private static let writeBack: UInt64 = 6

  /// Any of read, write and execute.
  @inline(__always)
  static func isPresent(_ entry: UInt64) -> Bool { entry & 7 != 0 }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    level == 0 || entry & Entry.largePage.mask != 0
  }

  /// Write without read, a reserved bit set, or a memory type that does not exist.
  ///
  /// Source: Intel SDM volume 3C, June 2016, "EPT Misconfigurations".
  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int) -> Bool {
    if entry & 3 == 2 { return true }
    if !isLeaf(entry, level: level) {
      return entry & (Entry.memoryType.mask | Entry.ignorePAT.mask) != 0
    }
    if level > 2 { return true }
    let type = (entry & Entry.memoryType.mask) >> 3
    if type == 2 || type == 3 || type == 7 { return true }
    let offset: UInt64 = 1 << UInt64(12 + 9 * level) - 1
    return entry & offset & ~(1 << 12 - 1) != 0
  }

  @inline(__always)
  static func rights(_ entry: UInt64) -> Rights {
    // Bits 2:0 are in the order of `Rights`; users and supervisors are alike.
    Rights(rawValue: UInt8(truncatingIfNeeded: entry & 7)).union(.user)
  }

  /// No bit above the highest translated one.
  @inline(__always)
  static func accepts(_ address: UInt64, levels: Int) -> Bool {
    address >> UInt64(12 + 9 * levels) == 0
  }

  /// Reading a guest's table is a data read while accessed and dirty flags are off.
  static var tableAccess: Rights { .read }
  static var dataAccess: Rights { [] }

  static var accessed: UInt64 { 0 }
  static var dirty: UInt64 { 0 }

  static func table(at address: UInt64) -> UInt64 { address | 7 }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    address | writeBack << 3 | 7 | (level > 0 ? Entry.largePage.mask : 0)
  }
}
