import Machine
import Results
import Testing

@testable import Translation

/// Devices behind units of their own: commands, tables, caches and translations that devices keep.
@Suite("Several remapping units")
struct SeveralUnitsTests {
  /// Devices 0x38 behind unit 0 and 0x40 behind unit 1, both of domain 5, which maps page 0x100.
  private static let scenario = """
    nestwalk scenario 1
    attach device=0x38 domain=5 unit=1
    attach device=0x40 domain=5 unit=2
    iommuMap domain=5 address=0x100000 output=0x800000 bytes=4096 rights=3
    dma device=0x38 address=0x100000 bytes=64 kind=1
    dma device=0x40 address=0x100000 bytes=64 kind=1
    iommuUnmap domain=5 address=0x100000 bytes=4096

    """

  private func run(_ text: String, units: Int) throws -> RunResult {
    try replay(text: text, on: "qemu-vtd", ["iommu.quirks=[]", "iommu.units=\(units)"])
  }

  /// Domain-selective, of domain 5, and a wait.
  private static func invalidation(of unit: Int) -> String {
    "iommuCommand unit=\(unit) word0=0x50022\niommuCommand unit=\(unit) word0=0x25\n"
  }

  private static let late = """
    dma device=0x38 address=0x100000 bytes=64 kind=1
    dma device=0x40 address=0x100000 bytes=64 kind=1

    """

  /// Each unit misses once for its device.
  ///
  /// An invalidation of one leaves the other's translation, so that
  /// of two late writes one is blocked; with one unit for both the second write hits and both are.
  @Test("an invalidation takes from the unit that is told, and from no other")
  func invalidations() throws {
    for (told, faults) in [(0, 1), (1, 1)] {
      let result = try run(Self.scenario + Self.invalidation(of: told) + Self.late, units: 2)
      #expect(result.counters["iotlb.misses"] == 2 + 1)
      #expect(result.counters["iommu.faults"] == faults)
      #expect(result.cells("units", "requests") == ["2", "2"])
      #expect(result.cells("units", "commands") == (told == 0 ? ["2", "0"] : ["0", "2"]))
      #expect(result.cells("units", "faults") == (told == 0 ? ["1", "0"] : ["0", "1"]))
    }
    let both =
      Self.scenario + Self.invalidation(of: 0) + Self.invalidation(of: 1) + Self.late
    #expect(try run(both, units: 2).counters["iommu.faults"] == 2)
    let one = try run(Self.scenario + Self.invalidation(of: 0) + Self.late, units: 1)
    #expect(one.counters["iommu.faults"] == 2 && one.counters["iotlb.misses"] == 1 + 2)
    #expect(one.tables.allSatisfy { $0.name != "units" })
  }

  @Test("units that the machine does not have are the first, and said")
  func foreign() throws {
    let result = try run(Self.scenario + Self.invalidation(of: 3) + Self.late, units: 1)
    #expect(result.counters["iommu.faults"] == 2)
    // Two commands; attachments of a machine with one unit name nothing.
    #expect(result.notes.contains { $0.hasPrefix("2 commands, registers or attachments") })
  }

  /// The policy's driver tells both units of the domain, so that both late writes are blocked.
  @Test("a strict driver tells each unit of its domain")
  func strict() throws {
    let result = try replay(
      text: Self.scenario + Self.late, on: "qemu-vtd",
      ["iommu.quirks=[]", "iommu.units=2", "iommu.invalidation=strict"])
    #expect(result.counters["iommu.faults"] == 2)
    #expect(result.counters["iommu.waits"] == 2)
  }

  @Test("AMD-Vi's units have tables of their own too")
  func amd() throws {
    let result = try replay(
      text: Self.scenario + Self.late, on: "qemu-amdvi",
      ["iommu.quirks=[]", "iommu.units=8", "iommu.invalidation=strict"])
    #expect(result.counters["iommu.translated"] == 2 && result.counters["iommu.faults"] == 2)
  }

  /// 16 entries each: a second device's 16 translations take nothing from the first's.
  @Test("each device has a TLB of its own")
  func devices() {
    var fixture = VTdFixture(isScalable: true)
    for (at, device) in [0x38, 0x30].enumerated() {
      fixture.memory.write(0x2000 + 32 * UInt64(device), 0x301d)
      for page in 0..<16 as Range<UInt64> {
        let asked = fixture.translate(
          VTdFixture.request(page << 12, type: .translationRequest, device: UInt32(device)))
        #expect(asked.isGranted)
      }
      #expect(fixture.unit.deviceTLBs.count == at + 1)
    }
    func isGranted(_ fixture: inout VTdFixture, _ device: UInt32) -> Bool {
      // Page 1 is mapped to itself.
      fixture.translate(VTdFixture.request(0x1000, type: .translated, device: device)).isGranted
    }
    #expect(isGranted(&fixture, 0x38) && isGranted(&fixture, 0x30))
    // Device-TLB invalidation of 0x38, page 1.
    fixture.command(0x38 << 32 | 3, 0x1000, waits: false)
    #expect(isGranted(&fixture, 0x38))
    fixture.command(0x25, waits: false)
    #expect(!isGranted(&fixture, 0x38) && isGranted(&fixture, 0x30))
    // A device that was given nothing.
    #expect(!isGranted(&fixture, 0x28))
  }

  /// Two requests of group 3 and one of group 4; a response to group 3, and one to a group of nobody.
  @Test("page requests wait for the response to their group")
  func groups() {
    var counters = PageRequestCounters()
    counters.post(0x38, 1, 3)
    counters.post(0x38, 1, 3)
    counters.post(0x38, 1, 4)
    counters.respond(0x38, 1, 3)
    counters.respond(0x38, 2, 4)
    #expect(counters.posted == 3 && counters.answered == 2)
    #expect(counters.responses == 2 && counters.unmatched == 1)
    var fixture = VTdFixture(isScalable: true)
    #expect(
      fixture.unit.post(VTdFixture.request(0x7000, pasid: 1), group: 5, fixture.memory) == nil)
    // PASID_P, RID 0x38, PASID 1, PRGI 5 in bits 11:3.
    fixture.command(1 << 32 | 0x38 << 16 | 1 << 4 | 9, 5 << 3, waits: false)
    #expect(fixture.unit.pageRequests.answered == 1 && fixture.unit.pageRequests.unmatched == 0)
  }

  /// Page 8 is not mapped.
  ///
  /// In caching mode the second request finds that in the IOTLB, and still does
  /// when the page was mapped, until an invalidation of it.
  @Test("caching mode keeps what is absent until an invalidation")
  func negative() {
    for keeps in [false, true] {
      var fixture = VTdFixture { $0.cachingMode = keeps }
      let request = VTdFixture.request(0x8000)
      #expect(fixture.translate(request).fault == 0x06)
      #expect(fixture.unit.iotlb.cache.occupied == (keeps ? 1 : 0))
      fixture.memory.write(0x6040, 0xa003)
      let again = fixture.translate(request)
      #expect(again.result == (keeps ? .fault : .translated))
      if keeps { #expect(again.fault == 0x06 && again.iotlb == .hit) }
      fixture.command(0x5_0032, 0x8000)
      #expect(fixture.translate(request).output == 0xa000)
      var amd = AMDViTests.Fixture { $0.cachingMode = keeps }
      #expect(amd.translate(0x8000).fault == AMDViEvent.pageFault)
      amd.memory.write(0x5040, 0xa001 | 3 << 61)
      #expect(amd.translate(0x8000).result == (keeps ? .fault : .translated))
      amd.command(3 << 60 | 5 << 32, 0x8000)
      #expect(amd.translate(0x8000).output == 0xa000)
    }
  }

  /// SysMgt is bits 41:40 of the second word, IoCtl 36:35; the fixture's three levels reach 512 GiB, so
  /// that what is translated in these ranges is a page fault.
  @Test("HyperTransport's ranges are let in as the device's entry says")
  func special() {
    for (address, kind, control, result) in [
      (0xfc_ffff_f000, .read, 0, 2), (0xfd_0000_0000, .read, 0, 8), (0xff_ffff_f000, .write, 0, 8),
      (0x100_0000_0000, .read, 0, 2), (0xfd_f910_0000, .write, 0, 8),
      (0xfd_f910_0000, .write, 1 << 40, 0), (0xfd_f910_0000, .read, 1 << 40, 8),
      (0xfd_f910_0000, .write, 2 << 40, 8), (0xfd_f910_0000, .write, 3 << 40, 2),
      (0xfd_f91f_f000, .write, 1 << 40, 0), (0xfd_f90f_f000, .write, 1 << 40, 8),
      (0xfd_f920_0000, .write, 1 << 40, 8),
      (0xfd_fc00_0000, .read, 0, 8), (0xfd_fc00_0000, .read, 1 << 35, 0),
      (0xfd_fdff_f000, .read, 2 << 35, 2), (0xfd_fdff_f000, .read, 3 << 35, 8),
    ] as [(UInt64, DMAKind, UInt64, UInt16)] {
      var fixture = AMDViTests.Fixture()
      fixture.memory.write(0x10_0708, 5 | control)
      let outcome = fixture.translate(address, kind)
      #expect(outcome.result == (result == 0 ? .passedThrough : .fault))
      #expect(outcome.fault == result, "\(String(address, radix: 16))")
    }
  }

  @Test("a command that does not exist is logged as an event")
  func illegalCommand() {
    var fixture = AMDViTests.Fixture()
    fixture.command(0, waits: false)
    fixture.command(9 << 60, waits: false)
    #expect(fixture.unit.queue.illegal == 2 && fixture.unit.events.recorded == 2)
  }
}
