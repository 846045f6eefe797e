/// Takes a range of a trace's records, with the events between them, and makes blocks of them anew.
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
    let hasEvents = source.counts.events > 0 && seen >= first && start < end
    guard seen > first || hasEvents, start < end else { return }
    var failure: TraceError?
    var at = start
    func makeRoom() {
      guard builder.isFull, failure == nil else { return }
      builder.finish(into: block)
      do throws(TraceError) { try write(block) } catch { failure = error }
    }
    try source.loadEvents()
    var event = 0
    // Events before a record that is taken go with it, and the trace's last ones with its end.
    func takeEvents(before record: Int) {
      source.withEvents { events in
        while event < events.count, events[event].record <= record - start {
          let position = start + events[event].record
          if position >= first, position < end {
            makeRoom()
            builder.append(events[event])
          }
          event += 1
        }
      }
    }
    try source.forEachRecord { record in
      defer { at += 1 }
      if hasEvents { takeEvents(before: at) }
      guard at >= first, at < end, failure == nil else { return }
      makeRoom()
      builder.append(
        address: record.address, kind: record.kind, size: record.size, thread: record.thread,
        instructions: record.instructions)
    }
    if hasEvents { takeEvents(before: at) }
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
