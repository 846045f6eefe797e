/// A stretch of guest memory in an ELF core, by its program header.
///
/// QEMU writes the guest-physical address to p_paddr and a guest-virtual or the same address to
/// p_vaddr, which is not looked at. A mapping whose memory it does not store has a p_filesz of 0.
///
/// Sources: ELF-64 Object File Format, version 1.5 draft 2, 27 May 1998, "Program Header"; QEMU,
/// dump/dump.c, `write_elf64_load` and `get_offset_range`.
struct ELFSegment {
  /// The number of its program header, from 1, for errors.
  let number: Int
  /// Where in the file its bytes begin (p_offset).
  let offset: UInt64
  /// The physical address of its first byte (p_paddr).
  let address: UInt64
  /// Bytes in the file (p_filesz), at least 1.
  let storedBytes: UInt64
  /// Bytes in memory (p_memsz), at least as many: those that are not stored are zeros.
  let memoryBytes: UInt64

  static let headerBytes = 56

  private static let typeOffset = 0  // p_type
  private static let offsetOffset = 8  // p_offset
  private static let addressOffset = 24  // p_paddr
  private static let storedBytesOffset = 32  // p_filesz
  private static let memoryBytesOffset = 40  // p_memsz

  private static let load: UInt32 = 1  // PT_LOAD

  /// The first position in the file after its bytes.
  var end: UInt64 { offset + storedBytes }
  /// The first address after it.
  var addressEnd: UInt64 { address + memoryBytes }
  /// The page that its first byte is in.
  var firstPage: UInt64 { address / UInt64(MemoryImage.pageBytes) }
  /// The page that its last stored byte is in.
  var lastPage: UInt64 { (address + (storedBytes - 1)) / UInt64(MemoryImage.pageBytes) }

  /// Reads a program header from the start of the window.
  ///
  /// - Returns: nothing for one that stores no memory.
  /// - Throws: an error for sizes and addresses that cannot be.
  init?(_ source: ByteSource, number: Int) throws(TraceError) {
    let header = source.window
    guard header.number(at: Self.typeOffset, as: UInt32.self) == Self.load else { return nil }
    storedBytes = header.number(at: Self.storedBytesOffset, as: UInt64.self)
    guard storedBytes > 0 else { return nil }
    self.number = number
    offset = header.number(at: Self.offsetOffset, as: UInt64.self)
    address = header.number(at: Self.addressOffset, as: UInt64.self)
    memoryBytes = header.number(at: Self.memoryBytesOffset, as: UInt64.self)

    let place = "program header \(number)"
    guard storedBytes <= memoryBytes else {
      throw source.error(
        place, "stores \(storedBytes) bytes of \(memoryBytes) in memory",
        "the file is damaged: take the dump again")
    }
    guard address < MemoryImage.addressLimit, memoryBytes <= MemoryImage.addressLimit - address
    else {
      throw source.error(
        place, "\(memoryBytes) bytes at the physical address \(pointer(address)) reach beyond 2^52",
        "give a core of guest memory, whose program headers have physical addresses")
    }
    // The sum cannot overflow: fewer than 2^53 bytes are stored.
    guard offset < 1 << 62 else {
      throw source.error(
        place, "begins at byte \(offset) of the file, which no file has",
        "the file is damaged: take the dump again")
    }
  }
}

extension ELFSegment {
  /// Checks that segments can be read in one pass and give every page once.
  ///
  /// - Parameters:
  ///   - segments: by their place in the file.
  ///   - start: where in the file they may begin.
  ///   - source: the file, for errors.
  /// - Throws: an error where two share bytes of the file or of memory, or where they share a page
  ///   and do not follow one another in the file.
  static func check(
    _ segments: [ELFSegment], from start: UInt64, in source: ByteSource
  ) throws(TraceError) {
    if let first = segments.first, first.offset < start {
      throw source.error(
        "program header \(first.number)",
        "begins at byte \(first.offset), before the program headers end (\(start))",
        "the file is damaged or laid out as no dump is: take the dump again")
    }
    for (segment, next) in zip(segments, segments.dropFirst()) where next.offset < segment.end {
      throw source.error(
        "program header \(next.number)",
        "shares byte \(next.offset) of the file with program header \(segment.number)",
        "take the dump without paging (no -p)")
    }
    let order = segments.indices.sorted { segments[$0].address < segments[$1].address }
    for (earlier, later) in zip(order, order.dropFirst()) {
      let (segment, next) = (segments[earlier], segments[later])
      guard next.address >= segment.addressEnd else {
        throw source.error(
          "program header \(next.number)",
          "shares the physical address \(pointer(next.address)) with program header "
            + "\(segment.number)",
          "give a core of guest memory, taken without paging (no -p), not one of a process")
      }
      guard next.firstPage != segment.lastPage || later == earlier + 1 else {
        throw source.error(
          "program header \(next.number)",
          "shares the page of \(pointer(next.address)) with program header \(segment.number), "
            + "which is elsewhere in the file",
          "take a dump whose segments are whole pages or in the order of addresses")
      }
    }
  }
}
