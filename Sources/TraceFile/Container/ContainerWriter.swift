#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Writes a container block by block.
///
/// A container that is cut short at any byte keeps every block that was written whole. The header is
/// written first without totals and once more at the end with them.
public final class ContainerWriter {
  private let descriptor: Int32
  private let file: String
  private let level: Int
  private lazy var packer = makePacker()
  private var index = ContainerIndex()
  private var bytes = 0
  private var records = 0
  private var instructions = 0
  private var footprint = FootprintCounter()
  /// By the tag's number.
  private var events = [Int](repeating: 0, count: EventTag.limit)
  /// Bytes of the file taken by each column, in the order of their numbers.
  public private(set) var columnBytes: [Int] = Array(repeating: 0, count: ColumnID.allCases.count)

  /// The level of zstd that `import` uses.
  public static let defaultLevel = 9
  private static let headerPayloadBytes = 4096

  /// Begins a container.
  ///
  /// - Parameters:
  ///   - descriptor: an empty file open for writing, which can be written at any place.
  ///   - file: its name, for errors.
  ///   - header: without totals.
  ///   - level: of zstd, 1 to 19.
  /// - Throws: why the file cannot be written.
  public init(
    descriptor: Int32, file: String, header: ContainerHeader, level: Int = defaultLevel
  ) throws(TraceError) {
    self.descriptor = descriptor
    self.file = file
    self.level = level
    try append(header.encoded(payloadBytes: Self.headerPayloadBytes))
  }

  /// Something that packs blocks for this container; several may work at the same time.
  public func makePacker() -> BlockPacker { BlockPacker(level: level) }

  /// Appends a block.
  ///
  /// - Parameter block: as a builder left it; its pages are loaded here.
  /// - Throws: why the file cannot be written.
  public func write(_ block: TraceBlock) throws(TraceError) {
    try packer.pack(block)
    try write(block, packedBy: packer)
  }

  /// Appends a block that a packer has just packed.
  ///
  /// - Parameters:
  ///   - block: whose pages and events are loaded.
  ///   - packer: that packed it, and nothing since.
  /// - Throws: why the file cannot be written.
  public func write(_ block: TraceBlock, packedBy packer: BlockPacker) throws(TraceError) {
    var header = packer.header
    header.counts.firstRecord = UInt64(records)
    for column in header.columns { columnBytes[Int(column.id) - 1] += Int(column.packedBytes) }
    footprint.add(block)
    for tag in events.indices { events[tag] += packer.events[tag] }
    index.entries.append(
      ContainerIndex.Entry(
        byte: UInt64(bytes), firstRecord: header.counts.firstRecord,
        records: header.counts.records, stream: header.counts.stream))
    let payload = header.encoded()
    var head = ByteWriter()
    head.put(ContainerFormat.blockFrame)
    head.put(UInt32(payload.count))
    try append(head.bytes + payload)
    try append(packer.frames)
    records += Int(block.counts.records)
    instructions += Int(block.counts.instructions) + Int(block.counts.trailingInstructions)
  }

  /// How often each event occurs; nothing where there are none.
  private var eventsByName: [String: Int]? {
    let named = EventTag.allCases.compactMap { tag in
      events[Int(tag.rawValue)] == 0 ? nil : ("\(tag)", events[Int(tag.rawValue)])
    }
    return named.isEmpty ? nil : Dictionary(uniqueKeysWithValues: named)
  }

  /// Writes the index and the header with its totals.
  ///
  /// - Parameters:
  ///   - header: with sources and notes; its totals are filled in here.
  ///   - skipped: lines or records of the sources that were passed over.
  /// - Returns: the header as written, and the container's length in bytes.
  /// - Throws: why the file cannot be written.
  public func finish(
    _ header: ContainerHeader, skipped: Int
  ) throws(TraceError) -> (header: ContainerHeader, bytes: Int) {
    try append(index.encoded())
    var final = header
    final.totals = ContainerHeader.Totals(
      records: records, instructions: instructions, skipped: skipped,
      footprint: footprint.footprint, events: eventsByName)
    let encoded = final.encoded(payloadBytes: Self.headerPayloadBytes)
    guard encoded.count == ContainerFormat.frameHeadBytes + Self.headerPayloadBytes else {
      throw TraceError(
        file: file, place: "header", problem: "it takes more than \(Self.headerPayloadBytes) bytes",
        cure: "import fewer files at a time, or files with shorter names")
    }
    try put(encoded, at: 0)
    return (final, bytes)
  }

  private func append(_ chunk: [UInt8]) throws(TraceError) {
    try put(chunk, at: bytes)
    bytes += chunk.count
  }

  private func put(_ chunk: [UInt8], at offset: Int) throws(TraceError) {
    var done = 0
    while done < chunk.count {
      let written = chunk.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset + done))
      }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else {
        throw TraceError(
          file: file, place: "byte \(offset + done)",
          problem: "cannot be written (\(String(cString: strerror(errno))))",
          cure: "make room or choose another place with -o")
      }
      done += written
    }
  }
}
