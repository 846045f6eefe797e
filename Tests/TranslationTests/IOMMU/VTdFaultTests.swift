import Testing

@testable import Translation

/// Intel VT-d 4.1, "Fault Conditions"; the reasons by Linux 6.12, drivers/iommu/intel/dmar.c.
@Suite("VT-d faults")
struct VTdFaultTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var code: UInt16
    var why: String
    /// Words that differ from the fixture's.
    var writes: [(UInt64, UInt64)] = []
    var root: UInt64?
    var address: UInt64 = 0x7000
    var kind = DMAKind.read
    var pasid: UInt32?
    var type = DMAAddressType.untranslated
    var executes = false
    var isPrivileged = false

    var testDescription: String { String(code, radix: 16) + "h: " + why }

    var request: DMARequest {
      VTdFixture.request(
        address, kind, pasid: pasid, type: type, executes: executes, isPrivileged: isPrivileged)
    }
  }

  static let legacy = [
    Row(code: 0x01, why: "the root entry is not present", writes: [(0x1000, 0)]),
    Row(code: 0x02, why: "the context is not present", writes: [(0x2380, 0x3000)]),
    Row(code: 0x03, why: "5 levels are not supported", writes: [(0x2388, 0x503)]),
    Row(code: 0x03, why: "AW 0 does not exist", writes: [(0x2388, 0x500)]),
    Row(code: 0x03, why: "TT 11b is reserved", writes: [(0x2380, 0x300d)]),
    Row(code: 0x04, why: "the address has more than 48 bits", address: 1 << 48),
    Row(code: 0x05, why: "a write by a leaf that reads", writes: [(0x6038, 0x9001)], kind: .write),
    Row(code: 0x05, why: "a write to what is not mapped", address: 0x8000, kind: .write),
    Row(
      code: 0x05, why: "a write below a table that only reads", writes: [(0x4000, 0x5001)],
      kind: .write),
    Row(code: 0x06, why: "a read of what is not mapped", address: 0x8000),
    Row(code: 0x06, why: "a read by a leaf that writes", writes: [(0x6038, 0x9002)]),
    Row(
      code: 0x06, why: "an atomic by a leaf that writes", writes: [(0x6038, 0x9002)], kind: .both),
    Row(code: 0x07, why: "a table in the interrupt range", writes: [(0x4000, 0xfee0_0003)]),
    Row(code: 0x08, why: "the root table in the interrupt range", root: 0xfee0_0000),
    Row(code: 0x08, why: "the root table beyond the host's 46 bits", root: 1 << 46),
    Row(code: 0x09, why: "the contexts in the interrupt range", writes: [(0x1000, 0xfee0_0001)]),
    Row(code: 0x0a, why: "bit 1 of the root entry", writes: [(0x1000, 0x2003)]),
    Row(code: 0x0a, why: "the high word of a legacy root entry", writes: [(0x1008, 1)]),
    Row(code: 0x0a, why: "contexts beyond 46 bits", writes: [(0x1000, 1 << 46 | 1)]),
    Row(code: 0x0b, why: "bit 4 of the context", writes: [(0x2380, 0x3011)]),
    Row(code: 0x0b, why: "bit 24 of the high word", writes: [(0x2388, 0x0100_0502)]),
    Row(code: 0x0b, why: "a second stage beyond 46 bits", writes: [(0x2380, 1 << 46 | 1)]),
    Row(code: 0x0c, why: "a leaf beyond 46 bits", writes: [(0x6038, 1 << 46 | 0x9003)]),
    Row(code: 0x0c, why: "the size bit in the root", writes: [(0x3000, 0x4083)]),
    Row(code: 0x0c, why: "a 2 MiB page at bit 12", writes: [(0x5000, 0x20_1083)]),
    Row(code: 0x0c, why: "a 1 GiB page at bit 21", writes: [(0x4000, 0x4020_0083)]),
    Row(code: 0x0d, why: "TT 00b and a translation request", type: .translationRequest),
    Row(code: 0x0d, why: "TT 00b and a translated request", type: .translated),
    Row(
      code: 0x0d, why: "TT 10b and a translated request", writes: [(0x2380, 0x3009)],
      type: .translated),
    Row(code: 0x0e, why: "a page in the interrupt range", writes: [(0x6038, 0xfee0_0003)]),
    Row(code: 0x30, why: "abort mode", root: 0x1c00),
    Row(code: 0x31, why: "a PASID in legacy mode", pasid: 1),
  ]

  static let scalable = [
    Row(code: 0x38, why: "the root table in the interrupt range", root: 0xfee0_0400),
    Row(code: 0x39, why: "the lower half is not present", writes: [(0x1000, 0)]),
    Row(code: 0x3a, why: "bit 1 of the lower half", writes: [(0x1000, 0x2003)]),
    Row(code: 0x40, why: "the contexts in the interrupt range", writes: [(0x1000, 0xfee0_0001)]),
    Row(code: 0x41, why: "the context is not present", writes: [(0x2700, 0x301c)]),
    Row(code: 0x42, why: "bit 5 of the context", writes: [(0x2700, 0x303d)]),
    Row(code: 0x42, why: "the context's third word", writes: [(0x2710, 1)]),
    Row(
      code: 0x44, why: "DTE clear and a translation request", writes: [(0x2700, 0x3019)],
      type: .translationRequest),
    Row(code: 0x45, why: "PASIDE clear and a PASID", writes: [(0x2700, 0x3015)], pasid: 1),
    // PDTS 0: 2^7 directory entries of 64.
    Row(code: 0x46, why: "PASID 8192 of 8192", pasid: 8192),
    Row(code: 0x48, why: "RID_PASID 8192 of 8192", writes: [(0x2708, 8192)]),
    Row(code: 0x50, why: "the directory in the interrupt range", writes: [(0x2700, 0xfee0_001d)]),
    Row(code: 0x51, why: "the directory entry is not present", writes: [(0x3000, 0x4000)]),
    Row(code: 0x52, why: "bit 2 of the directory entry", writes: [(0x3000, 0x4005)]),
    Row(code: 0x58, why: "the PASID table in the interrupt range", writes: [(0x3000, 0xfee0_0001)]),
    Row(code: 0x59, why: "the PASID entry is not present", writes: [(0x4000, 0x5088)]),
    Row(code: 0x5a, why: "bit 16 of the second word", writes: [(0x4008, 0x1_0005)]),
    Row(code: 0x5b, why: "PGTT 0 does not exist", writes: [(0x4000, 0x5009)]),
    Row(code: 0x5b, why: "5 levels are not supported", writes: [(0x4000, 0x508d)]),
    Row(code: 0x5c, why: "ERE clear and a request that executes", pasid: 1, executes: true),
    Row(code: 0x5d, why: "SRE clear and a supervisor's request", pasid: 1, isPrivileged: true),
    Row(
      code: 0x70, why: "a first-stage table in the interrupt range",
      writes: [(0xb000, 0xfee0_0007)], pasid: 1),
    Row(code: 0x71, why: "the first-stage leaf is not present", address: 0x8000, pasid: 1),
    Row(code: 0x72, why: "the size bit in the PML4", writes: [(0xb000, 0xc087)], pasid: 1),
    Row(
      code: 0x73, why: "the PML4 in the interrupt range", writes: [(0x4050, 0xfee0_0000)],
      pasid: 1),
    Row(
      code: 0x74, why: "the nested PML4 beyond the second stage's 48 bits",
      writes: [(0x4090, 1 << 48)], pasid: 2),
    Row(code: 0x75, why: "the nested PML4 is not mapped", writes: [(0x8058, 0)], pasid: 2),
    Row(code: 0x76, why: "a nested table is not mapped", writes: [(0x8060, 0)], pasid: 2),
    Row(
      code: 0x77, why: "the nested PML4's accessed flag, in a page that only reads",
      writes: [(0x8058, 0xb001)], pasid: 2),
    Row(code: 0x78, why: "a table in the interrupt range", writes: [(0x6000, 0xfee0_0003)]),
    Row(code: 0x79, why: "the second-stage leaf has neither right", writes: [(0x8038, 0x9000)]),
    Row(code: 0x7a, why: "a 2 MiB page at bit 12", writes: [(0x7000, 0x20_1083)]),
    Row(
      code: 0x7b, why: "the second stage in the interrupt range", writes: [(0x4000, 0xfee0_0089)]),
    Row(
      code: 0x7c, why: "an accessed flag of the second stage without PWSNP",
      writes: [(0x4000, 0x5289)]),
    Row(code: 0x80, why: "bit 47 is not extended", address: 1 << 47, pasid: 1),
    Row(
      code: 0x81, why: "a supervisor's page and a user's request", writes: [(0xe038, 0x9003)],
      pasid: 1),
    Row(
      code: 0x82, why: "a page that does not execute",
      writes: [(0x4050, 0xb002), (0xe038, 1 << 63 | 0x9007)], pasid: 1, executes: true),
    Row(code: 0x83, why: "the address has more than 48 bits", address: 1 << 48),
    Row(
      code: 0x84, why: "the guest's page is beyond 48 bits", writes: [(0xe038, 1 << 48 | 7)],
      pasid: 2),
    Row(
      code: 0x85, why: "a write by a first-stage leaf that reads", writes: [(0xe038, 0x9005)],
      kind: .write, pasid: 1),
    Row(
      code: 0x85, why: "a write by a second-stage leaf that reads", writes: [(0x8038, 0x9001)],
      kind: .write),
    Row(
      code: 0x85, why: "a write by a nested leaf that reads", writes: [(0x8048, 0x9001)],
      kind: .write, pasid: 2),
    Row(code: 0x86, why: "a read by a leaf that writes", writes: [(0x8038, 0x9002)]),
    Row(code: 0x87, why: "a page in the interrupt range", writes: [(0x8038, 0xfee0_0003)]),
    Row(
      code: 0x90, why: "an accessed flag of the first stage without PWSNP", writes: [(0x4048, 5)],
      pasid: 1),
    Row(
      code: 0x90, why: "the dirty flag alone without PWSNP",
      writes: [
        (0x4048, 5), (0xb000, 0xc027), (0xc000, 0xd027), (0xd000, 0xe027), (0xe038, 0x9027),
      ], kind: .write, pasid: 1),
  ]

  @Test("of legacy mode", arguments: legacy)
  func legacyMode(_ row: Row) { check(row, isScalable: false) }

  @Test("of scalable mode", arguments: scalable)
  func scalableMode(_ row: Row) { check(row, isScalable: true) }

  private func check(_ row: Row, isScalable: Bool) {
    var fixture = VTdFixture(isScalable: isScalable, root: row.root)
    for (address, value) in row.writes { fixture.memory.write(address, value) }
    let outcome = fixture.translate(row.request)
    #expect(outcome.result == .fault)
    #expect(String(outcome.fault, radix: 16) == String(row.code, radix: 16))
    #expect(fixture.unit.blocked[Int(row.code)] == 1)
    let record = VTdFaultLog.record(row.request, row.code)
    #expect(fixture.unit.faults.last == record)
    // Nothing negative is cached.
    #expect(fixture.unit.iotlb.cache.occupied == (isCached(row) ? 1 : 0))
  }

  /// A sound leaf that does not allow the request is a translation all the same.
  private func isCached(_ row: Row) -> Bool {
    let isPermission = [0x05, 0x06, 0x85, 0x86].contains(row.code)
    return isPermission && row.address == 0x7000 && row.pasid == nil
  }

  @Test("the fixtures translate where nothing is changed", arguments: [false, true])
  func translates(_ isScalable: Bool) {
    var fixture = VTdFixture(isScalable: isScalable)
    let outcome = fixture.translate(VTdFixture.request(0x7123, .write))
    #expect(outcome.result == .translated && outcome.output == 0x9123)
    #expect(outcome.domain == 5 && outcome.iotlb == .miss && outcome.pageShift == 12)
    guard isScalable else { return }
    for pasid in [1, 2] as [UInt32] {
      let outcome = fixture.translate(VTdFixture.request(0x7123, .write, pasid: pasid))
      #expect(outcome.result == .translated && outcome.output == 0x9123)
    }
    let passed = fixture.translate(VTdFixture.request(0x7123, .write, pasid: 3))
    #expect(passed.result == .passedThrough && passed.output == 0x7123)
  }

  /// With every flag set there is nothing to write, so neither snooping nor a writable page is needed.
  @Test("no flag to be set, no fault by 77h, 7Ch or 90h")
  func flagsAreSet() {
    var fixture = VTdFixture(isScalable: true)
    for (address, value) in [
      (0xb000, 0xc027), (0xc000, 0xd027), (0xd000, 0xe027), (0xe038, 0x9067), (0x8058, 0xb001),
      (0x4048, 5), (0x4088, 5), (0x4000, 0x5289), (0x5000, 0x6103), (0x6000, 0x7103),
      (0x7000, 0x8103), (0x8038, 0x9303),
    ] as [(UInt64, UInt64)] { fixture.memory.write(address, value) }
    for pasid in 0..<3 as Range<UInt32> {
      let outcome = fixture.translate(VTdFixture.request(0x7000, .write, pasid: pasid))
      #expect(outcome.result == .translated && outcome.output == 0x9000)
    }
    #expect(fixture.unit.updates == 0 && fixture.unit.walker.updates == 0)
  }

  /// SSADE: a read sets A (bit 8) of four entries, a write of another page also D (bit 9) of its leaf.
  @Test("a second stage with SSADE has its flags set by walks that snoop")
  func secondFlags() {
    var fixture = VTdFixture(isScalable: true)
    fixture.memory.write(0x4000, 0x5289)
    fixture.memory.write(0x4008, 0x80_0005)
    _ = fixture.translate(VTdFixture.request(0x7000))
    #expect(fixture.unit.updates == 4)
    #expect(fixture.memory.read(0x8038) == 0x9103)
    _ = fixture.translate(VTdFixture.request(0x1000, .write))
    #expect(fixture.unit.updates == 6)
    #expect(fixture.memory.read(0x8008) == 0x1303)
  }

  /// FPD holds back what is found once the entry is known to be sound, and nothing before.
  @Test("FPD keeps qualified faults from the log, and blocks all the same")
  func disabled() {
    for (code, writes) in [
      (0x06, [(0x6038, 0)]), (0x0c, [(0x6038, 1 << 46 | 0x9003)]), (0x02, [(0x2380, 0x3002)]),
    ] as [(UInt16, [(UInt64, UInt64)])] {
      var fixture = VTdFixture()
      fixture.memory.write(0x2380, 0x3003)
      for (address, value) in writes { fixture.memory.write(address, value) }
      let outcome = fixture.translate(VTdFixture.request(0x7000))
      #expect(outcome.result == .fault && outcome.fault == code)
      #expect(outcome.isFaultSilent == (code != 0x02))
      #expect(fixture.unit.faults.suppressed == (code == 0x02 ? 0 : 1))
      #expect(fixture.unit.faults.recorded == (code == 0x02 ? 1 : 0))
    }
  }

  @Test("a full log loses faults until software clears it")
  func overflow() {
    var fixture = VTdFixture { $0.faultRecords = 2 }
    for _ in 0..<4 { _ = fixture.translate(VTdFixture.request(0x8000)) }
    #expect(fixture.unit.faults.recorded == 2 && fixture.unit.faults.overflowed == 2)
    // The F bits of both registers, at 228h and 238h, then PFO.
    fixture.unit.write(register: 0x22c, bytes: 4, 1 << 31, at: EventPlace())
    fixture.unit.write(register: 0x238, bytes: 8, 1 << 63, at: EventPlace())
    _ = fixture.translate(VTdFixture.request(0x8000))
    #expect(fixture.unit.faults.overflowed == 3)
    fixture.unit.write(register: 0x34, bytes: 4, 1, at: EventPlace())
    _ = fixture.translate(VTdFixture.request(0x8000))
    #expect(fixture.unit.faults.recorded == 3)
  }

  @Test("a page request without PRE is blocked with 47h")
  func pageRequest() {
    var fixture = VTdFixture(isScalable: true)
    #expect(fixture.unit.post(VTdFixture.request(0x7000), fixture.memory) == nil)
    fixture.memory.write(0x2700, 0x300d)
    fixture.command(0x11)
    let refused = fixture.unit.post(VTdFixture.request(0x7000), fixture.memory)
    #expect(refused?.fault == 0x47)
    #expect(fixture.unit.pageRequests.posted == 1 && fixture.unit.pageRequests.refused == 1)
  }
}
