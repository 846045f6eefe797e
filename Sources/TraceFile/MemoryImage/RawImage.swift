/// A raw dump: the bytes of memory from one address on, without gaps.
struct RawImage {
  let source: ByteSource
  let base: UInt64

  /// Checks the address of the first byte.
  ///
  /// - Throws: an error for one that is missing, is inside a page or is no physical address.
  init(_ source: ByteSource, base: UInt64?) throws(TraceError) {
    guard let base else {
      throw source.error(
        "--base", "is missing: a raw dump does not say where in memory it begins",
        "give --base 0x0 for a dump from address 0 on")
    }
    if let oddity = pageOddity(base) {
      throw source.error(
        "--base", "\(pointer(base)) \(oddity)", "give the physical address of the first page")
    }
    self.source = source
    self.base = base
  }

  /// Gives every page, and returns how many there are.
  func read(_ page: MemoryImage.PageBody) throws(TraceError) -> Int {
    var address = base
    var pages = 0
    while try source.ensure(MemoryImage.pageBytes) {
      if let oddity = pageOddity(address) {
        throw source.error(
          place, "the address \(pointer(address)) of the page \(oddity)", "give a lower --base")
      }
      try page(address, UnsafeRawBufferPointer(rebasing: source.window[..<MemoryImage.pageBytes]))
      source.consume(MemoryImage.pageBytes)
      address += UInt64(MemoryImage.pageBytes)
      pages += 1
    }
    guard source.window.isEmpty else {
      throw source.error(
        place, "the last page ends after \(source.window.count) of 4096 bytes",
        "the dump is incomplete or not raw: take it again")
    }
    return pages
  }

  private var place: String { "byte \(source.position)" }
}
