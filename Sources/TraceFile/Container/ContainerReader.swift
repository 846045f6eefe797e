/// Reads a container from its first byte to its last, a block at a time, in bounded memory.
final class ContainerReader {
  /// What a container that is not whole still gives.
  enum Damage {
    /// The first damage is an error.
    case refuse
    /// The blocks before the first damage are given, and a note says so.
    case salvage
  }

  let header: ContainerHeader
  /// Where the blocks read so far are.
  private(set) var index = ContainerIndex()
  /// Whether the file has an index.
  private(set) var hasIndex = false
  /// Frames that this version does not know and passed over.
  private(set) var unknownFrames = 0
  /// Columns that this version does not know.
  private(set) var unknownColumns = 0
  /// Events whose tags this version does not know.
  private(set) var unknownEvents = 0
  /// Why salvage stopped, where it did.
  private(set) var damage: TraceError?

  private let source: ByteSource
  private let onDamage: Damage
  private var records = 0
  private var nextRecord: [UInt32: UInt64] = [:]
  private var isAtEnd = false

  /// Reads the header.
  ///
  /// - Parameters:
  ///   - source: at the first byte of the container.
  ///   - onDamage: what to do with a container that is not whole.
  /// - Throws: why this is no container that can be read.
  init(source: ByteSource, onDamage: Damage = .refuse) throws(TraceError) {
    self.source = source
    self.onDamage = onDamage
    guard let head = try Self.frameHead(source), head.magic == ContainerFormat.headerFrame else {
      throw TraceError(
        file: source.name, place: "byte 0", problem: "does not begin as a container does",
        cure: "import the trace with `nestwalk import`")
    }
    guard head.bytes <= ContainerFormat.maximumHeaderBytes else {
      throw TraceError(
        file: source.name, place: "header",
        problem: "it says that it is \(head.bytes) bytes, more than a header may be",
        cure: "the file is damaged: copy or import it again")
    }
    guard let payload = try Self.take(head.bytes, from: source) else {
      throw TraceError(
        file: source.name, place: "header",
        problem: "the file ends within its \(head.bytes) bytes",
        cure: "the copy is incomplete: copy it again")
    }
    header = try ContainerHeader.decode(payload.bytes, file: source.name)
  }

  /// Reads the next block's header and columns, which are inflated when asked for.
  ///
  /// - Parameters:
  ///   - block: what it held is gone.
  ///   - inflates: make the block's pages available; salvage does so in any case.
  /// - Returns: false after the last block.
  /// - Throws: the first damage, where damage is refused.
  func next(into block: TraceBlock, inflates: Bool = true) throws(TraceError) -> Bool {
    guard !isAtEnd else { return false }
    do {
      if try readBlock(into: block) {
        // Salvage has to know of damage now.
        if inflates || onDamage == .salvage { try block.loadPages() }
        try block.loadEvents()
        unknownEvents += block.unknownEvents.values.reduce(0, +)
        return true
      }
      try checkEnd()
      isAtEnd = true
      return false
    } catch {
      guard onDamage == .salvage else { throw error }
      damage = error
      isAtEnd = true
      return false
    }
  }

  private func readBlock(into block: TraceBlock) throws(TraceError) -> Bool {
    while true {
      let start = source.position
      let place = BlockPlace(file: source.name, number: index.entries.count, byte: start)
      guard try source.ensure(1) else { return false }
      guard let head = try Self.frameHead(source) else { throw torn(place) }
      guard head.magic & 0xffff_fff0 == ContainerFormat.headerFrame else {
        throw place.damaged("no block begins here")
      }
      guard head.bytes <= ContainerFormat.maximumFrameBytes else {
        throw place.damaged("a frame of \(head.bytes) bytes is longer than one may be")
      }
      guard head.magic == ContainerFormat.blockFrame else {
        try passOver(head, place)
        continue
      }
      guard head.bytes <= ContainerFormat.maximumBlockHeaderBytes else {
        throw place.damaged("its header of \(head.bytes) bytes is longer than one may be")
      }
      guard let payload = try Self.take(head.bytes, from: source) else { throw torn(place) }
      let header = try BlockHeader(payload.bytes, place)
      block.begin()
      block.place = place
      block.counts = header.counts
      unknownColumns += header.columns.count { ColumnID(rawValue: $0.id) == nil }
      guard try block.packed.take(header.columns, from: source) else { throw torn(place) }
      // Whoever reads the pages alone relies on counts that other columns have to agree with.
      guard block.packed.checksum == header.columnsChecksum else {
        throw place.damaged("its columns' checksum does not match")
      }
      let expected = nextRecord[header.counts.stream, default: 0]
      guard header.counts.firstRecord == expected else {
        throw place.damaged(
          "it begins with record \(header.counts.firstRecord) and \(expected) comes next")
      }
      nextRecord[header.counts.stream] = expected + UInt64(header.counts.records)
      records += Int(header.counts.records)
      index.entries.append(
        ContainerIndex.Entry(
          byte: UInt64(start), firstRecord: header.counts.firstRecord,
          records: header.counts.records, stream: header.counts.stream))
      return true
    }
  }

  private func passOver(_ head: (magic: UInt32, bytes: Int), _ place: BlockPlace) throws(TraceError)
  {
    guard head.magic == ContainerFormat.indexFrame else {
      guard try Self.skip(head.bytes, in: source) else { throw torn(place) }
      unknownFrames += 1
      return
    }
    guard let payload = try Self.take(head.bytes, from: source) else { throw torn(place) }
    guard let stored = ContainerIndex(payload.bytes), stored == index else {
      throw TraceError(
        file: source.name, place: "index at byte \(place.byte)",
        problem: "it does not agree with the blocks before it",
        cure: "the file is damaged: copy or import it again")
    }
    hasIndex = true
  }

  private func checkEnd() throws(TraceError) {
    guard let totals = header.totals else {
      throw TraceError(
        file: source.name, place: "header",
        problem: "its writing was cut short after \(records) records",
        cure: "import it again, or replay what is there with --salvage")
    }
    guard totals.records == records, hasIndex else {
      throw TraceError(
        file: source.name, place: "byte \(source.position)",
        problem: "the file ends after \(records) of \(totals.records) records",
        cure: "the copy is incomplete: copy it again, or replay what is there with --salvage")
    }
  }

  private func torn(_ place: BlockPlace) -> TraceError {
    TraceError(
      file: source.name, place: "block \(place.number) at byte \(place.byte)",
      problem: "the file ends within it, after \(records) whole records",
      cure: "the copy is incomplete: copy it again, or replay what is there with --salvage")
  }

  /// The magic and length of the frame that begins here; nothing where the file ends within them.
  private static func frameHead(
    _ source: ByteSource
  ) throws(TraceError) -> (magic: UInt32, bytes: Int)? {
    guard try source.ensure(ContainerFormat.frameHeadBytes) else { return nil }
    let window = source.window
    let magic = UInt32(littleEndian: window.loadUnaligned(as: UInt32.self))
    let bytes = UInt32(littleEndian: window.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    source.consume(ContainerFormat.frameHeadBytes)
    return (magic, Int(bytes))
  }

  private static func take(
    _ count: Int, from source: ByteSource
  ) throws(TraceError) -> ColumnBuffer? {
    var buffer = ColumnBuffer(capacity: max(count, 1))
    buffer.resize(to: count)
    var at = 0
    while at < count {
      guard try source.ensure(1) else { return nil }
      let copied = buffer.copy(source.window, at: at)
      source.consume(copied)
      at += copied
    }
    return buffer
  }

  private static func skip(_ count: Int, in source: ByteSource) throws(TraceError) -> Bool {
    var left = count
    while left > 0 {
      guard try source.ensure(1) else { return false }
      let chunk = min(left, source.window.count)
      source.consume(chunk)
      left -= chunk
    }
    return true
  }
}
