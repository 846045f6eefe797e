import Foundation
import Testing

@testable import TraceFile

@Suite("The container gives back what was put in")
struct ContainerRoundTripTests {
  @Test("records of every form come back equal", arguments: [0, 1, 2, 999, 70_000])
  func roundTrip(count: Int) throws {
    let records = mixedRecords(count, seed: UInt64(count) + 1)
    try withContainer(records, trailing: 7) { path in
      let read = try readContainer(path).records
      #expect(read == records)
      let found = try Verification(path: path) { _, _ in }
      #expect(found.damage == nil)
      #expect(found.records == count)
    }
  }

  @Test("a block ends where its records, pages or shapes are as many as it can number")
  func blocksEnd() throws {
    // Each record on its own page: the codes number 65,534 entries at most.
    let pages = (0..<140_000).map {
      TraceRecord(address: UInt64($0) << 12, kind: .load, size: 4, instructions: 1)
    }
    // Each record of its own shape.
    let shapes = (0..<140_000).map {
      TraceRecord(address: 64, kind: .load, size: 4, instructions: UInt32($0))
    }
    let plain = [TraceRecord](
      repeating: TraceRecord(address: 64, kind: .load, size: 4, instructions: 1), count: 600_000)
    // 140,000 / 65,529 and / 65,534 round up to 3, as does 600,000 / 262,144.
    for records in [pages, shapes, plain] {
      try withContainer(records) { path in
        let read = try readContainer(path)
        #expect(read.records == records)
        #expect(read.blocks == 3)
      }
    }
  }

  @Test("a record that crosses the last page of the address space touches the first")
  func wrapsAround() throws {
    let record = TraceRecord(address: .max - 1, kind: .store, size: 8, instructions: 1)
    var builder = BlockBuilder()
    builder.append(
      address: record.address, kind: record.kind, size: record.size, thread: 0, instructions: 1)
    let block = TraceBlock()
    builder.finish(into: block)
    try block.loadTouches()
    #expect(block.entries.map(\.page) == [(1 << 52) - 1, 0])
    #expect(block.touches.count == 2)
    #expect(block.counts.dataTouches == 2)
  }

  @Test("runs, entries and counts of a hand-made block")
  func handMade() throws {
    // Page 1 is fetched from throughout; data goes 5, 5, 9, 5: three runs. The first run on 5 reads
    // and then writes, the one on 9 begins with a write, the last one reads: three entries, and page
    // 1 makes a fourth.
    var builder = BlockBuilder()
    let steps: [(UInt64, AccessKind)] = [
      (0x1000, .fetch), (0x5000, .load), (0x1040, .fetch), (0x5ff8, .store), (0x9000, .modify),
      (0x1080, .fetch), (0x5008, .load),
    ]
    for (address, kind) in steps {
      builder.append(address: address, kind: kind, size: 8, thread: 0, instructions: 2)
    }
    let block = TraceBlock()
    builder.finish(into: block, trailingInstructions: 5)
    try block.loadPages()
    #expect(block.entries.map(\.page) == [1, 5, 9, 5])
    #expect(block.entries.map(\.isData) == [false, true, true, true])
    #expect(block.entries.map(\.writesFirst) == [false, false, true, false])
    #expect(block.entries.map(\.writes) == [false, true, true, false])
    #expect(Array(block.runs) == [0, 1, 2, 3])
    #expect(block.counts.fetchTouches == 3)
    #expect(block.counts.dataTouches == 4)
    #expect(block.counts.instructions == 14)
    #expect(block.counts.trailingInstructions == 5)
    try block.loadTouches()
    #expect(block.touches.map { $0 & 0xffff } == [0, 1, 0, 1, 2, 0, 3])
    #expect(block.touches.map { $0 >> 16 } == [0, 1, 0, 2, 3, 0, 1])
  }

  @Test("graph-bfs comes back byte for byte", .enabled(if: Captures.exists("graph-bfs.flat16.zst")))
  func capture() throws {
    let path = Captures.path("graph-bfs.flat16.zst")
    let records = try importTrace(path).records
    let read = try withContainer(records) { try readContainer($0).records }
    #expect(read == records)
  }
}

@Suite("A container that is not whole is refused, and nothing worse")
struct ContainerDamageTests {
  static let records = mixedRecords(3000, seed: 5)

  @Test("every truncation is an error that says so, and salvage gives whole blocks")
  func truncations() throws {
    try withContainer(Self.records, blockRecords: 1000) { path in
      let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
      for length in Array(stride(from: 0, to: whole.count, by: 97)) + [whole.count - 1] {
        try withFile(Array(whole[..<length]), named: "torn.nwt") { torn in
          #expect(throws: TraceError.self) { try readContainer(torn) }
          // Nothing can be salvaged of a file without its header.
          guard length > 4104 else { return }
          let salvaged = try readContainer(torn, salvage: true)
          #expect(salvaged.records == Array(Self.records.prefix(salvaged.blocks * 1000)))
          #expect(salvaged.notes.contains { $0.hasPrefix("Salvaged") })
          let found = try Verification(path: torn) { _, _ in }
          #expect(found.damage != nil)
          #expect(found.records == salvaged.records.count)
        }
      }
    }
  }

  @Test("every flipped bit is found by verify, and by whoever only reads the pages")
  func flips() throws {
    try withContainer(Array(Self.records.prefix(300)), blockRecords: 100) { path in
      let whole = [UInt8](try Data(contentsOf: URL(filePath: path)))
      var random = SeededGenerator(state: 11)
      // Every byte of blocks and index; of the header with its blanks every seventh.
      for at in whole.indices where at > 4104 || at % 7 == 0 {
        var changed = whole
        changed[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        try withFile(changed, named: "changed.nwt") { path in
          let damage: TraceError?
          do throws(TraceError) {
            damage = try Verification(path: path) { _, _ in }.damage
          } catch { damage = error }
          #expect(damage != nil, "byte \(at)")
          #expect(throws: TraceError.self, "byte \(at)") {
            let reader = try TraceReader(path: path)
            let block = TraceBlock()
            while try reader.next(into: block) {}
          }
        }
      }
    }
  }

  @Test("a container whose writing was cut short says so")
  func unfinished() throws {
    try withContainer(Self.records) { path in
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      bytes.replaceSubrange(
        0..<4104, with: ContainerHeader(producer: "test").encoded(payloadBytes: 4096))
      try withFile(bytes, named: "unfinished.nwt") { path in
        let error = #expect(throws: TraceError.self) { try readContainer(path) }
        #expect(error?.problem == "its writing was cut short after 3000 records")
        let salvaged = try readContainer(path, salvage: true).records
        #expect(salvaged == Self.records)
      }
    }
  }

  @Test("a container of a version or feature that this tool lacks is refused by number")
  func unknownFeature() throws {
    try withContainer([]) { path in
      var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
      bytes[12] = 2  // the major version
      try withFile(bytes, named: "new.nwt") { path in
        let error = #expect(throws: TraceError.self) { try readContainer(path) }
        #expect(error?.problem == "version 2.0, and this tool reads 1.x")
      }
      bytes[12] = 1
      bytes[17] = 4  // bit 10 of the required features
      try withFile(bytes, named: "new.nwt") { path in
        let error = #expect(throws: TraceError.self) { try readContainer(path) }
        #expect(error?.problem == "it needs feature 10, which this tool does not have")
      }
    }
  }

  @Test("a reader says how many events it passed over, and verify of what kind")
  func reportedEvents() throws {
    try withFile([], named: "events.nwt") { path in
      let handle = try FileHandle(forUpdating: URL(filePath: path))
      defer { try? handle.close() }
      let header = ContainerHeader(producer: "test")
      let writer = try ContainerWriter(
        descriptor: handle.fileDescriptor, file: path, header: header)
      var builder = BlockBuilder()
      builder.append(address: 1, kind: .load, size: 1, thread: 0, instructions: 1)
      let block = TraceBlock()
      builder.finish(into: block)
      var bytes: [UInt8] = []
      for tag: UInt64 in [251, 251, 250] {
        EventColumn.append(tag: tag, payload: [1], after: 0, to: &bytes)
      }
      block.events.resize(to: bytes.count)
      _ = bytes.withUnsafeBytes { block.events.copy($0, at: 0) }
      block.counts.events = 3
      try writer.write(block)
      _ = try writer.finish(header, skipped: 0)
      let read = try readContainer(path)
      #expect(read.records.count == 1)
      #expect(read.notes == ["Of a newer version, passed over by this one: 3 events."])
      let found = try Verification(path: path) { _, _ in }
      #expect(found.damage == nil)
      #expect(found.unknown == ["event 250 (1 times)", "event 251 (2 times)"])
    }
  }
}

@Suite("Varints")
struct VarintTests {
  @Test(
    "numbers of every length come back",
    arguments: [0, 1, 127, 128, 16_383, 16_384, 1 << 35, UInt64.max])
  func roundTrip(value: UInt64) {
    var bytes: [UInt8] = []
    Varint.append(value, to: &bytes)
    var at = 0
    bytes.withUnsafeBytes {
      #expect(Varint.read($0, at: &at) == value)
      #expect(at == $0.count)
    }
  }

  @Test("an eleventh byte, and a tenth that overflows, are refused")
  func tooLong() {
    for bytes in [
      [UInt8](repeating: 0x80, count: 10) + [1], [UInt8](repeating: 0xff, count: 9) + [2], [0x80],
    ] {
      var at = 0
      bytes.withUnsafeBytes { #expect(Varint.read($0, at: &at) == nil) }
    }
  }

  @Test("zigzag keeps small distances small")
  func zigzag() {
    // 0, -1, 1, -2 become 0, 1, 2, 3 by definition.
    for (value, code) in [(0, 0), (-1, 1), (1, 2), (-2, 3)] as [(Int64, UInt64)] {
      #expect(Varint.zigzag(value) == code)
      #expect(Varint.unzigzag(code) == value)
    }
    #expect(Varint.unzigzag(Varint.zigzag(.min)) == .min)
  }
}
