/// What happens between records: `{records since the last event, tag, length, payload}`, each number
/// a varint, and the payload a varint for each word.
///
/// Tags are never reused. A reader passes over a tag that it does not know by its length, counts it
/// and says so. Words of 0 at the end are not written.
enum EventColumn {
  static let maximumPayloadBytes: UInt64 = 65_536
  /// Words of one event; each takes ten bytes at most.
  static let maximumWords = 256

  /// Appends an event of any tag, known or not.
  static func append(tag: UInt64, payload: [UInt8], after records: UInt64, to bytes: inout [UInt8])
  {
    Varint.append(records, to: &bytes)
    Varint.append(tag, to: &bytes)
    Varint.append(UInt64(payload.count), to: &bytes)
    bytes += payload
  }

  /// Decodes the events whose tags are known.
  ///
  /// - Parameters:
  ///   - bytes: the column.
  ///   - expected: events, by the block's header.
  ///   - records: of the block.
  ///   - events: filled with the known events, in order.
  ///   - place: of the block, for errors.
  /// - Returns: how often each unknown tag occurs.
  /// - Throws: the first event that contradicts itself or the header.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, count expected: Int, records: Int,
    into events: inout EventStore, _ place: BlockPlace
  ) throws(TraceError) -> [UInt64: Int] {
    events.begin()
    var unknown: [UInt64: Int] = [:]
    var (at, seen, record) = (0, 0, 0)
    var time: UInt64 = 0
    while at < bytes.count {
      var (distance, tag, length): (UInt64, UInt64, UInt64) = (0, 0, 0)
      let head: UInt64 =
        at &+ 8 <= bytes.count
        ? UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)) : .max
      if head & 0x80_8080 == 0 {
        // Most events begin with three numbers of one byte.
        (distance, tag, length) = (head & 0x7f, head &>> 8 & 0x7f, head &>> 16 & 0x7f)
        at &+= 3
      } else {
        distance = Varint.readFast(bytes, at: &at)
        if at >= 0 { tag = Varint.readFast(bytes, at: &at) }
        if at >= 0 { length = Varint.readFast(bytes, at: &at) }
      }
      guard at >= 0, length <= maximumPayloadBytes, Int(length) <= bytes.count - at else {
        throw place.damaged("event \(seen) is cut off or too long")
      }
      guard distance <= UInt64(records - record) else {
        throw place.damaged("event \(seen) comes after the block's last record")
      }
      record += Int(distance)
      let end = at + Int(length)
      seen += 1
      let known = events.known(tag)
      guard known.fieldCount != EventStore.unknown else {
        unknown[tag, default: 0] += 1
        at = end
        continue
      }
      let room = events.room(for: known)
      var words = 0
      if end &+ 8 <= bytes.count {
        // Eight bytes can be read wherever a word of the event begins.
        while at < end, words < maximumWords {
          room[words] = Varint.readWithin(bytes, at: &at)
          // Where no number was, the place is below 0.
          if at < 0 { break }
          words &+= 1
        }
      } else {
        while at < end, words < maximumWords {
          room[words] = Varint.readFast(bytes, at: &at)
          if at < 0 { break }
          words &+= 1
        }
      }
      guard at == end else {
        throw place.damaged("event \(seen - 1) (\(known.tag)) has a word that is none")
      }
      events.append(known, record: record, count: words)
      if known.tag == .time { events.addTime(&time) }
    }
    guard seen == expected else {
      throw place.damaged("it has \(seen) events and its header says \(expected)")
    }
    return unknown
  }
}
