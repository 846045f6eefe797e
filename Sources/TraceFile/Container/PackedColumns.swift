import CZstd

/// A block's columns as they stand in the file, each inflated when something first asks for it.
struct PackedColumns: ~Copyable {
  private var bytes = ColumnBuffer()
  private var columns: [BlockHeader.Column] = []
  private var offsets: [Int] = []
  private var inflated: UInt64 = 0
  private let context: OpaquePointer? = ZSTD_createDCtx()

  init() {}

  deinit { ZSTD_freeDCtx(context) }

  /// CRC-32 of the columns as they stand in the file.
  var checksum: UInt32 { crc32(of: bytes.bytes) }

  /// Forgets the columns.
  mutating func clear() {
    columns = []
    offsets = []
    bytes.resize(to: 0)
    inflated = 0
  }

  /// Takes a block's columns from the file.
  ///
  /// - Parameters:
  ///   - columns: the header's table.
  ///   - source: where the first column's frame is next.
  /// - Returns: whether all of them were there.
  /// - Throws: an error of reading the file.
  mutating func take(
    _ columns: [BlockHeader.Column], from source: ByteSource
  ) throws(TraceError) -> Bool {
    clear()
    let total = columns.reduce(0) { $0 + Int($1.packedBytes) }
    bytes.resize(to: total)
    var at = 0
    while at < total {
      guard try source.ensure(1) else { return false }
      let copied = bytes.copy(source.window, at: at)
      source.consume(copied)
      at += copied
    }
    self.columns = columns
    at = 0
    for column in columns {
      offsets.append(at)
      at += Int(column.packedBytes)
    }
    return true
  }

  /// Fills a column's buffer; does nothing where it is there already.
  mutating func inflate(
    _ id: ColumnID, into buffer: inout ColumnBuffer, _ place: BlockPlace
  ) throws(TraceError) {
    let bit = UInt64(1) << UInt64(id.rawValue)
    guard inflated & bit == 0, let index = columns.firstIndex(where: { $0.id == id.rawValue })
    else { return }
    buffer.resize(to: Int(columns[index].rawBytes))
    try inflate(index, to: buffer.base, place)
    inflated |= bit
  }

  private func inflate(
    _ index: Int, to base: UnsafeMutableRawPointer, _ place: BlockPlace
  ) throws(TraceError) {
    let column = columns[index]
    let frame = bytes.base + offsets[index]
    // The frame's own size is checked against the header's before a byte is written.
    let size = ZSTD_getFrameContentSize(frame, Int(column.packedBytes))
    guard size == UInt64(column.rawBytes) else {
      throw place.damaged("column \(column.id) is not the size that the header says")
    }
    let result = ZSTD_decompressDCtx(
      context, base, Int(column.rawBytes), frame, Int(column.packedBytes))
    guard ZSTD_isError(result) == 0 else {
      throw place.damaged(
        "column \(column.id) does not inflate (\(String(cString: ZSTD_getErrorName(result))))")
    }
    guard result == Int(column.rawBytes) else {
      throw place.damaged("column \(column.id) is shorter than the header says")
    }
  }

  /// Inflates the columns that this version does not know, to check them, and says which they are.
  func checkUnknown(_ place: BlockPlace) throws(TraceError) -> [UInt16] {
    var unknown: [UInt16] = []
    for (index, column) in columns.enumerated() where ColumnID(rawValue: column.id) == nil {
      let scratch = ColumnBuffer(capacity: max(Int(column.rawBytes), 1))
      try inflate(index, to: scratch.base, place)
      unknown.append(column.id)
    }
    return unknown
  }
}
