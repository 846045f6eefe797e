import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Shadow and agile mode: references by closed form, exits by what they are made of.
@Suite("Shadow and agile mode")
struct ModeTests {
  /// Pages of one 2 MiB region, of several regions, and stores among loads.
  private static let records = DifferentialTests.records(seed: 7, count: 3000, faults: false)

  /// With the walk handed to the guest's tables for its last m levels, the levels above cost one
  /// reference each and each guest level costs itself and four of the second stage, but the table at
  /// the switch is named by its host address: (4 - m) + m + 4m, and for m > 0 the same again without a
  /// second-stage walk for the first guest table: 4, 8, 12, 16, 20.
  @Test("agile walks read 4 + 4m entries", arguments: 0...4)
  func agile(nestedLevels: Int) throws {
    let machine = try machine(
      "reference", "virtualization.mode=agile", "virtualization.nestedLevels=\(nestedLevels)")
    let result = try replay(Self.records, on: machine)
    let walks = try #require(result.counters["walk.count"])
    #expect(walks > 0)
    #expect(result.counters["walk.references"] == (4 + 4 * nestedLevels) * walks)
  }

  @Test(
    "shadow walks read the levels of the shadow's page", arguments: [(4, "4K", 4), (5, "4K", 5)])
  func shadow(levels: Int, page: String, references: Int) throws {
    let machine = try machine(
      "reference", "virtualization.mode=shadow", "firstStage.format=x86-64:\(levels)")
    let result = try replay(Self.records, on: machine)
    #expect(
      result.counters["walk.references"] == references * (result.counters["walk.count"] ?? 0))
    #expect(result.counters["walk.references.secondStage"] == 0)
  }

  /// Each page that is new to the guest costs its own fault, the write of its entry into a table that
  /// the shadow follows, and the fault in which the shadow takes it over; the first store to a page
  /// that came in by a load or a fetch costs one more.
  @Test("shadow exits are made of first touches and first stores")
  func shadowExits() throws {
    let machine = try machine("reference", "virtualization.mode=shadow")
    let scenario = """
      load 0x10000
      load 0x11000
      store 0x11000
      store 0x12000
      load 0x10000
      store 0x11000
      fetch 0x13000
      """
    let result = try replay(scenario: scenario, on: machine)
    #expect(result.counters["exit.because.guestFaults"] == 4)
    #expect(result.counters["exit.because.tableWrites"] == 4)
    #expect(result.counters["exit.because.hiddenFaults"] == 4)
    #expect(result.counters["exit.because.dirtyFaults"] == 1)
    #expect(result.counters["exit.exception"] == 13)
    #expect(result.counters["exit.count"] == 13)
  }

  /// Nested, each frame that the second stage gives on first touch is one violation, once.
  ///
  /// These are four tables and each page. In agile mode with the leaf level nested the guest's entries in a leaf table are
  /// its own business; a new leaf table is linked where the shadow sees it.
  @Test("nested and agile exits are made of what is backed and what is linked")
  func nestedExits() throws {
    let exits =
      "exits={hypervisor: 'full', roundTripCycles: 1000, userSpaceCycles: 5000, calloutCycles: 100, "
      + "handlerCycles: 500}"
    let scenario = "load 0x10000\nload 0x11000\nstore 0x11000\nload 0x200000\n"
    let nested = try replay(scenario: scenario, on: try machine("reference", exits))
    // Root, three tables and two pages; then one more leaf table and a page.
    #expect(nested.counters["exit.eptViolation"] == 8)
    #expect(nested.counters["exit.count"] == 8)
    #expect(nested.counters["exit.cycles"] == 8 * 1500)
    let agile = try replay(
      scenario: scenario,
      on: try machine(
        "reference", exits, "virtualization.mode=agile", "virtualization.nestedLevels=1"))
    #expect(agile.counters["exit.eptViolation"] == 8)
    // The first page and the one in a new leaf table: the guest's fault, the link, the shadow's fill.
    #expect(agile.counters["exit.exception"] == 6)
  }

  /// CR3 loads, INVLPG and CPUID exit by mode and by hypervisor.
  @Test(
    "what exits is decided by the mode and the hypervisor",
    arguments: [
      ("nested", "full", 1), ("nested", "thin", 1), ("nested", "trap-and-emulate", 2),
      ("nested", "binary-translation", 3), ("shadow", "full", 3), ("native", "full", 0),
    ])
  func intercepts(mode: String, hypervisor: String, expected: Int) throws {
    let exits =
      "exits={hypervisor: '\(hypervisor)', roundTripCycles: 1, userSpaceCycles: 1, "
      + "calloutCycles: 1, handlerCycles: 1}"
    let machine = try machine("reference", exits, "virtualization.mode=\(mode)")
    let result = try replay(
      scenario: "cr3 value=0x1000\ninvlpg address=0x1000\nsensitive reason=10\n", on: machine)
    #expect(result.counters["exit.count", default: 0] == expected)
  }

  @Test("exits of the trace are counted by the vendor's numbers")
  func recordedExits() throws {
    let scenario = "vmExit reason=48\nvmEntry\nvmExit reason=0x400\nvmEntry\nvmExit reason=12\n"
    let intel = try replay(scenario: scenario, on: try machine("reference"))
    #expect(intel.counters["exit.eptViolation"] == 1 && intel.counters["exit.hlt"] == 1)
    #expect(intel.counters["exit.other"] == 1 && intel.counters["exit.recorded"] == 3)
    let amd = try replay(
      scenario: scenario, on: try machine("reference", "secondStage.format=npt:4"))
    // 48 is #DB's place among the intercepted exceptions' neighbours: a write to DR0x10 and above.
    #expect(amd.counters["exit.eptViolation"] == 1 && amd.counters["exit.drAccess"] == 1)
    #expect(amd.counters["exit.crAccess"] == 1)
  }

  @Test(
    "shadow tables lead where the guest's tables and the second stage do together",
    arguments: [("4K", "4K"), ("2M", "4K"), ("4K", "2M"), ("2M", "2M")], [0, 1, 2])
  func agreement(pages: (String, String), nestedLevels: Int) throws {
    let resolved = try machine(
      "reference", "virtualization.mode=\(nestedLevels == 0 ? "shadow" : "agile")",
      nestedLevels == 0 ? "cores=1" : "virtualization.nestedLevels=\(nestedLevels)",
      "tlbs.L1I.pageSizes=['4K','2M']", "tlbs.L1D.pageSizes=['4K','2M']",
      "tlbs.L2.pageSizes=['4K','2M']", "synthesis.firstStagePage=\(pages.0)",
      "synthesis.secondStagePage=\(pages.1)", "synthesis.frames=random")
    var replay = GuestReplay<X86PageTable, ExtendedPageTable>(
      resolved.description, ReplayPlan(hasEvents: true))
    var builder = BlockBuilder()
    for record in Self.records {
      builder.append(
        address: record.address, kind: record.kind, size: record.size, thread: 0,
        instructions: 1)
    }
    let block = TraceBlock()
    builder.finish(into: block)
    try replay.replay(block)
    try replay.checkLaws()
    var walker = Walker<X86PageTable, ExtendedPageTable>(
      caches: WalkCacheSet([], hasSecondStage: false), setsBits: false)
    var path = WalkPath()
    var nested = WalkContext(firstLevels: 4, secondLevels: 4)
    nested.first = replay.tables.spaces[0].first
    nested.second = replay.tables.guests[0].second
    var compared = 0
    for record in Self.records {
      let address = GVA(record.address)
      let bySoftware = walker.walk(
        address, .read, in: nested, replay.tables.memory, path: &path)
      let byHypervisor = walker.walk(
        address, .read, in: replay.running.context, replay.tables.memory, path: &path)
      guard case .translated(let one) = bySoftware, case .translated(let other) = byHypervisor
      else {
        Issue.record("0x\(String(record.address, radix: 16)): \(bySoftware), \(byHypervisor)")
        return
      }
      #expect(one.address == other.address && one.reach == other.reach)
      compared += 1
    }
    #expect(compared == Self.records.count)
  }
}
