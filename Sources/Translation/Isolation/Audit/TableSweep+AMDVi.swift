extension TableSweep {
  /// Visits AMD-Vi's host tables, whose entries may skip levels and map pages of any size.
  ///
  /// A page of several entries' reach stands in each of them; each is taken for its own part.
  ///
  /// - Throws: an error where the tables have no end.
  mutating func visitAMDVi(
    root: UInt64, levels: Int, _ rights: Rights, in memory: borrowing PhysicalMemory
  ) throws(TableError) {
    try visitAMDVi(root, levels - 1, 0, rights, memory)
  }

  private mutating func visitAMDVi(
    _ table: UInt64, _ level: Int, _ base: UInt64, _ rights: Rights,
    _ memory: borrowing PhysicalMemory
  ) throws(TableError) {
    try step()
    guard let words = memory.words(in: table >> 12) else {
      absentTables += 1
      return
    }
    tables.append(table >> 12)
    let reach = UInt64(12 + 9 * level)
    // The sixth level has seven bits of an address.
    for index in 0..<(level == 5 ? 128 : 512) {
      let entry = words[index]
      guard entry.has(AMDViPageTableEntry.present) else { continue }
      let address = base | UInt64(index) << reach
      let next = Int(entry[AMDViPageTableEntry.nextLevel])
      let isPage = next == 0 || next == 7
      let shift = isPage ? AMDViUnit.pageShift(entry, next, level) : nil
      guard !entry.has(AMDViPageTableEntry.reservedHigh), isPage ? shift != nil : next <= level
      else {
        malformed += 1
        if malformedPlaces.count < Self.maximumPlaces {
          malformedPlaces.append(
            EntryPlace(
              entry: table + UInt64(8 * index), value: entry, level: level, address: address))
        }
        continue
      }
      let below = rights.intersection(AMDViUnit.rights(entry))
      let place = entry & AMDViPageTableEntry.address.mask
      guard let shift else {
        try visitAMDVi(place, next - 1, address, below, memory)
        continue
      }
      leaves[min(level, 2)] += 1
      let offset: UInt64 = 1 << UInt64(shift) - 1
      let page = place & ~offset | address & offset
      try add(page >> 12, 1 << (reach - 12), address >> 12, below)
    }
  }
}
