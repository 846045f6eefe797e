/// The entries of one page-table architecture: how a word reads, and how one is written.
///
/// The format is a type and the number of levels a value, so that a walk is specialised for the
/// format and one walk serves every depth.
protocol PageTableFormat {
  /// A walk may use the entry.
  static func isPresent(_ entry: UInt64, _ controls: PagingControls) -> Bool

  /// A present entry that the architecture forbids at this level.
  static func isMalformed(_ entry: UInt64, level: Int, _ controls: PagingControls) -> Bool

  /// An entry above level 0 for a table that allows everything, is well formed and has its accessed
  /// flag set: all that the other questions would say of most entries, by one compare. A format may
  /// say no of every entry.
  static func isOpenTable(_ entry: UInt64, _ controls: PagingControls) -> Bool

  /// A present entry that maps a page, and not a table.
  static func isLeaf(_ entry: UInt64, level: Int) -> Bool

  /// What the entry allows; what a way allows is what all of its entries do.
  static func rights(_ entry: UInt64, _ controls: PagingControls) -> Rights

  /// An address of as many levels has no bits that the tables do not translate.
  static func accepts(_ address: UInt64, levels: Int) -> Bool

  /// The one place of the rule: why an access is not allowed by what the entries allow together.
  ///
  /// Walks ask it at the leaf and TLBs at a hit, with the control registers of that moment.
  ///
  /// - Parameters:
  ///   - access: one or more of read, write and execute, with `user` and `implicit` as they apply.
  ///   - rights: of the whole way.
  ///   - key: of the leaf.
  ///   - controls: of the stage.
  /// - Returns: `forbidden` or `protectionKey`; nothing where the access is allowed.
  static func denial(
    of access: Rights, _ rights: Rights, key: UInt8, _ controls: PagingControls
  ) -> WalkFault.Reason?

  /// As the second stage: what reading a first-stage table needs.
  static func tableAccess(_ controls: PagingControls) -> Rights

  /// As the second stage: what an access to data needs.
  ///
  /// - Parameters:
  ///   - access: of the instruction.
  ///   - page: what the first stage's entries allow together.
  /// - Returns: what `denial` is to be asked.
  static func dataAccess(_ access: Rights, page: Rights) -> Rights

  /// The leaf's protection key.
  static func key(_ leaf: UInt64) -> UInt8

  /// The leaf is for every PCID.
  static func isGlobal(_ leaf: UInt64) -> Bool

  /// What the leaf says of the memory's type, in four bits.
  static func memoryType(_ leaf: UInt64, level: Int) -> UInt8

  /// Where a table or a page of the level begins.
  static func address(in entry: UInt64, leafLevel: Int) -> UInt64

  /// What a walk sets in an entry that it uses; 0 where nothing is kept.
  static func accessed(_ controls: PagingControls) -> UInt64

  /// What a write sets in the leaf; 0 where nothing is kept.
  static func dirty(_ controls: PagingControls) -> UInt64

  /// What the processor raises for a fault, and with what code.
  static func report(_ facts: FaultFacts, _ controls: PagingControls) -> FaultReport

  /// An entry for a table.
  static func table(at address: UInt64) -> UInt64

  /// An entry for a page of the level that everything may access.
  static func leaf(at address: UInt64, level: Int) -> UInt64
}

/// How a processor reports a fault.
struct FaultReport: Equatable {
  var kind: WalkFault.Kind
  var code: UInt64?
  var isException = false
}

extension PageTableFormat {
  @inline(__always)
  static func isOpenTable(_ entry: UInt64, _ controls: PagingControls) -> Bool { false }

  @inline(__always)
  static func address(in entry: UInt64, leafLevel: Int) -> UInt64 {
    // Bits 51:12 of the 4 KiB granule, less the offset of a larger page.
    entry & (1 << 52 - 1) & ~TableLevel.offsets(leafLevel)
  }

  /// The leaf keeps a dirty flag that is still clear.
  @inline(__always)
  static func isClean(_ leaf: UInt64, _ controls: PagingControls) -> Bool {
    dirty(controls) & ~leaf != 0
  }
}
