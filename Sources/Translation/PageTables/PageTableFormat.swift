/// The entries of one page-table architecture: how a word reads, and how one is written.
///
/// The format is a type and the number of levels a value, so that a walk is specialised for the
/// format and one walk serves every depth.
protocol PageTableFormat {
  /// A walk may use the entry.
  static func isPresent(_ entry: UInt64) -> Bool

  /// A present entry that the architecture forbids at this level.
  static func isMalformed(_ entry: UInt64, level: Int) -> Bool

  /// A present entry that maps a page, and not a table.
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool

  /// What the entry allows; what a way allows is what all of its entries do.
  static func rights(_ entry: UInt64) -> Rights

  /// An address of as many levels has no bits that the tables do not translate.
  static func accepts(_ address: UInt64, levels: Int) -> Bool

  /// What reading a first-stage table needs of this format as the second stage.
  static var tableAccess: Rights { get }

  /// What any access to data needs of this format as the second stage, besides its own kind.
  static var dataAccess: Rights { get }

  /// Where a table or a page of the level begins.
  static func address(in entry: UInt64, leafLevel: Int) -> UInt64

  /// What a walk sets in an entry that it uses; 0 where nothing is kept.
  static var accessed: UInt64 { get }

  /// What a write sets in the leaf; 0 where nothing is kept.
  static var dirty: UInt64 { get }

  /// An entry for a table.
  static func table(at address: UInt64) -> UInt64

  /// An entry for a page of the level that everything may access.
  static func leaf(at address: UInt64, level: Int) -> UInt64
}

extension PageTableFormat {
  @inline(__always)
  static func address(in entry: UInt64, leafLevel: Int) -> UInt64 {
    // Bits 51:12 of the 4 KiB granule, less the offset of a larger page.
    entry & (1 << 52 - 1 << UInt64(12 + 9 * leafLevel))
  }
}
