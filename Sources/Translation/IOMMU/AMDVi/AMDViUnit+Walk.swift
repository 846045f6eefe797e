/// Walks of host tables, which may skip levels and map pages of any size, and of guest tables over them.
extension AMDViUnit {
  enum Walk {
    case found(IOTranslation)
    case blocked(UInt16, DMAOutcome.Cause = .unsaid)
    case unresolved
  }

  /// A place that host tables lead to.
  private struct HostPage {
    var output: UInt64
    var shift: UInt8
    var rights: Rights
    var leaf: UInt64
  }

  private enum HostWalk {
    case found(HostPage)
    case blocked(UInt16)
    case unresolved
  }

  mutating func walk(
    _ request: DMARequest, _ device: Device, isGuest: Bool, _ memory: borrowing IOMemory
  ) -> Walk {
    if isGuest { return walkGuest(request, device, memory) }
    switch walkHost(request.address, device, memory) {
    case .blocked(let code): return .blocked(code)
    case .unresolved: return .unresolved
    case .found(let page):
      return .found(translation(page.output, page, request, device, kind: .second, page.rights))
    }
  }

  private func translation(
    _ output: UInt64, _ page: HostPage, _ request: DMARequest, _ device: Device,
    kind: IOTranslation.Kind, _ rights: Rights
  ) -> IOTranslation {
    let offset: UInt64 = (1 << UInt64(page.shift)) - 1
    return IOTranslation(
      output: output & ~offset, leaf: page.leaf, filledAt: 0, domain: device.domain,
      device: request.device, pasid: request.hasPASID ? request.pasid : 0, shift: page.shift,
      rights: rights, kind: kind)
  }

  /// Walks host tables from the device's root.
  ///
  /// An entry of level l leads to a table of any level below; address bits of the levels between have
  /// to be 0. Next level 0 is a page of the entry's own level, 7 one whose size stands in its address.
  ///
  /// Source: AMD 48882, "I/O Page Tables for Host Translations", "Page Table Entry Fields" and "Example
  /// Page Size Encodings".
  private mutating func walkHost(
    _ address: UInt64, _ device: Device, _ memory: borrowing IOMemory
  ) -> HostWalk {
    let mode = Int(device.word0[AMDViDevice0.mode])
    if mode == 0 {
      return .found(HostPage(output: address, shift: 30, rights: device.rights, leaf: 0))
    }
    if mode < 6, address >> UInt64(12 + 9 * mode) != 0 { return .blocked(AMDViEvent.pageFault) }
    let space = UInt64(device.domain)
    // Counted as elsewhere: level 0 is the last.
    var level = mode - 1
    var table = device.word0 & AMDViDevice0.root.mask
    var rights = device.rights
    if let cached = hostCaches.deepest(space, address, below: level) {
      level = Int(cached.level)
      table = cached.table
      rights.formIntersection(cached.rights)
    }
    while true {
      let shift = UInt64(12 + 9 * level)
      let value: UInt64
      switch fetch(table + 8 * (address >> shift & 511), memory) {
      case .value(let word): value = word
      case .absent: return .unresolved
      case .refused: return .blocked(AMDViEvent.pageTable)
      }
      references.tables += 1
      guard value.has(AMDViPageTableEntry.present),
        !value.has(AMDViPageTableEntry.reservedHigh)
      else { return .blocked(AMDViEvent.pageFault) }
      rights.formIntersection(Self.rights(value))
      let next = Int(value[AMDViPageTableEntry.nextLevel])
      if next == 0 || next == 7 { return page(value, next, level, address, rights) }
      // A table is below its entry; what is skipped in between is 0 in the address.
      guard next <= level, address & Self.skipped(from: level, to: next) == 0 else {
        return .blocked(AMDViEvent.pageFault)
      }
      table = value & AMDViPageTableEntry.address.mask
      let place = IOTablePlace(table: table, rights: rights, level: UInt8(next - 1))
      hostCaches.insert(space, address, level: level, place)
      level = next - 1
    }
  }

  /// Address bits of the levels between an entry's and the table's that it leads to.
  static func skipped(from level: Int, to next: Int) -> UInt64 {
    next == level
      ? 0 : (1 as UInt64) << UInt64(12 + 9 * level) - (1 as UInt64) << UInt64(12 + 9 * next)
  }

  /// A page of an entry of a level is 2^this bytes; nothing where its size cannot be.
  static func pageShift(_ value: UInt64, _ next: Int, _ level: Int) -> Int? {
    guard next == 7 else { return 12 + 9 * level }
    // The lowest zero from bit 12 up, with ones below it.
    let shift = (~(value >> 12)).trailingZeroBitCount + 13
    // A page of no more than the entry's own size is for next level 0; a table's reach is the most.
    return shift > 12 + 9 * level && shift < 12 + 9 * (level + 1) && shift < 52 ? shift : nil
  }

  private func page(
    _ value: UInt64, _ next: Int, _ level: Int, _ address: UInt64, _ rights: Rights
  ) -> HostWalk {
    guard let shift = Self.pageShift(value, next, level) else {
      return .blocked(AMDViEvent.pageFault)
    }
    let offset: UInt64 = (1 << UInt64(shift)) - 1
    let page = value & AMDViPageTableEntry.address.mask & ~offset
    guard page >> UInt64(hostBits) == 0 else { return .blocked(AMDViEvent.pageFault) }
    return .found(
      HostPage(
        output: page | address & offset, shift: UInt8(shift), rights: rights, leaf: value))
  }

  /// Walks the guest's tables for a PASID, each found through the host's.
  ///
  /// With n guest levels over m host ones and one level of guest CR3s a walk reads
  /// (n + 2)(m + 1) - 1 entries: the CR3's too.
  ///
  /// Model: guest tables have four levels; what the host's tables map is what the guest's pages reach,
  /// and the table of guest CR3s is guest-physical as they are (GCR3TRPMode).
  ///
  /// Source: AMD 48882, "Guest CR3 Table" and "Two-Level (Nested) Translation".
  private mutating func walkGuest(
    _ request: DMARequest, _ device: Device, _ memory: borrowing IOMemory
  ) -> Walk {
    let pasid = request.hasPASID ? request.pasid : 0
    guard GVA(request.address).isCanonical(levels: 4) else {
      return .blocked(AMDViEvent.pageFault)
    }
    let space = UInt64(device.domain) | UInt64(pasid + 1) << 32
    var (level, rights) = (3, Rights.all)
    // The table's guest-physical address, and where the host has it once that is known.
    var (table, host): (UInt64, UInt64?) = (0, nil)
    // The level whose entry led here; none for a root and for what a cache had.
    var parent = -1
    if let cached = guestCaches.deepest(space, request.address, below: 3) {
      (level, host, rights) = (Int(cached.level), cached.table, cached.rights)
    } else {
      switch guestRoot(pasid, device, memory) {
      case .found(let root): table = root
      case .blocked(let code, let cause): return .blocked(code, cause)
      case .unresolved: return .unresolved
      }
    }
    while level >= 0 {
      let slot = 8 * (request.address >> UInt64(12 + 9 * level) & 511)
      if host == nil {
        switch walkHost(table + slot, device, memory) {
        case .blocked(let code): return .blocked(code, .nestedTable)
        case .unresolved: return .unresolved
        case .found(let page):
          guard page.rights.contains(.read) else {
            return .blocked(AMDViEvent.pageFault, .nestedTable)
          }
          host = page.output & ~0xfff
        }
      }
      let known = host ?? 0
      if parent >= 0 {
        guestCaches.insert(
          space, request.address, level: parent,
          IOTablePlace(table: known, rights: rights, level: UInt8(level)))
      }
      references.tables += 1
      let value: UInt64
      switch fetch(known + slot, memory) {
      case .value(let word): value = word
      case .absent: return .unresolved
      case .refused: return .blocked(AMDViEvent.pageTable)
      }
      guard X86PageTable.isPresent(value, .standard),
        !X86PageTable.isMalformed(value, level: level, .standard)
      else { return .blocked(AMDViEvent.pageFault) }
      rights.formIntersection(X86PageTable.rights(value, .standard))
      guard X86PageTable.isLeaf(value, level: level) else {
        table = X86PageTable.address(in: value, leafLevel: 0)
        (parent, host) = (level, nil)
        level -= 1
        continue
      }
      let shift = UInt8(12 + 9 * level)
      let offset: UInt64 = (1 << UInt64(shift)) - 1
      let guest =
        X86PageTable.address(in: value, leafLevel: level) | request.address & offset
      switch walkHost(guest, device, memory) {
      case .blocked(let code): return .blocked(code)
      case .unresolved: return .unresolved
      case .found(var page):
        page.shift = min(page.shift, shift)
        page.leaf = value
        let both = rights.intersection(page.rights.union([.user, .execute, .userExecute]))
        return .found(
          translation(page.output, page, request, device, kind: .nested, both))
      }
    }
    return .blocked(AMDViEvent.pageFault)
  }

  private enum Word {
    case found(UInt64)
    case blocked(UInt16, DMAOutcome.Cause)
    case unresolved
  }

  /// The guest's CR3 of a PASID, cached or read from a table of one to three levels.
  private mutating func guestRoot(
    _ pasid: UInt32, _ device: Device, _ memory: borrowing IOMemory
  ) -> Word {
    let space = UInt64(device.domain) << 40 | device.guestRoot >> 12
    if let cached = pasidCache.find(space, UInt64(pasid)) {
      pasidLookups.count(hit: true)
      return .found(cached.pointee)
    }
    pasidLookups.count(hit: false)
    let levels = Int(device.word0[AMDViDevice0.guestLevels]) + 1
    guard levels <= 3, UInt64(pasid) >> UInt64(9 * levels) == 0 else {
      return .blocked(AMDViEvent.pageFault, .pasid)
    }
    var table = device.guestRoot
    for level in stride(from: levels - 1, through: 0, by: -1) {
      switch readGuest(table + 8 * UInt64(pasid >> UInt32(9 * level) & 511), device, memory) {
      case .found(let word):
        guard word & 1 == 1 else { return .blocked(AMDViEvent.pageFault, .pasid) }
        table = word & AMDViDevice0.root.mask
      case let other: return other
      }
    }
    _ = pasidCache.insert(space, UInt64(pasid), table)
    return .found(table)
  }

  /// Reads a word at a guest-physical address.
  private mutating func readGuest(
    _ address: UInt64, _ device: Device, _ memory: borrowing IOMemory
  ) -> Word {
    switch walkHost(address, device, memory) {
    case .blocked(let code): return .blocked(code, .nestedTable)
    case .unresolved: return .unresolved
    case .found(let page):
      guard page.rights.contains(.read) else {
        return .blocked(AMDViEvent.pageFault, .nestedTable)
      }
      references.tables += 1
      switch fetch(page.output, memory) {
      case .value(let word): return .found(word)
      case .absent: return .unresolved
      case .refused: return .blocked(AMDViEvent.pageTable, .unsaid)
      }
    }
  }

  /// Translates by tables alone, and leaves nothing behind.
  func peek(_ device: UInt32, _ address: UInt64, _ memory: borrowing IOMemory) -> TablePeek {
    guard case .found(let entry) = readDevice(device, memory),
      entry.word0.has(AMDViDevice0.valid)
    else { return .unresolved }
    guard entry.word0.has(AMDViDevice0.translationValid) else {
      return .fault(AMDViEvent.pageFault)
    }
    var level = Int(entry.word0[AMDViDevice0.mode]) - 1
    var table = entry.word0 & AMDViDevice0.root.mask
    while level >= 0 {
      guard
        case .value(let value) = fetch(
          table + 8 * (address >> UInt64(12 + 9 * level) & 511), memory)
      else { return .unresolved }
      guard value.has(AMDViPageTableEntry.present) else { return .fault(AMDViEvent.pageFault) }
      let next = Int(value[AMDViPageTableEntry.nextLevel])
      if next == 0 || next == 7 {
        guard case .found(let page) = page(value, next, level, address, .data) else {
          return .fault(AMDViEvent.pageFault)
        }
        return .translated(output: page.output, leaf: value)
      }
      guard next <= level else { return .fault(AMDViEvent.pageFault) }
      table = value & AMDViPageTableEntry.address.mask
      level = next - 1
    }
    return .unresolved
  }
}
