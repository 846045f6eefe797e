import Foundation
import Results

@testable import Machine
@testable import TraceFile
@testable import Translation

/// A trace of interrupts that a test writes event by event, replayed at once.
struct InterruptScenario: ~Copyable {
  private var builder = BlockBuilder()

  mutating func add(_ tag: EventTag, _ words: UInt64...) {
    builder.append(tag, words: Array(words.prefix(tag.fields.count)))
  }

  mutating func time(_ nanoseconds: UInt64) { builder.append(.time, nanoseconds) }

  /// A vector to write into an entry that posts to a descriptor.
  static func posted(
    _ vector: UInt64, _ descriptor: UInt64, isUrgent: Bool = false
  ) -> (low: UInt64, high: UInt64) {
    let low = 1 | 1 << 15 | vector << 16 | ((descriptor >> 6) & 0x3ff_ffff) << 38
    return (low | (isUrgent ? 1 << 14 : 0), (descriptor >> 32) << 32)
  }

  /// A vector to write into an entry that remaps to a core, by x2APIC id.
  static func remapped(_ vector: UInt64, core: UInt64) -> UInt64 { 1 | vector << 16 | core << 32 }

  /// A descriptor's control word, by x2APIC id.
  static func control(core: UInt64, vector: UInt64 = 0xf2, isSuppressed: Bool = false) -> UInt64 {
    core << 32 | vector << 16 | (isSuppressed ? 2 : 0)
  }

  /// A device's message for an entry.
  static func address(of index: UInt64) -> UInt64 {
    0xfee0_0010 | (index & 0x7fff) << 5 | (index >> 15) << 2
  }

  mutating func message(_ device: UInt64, _ index: UInt64) {
    add(.interruptMessage, device, Self.address(of: index))
  }

  /// Costs that tell the steps apart in every sum: each a power of ten, or two of them.
  static let costs = InterruptCosts(
    remapNanoseconds: 1, referenceNanoseconds: 10, deliveryNanoseconds: 100, postNanoseconds: 1000,
    exitNanoseconds: 10_000, injectionNanoseconds: 100_000, forwardNanoseconds: 1_000_000,
    wakeupNanoseconds: 10_000_000)

  static func machine(
    _ mode: InterruptMode = .posted, cores: Int = 4, cacheWays: Int = 0,
    longEntries: Bool = true
  ) -> InterruptDescription {
    InterruptDescription(
      mode: mode,
      start: InterruptStart(
        isEnabled: true, isExtended: true, passesCompatibility: false, entries: 65_536,
        hasLongEntries: longEntries),
      cores: cores,
      entryCache: InterruptCacheDescription(sets: 1, ways: cacheWays, replacement: .lru),
      vectors: InterruptVectors(notification: 0xf2, wakeup: 0xf1), costs: costs, quirks: [])
  }

  /// Replays the events, and holds every sum.
  mutating func replay(
    _ machine: InterruptDescription, _ architecture: IOMMUArchitecture = .vtd
  ) throws -> RunResult {
    let block = TraceBlock()
    builder.finish(into: block)
    try block.loadEvents()
    var unit = InterruptUnit(machine, architecture)
    var memory = IOMemory()
    var isolation = IsolationMonitor(isVTd: architecture == .vtd)
    block.withEvents { events in
      var place = EventPlace()
      for event in events {
        if event.tag == .time { place.time = event[0] }
        if event.tag == .interruptMessage {
          unit.receive(
            InterruptMessage(
              device: UInt32(truncatingIfNeeded: event[0]), address: event[1], data: event[2],
              hasData: true, place: place), memory, &isolation)
        } else {
          unit.see(event, at: place, memory, &isolation)
          if event.tag == .tableWrite { memory.write(event[1], event[2]) }
        }
        place.event += 1
      }
    }
    unit.settle(memory, &isolation)
    var laws = Conservation()
    unit.checkLaws(&laws)
    try laws.check()
    var result = RunResult(
      trace: TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: []),
      machine: MachineIdentity(name: "", sha256: "", resolvedJSON: ""))
    unit.addCounters(to: &result)
    return result
  }
}

extension RunResult {
  /// An interrupt counter; 0 where there is none.
  func interrupts(_ name: String) -> Int { counters["interrupt." + name] ?? 0 }
}

/// A trace that comes with the repository.
func shippedTrace(_ name: String) -> String {
  let place = URL(filePath: #filePath)
  return place.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "traces/\(name)").path
}
