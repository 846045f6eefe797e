import CAllocations
import Foundation
import Machine
import Testing
import TraceFile

@testable import Translation

/// Once what a trace touches is known, a replay asks for no memory however many records follow.
@Suite("Nothing is allocated for a record")
struct AllocationTests {
  /// The shipped trace has 31 blocks of 262,144 records; what is new in its second half is little.
  static let trace = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../traces/sqlite-probe-8m.nwt").standardized.path

  /// A block of 262,144 records may cost this much: arrays that grow, samples of a time line.
  static let perBlock = 80

  static func machine(_ name: String) throws -> ResolvedMachine {
    let preset = try #require(Preset.named(name))
    return try MachineDescription.load(json: preset.json, file: name)
  }

  /// Counts this thread's allocations in all blocks from a place on.
  static func count(
    from first: Int, next: (TraceBlock) throws -> Bool, replay: (TraceBlock) throws -> Void
  ) throws -> (allocations: Int, blocks: Int) {
    let block = TraceBlock()
    var (blocks, before) = (0, UInt64(0))
    while try next(block) {
      if blocks == first { before = allocations_of_this_thread() }
      try replay(block)
      blocks += 1
    }
    return (Int(allocations_of_this_thread() - before), blocks - first)
  }

  @Test("the count counts")
  func counts() {
    let before = allocations_of_this_thread()
    let array = Array(repeating: before, count: 1000)
    #expect(allocations_of_this_thread() > before && array.count == 1000)
  }

  @Test("records, decode included", arguments: ["zen5", "skylake-sp", "reference-cached"])
  func fast(name: String) throws {
    let machine = try Self.machine(name)
    let reader = try TraceReader(path: Self.trace)
    let sweep = Sweep([machine])
    let counted = try Self.count(
      from: 15, next: { try reader.next(into: $0) }, replay: sweep.replay(_:))
    #expect(counted.blocks > 10)
    #expect(counted.allocations <= Self.perBlock * counted.blocks, "\(counted)")
  }

  @Test("records, touch by touch", arguments: [false, true])
  func general(hasEvents: Bool) throws {
    let machine = try Self.machine("reference-cached")
    let reader = try TraceReader(path: Self.trace)
    let replay = Replay(machine, ReplayPlan(hasEvents: hasEvents), everyTouch: true)
    let counted = try Self.count(
      from: 15, next: { try reader.next(into: $0) }, replay: replay.replay(_:))
    #expect(counted.blocks > 10)
    #expect(counted.allocations <= Self.perBlock * counted.blocks, "\(counted)")
  }

  @Test("requests of devices", arguments: RingOptions.Invalidation.allCases)
  func devices(_ invalidation: RingOptions.Invalidation) throws {
    let machine = try Self.machine("qemu-vtd")
    func count(_ packets: Int) throws -> Int {
      var options = RingOptions()
      options.packets = packets
      options.invalidation = invalidation
      let trace = try GeneratedTrace(.nicRing(options))
      let replay = Replay(machine)
      let block = TraceBlock()
      var allocations = 0
      while trace.next(into: block) {
        let before = allocations_of_this_thread()
        try replay.replay(block)
        allocations += Int(allocations_of_this_thread() - before)
      }
      return allocations
    }
    // 300,000 requests more, each with a map and an unmap: one allocation for five hundred of them.
    let (few, many) = (try count(100_000), try count(400_000))
    #expect(many - few <= 600, "\(few) and \(many)")
  }
}
