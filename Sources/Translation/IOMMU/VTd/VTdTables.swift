/// VT-d tables that a run writes because its trace tells mappings and not tables.
///
/// Real root, context, PASID and second-stage entries stand in memory, so that requests are translated
/// by the same walks as from recorded tables.
///
/// Model: a domain's tables have the deepest format that the unit walks; a mapped page is 4 KiB, 2 MiB
/// or 1 GiB, the largest that its range and alignment allow, and is taken apart where a part of it is
/// unmapped or mapped elsewhere.
struct VTdTables: ~Copyable {
  private(set) var root: UInt64?
  private var frames: TableFrames
  private let levels: Int
  private let isScalable: Bool
  private var domains = IODomains()
  private var contexts: [UInt32: UInt64] = [:]
  private var directories: [UInt32: UInt64] = [:]
  private var lowest = LowestTables()
  /// Maps and attachments that found no room.
  private(set) var refused = 0

  init(hostBits: Int, levels: Int, isScalable: Bool, unit: Int = 0) {
    frames = TableFrames(hostBits: hostBits, unit: unit)
    self.levels = levels
    self.isScalable = isScalable
  }

  /// The unit's number for a domain of the trace.
  func number(of domain: UInt32) -> UInt32? { domains.known(domain)?.number }

  mutating func take(_ change: DomainChange, _ memory: inout IOMemory) {
    let isDone =
      switch change {
      case .attach(let device, let domain, let pasid):
        attach(device, domain, pasid, &memory)
      case .detach(let device, _, let pasid): detach(device, pasid, &memory)
      case .map(let domain, let address, let output, let bytes, let rights):
        map(domain, address, output, bytes, rights, &memory)
      case .unmap(let domain, let address, let bytes): unmap(domain, address, bytes, &memory)
      }
    if !isDone { refused += 1 }
  }

  private mutating func contextPlace(
    _ device: UInt32, _ memory: inout IOMemory
  ) -> UInt64? {
    let mode: UInt64 = isScalable ? 1 << 10 : 0
    let table: UInt64
    if let root {
      table = root & ~0xfff
    } else {
      guard let new = frames.allocate(&memory) else { return nil }
      root = new | mode
      table = new
    }
    let device = device & 0xffff
    // In scalable mode a bus has two tables of 128 contexts.
    let key = isScalable ? device >> 7 : device >> 8
    let context: UInt64
    if let known = contexts[key] {
      context = known
    } else {
      guard let new = frames.allocate(&memory) else { return nil }
      contexts[key] = new
      context = new
      memory.write(table + UInt64(isScalable ? 8 * key : 16 * key), new | 1)
    }
    return context + UInt64(isScalable ? 32 * (device & 0x7f) : 16 * (device & 0xff))
  }

  private mutating func attach(
    _ device: UInt32, _ domain: UInt32, _ pasid: UInt32, _ memory: inout IOMemory
  ) -> Bool {
    guard let found = domains.find(domain, &frames, &memory),
      let place = contextPlace(device, &memory)
    else { return false }
    let width = UInt64(levels - 2)
    guard isScalable else {
      guard pasid == DMARequest.noPASID else { return false }
      var low = found.table
      low[VTdContextLow.type] = 1
      low[VTdContextLow.present] = 1
      var high = width
      high[VTdContextHigh.domain] = UInt64(found.number)
      memory.write(place, low)
      memory.write(place + 8, high)
      return true
    }
    guard let entry = pasidPlace(device, pasid, place, &memory) else { return false }
    var word0 = found.table
    word0[VTdPASIDEntry0.type] = 2
    word0[VTdPASIDEntry0.secondWidth] = width
    word0[VTdPASIDEntry0.present] = 1
    memory.write(entry, word0)
    memory.write(entry + 8, UInt64(found.number))
    return true
  }

  /// Where a PASID's table entry stands; a request without one uses PASID 0.
  private mutating func pasidPlace(
    _ device: UInt32, _ pasid: UInt32, _ context: UInt64, _ memory: inout IOMemory
  ) -> UInt64? {
    let pasid = pasid == DMARequest.noPASID ? 0 : pasid
    var directory = directories[device & 0xffff] ?? 0
    if directory == 0 {
      guard let new = frames.allocate(&memory) else { return nil }
      directory = new
      directories[device & 0xffff] = new
    }
    // PDTS 2 fills one frame: 512 entries of 64 PASIDs.
    guard pasid >> 15 == 0 else { return nil }
    var low = directory
    low[VTdScalableContextLow.directorySize] = 2
    low |= VTdScalableContextLow.pageRequests.mask | VTdScalableContextLow.pasids.mask
    low |= VTdScalableContextLow.deviceTLB.mask | VTdScalableContextLow.present.mask
    memory.write(context, low)
    memory.write(context + 8, 0)
    let slot = directory + 8 * UInt64(pasid >> 6)
    var table = (memory.read(slot) ?? 0) & ~0xfff
    if table == 0 {
      guard let new = frames.allocate(&memory) else { return nil }
      table = new
      memory.write(slot, new | 1)
    }
    return table + 64 * UInt64(pasid & 63)
  }

  private mutating func detach(
    _ device: UInt32, _ pasid: UInt32, _ memory: inout IOMemory
  ) -> Bool {
    guard root != nil, let place = contextPlace(device, &memory) else { return true }
    if isScalable {
      guard let entry = pasidPlace(device, pasid, place, &memory) else { return false }
      memory.write(entry, 0)
    } else {
      memory.write(place, 0)
    }
    return true
  }

  private mutating func map(
    _ domain: UInt32, _ address: UInt64, _ output: UInt64, _ bytes: UInt64, _ rights: Rights,
    _ memory: inout IOMemory
  ) -> Bool {
    guard let found = domains.find(domain, &frames, &memory) else { return false }
    return mapPieces(
      found.table, MapPieces(address, output, bytes, maximumLevel: 2),
      UInt64(rights.rawValue & 3), &memory)
  }

  /// A large page does not take the place of a table: walks may have cached where that is.
  private mutating func mapPieces(
    _ root: UInt64, _ given: MapPieces, _ allowed: UInt64, _ memory: inout IOMemory
  ) -> Bool {
    var pieces = given
    while let piece = pieces.next() {
      guard piece.address >> UInt64(12 + 9 * levels) == 0,
        let entry = leaf(root, piece.address, piece.level, &memory)
      else { return false }
      let size = piece.level > 0 ? VTdSecondStageEntry.pageSize.mask : 0
      let old = memory.read(entry) ?? 0
      if old & 3 != 0, !VTdSecondStage.isLeaf(old, level: piece.level) {
        let smaller = MapPieces(
          piece.address, piece.output, 1 << UInt64(12 + 9 * piece.level),
          maximumLevel: piece.level - 1)
        guard mapPieces(root, smaller, allowed, &memory) else { return false }
        continue
      }
      memory.write(entry, piece.output & VTdSecondStageEntry.frame.mask | size | allowed)
    }
    return !pieces.isCut
  }

  private mutating func unmap(
    _ domain: UInt32, _ address: UInt64, _ bytes: UInt64, _ memory: inout IOMemory
  ) -> Bool {
    guard let root = domains.known(domain)?.table else { return true }
    var at = address & ~0xfff
    let end = address > .max - bytes ? .max : address + bytes
    var steps = 0
    while at < end, at >> UInt64(12 + 9 * levels) == 0 {
      steps += 1
      guard steps <= MapPieces.maximum else { return false }
      let size = clear(root, at, upTo: end, &memory)
      let next = (at & ~(size - 1)) &+ size
      guard next > at else { break }
      at = next
    }
    return true
  }

  /// Clears the leaf of an address; of a large page of which a part is unmapped, a small one's.
  ///
  /// - Returns: how far what was found there reaches.
  private mutating func clear(
    _ root: UInt64, _ address: UInt64, upTo end: UInt64, _ memory: inout IOMemory
  ) -> UInt64 {
    var table = root
    var level = levels - 1
    if let known = lowest.find(root, address) { (table, level) = (known, 0) }
    while let words = memory.frames.words(in: table >> 12) {
      let entry = words + Int(address >> UInt64(12 + 9 * level) & 511)
      let size: UInt64 = 1 << UInt64(12 + 9 * level)
      guard entry.pointee & 3 != 0 else { return size }
      if VTdSecondStage.isLeaf(entry.pointee, level: level) {
        if level > 0, DomainPages.isPart(address, upTo: end, of: size) {
          // Without room for small pages the whole of it is gone.
          entry.pointee = split(entry.pointee, level, &memory) ?? 0
          guard entry.pointee != 0 else { return size }
          continue
        }
        entry.pointee = 0
        return size
      }
      table = entry.pointee & VTdSecondStageEntry.frame.mask
      level -= 1
    }
    return 4096
  }

  /// A table of smaller pages in a large one's place.
  ///
  /// - Returns: the entry that leads to it; nothing where there is no room.
  private mutating func split(
    _ leaf: UInt64, _ level: Int, _ memory: inout IOMemory
  ) -> UInt64? {
    guard let table = frames.allocate(&memory), let words = memory.table(in: table >> 12) else {
      return nil
    }
    let page = VTdSecondStage.address(in: leaf, leafLevel: level)
    let size = level > 1 ? VTdSecondStageEntry.pageSize.mask : 0
    for at in 0..<512 {
      words[at] = page + UInt64(at) << UInt64(3 + 9 * level) | size | leaf & 3
    }
    return VTdSecondStage.table(at: table)
  }

  /// Where the leaf of an address stands at a level, with the tables above it.
  ///
  /// A larger page in the way is taken apart.
  private mutating func leaf(
    _ root: UInt64, _ address: UInt64, _ level: Int, _ memory: inout IOMemory
  ) -> UInt64? {
    if level == 0, let known = lowest.find(root, address) {
      return known + 8 * (address >> 12 & 511)
    }
    var table = root
    for above in stride(from: levels - 1, to: level, by: -1) {
      let place = table + 8 * (address >> UInt64(12 + 9 * above) & 511)
      let entry = memory.read(place) ?? 0
      if entry & 3 == 0 {
        guard let new = frames.allocate(&memory) else { return nil }
        memory.write(place, VTdSecondStage.table(at: new))
        table = new
      } else if VTdSecondStage.isLeaf(entry, level: above) {
        guard let small = split(entry, above, &memory) else { return nil }
        memory.write(place, small)
        table = small & VTdSecondStageEntry.frame.mask
      } else {
        table = entry & VTdSecondStageEntry.frame.mask
      }
    }
    if level == 0 { lowest.keep(root, address, table) }
    return table + 8 * (address >> UInt64(12 + 9 * level) & 511)
  }
}
