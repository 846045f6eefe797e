/// Makes a block's columns into what stands of them in a container, apart from the file, so that
/// several blocks can be packed at the same time.
public final class BlockPacker {
  private let compressor: ColumnCompressor
  /// Events differ more than columns of small numbers do, and the last levels take long and find little.
  private let eventCompressor: ColumnCompressor
  /// Of the block that was packed last, without its place in the trace.
  private(set) var header = BlockHeader()
  /// Its columns, each compressed.
  private(set) var frames: [UInt8] = []
  /// Its events by the tag's number.
  private(set) var events = [Int](repeating: 0, count: EventTag.limit)

  init(level: Int) {
    compressor = ColumnCompressor(level: level)
    eventCompressor = ColumnCompressor(level: max(1, level - 3))
  }

  /// Packs a block.
  ///
  /// - Parameter block: as a builder left it; its pages and events are loaded here.
  /// - Throws: a `TraceError` where a column is damaged.
  public func pack(_ block: TraceBlock) throws(TraceError) {
    header = BlockHeader()
    header.counts = block.counts
    frames.removeAll(keepingCapacity: true)
    // Loading the pages turns codes into indices in place, so it comes after they are compressed.
    pack(.transitions, block.transitions.bytes, compressor)
    pack(.shapes, block.shapes.bytes, compressor)
    pack(.offsets, block.offsets.bytes, compressor)
    if block.counts.events > 0 { pack(.events, block.events.bytes, eventCompressor) }
    header.columnsChecksum = frames.withUnsafeBytes { crc32(of: $0) }
    try block.loadPages()
    events.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    guard block.counts.events > 0 else { return }
    try block.loadEvents()
    block.withEvents { list in
      events.withUnsafeMutableBufferPointer { counts in
        for event in list { counts[Int(event.tag.rawValue)] += 1 }
      }
    }
  }

  private func pack(
    _ id: ColumnID, _ raw: UnsafeRawBufferPointer, _ compressor: ColumnCompressor
  ) {
    let size = compressor.append(raw, to: &frames)
    header.columns.append(
      BlockHeader.Column(
        id: id.rawValue, rawBytes: UInt32(raw.count), packedBytes: UInt32(size)))
  }
}
