import Testing

@testable import TraceFile

@Suite("Events between records")
struct EventTests {
  private func decode(
    _ bytes: [UInt8], count: Int, records: Int = 1000
  ) throws -> (words: [[UInt64]], unknown: [UInt64: Int]) {
    var store = EventStore()
    let unknown = try bytes.withUnsafeBytes {
      try EventColumn.decode($0, count: count, records: records, into: &store, BlockPlace())
    }
    return (store.list.map { event in (0..<event.count).map { event[$0] } }, unknown)
  }

  @Test("words of every length come back, wherever the column ends behind them")
  func words() throws {
    // One more than all the bits of so many groups of seven, and one less.
    var values: [UInt64] = [0, 1, .max, 1 << 63]
    for groups in 1..<10 as Range<UInt64> { values += [1 << (7 * groups), 1 << (7 * groups) - 1] }
    for value in values {
      var payload: [UInt8] = []
      Varint.append(value, to: &payload)
      Varint.append(value ^ 0x55, to: &payload)
      var bytes: [UInt8] = []
      EventColumn.append(tag: 33, payload: payload, after: 0, to: &bytes)
      // INVPCID has three words; the one that is not written is 0.
      #expect(try decode(bytes, count: 1).words == [[value, value ^ 0x55, 0]])
      bytes += [0, 1, 0]
      #expect(throws: TraceError.self) { try decode(bytes, count: 3) }
    }
    // Eleven bytes are no number, nor are ten that have more than 64 bits.
    let ones = [UInt8](repeating: 0xff, count: 9)
    for payload in [ones + [0xff, 0], ones + [2]] {
      var bytes: [UInt8] = []
      EventColumn.append(tag: 33, payload: payload, after: 0, to: &bytes)
      #expect(throws: TraceError.self) { try decode(bytes, count: 1) }
    }
  }

  @Test("an event of a newer version is passed over by its length and counted")
  func unknownEvents() throws {
    var bytes: [UInt8] = []
    EventColumn.append(tag: 251, payload: [1, 2, 0x83], after: 0, to: &bytes)
    EventColumn.append(tag: 250, payload: [], after: 300, to: &bytes)
    EventColumn.append(tag: 251, payload: [9], after: 1, to: &bytes)
    #expect(try decode(bytes, count: 3).unknown == [251: 2, 250: 1])
    #expect(throws: TraceError.self) { try decode(bytes.dropLast(1), count: 3) }
    #expect(throws: TraceError.self) { try decode(bytes, count: 4) }
    #expect(throws: TraceError.self) { try decode(bytes, count: 3, records: 300) }
  }

  @Test("tags have one number each, below 256, and field names of their own")
  func tags() {
    for tag in EventTag.allCases {
      #expect(tag.rawValue > 0 && tag.rawValue < 256)
      #expect(!tag.fields.isEmpty && Set(tag.fields).count == tag.fields.count)
    }
  }

  @Test("events come back with their places, and a time before the first that it holds for")
  func roundTrip() throws {
    var builder = BlockBuilder()
    builder.append(.time, 1_000)
    builder.append(.cr3, 0x2001, 1)
    builder.append(address: 0x1000, kind: .load, size: 8, thread: 0, instructions: 1)
    builder.append(.time, 900)
    builder.append(.time, 950)
    builder.append(.invlpg, .max)
    builder.name(.device, 0x38, "nvme0 of guest")
    let block = TraceBlock()
    builder.finish(into: block)
    try block.loadEvents()
    block.withEvents { events in
      #expect(events.map(\.tag) == [.time, .cr3, .time, .invlpg, .name])
      #expect(events.map(\.record) == [0, 0, 1, 1, 1])
      #expect(events.map { $0[0] } == [1_000, 0x2001, 950, .max, 0])
      #expect(events[1][1] == 1)
      #expect(events[4].text == "nvme0 of guest")
    }
    // The next block repeats the time, so that it can be read alone.
    builder.append(.invlpg, 1)
    builder.finish(into: block)
    try block.loadEvents()
    block.withEvents { events in
      #expect(events.map(\.tag) == [.time, .invlpg])
      #expect(events[0][0] == 950)
    }
  }

  static let refused: [(String, String)] = [
    ("load", "a load has 0 numbers"), ("load 0x1 0", "a size of 0"), ("load x", "x is no number"),
    ("lod 0x1", "lod is no record and no event"), ("cr3 valeu=1", "valeu=1 is no field of cr3"),
    ("cr3 value=z", "value=z has no number"), ("name kind=device id=1", "name does not say"),
  ]

  @Test("a scenario's wrong line is named with what is wrong in it", arguments: refused)
  func refusals(line: String, problem: String) throws {
    let text = "nestwalk scenario 1\nload 0x1000 8 +3\n\(line)\n"
    try withFile(Array(text.utf8), named: "a.txt") { path in
      let error = #expect(throws: TraceError.self) {
        let reader = try TraceReader(path: path)
        _ = try reader.next(into: TraceBlock())
      }
      #expect(error?.place == "line 3")
      #expect(error?.problem.hasPrefix(problem) == true)
    }
  }

  @Test("a cut keeps the events between the records that it keeps")
  func cut() throws {
    var builder = BlockBuilder()
    for record: UInt64 in 0..<4 {
      builder.append(.invlpg, record)
      builder.append(
        address: record << 12, kind: .load, size: 8, thread: 0, instructions: 1)
    }
    builder.append(.invlpg, 4)
    let block = TraceBlock()
    builder.finish(into: block)
    var places: [[UInt64]] = []
    for range in [(0, Int.max), (1, 3)] {
      let cutter = RecordCutter(range.0, range.1)
      var found: [UInt64] = []
      let keep = { (block: TraceBlock) throws(TraceError) in
        try block.loadEvents()
        block.withEvents { for event in $0 { found.append(event[0]) } }
      }
      try cutter.take(block, write: keep)
      try cutter.finish(write: keep)
      places.append(found)
    }
    #expect(places == [[0, 1, 2, 3, 4], [1, 2]])
  }
}
