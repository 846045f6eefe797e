/// AMD-Vi tables that a run writes because its trace tells mappings and not tables.
///
/// Model: a domain's tables have four levels; a mapped page is 4 KiB, 2 MiB or 1 GiB, the largest that
/// its range and alignment allow, and is taken apart where a part of it is unmapped or mapped elsewhere.
struct AMDViTables: ~Copyable {
  /// The device table as the register has it: every requester has an entry.
  private(set) var base: UInt64?
  private var frames: TableFrames
  private let tableStart: UInt64
  private var domains = IODomains()
  private var lowest = LowestTables()
  /// Maps and attachments that found no room.
  private(set) var refused = 0

  private static let levels = 4

  init(hostBits: Int, unit: Int = 0) {
    frames = TableFrames(hostBits: hostBits, unit: unit)
    // 512 frames right below the other tables.
    tableStart = 1 << UInt64(hostBits) - UInt64(unit) << 33 - (1 << 32) - (1 << 21)
  }

  /// The unit's number for a domain of the trace.
  func number(of domain: UInt32) -> UInt32? { domains.known(domain)?.number }

  mutating func take(_ change: DomainChange, _ memory: inout IOMemory) {
    let isDone =
      switch change {
      case .attach(let device, let domain, let pasid): attach(device, domain, pasid, &memory)
      case .detach(let device, _, let pasid): detach(device, pasid, &memory)
      case .map(let domain, let address, let output, let bytes, let rights):
        map(domain, address, output, bytes, rights, &memory)
      case .unmap(let domain, let address, let bytes): unmap(domain, address, bytes, &memory)
      }
    if !isDone { refused += 1 }
  }

  private mutating func attach(
    _ device: UInt32, _ domain: UInt32, _ pasid: UInt32, _ memory: inout IOMemory
  ) -> Bool {
    guard pasid == DMARequest.noPASID, let found = domains.find(domain, &frames, &memory) else {
      return false
    }
    base = tableStart | 0x1ff
    var word0 = found.table
    word0[AMDViDevice0.mode] = UInt64(Self.levels)
    word0 |= AMDViDevice0.valid.mask | AMDViDevice0.translationValid.mask
    word0 |= AMDViDevice0.reads.mask | AMDViDevice0.writes.mask
    let place = tableStart + 32 * UInt64(device & 0xffff)
    memory.write(place, word0)
    memory.write(place + 8, UInt64(found.number) | AMDViDevice1.deviceTLB.mask)
    return true
  }

  private mutating func detach(
    _ device: UInt32, _ pasid: UInt32, _ memory: inout IOMemory
  ) -> Bool {
    guard pasid == DMARequest.noPASID, base != nil else { return pasid == DMARequest.noPASID }
    // Valid, with translation that nothing is allowed by: a device that has no domain reaches nothing.
    let place = tableStart + 32 * UInt64(device & 0xffff)
    memory.write(place, AMDViDevice0.valid.mask | AMDViDevice0.translationValid.mask)
    memory.write(place + 8, 0)
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
      guard piece.address >> UInt64(12 + 9 * Self.levels) == 0,
        let place = leaf(root, piece.address, piece.level, &memory)
      else { return false }
      let old = memory.read(place) ?? 0
      if old & 1 == 1, old[AMDViPageTableEntry.nextLevel] != 0 {
        let smaller = MapPieces(
          piece.address, piece.output, 1 << UInt64(12 + 9 * piece.level),
          maximumLevel: piece.level - 1)
        guard mapPieces(root, smaller, allowed, &memory) else { return false }
        continue
      }
      memory.write(place, piece.output & AMDViPageTableEntry.address.mask | allowed << 61 | 1)
    }
    return !pieces.isCut
  }

  /// Where the leaf of an address stands at a level, with the tables above it.
  private mutating func leaf(
    _ root: UInt64, _ address: UInt64, _ level: Int, _ memory: inout IOMemory
  ) -> UInt64? {
    if level == 0, let known = lowest.find(root, address) {
      return known + 8 * (address >> 12 & 511)
    }
    var table = root
    for above in stride(from: Self.levels - 1, to: level, by: -1) {
      let place = table + 8 * (address >> UInt64(12 + 9 * above) & 511)
      let entry = memory.read(place) ?? 0
      if entry & 1 == 0 {
        guard let new = frames.allocate(&memory) else { return nil }
        // The table below an entry of level `above` is of level `above` as the manual counts.
        memory.write(place, new | UInt64(above) << 9 | 3 << 61 | 1)
        table = new
      } else if entry[AMDViPageTableEntry.nextLevel] == 0 {
        // A larger page in the way is taken apart.
        guard let small = split(entry, above, &memory) else { return nil }
        memory.write(place, small)
        table = small & AMDViPageTableEntry.address.mask
      } else {
        table = entry & AMDViPageTableEntry.address.mask
      }
    }
    if level == 0 { lowest.keep(root, address, table) }
    return table + 8 * (address >> UInt64(12 + 9 * level) & 511)
  }

  private mutating func unmap(
    _ domain: UInt32, _ address: UInt64, _ bytes: UInt64, _ memory: inout IOMemory
  ) -> Bool {
    guard let root = domains.known(domain)?.table else { return true }
    var at = address & ~0xfff
    let end = address > .max - bytes ? .max : address + bytes
    var steps = 0
    while at < end, at >> UInt64(12 + 9 * Self.levels) == 0 {
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
    var level = Self.levels - 1
    if let known = lowest.find(root, address) { (table, level) = (known, 0) }
    while level >= 0, let words = memory.frames.words(in: table >> 12) {
      let entry = words + Int(address >> UInt64(12 + 9 * level) & 511)
      let size: UInt64 = 1 << UInt64(12 + 9 * level)
      guard entry.pointee & 1 == 1 else { return size }
      if entry.pointee[AMDViPageTableEntry.nextLevel] == 0 {
        if level > 0, DomainPages.isPart(address, upTo: end, of: size) {
          // Without room for small pages the whole of it is gone.
          entry.pointee = split(entry.pointee, level, &memory) ?? 0
          guard entry.pointee != 0 else { return size }
          continue
        }
        entry.pointee = 0
        return size
      }
      table = entry.pointee & AMDViPageTableEntry.address.mask
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
    let page = leaf & AMDViPageTableEntry.address.mask
    let rights = AMDViPageTableEntry.reads.mask | AMDViPageTableEntry.writes.mask
    for at in 0..<512 {
      words[at] = page + UInt64(at) << UInt64(3 + 9 * level) | leaf & rights | 1
    }
    return table | UInt64(level) << 9 | rights | 1
  }
}
