/// The second stage alone: legacy mode, and scalable mode's second-stage PASIDs.
extension VTdUnit {
  enum TablesFetch {
    case found(Tables)
    case blocked(UInt16, isSilent: Bool)
    case unresolved
  }

  /// How a walk ends; what it found stands where its caller said.
  enum WalkEnd {
    case found
    case blocked(UInt16)
    case unresolved
  }

  /// What a legacy context entry says of a request.
  ///
  /// Source: Intel VT-d 4.1, "Context Entry", field TT: 00 blocks requests with translated addresses
  /// and translation requests, 01 lets them pass, 10 blocks them and passes the rest through.
  @inline(__always)
  static func legacyTables(_ context: Context, _ request: DMARequest) -> TablesFetch {
    let isSilent = context.low.has(VTdContextLow.disablesFaults)
    let type = context.low[VTdContextLow.type]
    if type != 1, request.addressType != .untranslated {
      return .blocked(VTdFault.typeBlocks, isSilent: isSilent)
    }
    return .found(
      Tables(
        second: context.low & VTdContextLow.table.mask,
        domain: UInt32(context.high[VTdContextHigh.domain]),
        kind: type == 2 ? .passThrough : .second,
        secondLevels: UInt8(context.high[VTdContextHigh.width]) + 2, isSilent: isSilent))
  }

  /// Walks the second stage from the root, or from what the paging-structure caches have.
  ///
  /// Presence and form are judged entry by entry, permission once the leaf is reached. With SSADE each
  /// entry's accessed flag is set, and the leaf's dirty flag by a write that it allows.
  ///
  /// Model: a write that hits a translation which a read has filled sets no dirty flag.
  ///
  /// Source: Intel VT-d 4.1, "Second-Stage Translation".
  mutating func walkSecond(
    _ request: DMARequest, _ tables: Tables, _ memory: borrowing IOMemory,
    _ found: inout IOTranslation
  ) -> WalkEnd {
    let address = request.address
    let space = UInt64(tables.domain)
    let top = Int(tables.secondLevels) - 1
    var level = top
    var table = tables.second
    var rights = Rights.data
    if let cached = secondCaches.deepest(space, address, below: level) {
      (level, table, rights) = (Int(cached.level), cached.table, cached.rights)
    }
    while true {
      let value: UInt64
      let index = address &>> UInt64(truncatingIfNeeded: 12 &+ 9 &* level) & 511
      switch fetch(table &+ 8 &* index, memory) {
      case .value(let word): value = word
      case .absent: return .unresolved
      case .refused:
        let isRoot = level == top
        guard tables.isScalable else { return .blocked(VTdFault.tableAccess) }
        return .blocked(isRoot ? VTdFault.secondRootAccess : VTdFault.secondAccess)
      }
      references.tables += 1
      guard VTdSecondStage.isPresent(value, .standard) else {
        guard !tables.isScalable else { return .blocked(VTdFault.secondNotPresent) }
        return .blocked(request.kind.needs.contains(.write) ? VTdFault.write : VTdFault.read)
      }
      guard !VTdSecondStage.isMalformed(value, level: level, .standard),
        value & VTdSecondStageEntry.frame.mask & reservedAddress == 0
      else { return .blocked(tables.isScalable ? VTdFault.secondReserved : VTdFault.entryReserved) }
      rights.formIntersection(VTdSecondStage.rights(value, .standard))
      let isLeaf = VTdSecondStage.isLeaf(value, level: level)
      if tables.setsSecondBits {
        let isDirtied =
          isLeaf && request.kind.needs.contains(.write) && rights.contains(.write)
        let place = table + 8 * (address >> UInt64(12 + 9 * level) & 511)
        guard setFlags(of: value, at: place, isDirtied, tables, memory) else {
          return .blocked(VTdFault.secondUnsnooped)
        }
      }
      if isLeaf {
        let shift = UInt8(12 + 9 * level)
        found.output = VTdSecondStage.address(in: value, leafLevel: level)
        found.leaf = value
        (found.shift, found.rights, found.kind) = (shift, rights, .second)
        return .found
      }
      table = value & VTdSecondStageEntry.frame.mask
      let place = IOTablePlace(table: table, rights: rights, level: UInt8(level - 1))
      secondCaches.insert(space, address, level: level, place)
      level -= 1
    }
  }

  /// Sets an entry's accessed flag, and the dirty flag too where it is written by.
  ///
  /// - Returns: false where a flag is to be set and walks do not snoop.
  private mutating func setFlags(
    of value: UInt64, at place: UInt64, _ isDirtied: Bool, _ tables: Tables,
    _ memory: borrowing IOMemory
  ) -> Bool {
    var flags = VTdSecondStageEntry.accessed.mask
    if isDirtied { flags |= VTdSecondStageEntry.dirty.mask }
    guard flags & ~value != 0 else { return true }
    guard tables.snoops else { return false }
    memory.frames.words(in: place >> 12)?[Int(place >> 3 & 511)] = value | flags
    updates += (flags & ~value).nonzeroBitCount
    return true
  }
}
