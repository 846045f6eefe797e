/// Entries as software changes them.
protocol EditableFormat: PageTableFormat {
  /// An entry that allows no more than some rights; without any it is not present.
  static func limited(_ entry: UInt64, to rights: Rights) -> UInt64

  /// The part of a page's entry that maps a piece of it, at the piece's address and level, which is one
  /// below the page's.
  static func piece(of entry: UInt64, at address: UInt64, level: Int) -> UInt64
}

extension EditableFormat {
  /// An entry after a change.
  static func changed(_ entry: UInt64, _ change: TableChange) -> UInt64 {
    switch change {
    case .unmap: 0
    case .protect(let rights): limited(entry, to: rights)
    }
  }
}

/// What software does to the entries of a range.
enum TableChange {
  case unmap
  /// Only these of read, write and execute stay allowed.
  case protect(Rights)
}

extension X86PageTable: EditableFormat {
  static func limited(_ entry: UInt64, to rights: Rights) -> UInt64 {
    // Without read there is nothing that long mode could allow.
    guard rights.contains(.read) else { return 0 }
    var changed = entry
    if !rights.contains(.write) { changed &= ~X86PageTableEntry.writable.mask }
    if !rights.contains(.execute) { changed |= X86PageTableEntry.executeDisable.mask }
    return changed
  }

  static func piece(of entry: UInt64, at address: UInt64, level: Int) -> UInt64 {
    // Bit 12 of a large page is the PAT bit, which a 4 KiB page has where others say their size.
    let kept = entry & ~(X86PageTableEntry.frame.mask | X86PageTableEntry.pageSize.mask)
    let pat = entry & 1 << 12 != 0
    if level == 0 { return kept | address | (pat ? X86PageTableEntry.pageSize.mask : 0) }
    return kept | address | X86PageTableEntry.pageSize.mask | (pat ? 1 << 12 : 0)
  }
}

extension NestedPageTable: EditableFormat {
  static func limited(_ entry: UInt64, to rights: Rights) -> UInt64 {
    X86PageTable.limited(entry, to: rights)
  }

  static func piece(of entry: UInt64, at address: UInt64, level: Int) -> UInt64 {
    X86PageTable.piece(of: entry, at: address, level: level)
  }
}

extension ExtendedPageTable: EditableFormat {
  static func limited(_ entry: UInt64, to rights: Rights) -> UInt64 {
    entry & ~7 | entry & UInt64(rights.rawValue & 7)
  }

  static func piece(of entry: UInt64, at address: UInt64, level: Int) -> UInt64 {
    let kept =
      entry & ~(ExtendedPageTableEntry.frame.mask | ExtendedPageTableEntry.largePage.mask)
    return kept | address | (level > 0 ? ExtendedPageTableEntry.largePage.mask : 0)
  }
}
