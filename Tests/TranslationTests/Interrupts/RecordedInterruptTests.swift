import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// What QEMU 7.2 logged of a Linux guest's interrupts; the numbers are line counts of its log.
@Suite("The recorded VT-d guest's interrupts", .enabled(if: Captures.hasQEMU))
struct RecordedInterruptTests {
  private static func run(_ settings: String..., image: Bool = false) throws -> RunResult {
    try replay(
      devices: Captures.qemu("vtd-lazy/trace.log.zst"), on: "qemu-7.2-vtd", settings,
      image: image ? Captures.qemu("vtd-lazy/tables.nwsp.zst") : nil, checksRecorded: true)
  }

  private static let cache =
    #"interrupts.entryCache={"sets":1,"ways":256,"replacement":"lru"}"#

  @Test("every message and delivery becomes what was logged", arguments: [false, true])
  func agrees(isCached: Bool) throws {
    let result = try isCached ? Self.run(Self.cache) : Self.run()
    // Lines vtd_ir_remap_msi_req, vtd_ir_remap; three vtd_ir_irte_get have no vtd_ir_remap.
    #expect(result.interrupts("requests") == 3108)
    #expect(result.interrupts("remapped") == 3103)
    #expect(result.interrupts("passedThrough") == 2)
    #expect(result.interrupts("fault.22h") == 3)
    #expect(result.counters["check.interrupts.agreed"] == 3108)
    #expect(result.counters["check.interrupts.contradicted"] == 0)
    #expect(result.counters["check.interrupts.blocked"] == 3)
    #expect(result.counters["check.interrupts.unmatched"] == 0)
    // 3109 lines apic_deliver_irq, four of them after vtd_irq_generate.
    #expect(result.counters["check.interrupts.deliveries.agreed"] == 3105)
    #expect(result.counters["check.interrupts.deliveries.contradicted"] == 0)
    #expect(result.counters["check.interrupts.deliveries.unmatched"] == 4)
    // Entries 20, 32 and 3 are the only indices of vtd_ir_irte_get with two values.
    #expect(result.interrupts("moves") == 3)
    #expect(result.cells("interrupts.moves", "index") == ["20", "32", "3"])
    #expect(result.cells("interrupts.moves", "toVector") == ["37", "42", "43"])
    #expect(result.counters["check.interrupts.rewrites"] == 3)
    #expect(result.counters["check.interrupts.rewritesWithoutInvalidation"] == 0)
  }

  @Test("without invalidations an entry cache would deliver to the wrong vector")
  func invalidations() throws {
    let preset = try #require(Preset.named("qemu-7.2-vtd"))
    let machine = try MachineDescription.load(
      json: preset.json, file: preset.name, settings: [Self.cache])
    let replay = Replay(machine, checksRecorded: true)
    let reader = try TraceReader(path: Captures.qemu("vtd-lazy/trace.log.zst"))
    let (block, cut) = (TraceBlock(), TraceBlock())
    var dropped = 0
    while try reader.next(into: block) {
      var builder = BlockBuilder()
      try block.loadEvents()
      block.withEvents { events in
        for event in events where event.tag != .name {
          // Type 4 is an invalidation of interrupt entries.
          if event.tag == .iommuCommand, event[1] & 0xf == 4 {
            dropped += 1
          } else {
            builder.append(event.tag, words: (0..<event.count).map { event[$0] })
          }
        }
      }
      builder.finish(into: cut)
      try replay.replay(cut)
    }
    // Lines vtd_inv_desc_iec.
    #expect(dropped == 86)
    let result = try replay.result(
      of: TraceIdentity(name: "cut", sha256: "", records: 0, tables: "", notes: []))
    // Index 20 changed for its last 12 uses, 32 for its last 8, 3 for its last 407.
    #expect(result.counters["check.interrupts.contradicted"] == 12 + 8 + 407)
    #expect(result.counters["check.interrupts.rewritesWithoutInvalidation"] == 3)
  }

  @Test("the image's entries are those last seen, but for those rewritten since")
  func image() throws {
    let result = try Self.run(image: true)
    #expect(result.counters["check.interrupts.agreed"] == 3108)
    #expect(result.counters["check.interrupts.image.contradicted"] == 0)
    let agreed = result.counters["check.interrupts.image.agreed"] ?? 0
    let rewritten = result.counters["check.interrupts.image.rewritten"] ?? 0
    // Indices of vtd_ir_irte_get: 16 present ones and three absent ones.
    #expect(agreed + rewritten == 19)
    #expect(agreed > 0)
  }

  @Test("the architecture would have blocked the driverless device's compatibility message")
  func architecture() throws {
    let result = try Self.run("interrupts.quirks=[]")
    #expect(result.interrupts("fault.25h") == 1)
    #expect(result.counters["check.interrupts.contradicted"] == 1)
  }
}
