/// Finding and changing entries as software does, without a walk of the machine's.
extension GuestTables {
  /// An entry and the level of its table.
  typealias Place = (entry: UnsafeMutablePointer<UInt64>, level: Int)

  /// The place of a first-stage entry in memory.
  func entry(in table: GPA, at index: UInt64, of guest: Int) -> UnsafeMutablePointer<UInt64>? {
    guard let host = host(of: table, guest), let words = memory.words(in: host.frame)
    else { return nil }
    return words + Int(index)
  }

  /// Where a guest-physical address lies in the host; nothing where nothing backs it.
  func host(of address: GPA, _ guest: Int) -> HPA? {
    guard secondLevels > 0 else { return HPA(address.rawValue) }
    guard let (entry, level) = secondLeaf(of: address, guest) else { return nil }
    let page = Second.address(in: entry.pointee, leafLevel: level)
    return HPA(page | address.rawValue & (1 << UInt64(12 + 9 * level) - 1))
  }

  /// What the first stage's entries down to a page allow together.
  func firstRights(of address: GVA, in space: Int) -> Rights {
    let space = spaces[space]
    var table = space.first
    var rights = Rights.all
    for level in stride(from: firstLevels - 1, through: 0, by: -1) {
      guard let entry = entry(in: table, at: address.index(at: level), of: space.guest)
      else { return [] }
      rights.formIntersection(First.rights(entry.pointee, .standard))
      if First.isLeaf(entry.pointee, level: level) { break }
      table = GPA(First.address(in: entry.pointee, leafLevel: 0))
    }
    return rights
  }

  /// The first stage's table to which the entry of a level leads, on an address's way.
  func firstTable(of address: GVA, below level: Int, in space: Int) -> GPA? {
    let space = spaces[space]
    var table = space.first
    for above in stride(from: firstLevels - 1, through: level, by: -1) {
      guard let entry = entry(in: table, at: address.index(at: above), of: space.guest),
        First.isPresent(entry.pointee, .standard), !First.isLeaf(entry.pointee, level: above)
      else { return nil }
      table = GPA(First.address(in: entry.pointee, leafLevel: 0))
    }
    return table
  }

  /// What stands at the end of an address's way: the page's entry, or the level that has none.
  enum End {
    case leaf(UnsafeMutablePointer<UInt64>, level: Int)
    case missing(level: Int)

    var place: Place? {
      if case .leaf(let entry, let level) = self { (entry, level) } else { nil }
    }
  }

  /// The first stage's leaf for an address.
  func firstLeaf(of address: GVA, in space: Int) -> Place? {
    firstEnd(of: address, in: space).place
  }

  private func firstEnd(of address: GVA, in space: Int) -> End {
    let space = spaces[space]
    var table = space.first
    for level in stride(from: firstLevels - 1, through: 0, by: -1) {
      guard let entry = entry(in: table, at: address.index(at: level), of: space.guest),
        First.isPresent(entry.pointee, .standard)
      else { return .missing(level: level) }
      if First.isLeaf(entry.pointee, level: level) { return .leaf(entry, level: level) }
      table = GPA(First.address(in: entry.pointee, leafLevel: 0))
    }
    return .missing(level: 0)
  }

  /// The second stage's leaf for an address.
  func secondLeaf(of address: GPA, _ guest: Int) -> Place? { secondEnd(of: address, guest).place }

  private func secondEnd(of address: GPA, _ guest: Int) -> End {
    var table = guests[guest].second
    for level in stride(from: secondLevels - 1, through: 0, by: -1) {
      guard let words = memory.words(in: table.frame) else { return .missing(level: level) }
      let entry = words + Int(address.index(at: level))
      guard Second.isPresent(entry.pointee, .standard) else { return .missing(level: level) }
      if Second.isLeaf(entry.pointee, level: level) { return .leaf(entry, level: level) }
      table = HPA(Second.address(in: entry.pointee, leafLevel: 0))
    }
    return .missing(level: 0)
  }

  /// Sets the dirty bits of a page in the stages that keep them.
  ///
  /// - Returns: how many were clear.
  func markDirty(
    _ address: GVA, in space: Int, first: PagingControls, second: PagingControls
  ) -> Int {
    guard let (entry, level) = firstLeaf(of: address, in: space) else { return 0 }
    var count = Self.set(First.dirty(first), in: entry)
    guard secondLevels > 0, Second.dirty(second) != 0 else { return count }
    let page = First.address(in: entry.pointee, leafLevel: level)
    let offset = address.rawValue & (1 << UInt64(12 + 9 * level) - 1)
    if let leaf = secondLeaf(of: GPA(page | offset), spaces[space].guest) {
      count += Self.set(Second.dirty(second), in: leaf.entry)
    }
    return count
  }

  private static func set(_ bits: UInt64, in entry: UnsafeMutablePointer<UInt64>) -> Int {
    let clear = bits & ~entry.pointee
    entry.pointee |= clear
    return clear.nonzeroBitCount
  }

  /// Changes a range of the first stage.
  ///
  /// An address without a page is passed over as far as its missing entry reaches, so that the time
  /// depends on what is mapped and not on the length of the range.
  ///
  /// - Returns: entries that were written; a page that only a part of the range covers is split into
  ///   smaller ones first.
  mutating func changeFirst(
    _ range: Range<UInt64>, in space: Int, _ change: TableChange
  ) -> Int {
    var written = 0
    var at = range.lowerBound
    while at < range.upperBound {
      guard First.accepts(at, levels: firstLevels) else {
        // Between the halves there are no addresses.
        at = max(at, ~0 << UInt64(11 + 9 * firstLevels))
        continue
      }
      switch firstEnd(of: GVA(at), in: space) {
      case .missing(let level): at = Self.next(after: at, level)
      case .leaf(let entry, let level):
        written += 1
        if Self.isPart(range, of: at, level) {
          guard splitFirst(entry, level, spaces[space].guest) else { return written }
        } else {
          entry.pointee = First.changed(entry.pointee, change)
          at = Self.next(after: at, level)
        }
      }
    }
    return written
  }

  /// Changes a range of a guest's second stage.
  mutating func changeSecond(_ range: Range<UInt64>, of guest: Int, _ change: TableChange) -> Int {
    var written = 0
    var at = range.lowerBound
    while at < range.upperBound, Second.accepts(at, levels: secondLevels) {
      switch secondEnd(of: GPA(at), guest) {
      case .missing(let level): at = Self.next(after: at, level)
      case .leaf(let entry, let level):
        written += 1
        if Self.isPart(range, of: at, level) {
          guard let frame = takeHostTable(), let words = memory.words(in: frame)
          else { return written }
          Self.fill(words, from: entry.pointee, level, of: Second.self)
          entry.pointee = Second.table(at: frame << 12)
        } else {
          entry.pointee = Second.changed(entry.pointee, change)
          at = Self.next(after: at, level)
        }
      }
    }
    return written
  }

  /// The first address that another entry of the level covers; the highest one after the last.
  private static func next(after address: UInt64, _ level: Int) -> UInt64 {
    let size: UInt64 = 1 << UInt64(12 + 9 * level)
    let (next, overflow) = (address & ~(size - 1)).addingReportingOverflow(size)
    return overflow ? .max : next
  }

  /// Whether a range covers some of the page with an address and not all.
  private static func isPart(_ range: Range<UInt64>, of address: UInt64, _ level: Int) -> Bool {
    let size: UInt64 = 1 << UInt64(12 + 9 * level)
    let start = address & ~(size - 1)
    return level > 0 && (start < range.lowerBound || range.upperBound - start < size)
  }

  /// Puts a table of smaller pages in the place of a large one.
  private mutating func splitFirst(
    _ entry: UnsafeMutablePointer<UInt64>, _ level: Int, _ guest: Int
  ) -> Bool {
    guard let table = takeBackedTable(of: guest), let host = host(of: table, guest),
      let words = memory.words(in: host.frame)
    else { return false }
    Self.fill(words, from: entry.pointee, level, of: First.self)
    entry.pointee = First.table(at: table.rawValue)
    return true
  }

  private static func fill<Format: EditableFormat>(
    _ words: UnsafeMutablePointer<UInt64>, from entry: UInt64, _ level: Int, of format: Format.Type
  ) {
    let page = Format.address(in: entry, leafLevel: level)
    for index in 0..<512 {
      words[index] = Format.piece(
        of: entry, at: page | UInt64(index) << UInt64(12 + 9 * (level - 1)), level: level - 1)
    }
  }

  /// Writes one word of a table.
  ///
  /// - Returns: whether a table stands there.
  func write(_ value: UInt64, at address: HPA) -> Bool {
    guard let words = memory.words(in: address.frame) else { return false }
    words[Int(address.rawValue >> 3 & 511)] = value
    return true
  }
}
