/// The form of entries that are alike in all that a walk asks of them: `entry & mask == value`.
struct EntryForm: Equatable, Sendable, BitwiseCopyable {
  var mask: UInt64
  var value: UInt64

  /// Nothing has this form.
  static let none = EntryForm(mask: 0, value: 1)

  @inline(__always)
  func fits(_ entry: UInt64) -> Bool { entry & mask == value }

  /// Present, well-formed entries for tables that allow all that synthesised ones do, whatever their
  /// accessed flag.
  static func openTable<Format: PageTableFormat>(
    of format: Format.Type, level: Int, _ controls: PagingControls
  ) -> EntryForm {
    form(like: format.table(at: 0), isLeaf: false, of: format, level, controls)
  }

  /// Likewise entries for pages, whatever their accessed and dirty flags.
  static func openLeaf<Format: PageTableFormat>(
    of format: Format.Type, level: Int, _ controls: PagingControls
  ) -> EntryForm {
    form(like: format.leaf(at: 0, level: level), isLeaf: true, of: format, level, controls)
  }

  /// Which bits make an entry what it is: those whose change makes it another kind of entry, or none.
  private static func form<Format: PageTableFormat>(
    like entry: UInt64, isLeaf: Bool, of format: Format.Type, _ level: Int,
    _ controls: PagingControls
  ) -> EntryForm {
    // The processor may have no such pages.
    guard !format.isMalformed(entry, level: level, controls) else { return .none }
    var mask: UInt64 = 0
    for bit in 0..<64 {
      let other = entry ^ 1 << UInt64(bit)
      if !format.isPresent(other, controls) || format.isMalformed(other, level: level, controls)
        || format.isLeaf(other, level: level) != isLeaf
        || format.rights(other, controls) != format.rights(entry, controls)
        || format.key(other) != format.key(entry)
      {
        mask |= 1 << UInt64(bit)
      }
    }
    return EntryForm(mask: mask, value: entry & mask)
  }
}

extension PageTableFormat {
  /// Open leaves allow everything that there is to allow.
  static func allowsAll(_ controls: PagingControls) -> Bool {
    rights(leaf(at: 0, level: 0), controls) == .all
  }
}
