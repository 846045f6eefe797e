import Testing

@testable import Machine
@testable import Translation

@Suite("VT-d walks")
struct VTdWalkTests {
  /// (n + 1)(m + 1) - 1 for n first-stage levels over m: 24 for four over four; a root entry and a
  /// context, and in scalable mode a PASID directory and table entry.
  @Test("read as many entries as the closed forms say, and none again")
  func references() {
    var legacy = VTdFixture()
    #expect(legacy.translate(VTdFixture.request(0x7000)).references == 4 + 2)
    #expect(legacy.translate(VTdFixture.request(0x7ff8)).references == 0)
    #expect(legacy.unit.iotlb.hits == 1)
    for (pasid, reads) in [(0, 4), (1, 4), (2, 24)] as [(UInt32, UInt16)] {
      var scalable = VTdFixture(isScalable: true)
      let first = scalable.translate(VTdFixture.request(0x7000, pasid: pasid))
      #expect(first.references == reads + 2 + 2, "PASID \(pasid)")
      #expect(scalable.translate(VTdFixture.request(0x7010, pasid: pasid)).references == 0)
    }
  }

  @Test("give translations to devices that ask, and take them back")
  func deviceTLB() {
    var fixture = VTdFixture()
    // TT 01b: with a device TLB.
    fixture.memory.write(0x2380, 0x3005)
    let asked = fixture.translate(VTdFixture.request(0x7000, type: .translationRequest))
    #expect(asked.result == .translated && asked.output == 0x9000 && asked.isGranted)
    let used = fixture.translate(VTdFixture.request(0x9010, .write, type: .translated))
    #expect(used.result == .passedThrough && used.output == 0x9010 && used.isGranted)
    let other = fixture.translate(VTdFixture.request(0xa010, .write, type: .translated))
    #expect(other.result == .passedThrough && !other.isGranted)
    // Device-TLB invalidation of device 0x38 by the untranslated page, as PCIe's requests name it; the
    // page where it leads is another one.
    fixture.command(0x0038_0000_0003, 0x9000)
    #expect(fixture.translate(VTdFixture.request(0x9010, type: .translated)).isGranted)
    fixture.command(0x0038_0000_0003, 0x7000, waits: false)
    #expect(fixture.translate(VTdFixture.request(0x9010, type: .translated)).isGranted)
    fixture.command(0x25, waits: false)
    #expect(!fixture.translate(VTdFixture.request(0x9010, type: .translated)).isGranted)
  }

  @Test("are passed through by TT 10b, and by no unit before TE")
  func passThrough() {
    var fixture = VTdFixture()
    fixture.memory.write(0x2380, 0x3009)
    let passed = fixture.translate(VTdFixture.request(0x7000, .write))
    #expect(passed.result == .passedThrough && passed.output == 0x7000 && passed.iotlb == .none)
    fixture.unit.write(register: 0x18, bytes: 4, 0, at: EventPlace())
    #expect(fixture.translate(VTdFixture.request(0x7000)).result == .untranslated)
  }

  /// A map and unmap at random, beside a dictionary of pages.
  @Test("agree with a naive oracle on tables of any depth", arguments: [3, 4, 5])
  func oracle(_ levels: Int) {
    var fixture = VTdFixture { description in
      description.levels = [levels]
      description.iotlb = VTdFixture.cache(8)
      description.walkCaches = [
        .init(stage: .second, level: 1, cache: VTdFixture.cache(2)),
        .init(stage: .second, level: 2, cache: VTdFixture.cache(2)),
      ]
    }
    var draw: UInt64 = 7
    func random(_ bound: UInt64) -> UInt64 {
      draw = draw &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (draw >> 33) % bound
    }
    // No table of the fixture's is the trace's: its domains' stand for it.
    fixture.unit.registers.root = nil
    let place = EventPlace()
    fixture.unit.take(
      .attach(device: 0x38, domain: 5, pasid: DMARequest.noPASID), &fixture.memory, at: place)
    var pages: [UInt64: (frame: UInt64, rights: Rights)] = [:]
    let top: UInt64 = 1 << UInt64(9 * levels)
    for _ in 0..<3000 {
      let large = random(8) == 0
      let count: UInt64 = large ? 512 : 1
      let page = (random(2) == 0 ? random(2048) : top - 1 - random(2048)) & ~(count - 1)
      switch random(3) {
      case 0:
        let frame = random(1 << 20) & ~(count - 1)
        let rights = Rights(rawValue: UInt8(1 + random(3)))
        // A large page in the way is not cut up: only ranges that are free are mapped.
        guard (page..<page + count).allSatisfy({ pages[$0] == nil }) else { continue }
        fixture.unit.take(
          .map(
            domain: 5, address: page << 12, output: frame << 12, bytes: count << 12,
            rights: rights), &fixture.memory, at: place)
        for offset in 0..<count { pages[page + offset] = (frame + offset, rights) }
      case 1:
        let start = page & ~511
        fixture.unit.take(
          .unmap(domain: 5, address: start << 12, bytes: 512 << 12), &fixture.memory, at: place)
        for offset in 0..<512 as Range<UInt64> { pages[start + offset] = nil }
        fixture.command(5 << 16 | 0x32, start << 12 | 9)
      default:
        let kind: DMAKind = random(2) == 0 ? .read : .write
        let outcome = fixture.translate(VTdFixture.request(page << 12 | 0x123, kind))
        let known = pages[page]
        let isAllowed = known?.rights.isSuperset(of: kind.needs) ?? false
        #expect(outcome.result == (isAllowed ? .translated : .fault))
        if let known, isAllowed { #expect(outcome.output == known.frame << 12 | 0x123) }
        if !isAllowed { #expect(outcome.fault == (kind == .write ? 5 : 6)) }
      }
    }
    #expect(fixture.unit.iotlb.hits > 0 && fixture.unit.walks > 100)
  }
}
