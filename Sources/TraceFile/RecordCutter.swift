/// Takes a range of a trace's records and makes blocks of them anew.
public final class RecordCutter {
  private let first: Int
  private let end: Int
  /// Records of the trace so far, taken or not.
  public private(set) var seen = 0
  private var builder = BlockBuilder()
  private let block = TraceBlock()
  private var trailingInstructions = 0

  /// A range of records.
  ///
  /// - Parameters:
  ///   - first: the first record taken, counted from 0.
  ///   - end: the first record not taken any more.
  public init(_ first: Int, _ end: Int) {
    self.first = first
    self.end = end
  }

  /// Takes what a block has of the range.
  ///
  /// - Parameters:
  ///   - source: the trace's next block.
  ///   - write: given each block that became full.
  /// - Throws: a `TraceError` where a column of the block is damaged, or what `write` throws.
  public func take(
    _ source: TraceBlock, write: (TraceBlock) throws(TraceError) -> Void
  ) throws(TraceError) {
    let start = seen
    seen += Int(source.counts.records)
    if seen > first, seen <= end {
      trailingInstructions += Int(source.counts.trailingInstructions)
    }
    guard seen > first, start < end else { return }
    var failure: TraceError?
    var at = start
    try source.forEachRecord { record in
      defer { at += 1 }
      guard at >= first, at < end, failure == nil else { return }
      if builder.isFull {
        builder.finish(into: block)
        do throws(TraceError) { try write(block) } catch { failure = error }
      }
      builder.append(
        address: record.address, kind: record.kind, size: record.size, thread: record.thread,
        instructions: record.instructions)
    }
    if let failure { throw failure }
  }

  /// Gives the last block.
  ///
  /// - Parameter write: given the block that is not full.
  /// - Throws: what `write` throws.
  public func finish(write: (TraceBlock) throws(TraceError) -> Void) throws(TraceError) {
    builder.finish(into: block, trailingInstructions: trailingInstructions)
    try write(block)
  }
}
