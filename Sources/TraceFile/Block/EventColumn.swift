/// What happens between records: `{records since the last event, tag, length, payload}`, each number
/// a varint.
///
/// Tags are never reused. A reader passes over a tag that it does not know by its length, counts it
/// and says so; this version knows none, because no importer of this version writes one.
enum EventColumn {
  static let maximumPayloadBytes: UInt64 = 65_536

  static func append(tag: UInt64, payload: [UInt8], after records: UInt64, to bytes: inout [UInt8])
  {
    Varint.append(records, to: &bytes)
    Varint.append(tag, to: &bytes)
    Varint.append(UInt64(payload.count), to: &bytes)
    bytes += payload
  }

  /// How often each tag occurs.
  static func tags(
    _ bytes: UnsafeRawBufferPointer, count: Int, _ place: BlockPlace
  ) throws(TraceError) -> [UInt64: Int] {
    var tags: [UInt64: Int] = [:]
    var at = 0
    var seen = 0
    while at < bytes.count {
      guard Varint.read(bytes, at: &at) != nil, let tag = Varint.read(bytes, at: &at),
        let length = Varint.read(bytes, at: &at), length <= maximumPayloadBytes,
        Int(length) <= bytes.count - at
      else { throw place.damaged("event \(seen) is cut off or too long") }
      at += Int(length)
      seen += 1
      tags[tag, default: 0] += 1
    }
    guard seen == count else {
      throw place.damaged("it has \(seen) events and its header says \(count)")
    }
    return tags
  }
}
