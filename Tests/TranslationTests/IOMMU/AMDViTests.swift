import Testing

@testable import Machine
@testable import Translation

/// AMD 48882, "Device Table Entry Format", "I/O Page Tables for Host Translations", "Event Logging".
@Suite("AMD-Vi")
struct AMDViTests {
  /// A unit whose device 0x38 (entry at 0x10_0700) has three levels of tables from 0x3000 in domain 5,
  /// where page 7 leads to frame 9.
  struct Fixture: ~Copyable {
    var unit: AMDViUnit
    var memory = IOMemory()

    init(_ changes: (inout IOMMUDescription) -> Void = { _ in }) {
      unit = AMDViUnit(
        VTdFixture.description {
          $0.architecture = .amdvi
          $0.maximumAddressMask = 51
          changes(&$0)
        }, seed: 1)
      // V, TV, three levels, IR and IW; one page of 128 entries.
      memory.write(0x10_0700, 0x3000 | 3 << 9 | 3 | 3 << 61)
      memory.write(0x10_0708, 5)
      memory.write(0x3000, Self.table(0x4000, 2))
      memory.write(0x4000, Self.table(0x5000, 1))
      memory.write(0x5038, 0x9001 | 3 << 61)
      unit.write(register: 0, bytes: 8, 0x10_0000, at: EventPlace())
      unit.write(register: 0x18, bytes: 8, 1, at: EventPlace())
    }

    /// An entry for a table of a level, which allows everything.
    static func table(_ address: UInt64, _ level: UInt64) -> UInt64 {
      address | level << 9 | 1 | 3 << 61
    }

    mutating func translate(
      _ address: UInt64, _ kind: DMAKind = .read, pasid: UInt32? = nil,
      type: DMAAddressType = .untranslated, device: UInt32 = 0x38
    ) -> DMAOutcome {
      unit.translate(
        VTdFixture.request(address, kind, pasid: pasid, type: type, device: device),
        RecordedOutcome(), memory)
    }

    mutating func command(_ word0: UInt64, _ word1: UInt64 = 0, waits: Bool = true) {
      unit.take(command: IOCommand(word0: word0, word1: word1), at: EventPlace())
      if waits { unit.take(command: IOCommand(word0: 1 << 60, word1: 0), at: EventPlace()) }
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    /// 0 for a request that is translated or passed.
    var event: UInt16
    var why: String
    var writes: [(UInt64, UInt64)] = []
    var address: UInt64 = 0x7000
    var kind = DMAKind.read
    var pasid: UInt32?
    var type = DMAAddressType.untranslated
    var device: UInt32 = 0x38
    var output: UInt64 = 0
    var testDescription: String { "\(event): " + why }
  }

  static let rows = [
    Row(event: 0, why: "a page", address: 0x7123, output: 0x9123),
    Row(
      event: 0, why: "V clear passes everything", writes: [(0x10_0700, 0)], kind: .write,
      output: 0x7000),
    Row(event: 2, why: "TV clear ends the walk", writes: [(0x10_0700, 1 | 3 << 61)]),
    Row(event: 0, why: "mode 0 passes", writes: [(0x10_0700, 3 | 3 << 61)], output: 0x7000),
    Row(event: 2, why: "mode 0 heeds IR", writes: [(0x10_0700, 3 | 1 << 62)]),
    Row(event: 1, why: "mode 7 does not exist", writes: [(0x10_0700, 7 << 9 | 3 | 3 << 61)]),
    Row(event: 1, why: "device 128 of 128", device: 128),
    Row(event: 2, why: "beyond three levels", address: 1 << 39),
    Row(event: 2, why: "not present", address: 0x8000),
    Row(
      event: 2, why: "a write where the leaf reads", writes: [(0x5038, 0x9001 | 1 << 61)],
      kind: .write),
    Row(
      event: 2, why: "a write where a table reads",
      writes: [(0x4000, 0x5000 | 1 << 9 | 1 | 1 << 61)], kind: .write),
    Row(
      event: 2, why: "a write where the device reads",
      writes: [(0x10_0700, 0x3000 | 3 << 9 | 3 | 1 << 61)], kind: .write),
    Row(event: 2, why: "reserved bit 52", writes: [(0x5038, 1 << 52 | 0x9001 | 3 << 61)]),
    Row(event: 2, why: "a table of its own level", writes: [(0x3000, Fixture.table(0x4000, 3))]),
    Row(event: 4, why: "a table beyond 46 bits", writes: [(0x3000, Fixture.table(1 << 46, 2))]),
    // From the top level right to the last: bits 29:21 are skipped and have to be 0.
    Row(
      event: 0, why: "a level is skipped", writes: [(0x3000, Fixture.table(0x5000, 1))],
      output: 0x9000),
    Row(
      event: 2, why: "skipped bits are set", writes: [(0x3000, Fixture.table(0x5000, 1))],
      address: 0x20_7000),
    Row(
      event: 0, why: "a 2 MiB page by level", writes: [(0x4000, 0x60_0001 | 3 << 61)],
      address: 0x7123, output: 0x60_7123),
    // Next level 7: 0x1000 is one 1 and then 0 from bit 12 up, a page of 16 KiB.
    Row(
      event: 0, why: "a page of 16 KiB", writes: [(0x5038, 0x1_1001 | 7 << 9 | 3 << 61)],
      address: 0x7123, output: 0x1_3123),
    // Ones in 20:12 and a zero in bit 21 at the next level: 4 MiB.
    Row(
      event: 0, why: "a page of 4 MiB",
      writes: [(0x4000, 0x5f_f001 | 7 << 9 | 3 << 61)],
      address: 0x7123, output: 0x40_7123),
    Row(event: 8, why: "a translation request without I", type: .translationRequest),
    Row(event: 8, why: "a PASID without GV", pasid: 1),
  ]

  @Test("judges requests by entries and tables", arguments: rows)
  func judges(_ row: Row) {
    var fixture = Fixture()
    for (address, value) in row.writes { fixture.memory.write(address, value) }
    let outcome = fixture.translate(
      row.address, row.kind, pasid: row.pasid, type: row.type, device: row.device)
    #expect(outcome.fault == row.event)
    #expect((outcome.result == .fault) == (row.event != 0))
    #expect(outcome.output == row.output)
    #expect(fixture.unit.events.recorded == (row.event == 0 ? 0 : 1))
  }

  @Test("a device without a memory for its table is a hardware error")
  func deviceTable() {
    var fixture = Fixture()
    fixture.unit.write(register: 0, bytes: 8, 1 << 46, at: EventPlace())
    #expect(fixture.translate(0x7000).fault == AMDViEvent.deviceTable)
  }

  @Test("SE keeps page faults from the log")
  func suppressed() {
    var fixture = Fixture()
    fixture.memory.write(0x10_0708, 5 | 1 << 33)
    let outcome = fixture.translate(0x8000)
    #expect(outcome.result == .fault && outcome.isFaultSilent)
    #expect(fixture.unit.events.suppressed == 1 && fixture.unit.events.recorded == 0)
  }

  /// The device table entry, and a read for each of three levels.
  ///
  /// With four guest levels and a guest CR3
  /// over three host levels: 6 places found by 3 reads each, and 5 guest words.
  @Test("reads as many entries as the closed forms say")
  func references() {
    var fixture = Fixture()
    #expect(fixture.translate(0x7000).references == 1 + 3)
    #expect(fixture.translate(0x7ff8).references == 0)
    var nested = Fixture()
    // GV, one level of guest CR3s at guest-physical 0x8000 (GCR3 14:12 in 60:58, 30:15 in 31:16).
    nested.memory.write(0x10_0700, 0x3000 | 3 << 9 | 3 | 3 << 61 | 1 << 55)
    nested.memory.write(0x10_0708, 5 | 1 << 16)
    // Host tables map the first 16 pages to themselves.
    for page in 0..<16 as Range<UInt64> {
      nested.memory.write(0x5000 + 8 * page, page << 12 | 1 | 3 << 61)
    }
    // PASID 1: CR3 0xa000, and tables to 0xd000, where page 7 leads to 9.
    nested.memory.write(0x8008, 0xa001)
    nested.memory.write(0xa000, 0xb007)
    nested.memory.write(0xb000, 0xc007)
    nested.memory.write(0xc000, 0xd007)
    nested.memory.write(0xd038, 0x9007)
    let outcome = nested.translate(0x7123, .write, pasid: 1)
    #expect(outcome.result == .translated && outcome.output == 0x9123)
    #expect(outcome.references == 1 + 6 * 3 + 5)
    #expect(nested.translate(0x7000, pasid: 1).references == 0)
    #expect(nested.translate(0x8000, pasid: 1).fault == AMDViEvent.pageFault)
    #expect(nested.translate(0x7000, pasid: 512).fault == AMDViEvent.pageFault)
  }

  @Test("commands hold when COMPLETION_WAIT does, and take what they name")
  func commands() {
    for (word0, word1, goes) in [
      // INVALIDATE_IOMMU_PAGES of domain 5: page 7, page 8, 16 KiB from page 4, everything.
      (3 << 60 | 5 << 32, 0x7002, true), (3 << 60 | 5 << 32, 0x8002, false),
      (3 << 60 | 5 << 32, 0x5003, true), (3 << 60 | 5 << 32, 0x7fff_ffff_ffff_f003, true),
      (3 << 60 | 6 << 32, 0x7002, false), (8 << 60, 0, true), (2 << 60 | 0x38, 0, false),
    ] as [(UInt64, UInt64, Bool)] {
      var fixture = Fixture()
      _ = fixture.translate(0x7000)
      fixture.memory.write(0x5038, 0xa001 | 3 << 61)
      fixture.command(word0, word1, waits: false)
      #expect(fixture.translate(0x7000).output == 0x9000)
      fixture.command(1 << 60, waits: false)
      let text = "\(String(word0, radix: 16)) \(String(word1, radix: 16))"
      #expect(fixture.translate(0x7000).output == (goes ? 0xa000 : 0x9000), "\(text)")
    }
  }

  @Test("INVALIDATE_DEVTAB_ENTRY makes a device's entry be read again")
  func devices() {
    var fixture = Fixture()
    _ = fixture.translate(0x7000)
    #expect(fixture.translate(0x7000).context == .hit)
    fixture.command(2 << 60 | 0x39)
    #expect(fixture.translate(0x7000).context == .hit)
    fixture.command(2 << 60 | 0x38)
    #expect(fixture.translate(0x7000).context == .miss)
  }

  @Test("layouts tile")
  func layouts() {
    for layout in [
      AMDViDevice0.layout, AMDViDevice1.layout, AMDViPageTableEntry.layout, AMDViCommand.layout,
      AMDViRange.layout,
    ] {
      var next = 63
      for (name, bits) in layout {
        #expect(bits.high == next, "\(name)")
        next = bits.low - 1
      }
      #expect(next == -1)
    }
  }

  @Test("the recorded log is taken in whole", .enabled(if: Captures.hasQEMU))
  func recorded() throws {
    let result = try replay(
      devices: Captures.qemu("amdvi-example/trace-head.log.zst"), on: "qemu-amdvi",
      checksRecorded: true)
    #expect(result.counters["check.contradicted"] == 0 && result.counters["check.agreed"] == 0)
    // It holds no translation to compare with; its interrupts are compared elsewhere.
    #expect(result.counters["iommu.translated"] == 0 && result.counters["iotlb.lookups"] == 0)
    // Lines of the log: 253 devtab_inval, 252 pages_inval, 7 completion_wait.
    #expect(result.counters["iommu.invalidations.domain"] == 252)
    #expect(result.counters["iommu.invalidations.other"] == 253)
    #expect(result.counters["iommu.waits"] == 7)
  }
}
