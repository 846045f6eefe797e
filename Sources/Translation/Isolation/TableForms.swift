/// What the words of IOMMUs' tables say, by the kind of table that they stand in.
extension TableDirectory {
  /// What a frame holds.
  enum Kind: UInt8 {
    /// VT-d's root table of legacy mode, and of scalable mode.
    case root
    case scalableRoot
    /// The contexts of a bus, and of half a bus.
    case contexts
    case scalableContexts
    /// The directory of a device's PASIDs, and the entries of 64 of them.
    case directory
    case pasids
    /// VT-d's second stage, and the first stage of a PASID.
    case second
    case first
    /// A frame of AMD-Vi's device table, its host tables, and its tables of guest CR3s.
    case devices
    case host
    case guestRoots

    /// Entries translate addresses.
    var translates: Bool { self == .second || self == .first || self == .host }
  }

  struct Table: BitwiseCopyable {
    var kind: Kind
    /// Of tables that translate, and of guest CR3s; 0 is the last.
    var level: UInt8 = 0
    /// Of the second stage under a nested first one; 0 for none.
    var secondLevels: UInt8 = 0
    /// That second stage's tables.
    var secondKind = Kind.second
    var space = MappingSpace.unknown
    /// The first address that it translates, device or PASID.
    var first: UInt64 = 0
    /// The root of the second stage under a nested first one.
    var second: UInt64 = 0

    /// A guest's own, which its second stage has to hold.
    var isNested: Bool { secondLevels > 0 }

    /// Words of one entry.
    var stride: Int {
      switch kind {
      case .root, .scalableRoot, .contexts: 2
      case .scalableContexts, .devices: 4
      case .pasids: 8
      default: 1
      }
    }
  }

  /// A page that an entry maps.
  struct Page: Equatable {
    var address: UInt64
    var shift: UInt8
    var output: UInt64
    /// Bit 0 reading, bit 1 writing.
    var rights: UInt8

    var bytes: UInt64 { 1 << UInt64(shift) }
  }

  /// What one entry of a table that translates says.
  enum Entry {
    case absent
    case page(Page)
    case table(UInt64, Table)
  }

  /// Reads an entry of a table that translates.
  static func entry(
    _ word: UInt64, at slot: Int, of table: Table, _ memory: borrowing IOMemory
  ) -> Entry {
    let level = Int(table.level)
    let first = table.first &+ UInt64(slot) << UInt64(12 + 9 * level)
    var below = table
    below.first = first
    switch table.kind {
    case .second:
      guard VTdSecondStage.isPresent(word, .standard) else { return .absent }
      guard VTdSecondStage.isLeaf(word, level: level) else {
        below.level -= 1
        return .table(word & VTdSecondStageEntry.frame.mask, below)
      }
      return .page(
        Page(
          address: first, shift: UInt8(12 + 9 * level),
          output: VTdSecondStage.address(in: word, leafLevel: level), rights: UInt8(word & 3)))
    case .first:
      guard X86PageTable.isPresent(word, .standard) else { return .absent }
      let target = X86PageTable.address(in: word, leafLevel: 0)
      guard X86PageTable.isLeaf(word, level: level) else {
        below.level -= 1
        guard let place = resolve(target, of: table, memory) else { return .absent }
        return .table(place, below)
      }
      let page = X86PageTable.address(in: word, leafLevel: level)
      guard let output = resolve(page, of: table, memory) else { return .absent }
      return .page(
        Page(
          address: first, shift: UInt8(12 + 9 * level), output: output,
          rights: word & 2 == 0 ? 1 : 3))
    case .host:
      guard word.has(AMDViPageTableEntry.present) else { return .absent }
      let next = Int(word[AMDViPageTableEntry.nextLevel])
      if next == 0 || next == 7 {
        guard let shift = AMDViUnit.pageShift(word, next, level) else { return .absent }
        let offset: UInt64 = 1 << UInt64(shift) - 1
        return .page(
          Page(
            address: first & ~offset, shift: UInt8(shift),
            output: word & AMDViPageTableEntry.address.mask & ~offset,
            rights: AMDViUnit.rights(word).rawValue & 3))
      }
      guard next <= level else { return .absent }
      below.level = UInt8(next - 1)
      return .table(word & AMDViPageTableEntry.address.mask, below)
    default: return .absent
    }
  }

  /// Where the second stage has a guest's table or page; the address itself without one.
  static func resolve(
    _ address: UInt64, of table: Table, _ memory: borrowing IOMemory
  ) -> UInt64? {
    guard table.isNested else { return address }
    if table.secondLevels < 6, address >> UInt64(12 + 9 * table.secondLevels) != 0 { return nil }
    var (place, level) = (table.second, table.secondLevels - 1)
    while true {
      let slot = Int(address >> UInt64(12 + 9 * level) & 511)
      guard let word = memory.read(place + 8 * UInt64(slot)) else { return nil }
      let reach: UInt64 = level >= 5 ? 0 : 1 << UInt64(21 + 9 * level)
      let base = address & ~(reach &- 1)
      let own = Table(kind: table.secondKind, level: level, first: base)
      switch entry(word, at: slot, of: own, memory) {
      case .absent: return nil
      case .page(let page): return page.output | address & (page.bytes - 1) & ~0xfff
      case .table(let next, let below):
        let skipped = AMDViUnit.skipped(from: Int(level), to: Int(below.level) + 1)
        guard address & skipped == 0 else { return nil }
        (place, level) = (next, below.level)
      }
    }
  }

  /// The tables that an entry of a device's structures leads to.
  ///
  /// - Parameters:
  ///   - words: of the whole entry.
  ///   - slot: of its first word.
  ///   - table: that it stands in.
  ///   - memory: of a second stage, which has the tables of a nested first one.
  /// - Returns: their frames, and what each is.
  static func children(
    _ words: UnsafePointer<UInt64>, at slot: Int, of table: Table, _ memory: borrowing IOMemory
  ) -> [(frame: UInt64, table: Table)] {
    let number = UInt64(slot / table.stride)
    switch table.kind {
    case .root:
      guard words[0].has(VTdRootEntryLow.present) else { return [] }
      return [(words[0] >> 12, Table(kind: .contexts, first: number << 8))]
    case .scalableRoot:
      return (0..<2).compactMap { half in
        guard words[half].has(VTdRootEntryLow.present) else { return nil }
        let first = number << 8 | UInt64(half) << 7
        return (words[half] >> 12, Table(kind: .scalableContexts, first: first))
      }
    case .contexts:
      let width = words[1][VTdContextHigh.width]
      guard words[0].has(VTdContextLow.present), words[0][VTdContextLow.type] != 2, 1...3 ~= width
      else { return [] }
      let space = MappingSpace(domain: UInt32(words[1][VTdContextHigh.domain]))
      return [(words[0] >> 12, Table(kind: .second, level: UInt8(width) + 1, space: space))]
    case .scalableContexts:
      guard words[0].has(VTdScalableContextLow.present) else { return [] }
      // 2^(PDTS + 7) entries of 8 bytes.
      let frames = max(((1 as UInt64) << words[0][VTdScalableContextLow.directorySize]) / 4, 1)
      return (0..<frames).map { at in
        (words[0] >> 12 + at, Table(kind: .directory, first: at << 15))
      }
    case .directory:
      guard words[0].has(VTdPASIDDirectoryEntry.present) else { return [] }
      return [(words[0] >> 12, Table(kind: .pasids, first: table.first + number << 6))]
    case .pasids: return stages(of: words, pasid: UInt32(table.first + number), memory)
    case .devices: return roots(of: words, memory)
    case .guestRoots:
      guard words[0] & 1 == 1,
        let place = resolve(words[0] & AMDViDevice0.root.mask, of: table, memory)
      else { return [] }
      var below = table
      below.first = table.first + number << UInt64(9 * table.level)
      if table.level > 0 {
        below.level -= 1
      } else {
        (below.kind, below.level) = (.first, 3)
        below.space = MappingSpace(
          domain: table.space.domain ?? DMAOutcome.noDomain, pasid: UInt32(below.first))
        below.first = 0
      }
      return [(place >> 12, below)]
    default: return []
    }
  }

  /// The host tables of an AMD-Vi device's entry, and its table of guest CR3s.
  ///
  /// Model: that table is at a guest-physical address where there are host tables.
  ///
  /// Source: AMD 48882, "Guest CR3 Table"; Linux 6.18, drivers/iommu/amd/iommu.c: nested translation
  /// asks for GCR3TRPMode, which makes it guest-physical.
  private static func roots(
    of words: UnsafePointer<UInt64>, _ memory: borrowing IOMemory
  ) -> [(frame: UInt64, table: Table)] {
    let mode = UInt8(words[0][AMDViDevice0.mode])
    guard words[0].has(AMDViDevice0.valid), words[0].has(AMDViDevice0.translationValid), mode <= 6
    else { return [] }
    let space = MappingSpace(domain: UInt32(words[1][AMDViDevice1.domain]))
    let root = words[0] & AMDViDevice0.root.mask
    var found: [(frame: UInt64, table: Table)] = []
    if mode > 0 {
      found.append((root >> 12, Table(kind: .host, level: mode - 1, space: space)))
    }
    let levels = words[0][AMDViDevice0.guestLevels]
    if words[0].has(AMDViDevice0.guestValid), levels < 3 {
      let guests = Table(
        kind: .guestRoots, level: UInt8(levels), secondLevels: mode, secondKind: .host,
        space: space, second: root)
      let device = AMDViUnit.Device(word0: words[0], word1: words[1])
      if let place = resolve(device.guestRoot, of: guests, memory) {
        found.append((place >> 12, guests))
      }
    }
    return found
  }

  private static func stages(
    of words: UnsafePointer<UInt64>, pasid: UInt32, _ memory: borrowing IOMemory
  ) -> [(frame: UInt64, table: Table)] {
    guard words[0].has(VTdPASIDEntry0.present) else { return [] }
    let type = words[0][VTdPASIDEntry0.type]
    let domain = UInt32(words[1][VTdPASIDEntry1.domain])
    let width = words[0][VTdPASIDEntry0.secondWidth]
    var found: [(frame: UInt64, table: Table)] = []
    let hasSecond = (type == 2 || type == 3) && 1...3 ~= width
    if hasSecond {
      found.append(
        (
          words[0] >> 12,
          Table(kind: .second, level: UInt8(width) + 1, space: MappingSpace(domain: domain))
        ))
    }
    if type == 1 || type == 3 && hasSecond, words[2][VTdPASIDEntry2.firstLevels] <= 1 {
      var first = Table(
        kind: .first, level: UInt8(words[2][VTdPASIDEntry2.firstLevels]) + 3,
        space: MappingSpace(domain: domain, pasid: pasid))
      if type == 3 {
        first.second = words[0] & VTdPASIDEntry0.secondTable.mask
        first.secondLevels = UInt8(width) + 2
      }
      if let root = resolve(words[2] & VTdPASIDEntry2.firstTable.mask, of: first, memory) {
        found.append((root >> 12, first))
      }
    }
    return found
  }
}
