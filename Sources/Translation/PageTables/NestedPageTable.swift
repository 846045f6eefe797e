/// AMD's nested page tables: the long-mode format as a second stage.
///
/// Every nested walk is a user's, and what serves a guest's table walk is a write, because the walk
/// may set accessed and dirty bits there.
///
/// Source: AMD64 Architecture Programmer's Manual volume 2, 24593, "Nested Paging", "Nested versus
/// Guest Page Faults, Fault Ordering" (recalled; held against a recorded Linux guest in the tests).
enum NestedPageTable: PageTableFormat {
  @inline(__always)
  static func isPresent(_ entry: UInt64) -> Bool { X86PageTable.isPresent(entry) }

  @inline(__always)
  static func isMalformed(_ entry: UInt64, level: Int) -> Bool {
    X86PageTable.isMalformed(entry, level: level)
  }

  @inline(__always)
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool {
    X86PageTable.isLeaf(entry, level: level)
  }

  @inline(__always)
  static func rights(_ entry: UInt64) -> Rights { X86PageTable.rights(entry) }

  /// No bit above the highest translated one: a guest-physical address is not sign-extended.
  @inline(__always)
  static func accepts(_ address: UInt64, levels: Int) -> Bool {
    ExtendedPageTable.accepts(address, levels: levels)
  }

  static var tableAccess: Rights { [.read, .write, .user] }
  static var dataAccess: Rights { .user }

  static var accessed: UInt64 { X86PageTable.accessed }
  static var dirty: UInt64 { X86PageTable.dirty }

  static func table(at address: UInt64) -> UInt64 { X86PageTable.table(at: address) }

  static func leaf(at address: UInt64, level: Int) -> UInt64 {
    X86PageTable.leaf(at: address, level: level)
  }
}
