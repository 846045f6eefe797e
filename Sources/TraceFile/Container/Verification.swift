/// What `verify` found in a container: everything, or the first damage and what stands before it.
public struct Verification: Sendable, Equatable {
  /// Blocks whose every column inflates and agrees with its header.
  public var blocks = 0
  /// Records in those blocks.
  public var records = 0
  /// Bytes of the file that were checked.
  public var bytes = 0
  /// Why the container is not whole; absent where it is.
  public var damage: TraceError?
  /// Columns, events and frames of newer versions, each with how often it occurs.
  public var unknown: [String] = []

  /// Checks every checksum and every count of a container.
  ///
  /// - Parameters:
  ///   - path: of the container.
  ///   - progress: called after each block with the bytes read so far and in all.
  /// - Throws: an error for a file that is no container or whose header cannot be read.
  public init(path: String, progress: (Int, Int?) -> Void) throws(TraceError) {
    let source = try ByteSource(path: path)
    let reader = try ContainerReader(source: source)
    let block = TraceBlock()
    var unknown: [String: Int] = [:]
    do throws(TraceError) {
      while try reader.next(into: block) {
        for id in try block.check() { unknown["column \(id)", default: 0] += 1 }
        for (tag, count) in block.unknownEvents { unknown["event \(tag)", default: 0] += count }
        blocks += 1
        records += Int(block.counts.records)
        progress(source.bytesRead, source.totalBytes)
      }
    } catch {
      damage = error
    }
    if reader.unknownFrames > 0 { unknown["frame", default: 0] += reader.unknownFrames }
    self.unknown = unknown.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value) times)" }
    bytes = source.position
  }
}

extension TraceBlock {
  /// Decodes everything and holds it against the header.
  ///
  /// - Returns: the columns that this version does not know.
  func check() throws(TraceError) -> [UInt16] {
    var found = BlockCounts()
    try loadTouches()
    for touch in touches {
      let kind = AccessKind(rawValue: UInt8(truncatingIfNeeded: touch >> 16 & 3)) ?? .fetch
      if kind == .fetch { found.fetchTouches += 1 } else { found.dataTouches += 1 }
    }
    try forEachRecord { record in
      found.records += 1
      found.instructions += UInt64(record.instructions)
      switch record.kind {
      case .fetch: found.fetches += 1
      case .load: found.loads += 1
      case .store: found.stores += 1
      case .modify: found.modifies += 1
      }
    }
    var expected = BlockCounts()
    expected.records = counts.records
    expected.instructions = counts.instructions
    expected.fetches = counts.fetches
    expected.loads = counts.loads
    expected.stores = counts.stores
    expected.modifies = counts.modifies
    expected.fetchTouches = counts.fetchTouches
    expected.dataTouches = counts.dataTouches
    guard found == expected else {
      throw place.damaged("its records and its header's counts differ")
    }
    return try packed.checkUnknown(place)
  }
}
