/// Takes turns between traces, as a scheduler does, and says so by events.
///
/// Memory is bounded by one block of each trace.
public final class Interleaver {
  /// What the traces become.
  public enum Kind: String, CaseIterable, Sendable {
    /// Address spaces of one guest, under PCIDs of their own: a CR3 load at each turn.
    case processes
    /// Guests of one host, under tags of their own: an exit and another guest's entry at each turn.
    case guests
  }

  private struct Source {
    let reader: TraceReader
    let block = TraceBlock()
    var records: [TraceRecord] = []
    var next = 0
    var isAtEnd = false
  }

  private var sources: [Source]
  private let kind: Kind
  private let quantum: Int
  private var builder = BlockBuilder()
  private let block = TraceBlock()
  private var turns = 0

  /// Traces that take turns at most: PCIDs and VPIDs of their own, and a few files open.
  public static let maximumTraces = 64

  /// Opens turns between traces.
  ///
  /// - Parameters:
  ///   - readers: at least one, at their first block; events that they have are left out.
  ///   - quantum: records of one turn, at least 1.
  ///   - kind: what the traces become.
  public init(_ readers: [TraceReader], quantum: Int, kind: Kind) {
    sources = readers.map { Source(reader: $0) }
    self.quantum = quantum
    self.kind = kind
  }

  /// Reads all traces to their ends; one that ends leaves its turns to the others.
  ///
  /// - Parameter write: given each block that became full, and the last one.
  /// - Throws: a `TraceError` of a trace that is not what it should be, or what `write` throws.
  public func run(write: (TraceBlock) throws(TraceError) -> Void) throws(TraceError) {
    if kind == .guests {
      for number in sources.indices {
        let id = UInt64(number)
        builder.append(.vcpuDefine, id, id + 1, id + 1, (id + 1) << 12, 0x1000)
      }
    }
    var isAnyLeft = true
    while isAnyLeft {
      isAnyLeft = false
      for number in sources.indices where try fill(number) {
        isAnyLeft = true
        try takeTurn(number, write: write)
      }
    }
    builder.finish(into: block)
    try write(block)
  }

  /// Whether a source has another record.
  private func fill(_ number: Int) throws(TraceError) -> Bool {
    while sources[number].next == sources[number].records.count {
      guard !sources[number].isAtEnd else { return false }
      let block = sources[number].block
      guard try sources[number].reader.next(into: block) else {
        sources[number].isAtEnd = true
        return false
      }
      var records: [TraceRecord] = []
      records.reserveCapacity(Int(block.counts.records))
      try block.forEachRecord { records.append($0) }
      sources[number].records = records
      sources[number].next = 0
    }
    return true
  }

  private func takeTurn(
    _ number: Int, write: (TraceBlock) throws(TraceError) -> Void
  ) throws(TraceError) {
    let id = UInt64(number)
    switch kind {
    case .processes: builder.append(.cr3, (id + 1) << 12 | (id + 1), 1)
    case .guests:
      if turns > 0 { builder.append(.vmExit, UInt64(previous), Self.preemptionTimer) }
      builder.append(.vcpuIn, id, 0)
      builder.append(.vmEntry, id)
    }
    turns += 1
    previous = number
    var left = quantum
    while left > 0, try fill(number) {
      if builder.isFull {
        builder.finish(into: block)
        try write(block)
      }
      let record = sources[number].records[sources[number].next]
      sources[number].next += 1
      builder.append(
        address: record.address, kind: record.kind, size: record.size, thread: record.thread,
        instructions: record.instructions)
      left -= 1
    }
  }

  private var previous = 0

  /// The exit at the end of a turn: the VMX-preemption timer.
  private static let preemptionTimer: UInt64 = 52

  /// What an import says of itself.
  public var note: String {
    "Interleaved: \(sources.count) traces take turns of \(quantum) records as \(kind.rawValue), "
      + "\(turns) turns in all."
  }
}
