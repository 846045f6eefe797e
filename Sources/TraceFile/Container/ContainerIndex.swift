/// Where the blocks of a container are; it can be rebuilt by reading the blocks' headers.
struct ContainerIndex: Equatable {
  struct Entry: Equatable {
    /// Of the block's skippable frame in the file.
    var byte: UInt64
    /// Of the block in its stream.
    var firstRecord: UInt64
    var records: UInt32
    var stream: UInt32
  }

  var entries: [Entry] = []

  static let entryBytes = 24
  /// Magic, count, checksum, and at the very end the frame's length and the magic again, so that the
  /// index is found from the end of the file.
  static let fixedBytes = 4 + 4 + 4 + 4 + 4

  /// The index's whole frame.
  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.put(ContainerFormat.indexFrame)
    let payload = Self.fixedBytes + Self.entryBytes * entries.count
    writer.put(UInt32(payload))
    let start = writer.bytes.count
    writer.bytes += ContainerFormat.indexMagic
    writer.put(UInt32(entries.count))
    for entry in entries {
      writer.put(entry.byte)
      writer.put(entry.firstRecord)
      writer.put(entry.records)
      writer.put(entry.stream)
    }
    let checksum = writer.bytes[start...].withUnsafeBytes { crc32(of: $0) }
    writer.put(checksum)
    writer.put(UInt32(payload + ContainerFormat.frameHeadBytes))
    writer.bytes += ContainerFormat.indexMagic
    return writer.bytes
  }

  /// Reads the payload of the index's frame; nothing where it is damaged.
  init?(_ payload: UnsafeRawBufferPointer) {
    guard payload.count >= Self.fixedBytes, payload.starts(with: ContainerFormat.indexMagic)
    else { return nil }
    var reader = ByteReader(payload)
    reader.at = 4
    guard let count = reader.take(UInt32.self),
      payload.count == Self.fixedBytes + Self.entryBytes * Int(count)
    else { return nil }
    for _ in 0..<count {
      guard let byte = reader.take(UInt64.self), let first = reader.take(UInt64.self),
        let records = reader.take(UInt32.self), let stream = reader.take(UInt32.self)
      else { return nil }
      entries.append(Entry(byte: byte, firstRecord: first, records: records, stream: stream))
    }
    let covered = UnsafeRawBufferPointer(rebasing: payload[..<reader.at])
    guard reader.take(UInt32.self) == crc32(of: covered),
      reader.take(UInt32.self) == UInt32(payload.count + ContainerFormat.frameHeadBytes),
      payload[reader.at...].elementsEqual(ContainerFormat.indexMagic)
    else { return nil }
  }

  init() {}
}
