/// Bytes of one column, reused from block to block.
struct ColumnBuffer: ~Copyable {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  private(set) var count = 0

  init(capacity: Int = 4096) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 64)
  }

  deinit { base.deallocate() }

  /// Gives the column a length; what it held is gone.
  mutating func resize(to bytes: Int) {
    if bytes > capacity {
      base.deallocate()
      // Blocks differ a little in length, and new memory is paid for page by page.
      capacity = max(bytes, capacity + capacity / 2)
      base = .allocate(byteCount: capacity, alignment: 64)
    }
    count = bytes
  }

  /// Copies as many bytes as there is room for.
  ///
  /// - Returns: how many that were.
  func copy(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Int {
    let length = min(bytes.count, count - offset)
    if let source = bytes.baseAddress, length > 0 {
      (base + offset).copyMemory(from: source, byteCount: length)
    }
    return length
  }

  /// Drops bytes from the end.
  mutating func shorten(to bytes: Int) { count = min(count, bytes) }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// The bytes as the numbers that they hold.
  func elements<Element: BitwiseCopyable>(
    of type: Element.Type = Element.self
  ) -> UnsafeBufferPointer<Element> {
    UnsafeBufferPointer(
      start: base.assumingMemoryBound(to: Element.self),
      count: count / MemoryLayout<Element>.stride)
  }
}
