/// The sparse format: for each page its address as a little-endian number, then its bytes.
struct SparseImage {
  private let source: ByteSource

  /// Bytes of a page with its address.
  static let entryBytes = 8 + MemoryImage.pageBytes

  init(_ source: ByteSource) { self.source = source }

  /// Gives every page, and returns how many there are.
  func read(_ page: MemoryImage.PageBody) throws(TraceError) -> Int {
    // Bounded by the pages given, which are far larger.
    var seen: Set<UInt64> = []
    while try source.ensure(Self.entryBytes) {
      let entry = seen.count + 1
      let address = source.window.number(at: 0, as: UInt64.self)
      if let oddity = pageOddity(address) {
        throw error(
          entry, "the address \(pointer(address)) \(oddity)",
          entry == 1
            ? "this is no sparse image: give --format for what it is"
            : "the image is damaged or bytes are missing before: fetch it again")
      }
      guard seen.insert(address).inserted else {
        throw error(
          entry, "holds the page \(pointer(address)) a second time",
          "write every page once")
      }
      try page(address, UnsafeRawBufferPointer(rebasing: source.window[8..<Self.entryBytes]))
      source.consume(Self.entryBytes)
    }
    guard source.window.isEmpty else {
      throw error(
        seen.count + 1, "ends after \(source.window.count) of \(Self.entryBytes) bytes",
        "the copy is incomplete: fetch it again")
    }
    return seen.count
  }

  private func error(_ entry: Int, _ problem: String, _ cure: String) -> TraceError {
    source.error("entry \(entry)", problem, cure)
  }
}
