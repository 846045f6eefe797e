import Results
import TraceFile

/// Rules about writes of tables: V7 where a table is used again before caches forget it, V27 where an
/// entry changes while hardware may be reading it; and maps and unmaps that are such writes.
extension IsolationMonitor {
  /// Sees the root of the tables: from SRTP on in VT-d, from the device table's register in AMD-Vi.
  mutating func seeRoot(
    _ event: TraceEvent, _ memory: borrowing IOMemory, at place: EventPlace
  ) {
    guard isVTd else { return seeDeviceTable(event, memory, place) }
    if event[1] == 0x20 || event[1] == 0x24 {
      rootAddress = VTdRegisters.merge(
        rootAddress, event[1], from: 0x20, bytes: event[2], event[3])
    } else if event[1] == 0x18, event[3] & (1 << 30) != 0 {
      tables.removeAll()
      let kind: TableDirectory.Kind
      switch VTdRegisters.mode(of: rootAddress) {
      case 0: kind = .root
      case 1: kind = .scalableRoot
      default: return
      }
      learn(rootAddress >> 12, TableDirectory.Table(kind: kind), memory, at: place)
    }
  }

  /// Source: AMD 48882, "Device Table Base Address Register": the address, and in bits 8:0 one less
  /// than its frames.
  private mutating func seeDeviceTable(
    _ event: TraceEvent, _ memory: borrowing IOMemory, _ place: EventPlace
  ) {
    guard event[1] == 0 || event[1] == 4 else { return }
    rootAddress = VTdRegisters.merge(rootAddress, event[1], from: 0, bytes: event[2], event[3])
    tables.removeAll()
    let frame = (rootAddress & AMDViDevice0.root.mask) >> 12
    // 128 entries a frame.
    for at in 0...rootAddress & 0x1ff {
      learn(
        frame + at, TableDirectory.Table(kind: .devices, first: at << 7), memory, at: place)
    }
  }

  /// Sees a word of memory before it is written.
  mutating func seeTableWrite(
    _ address: UInt64, _ value: UInt64, _ memory: borrowing IOMemory, at place: EventPlace
  ) {
    guard !tables.isEmpty, let table = tables.table(in: address >> 12) else { return }
    let old = memory.read(address) ?? 0
    guard old != value else { return }
    judged[27] += 1
    if table.kind.translates {
      judge(table, address, old, value, memory, place)
    } else {
      judgeStructure(table, address, old, value, memory, place)
    }
  }

  /// V27 for the entries of devices and PASIDs, which have several words.
  private mutating func judgeStructure(
    _ table: TableDirectory.Table, _ address: UInt64, _ old: UInt64, _ value: UInt64,
    _ memory: borrowing IOMemory, _ place: EventPlace
  ) {
    let slot = Int(address >> 3 & 511)
    let start = slot & ~(table.stride - 1)
    let base = address & ~0xfff
    var words: InlineArray<8, UInt64> = .init(repeating: 0)
    for at in 0..<table.stride { words[at] = memory.read(base + 8 * UInt64(start + at)) ?? 0 }
    let first = words[0]
    let before = children(words, start, table, memory)
    words[slot - start] = value
    let isPresent = first & words[0] & 1 == 1
    let number = table.first + UInt64(start / table.stride)
    if isPresent {
      switch table.kind {
      case .contexts, .scalableContexts, .devices:
        let what = table.kind == .devices ? "a device's entry" : "a context"
        tellRace(
          FindingLog.Subject(device: UInt32(number)), address, old, value,
          what + " changed while present", at: place)
      case .pasids:
        tellRace(
          FindingLog.Subject(domain: UInt32(words[1][VTdPASIDEntry1.domain])), address, old, value,
          "the entry of PASID \(number) changed while present", at: place)
      case .guestRoots where table.level == 0:
        tellRace(
          subject(of: table.space), address, old, value,
          "the CR3 of PASID \(number) changed while present", at: place)
      default: break
      }
    }
    let after = children(words, start, table, memory)
    for child in before where child.table.kind == .first || child.table.kind == .guestRoots {
      // Nobody else has a PASID's first stage, or a device's table of them.
      if !after.contains(where: { $0.frame == child.frame }) { end(child, memory) }
    }
    for child in after { learn(child.frame, child.table, memory, at: place) }
  }

  /// What a PASID translated is unmapped with its entry.
  private mutating func end(
    _ child: (frame: UInt64, table: TableDirectory.Table), _ memory: borrowing IOMemory
  ) {
    for stage in tables.forget(child.frame, child.table, memory) {
      for page in tables.pages(under: stage.frame, stage.table, memory) {
        unmap(page, in: stage.table.space)
      }
    }
  }

  /// Takes in tables, and judges where they stand.
  private mutating func learn(
    _ frame: UInt64, _ table: TableDirectory.Table, _ memory: borrowing IOMemory,
    at place: EventPlace
  ) {
    for new in tables.learn(frame, table, memory) { judgeTable(new, at: place) }
  }

  private func children(
    _ words: InlineArray<8, UInt64>, _ slot: Int, _ table: TableDirectory.Table,
    _ memory: borrowing IOMemory
  ) -> [(frame: UInt64, table: TableDirectory.Table)] {
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 8) { copy in
      for at in 0..<8 { copy[at] = words[at] }
      guard let start = copy.baseAddress else { return [] }
      return TableDirectory.children(start, at: slot, of: table, memory)
    }
  }

  private mutating func judge(
    _ table: TableDirectory.Table, _ address: UInt64, _ old: UInt64, _ value: UInt64,
    _ memory: borrowing IOMemory, _ place: EventPlace
  ) {
    let slot = Int(address >> 3 & 511)
    let before = TableDirectory.entry(old, at: slot, of: table, memory)
    let after = TableDirectory.entry(value, at: slot, of: table, memory)
    var isPresent = true
    if case .absent = after { isPresent = false }
    if isPresent {
      judged[7] += 1
      tellFreed(tables.take { $0.slot == address }, "its entry leads elsewhere", at: place)
    }
    switch (before, after) {
    case (.absent, .absent): break
    case (.table(let place, _), .table(let new, _)) where place == new: break
    case (.page(let page), .page(let new))
    where page.output == new.output && page.shift == new.shift:
      replace(page, by: new, in: table.space)
    case (.page(let page), .page(let new)):
      tellRace(table, page, address, old, value, at: place)
      displace(page, of: table)
      replace(page, by: new, in: table.space)
      restore(new, of: table, memory, at: place)
    case (.page(let page), _):
      if isPresent { tellRace(table, page, address, old, value, at: place) }
      unmap(page, in: table.space)
      displace(page, of: table)
    case (.table(let frame, let below), _):
      let shift = UInt8(12 + 9 * Int(table.level))
      tables.free(
        TableDirectory.Freed(
          space: table.space, address: below.first, shift: shift, frame: frame >> 12,
          slot: address, since: now))
      if isPresent {
        tellFreed(tables.take { $0.slot == address }, "its entry leads elsewhere", at: place)
      }
      var large = 0
      for page in tables.pages(under: frame >> 12, below, memory) {
        unmap(page, in: table.space)
        if page.shift > 21 { large += 1 }
        if large <= TableDirectory.maximumLarge { displace(page, of: table) }
      }
      tables.forget(frame >> 12, below, memory)
    case (.absent, _): break
    }
    switch after {
    case .absent: break
    case .page(let page):
      if case .page = before { break }
      map(page, in: table.space, at: place)
      restore(page, of: table, memory, at: place)
    case .table(let frame, let below):
      learn(frame >> 12, below, memory, at: place)
      if case .table(let same, _) = before, same == frame { break }
      for page in tables.pages(under: frame >> 12, below, memory) {
        map(page, in: table.space, at: place)
        restore(page, of: table, memory, at: place)
      }
    }
  }

  // MARK: Pages

  /// What a first stage of four levels translates is sign-extended.
  private func address(of page: TableDirectory.Page, _ space: MappingSpace) -> UInt64 {
    guard space.pasid != nil, page.address >> 47 == 1 else { return page.address }
    return page.address | 0xffff << 48
  }

  private mutating func map(
    _ page: TableDirectory.Page, in space: MappingSpace, at place: EventPlace
  ) {
    map(
      space, address(of: page, space), bytes: page.bytes, to: page.output, rights: page.rights,
      at: place)
  }

  /// A page that the trace did not show being mapped was so before.
  private mutating func know(_ page: TableDirectory.Page, in space: MappingSpace) {
    let address = address(of: page, space)
    guard mappings.find(space, address >> 12) == nil else { return }
    mappings.map(
      space, address, bytes: page.bytes, to: page.output, rights: page.rights,
      guest: guest(of: space), at: Moment())
  }

  private mutating func unmap(_ page: TableDirectory.Page, in space: MappingSpace) {
    know(page, in: space)
    mappings.unmap(space, address(of: page, space), bytes: page.bytes, at: now)
  }

  /// An entry that changes in place leads elsewhere, or allows something else, from now on.
  private mutating func replace(
    _ page: TableDirectory.Page, by new: TableDirectory.Page, in space: MappingSpace
  ) {
    know(page, in: space)
    mappings.map(
      space, address(of: new, space), bytes: new.bytes, to: new.output, rights: new.rights,
      guest: guest(of: space), at: now)
  }

  // MARK: Findings

  /// V7 for tables whose frames are given to somebody while caches may still lead there, and V23 for a
  /// PASID's tables that are in use.
  mutating func judgeFreed(_ first: UInt64, _ end: UInt64, at place: EventPlace) {
    tellFreed(
      tables.take { first <= $0.frame && $0.frame < end }, "its frame is used for something else",
      at: place)
  }

  private mutating func tellFreed(
    _ freed: [TableDirectory.Freed], _ next: String, at place: EventPlace
  ) {
    for one in freed {
      find(7, .critical, subject(of: one.space), at: place) { monitor in
        var detail = [
          one.isMoved ? "gpa" : "iova": hex(one.address), "frame": hex(one.frame << 12),
          "table": hex(one.frame << 12), "unmapped": one.since.text,
          "invalidated": one.hint.map { "leaves only, \($0.text)" } ?? "not since",
          "next": next + " at \(monitor.now.text)",
        ]
        if one.isMoved { detail["holds"] = "a guest's table, moved by its second stage" }
        if let pasid = one.space.pasid { detail["pasid"] = hex(UInt64(pasid)) }
        if let owner = monitor.owners.owner(of: one.frame) {
          detail["owner"] = monitor.names.guest(owner.guest)
        }
        return detail
      }
    }
  }

  private mutating func tellRace(
    _ table: TableDirectory.Table, _ page: TableDirectory.Page, _ address: UInt64, _ old: UInt64,
    _ value: UInt64, at place: EventPlace
  ) {
    let (space, iova) = (table.space, self.address(of: page, table.space))
    find(27, .medium, subject(of: space), at: place) { monitor in
      var detail = [
        "iova": hex(iova), "frame": hex(page.output), "entry": hex(address), "before": hex(old),
        "value": hex(value), "change": "a page's entry changed while present",
      ]
      if let pasid = space.pasid { detail["pasid"] = hex(UInt64(pasid)) }
      if let owner = monitor.owners.owner(of: page.output >> 12) {
        detail["owner"] = monitor.names.guest(owner.guest)
      }
      return detail
    }
  }

  private mutating func tellRace(
    _ subject: FindingLog.Subject, _ address: UInt64, _ old: UInt64, _ value: UInt64,
    _ what: String, at place: EventPlace
  ) {
    find(27, .medium, subject, at: place) { _ in
      ["entry": hex(address), "before": hex(old), "value": hex(value), "change": what]
    }
  }
}
