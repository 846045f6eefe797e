/// The interrupt remapping entries that software wrote, as far as the trace says.
///
/// Model: a page of 256 entries whose first write the trace shows held none before, unless the image
/// that the run starts with has it.
struct InterruptEntries: ~Copyable {
  /// An entry's place is its tag (table and index), 16 bytes each.
  private var frames = PhysicalMemory()
  private(set) var refusedWrites = 0

  /// Frames that a trace may fill, so that one of any size needs a bounded memory: 16 Mi entries.
  private static let maximumFrames = 1 << 16

  /// The entry of a tag; nothing where the trace wrote none of its page.
  @inline(__always)
  func entry(_ tag: UInt64) -> InterruptEntry? {
    guard let words = frames.words(in: tag >> 8) else { return nil }
    let at = Int(tag & 255) * 2
    return InterruptEntry(low: words[at], high: words[at + 1])
  }

  func has(_ tag: UInt64) -> Bool { frames.words(in: tag >> 8) != nil }

  /// Writes an entry.
  ///
  /// - Parameters:
  ///   - tag: of the entry.
  ///   - entry: what to write.
  ///   - start: entries of the page before its first write, by their number in it.
  mutating func write(
    _ tag: UInt64, _ entry: InterruptEntry,
    start: (Int) -> InterruptEntry = { _ in InterruptEntry() }
  ) {
    guard let words = page(tag >> 8, start: start) else {
      refusedWrites += 1
      return
    }
    let at = Int(tag & 255) * 2
    words[at] = entry.low
    words[at + 1] = entry.high
  }

  private mutating func page(
    _ frame: UInt64, start: (Int) -> InterruptEntry
  ) -> UnsafeMutablePointer<UInt64>? {
    if let words = frames.words(in: frame) { return words }
    guard frames.frameCount < Self.maximumFrames, let words = frames.addFrame(frame) else {
      return nil
    }
    for at in 0..<256 {
      let entry = start(at)
      words[2 * at] = entry.low
      words[2 * at + 1] = entry.high
    }
    return words
  }
}
