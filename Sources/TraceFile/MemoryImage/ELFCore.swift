/// An ELF core of guest memory, read in the order of its file.
///
/// Memory that a segment has and does not store (p_filesz < p_memsz) is zeros, and its pages are
/// not given. A page of which segments store only a part is given with zeros in the rest: QEMU's
/// blocks of memory can begin and end inside a page, and tables fill their pages.
struct ELFCore {
  let source: ByteSource
  let segments: [ELFSegment]

  /// Reads and consumes the headers.
  ///
  /// - Throws: an error for what is no core of guest memory.
  init(_ source: ByteSource) throws(TraceError) {
    let header = try ELFHeader(source)
    let isThere = try source.skip(to: header.tableOffset)
    var segments: [ELFSegment] = []
    for number in 1...header.tableCount {
      guard isThere, try source.ensure(ELFSegment.headerBytes) else {
        throw source.error(
          "program header \(number)",
          "is cut off: the file ends at byte \(source.position + source.window.count)",
          "the copy is incomplete: fetch it again")
      }
      if let segment = try ELFSegment(source, number: number) { segments.append(segment) }
      source.consume(ELFSegment.headerBytes)
    }
    guard !segments.isEmpty else {
      throw source.error(
        "program headers", "none of \(header.tableCount) stores memory (PT_LOAD)",
        "give what dump-guest-memory or virsh dump --memory-only wrote")
    }
    segments.sort { $0.offset < $1.offset }
    try ELFSegment.check(segments, from: UInt64(source.position), in: source)
    self.source = source
    self.segments = segments
  }

  /// Gives every page of which something is stored, and returns how many there are.
  func read(_ page: MemoryImage.PageBody) throws(TraceError) -> Int {
    let part = UnsafeMutableRawBufferPointer.allocate(
      byteCount: MemoryImage.pageBytes, alignment: 16)
    defer { part.deallocate() }
    var partAddress: UInt64?
    var pages = 0

    func givePart() throws(TraceError) {
      guard let address = partAddress else { return }
      try page(address, UnsafeRawBufferPointer(part))
      partAddress = nil
      pages += 1
    }

    for segment in segments {
      guard try source.skip(to: segment.offset) else { throw cutOff(segment) }
      var (address, left) = (segment.address, segment.storedBytes)
      while left > 0 {
        let inside = Int(address % UInt64(MemoryImage.pageBytes))
        let count = Int(min(left, UInt64(MemoryImage.pageBytes - inside)))
        guard try source.ensure(count) else { throw cutOff(segment) }
        let bytes = UnsafeRawBufferPointer(rebasing: source.window[..<count])
        let pageAddress = address - UInt64(inside)
        if partAddress != pageAddress { try givePart() }
        if count == MemoryImage.pageBytes {
          try page(address, bytes)
          pages += 1
        } else {
          if partAddress == nil {
            part.initializeMemory(as: UInt8.self, repeating: 0)
            partAddress = pageAddress
          }
          UnsafeMutableRawBufferPointer(rebasing: part[inside...]).copyMemory(from: bytes)
        }
        source.consume(count)
        address += UInt64(count)
        left -= UInt64(count)
      }
    }
    try givePart()
    // What follows is not looked at, but a compression's own end is checked.
    _ = try source.skip(to: .max)
    return pages
  }

  private func cutOff(_ segment: ELFSegment) -> TraceError {
    source.error(
      "program header \(segment.number)",
      "is cut off: its bytes go to byte \(segment.end), and the file ends at byte "
        + "\(source.position + source.window.count)",
      "the copy is incomplete: fetch it again")
  }
}

extension ByteSource {
  /// Gives up bytes until a position in the decompressed data.
  ///
  /// - Returns: whether the data reach it.
  fileprivate func skip(to target: UInt64) throws(TraceError) -> Bool {
    while UInt64(position) < target {
      if window.isEmpty, try !fill() { return false }
      consume(Int(min(UInt64(window.count), target - UInt64(position))))
    }
    return true
  }
}
