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
  ///   - heads: filled with the known events, in order.
  ///   - words: filled with their words.
  ///   - place: of the block, for errors.
  /// - Returns: how often each unknown tag occurs.
  /// - Throws: the first event that contradicts itself or the header.
  static func decode(
    _ bytes: UnsafeRawBufferPointer, count expected: Int, records: Int,
    into heads: inout [EventHead], _ words: inout [UInt64], _ place: BlockPlace
  ) throws(TraceError) -> [UInt64: Int] {
    heads.removeAll(keepingCapacity: true)
    words.removeAll(keepingCapacity: true)
    var unknown: [UInt64: Int] = [:]
    var (at, seen, record) = (0, 0, 0)
    var time: UInt64 = 0
    let table = EventTag.known
    while at < bytes.count {
      guard let distance = Varint.read(bytes, at: &at), let tag = Varint.read(bytes, at: &at),
        let length = Varint.read(bytes, at: &at), length <= maximumPayloadBytes,
        Int(length) <= bytes.count - at
      else { throw place.damaged("event \(seen) is cut off or too long") }
      guard distance <= UInt64(records - record) else {
        throw place.damaged("event \(seen) comes after the block's last record")
      }
      record += Int(distance)
      let end = at + Int(length)
      seen += 1
      let entry = tag < UInt64(EventTag.limit) ? table[Int(tag)] : EventTag.Known()
      guard let known = entry.tag else {
        unknown[tag, default: 0] += 1
        at = end
        continue
      }
      let start = words.count
      while at < end {
        guard let word = Varint.read(bytes, at: &at), at <= end,
          words.count - start < maximumWords
        else { throw place.damaged("event \(seen - 1) (\(known)) has a word that is none") }
        words.append(word)
      }
      while words.count - start < Int(entry.fields) { words.append(0) }
      if known == .time {
        time &+= UInt64(bitPattern: Varint.unzigzag(words[start]))
        words[start] = time
      }
      heads.append(
        EventHead(
          tag: known, count: UInt16(words.count - start), record: UInt32(record),
          start: UInt32(start)))
    }
    guard seen == expected else {
      throw place.damaged("it has \(seen) events and its header says \(expected)")
    }
    return unknown
  }
}
