/// The tables that a hypervisor keeps for a guest's, from guest-virtual to host-physical addresses.
///
/// In shadow mode hardware walks them alone. In agile mode they have the upper levels, and the entry at
/// the switch leads to the guest's own table by its host-physical address.
struct ShadowTables {
  /// The host frame of each space's shadow root; made when the space is first used.
  private var roots: [Int: UInt64] = [:]
  /// Levels left to the guest's tables.
  let nestedLevels: Int

  init(nestedLevels: Int) { self.nestedLevels = nestedLevels }

  /// What filling an address found and did.
  enum Filled {
    /// The way was there already.
    case present
    /// Entries were missing, so hardware would have faulted into the hypervisor.
    case filled
    /// The entry forbade the write so that the guest's dirty flag could be kept; now it allows it.
    case dirtied
    /// The guest's tables or the second stage have no page there.
    case unmapped
    /// No frame is left for a shadow table.
    case outOfFrames
  }

  /// Where a walk of the space begins; nothing where no frame is left.
  mutating func root<First, Second>(
    of space: Int, _ tables: inout GuestTables<First, Second>
  ) -> UInt64? {
    if let root = roots[space] { return root }
    guard let frame = tables.takeHostTable() else { return nil }
    roots[space] = frame
    return frame
  }

  /// Makes the shadow of an address as the guest's tables have it.
  ///
  /// Model: a page whose guest entry is clean is entered without write permission, so that the first
  /// write is seen; accessed flags of the guest are set when the shadow is filled.
  mutating func fill<First, Second>(
    _ address: GVA, in space: Int, isWrite: Bool, _ tables: inout GuestTables<First, Second>
  ) -> Filled {
    guard let root = root(of: space, &tables) else { return .outOfFrames }
    let guest = tables.spaces[space].guest
    guard let (leaf, leafLevel) = tables.firstLeaf(of: address, in: space) else { return .unmapped }
    let standard = PagingControls.standard
    // Where the guest's own table takes over, the second stage serves the rest.
    let switchLevel = leafLevel < nestedLevels ? nestedLevels : -1
    var backing: (entry: UInt64, level: Int)?
    if switchLevel < 0 {
      let page = First.address(in: leaf.pointee, leafLevel: leafLevel)
      let data = GPA(page | address.rawValue & (1 << UInt64(12 + 9 * leafLevel) - 1))
      guard let found = tables.secondLeaf(of: data, guest) else { return .unmapped }
      backing = (found.entry.pointee, found.level)
      leaf.pointee |= First.accessed(standard) | (isWrite ? First.dirty(standard) : 0)
    }
    let lastLevel = backing.map { min($0.level, leafLevel) } ?? switchLevel
    var result = Filled.present
    var frame = root
    for level in stride(from: tables.firstLevels - 1, to: lastLevel, by: -1) {
      guard let words = tables.memory.words(in: frame) else { return .outOfFrames }
      let entry = words + Int(address.index(at: level))
      if !First.isPresent(entry.pointee, standard) || First.isLeaf(entry.pointee, level: level) {
        guard let next = tables.takeHostTable() else { return .outOfFrames }
        entry.pointee = First.table(at: next << 12)
        result = .filled
      }
      frame = First.address(in: entry.pointee, leafLevel: 0) >> 12
    }
    guard let words = tables.memory.words(in: frame) else { return .outOfFrames }
    let entry = words + Int(address.index(at: lastLevel))
    guard let backing else {
      return enterTable(entry, address, space, lastLevel, tables) ? result.or(.filled) : result
    }
    let rights = tables.firstRights(of: address, in: space)
    let wanted = Self.leaf(
      address, leaf.pointee, leafLevel, rights, backing, level: lastLevel, First.self, Second.self)
    let kept = First.accessed(standard) | First.dirty(standard)
    if entry.pointee & ~kept == wanted & ~kept { return result }
    let wasPresent = First.isPresent(entry.pointee, standard)
    let samePage =
      First.address(in: entry.pointee, leafLevel: lastLevel)
      == First.address(in: wanted, leafLevel: lastLevel)
    entry.pointee = wanted
    return wasPresent && samePage && result == .present ? .dirtied : .filled
  }

  /// Leads to the guest's table below a level.
  ///
  /// - Returns: whether the entry did not before.
  private func enterTable<First, Second>(
    _ entry: UnsafeMutablePointer<UInt64>, _ address: GVA, _ space: Int, _ level: Int,
    _ tables: borrowing GuestTables<First, Second>
  ) -> Bool {
    guard let table = tables.firstTable(of: address, below: level, in: space),
      let host = tables.host(of: table, tables.spaces[space].guest)
    else { return false }
    let wanted = First.table(at: host.rawValue & ~0xfff) | WalkContext.switchesToGuest
    let kept = First.accessed(.standard)
    guard entry.pointee & ~kept != wanted else { return false }
    entry.pointee = wanted
    return true
  }

  /// The shadow's entry for a page: both stages' permission together.
  private static func leaf<First: EditableFormat, Second: EditableFormat>(
    _ address: GVA, _ first: UInt64, _ firstLevel: Int, _ rights: Rights,
    _ second: (entry: UInt64, level: Int), level: Int, _: First.Type, _: Second.Type
  ) -> UInt64 {
    let standard = PagingControls.standard
    let guestPage = First.address(in: first, leafLevel: firstLevel)
    let data = guestPage | address.rawValue & (1 << UInt64(12 + 9 * firstLevel) - 1)
    let hostPage = Second.address(in: second.entry, leafLevel: second.level)
    let host = hostPage | data & (1 << UInt64(12 + 9 * second.level) - 1)
    let page = host & ~(1 << UInt64(12 + 9 * level) - 1)
    var allowed = rights.intersection(Second.rights(second.entry, standard).union(.user))
    if First.isClean(first, standard) { allowed.remove(.write) }
    let entry = First.limited(First.leaf(at: page, level: level), to: allowed)
    // Shadow tables are long-mode tables, as the guest's are.
    return allowed.contains(.user) ? entry : entry & ~X86PageTableEntry.user.mask
  }

  /// Forgets every page of a guest's spaces.
  mutating func forget<First, Second>(
    guest: Int, _ tables: borrowing GuestTables<First, Second>
  ) {
    for (space, frame) in roots where tables.spaces[space].guest == guest {
      if let words = tables.memory.words(in: frame) { words.update(repeating: 0, count: 512) }
    }
  }

  /// Forgets one page of a space, or the table that holds it.
  func forget<First, Second>(
    _ address: GVA, in space: Int, _ tables: borrowing GuestTables<First, Second>
  ) {
    guard var frame = roots[space] else { return }
    for level in stride(from: tables.firstLevels - 1, through: 0, by: -1) {
      guard let words = tables.memory.words(in: frame) else { return }
      let entry = words + Int(address.index(at: level))
      guard First.isPresent(entry.pointee, .standard) else { return }
      let isSwitch = entry.pointee & WalkContext.switchesToGuest != 0
      if First.isLeaf(entry.pointee, level: level) || isSwitch {
        entry.pointee = 0
        return
      }
      frame = First.address(in: entry.pointee, leafLevel: 0) >> 12
    }
  }
}

extension ShadowTables.Filled {
  /// The first that is more than nothing.
  fileprivate func or(_ other: ShadowTables.Filled) -> ShadowTables.Filled {
    self == .present ? other : self
  }
}
