/// A block's header as it stands in the file: counts, the state in which it begins, its columns.
struct BlockHeader: Equatable {
  struct Column: Equatable {
    var id: UInt16
    var rawBytes: UInt32
    var packedBytes: UInt32
  }

  var counts = BlockCounts()
  /// State at the first record, so that a block can be read alone.
  var space: UInt32 = 0
  var vcpu: UInt32 = 0
  var privilege: UInt32 = 0
  /// Events that the producer knows to have lost before this block.
  var lostEvents: UInt32 = 0
  /// CRC-32 of the columns as they stand in the file: zstd's own checksum is of what they inflate to,
  /// and some bits of a frame do not matter to that.
  var columnsChecksum: UInt32 = 0
  var columns: [Column] = []

  var packedBytes: Int { columns.reduce(0) { $0 + Int($1.packedBytes) } }

  /// The payload of the block's skippable frame.
  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    for number in [
      counts.stream, counts.records, counts.fetches, counts.loads, counts.stores, counts.modifies,
      counts.fetchTouches, counts.dataTouches, counts.transitions, counts.entries, counts.shapes,
      counts.events, space, vcpu, privilege, lostEvents, columnsChecksum,
    ] { writer.put(number) }
    for number in [counts.firstRecord, counts.instructions, counts.trailingInstructions] {
      writer.put(number)
    }
    writer.put(UInt32(columns.count))
    for column in columns {
      writer.put(UInt32(column.id))
      writer.put(column.rawBytes)
      writer.put(column.packedBytes)
    }
    let checksum = writer.bytes.withUnsafeBytes { crc32(of: $0) }
    writer.put(checksum)
    return writer.bytes
  }

  /// Reads what `encoded` wrote.
  ///
  /// - Parameters:
  ///   - payload: of the block's skippable frame.
  ///   - place: of the block, for errors.
  /// - Throws: what is wrong with the header, before anything is allocated by its numbers.
  init(_ payload: UnsafeRawBufferPointer, _ place: BlockPlace) throws(TraceError) {
    guard payload.count >= 4,
      crc32(of: UnsafeRawBufferPointer(rebasing: payload.dropLast(4)))
        == UInt32(
          littleEndian: payload.loadUnaligned(fromByteOffset: payload.count - 4, as: UInt32.self))
    else { throw place.damaged("its header's checksum does not match") }
    var reader = ByteReader(payload)
    var numbers: [UInt32] = []
    for _ in 0..<17 {
      guard let number = reader.take(UInt32.self) else {
        throw place.damaged("its header is \(payload.count) bytes, too short")
      }
      numbers.append(number)
    }
    counts.stream = numbers[0]
    counts.records = numbers[1]
    counts.fetches = numbers[2]
    counts.loads = numbers[3]
    counts.stores = numbers[4]
    counts.modifies = numbers[5]
    counts.fetchTouches = numbers[6]
    counts.dataTouches = numbers[7]
    counts.transitions = numbers[8]
    counts.entries = numbers[9]
    counts.shapes = numbers[10]
    counts.events = numbers[11]
    space = numbers[12]
    vcpu = numbers[13]
    privilege = numbers[14]
    lostEvents = numbers[15]
    columnsChecksum = numbers[16]
    guard let firstRecord = reader.take(UInt64.self), let instructions = reader.take(UInt64.self),
      let trailing = reader.take(UInt64.self), let columnCount = reader.take(UInt32.self)
    else { throw place.damaged("its header is \(payload.count) bytes, too short") }
    counts.firstRecord = firstRecord
    counts.instructions = instructions
    counts.trailingInstructions = trailing
    try checkCounts(place)
    guard columnCount <= ContainerFormat.maximumColumns else {
      throw place.damaged(
        "it has \(columnCount) columns, more than \(ContainerFormat.maximumColumns)")
    }
    for _ in 0..<columnCount {
      guard let id = reader.take(UInt32.self), let raw = reader.take(UInt32.self),
        let packed = reader.take(UInt32.self)
      else { throw place.damaged("its table of columns is cut off") }
      guard raw <= ContainerFormat.maximumColumnBytes,
        packed <= ContainerFormat.maximumColumnBytes
      else { throw place.damaged("column \(id) is larger than a column may be") }
      columns.append(
        Column(id: UInt16(truncatingIfNeeded: id), rawBytes: raw, packedBytes: packed))
    }
    guard reader.at == payload.count - 4 else {
      throw place.damaged("its header is \(payload.count) bytes, too long")
    }
    guard packedBytes <= ContainerFormat.maximumBlockBytes else {
      throw place.damaged("its columns take \(packedBytes) bytes, more than a block may")
    }
  }

  init() {}

  private func checkCounts(_ place: BlockPlace) throws(TraceError) {
    let kinds =
      UInt64(counts.fetches) + UInt64(counts.loads) + UInt64(counts.stores)
      + UInt64(counts.modifies)
    let data = UInt64(counts.records) - min(UInt64(counts.records), UInt64(counts.fetches))
    guard counts.records <= ContainerFormat.maximumRecords, kinds == counts.records,
      counts.fetchTouches >= counts.fetches, counts.fetchTouches <= 2 * UInt64(counts.fetches),
      UInt64(counts.dataTouches) >= data, counts.dataTouches <= 2 * data,
      UInt64(counts.transitions) <= UInt64(counts.fetchTouches) + UInt64(counts.dataTouches),
      counts.entries <= counts.transitions, counts.shapes <= max(counts.records, 1),
      counts.instructions < 1 << 53, counts.trailingInstructions < 1 << 53,
      counts.firstRecord < 1 << 53
    else { throw place.damaged("its header's counts contradict each other") }
  }
}
