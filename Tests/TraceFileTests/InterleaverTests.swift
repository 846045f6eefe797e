import Testing

@testable import TraceFile

@Suite("Traces that take turns")
struct InterleaverTests {
  /// Three records of one trace and five of another in turns of two: a a b b a b b b.
  @Test("each turn has its records and its event", arguments: Interleaver.Kind.allCases)
  func turns(kind: Interleaver.Kind) throws {
    func scenario(_ count: Int, _ base: Int) -> [UInt8] {
      let lines = (0..<count).map { "load \(base + $0) 1\n" }.joined()
      return Array(("nestwalk scenario 1\n" + lines).utf8)
    }
    try withFile(scenario(3, 100), named: "a.txt") { first in
      try withFile(scenario(5, 200), named: "b.txt") { second in
        let readers = try [first, second].map { try TraceReader(path: $0) }
        let interleaver = Interleaver(readers, quantum: 2, kind: kind)
        var addresses: [UInt64] = []
        var events: [(EventTag, Int, UInt64)] = []
        try interleaver.run { (block) throws(TraceError) in
          try block.forEachRecord { addresses.append($0.address) }
          try block.loadEvents()
          block.withEvents {
            for event in $0 { events.append((event.tag, event.record, event[0])) }
          }
        }
        #expect(addresses == [100, 101, 200, 201, 102, 202, 203, 204])
        switch kind {
        case .processes:
          #expect(events.allSatisfy { $0.0 == .cr3 })
          #expect(events.map(\.1) == [0, 2, 4, 5, 7])
          #expect(events.map(\.2) == [0x1001, 0x2002, 0x1001, 0x2002, 0x2002])
        case .guests:
          let entries = events.filter { $0.0 == .vmEntry }
          #expect(entries.map(\.1) == [0, 2, 4, 5, 7])
          #expect(entries.map(\.2) == [0, 1, 0, 1, 1])
          #expect(events.filter { $0.0 == .vmExit }.map(\.1) == [2, 4, 5, 7])
          #expect(events.filter { $0.0 == .vcpuDefine }.count == 2)
        }
      }
    }
  }
}
