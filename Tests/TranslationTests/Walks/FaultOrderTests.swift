import Testing

@testable import Translation

/// Which of several faults a walk ends in, and what is set on the way there.
@Suite("The order of faults and flags")
struct FaultOrderTests {
  static let address: UInt64 = 0x12_3456_7890

  /// A walk of 4 over 4 and the guest-physical addresses of its tables, from the root down, and page.
  private func nested(
    _ format: NaiveWalker.Format = .extended, flags: UInt64 = 0x67
  ) -> (tables: TestTables, places: [UInt64], guests: [UInt64]) {
    let tables = TestTables(firstLevels: 4, second: format, secondLevels: 4)
    let places = tables.mapFirst(Self.address, flags: flags)
    let guests =
      [tables.context.first.rawValue] + places.map { tables[$0] & 0x000f_ffff_ffff_f000 }
    return (tables, places, guests)
  }

  @Test("a fault of the second stage on a table's page precedes what stands in the table")
  func tablePageFirst() {
    for step in 0..<4 {
      let (tables, places, guests) = nested()
      // The entry in that table has a reserved bit; its page is not mapped.
      tables[places[step]] |= 1 << 51
      tables.context.firstControls = NaiveControls(physicalBits: 51).product
      #expect(tables.fault(Self.address)?.reason == .malformed)
      let place = tables.secondPlace(guests[step])
      tables[place] = 0
      let fault = tables.fault(Self.address)
      #expect(fault?.stage == .second && fault?.reason == .notPresent)
      #expect(fault?.onTableWalk == true)
      // The address is that of the entry: the table's and eight times the index.
      let index = Self.address >> UInt64(12 + 9 * (3 - step)) % 512
      #expect(fault?.address == guests[step] + 8 * index)
      // A read with a linear address, of a table: bits 0 and 7.
      #expect(fault?.code == 0x81)
    }
  }

  @Test("presence and form are judged from the root down, permission last")
  func firstStage() {
    let tables = TestTables(firstLevels: 4)
    let places = tables.mapFirst(Self.address, flags: 0x61)
    tables.context.firstControls = NaiveControls(physicalBits: 51).product
    // Not writable: present, write.
    #expect(tables.fault(Self.address, .write)?.code == 3)
    // A reserved bit in the page's entry precedes permission: present, write, reserved.
    tables[places[3]] |= 1 << 51
    #expect(tables.fault(Self.address, .write)?.code == 0xb)
    // A missing entry above it precedes that.
    tables[places[2]] &= ~1
    #expect(tables.fault(Self.address, .write)?.code == 2)
    // And a reserved bit above the missing entry: PS, which level 3 does not have.
    tables[places[0]] |= 0x80
    #expect(tables.fault(Self.address, .write)?.code == 0xb)
    // An entry that is not present has no reserved bits.
    tables[places[0]] &= ~1
    #expect(tables.fault(Self.address, .write)?.code == 2)
    // An address that is not canonical faults before anything is read.
    let outside = tables.walk(1 << 47)
    guard case .fault(let fault) = outside.outcome else {
      Issue.record("\(outside)")
      return
    }
    #expect(fault.kind == .generalProtection && fault.code == nil && outside.count == 0)
  }

  @Test("the first stage's permission precedes the second stage's page")
  func permissionFirst() {
    let (tables, places, guests) = nested(flags: 0x65)
    tables[tables.secondPlace(guests[4])] = 0
    #expect(tables.fault(Self.address, .write)?.kind == .pageFault)
    tables[places[3]] |= 2
    #expect(tables.fault(Self.address, .write)?.kind == .eptViolation)
  }

  @Test("EPT: misconfiguration precedes violation, entry by entry")
  func misconfiguration() {
    let (tables, _, guests) = nested()
    let (upper, leaf) = (tables.secondPlace(guests[4], level: 1), tables.secondPlace(guests[4]))
    // A table that forbids writing over a page with memory type 2: a write is a misconfiguration, as
    // permission waits for the page.
    tables[upper] &= ~2
    tables[leaf] = tables[leaf] & ~0x38 | 0x10
    let both = tables.fault(Self.address, .write)
    #expect(both?.kind == .eptMisconfiguration && both?.code == nil)
    // A sound page: a violation, whose bits 5:3 are what both entries allow, read and execute.
    tables[leaf] = tables[leaf] & ~0x38 | 0x30
    #expect(tables.fault(Self.address, .write)?.code == 0x2 | 0x28 | 0x180)
    // A page that is not there: nothing is allowed.
    tables[leaf] = 0x30
    #expect(tables.fault(Self.address, .write)?.code == 0x182)
    // Write without read in the upper entry precedes the missing page.
    tables[upper] = tables[upper] & ~7 | 2
    #expect(tables.fault(Self.address, .write)?.kind == .eptMisconfiguration)
  }

  @Test("EPT: with accessed and dirty flags a walk writes the guest's tables")
  func accessedDirty() {
    let (tables, places, guests) = nested()
    tables.context.secondControls = NaiveControls(ad: true).product
    guard case .translated = tables.walk(Self.address).outcome else {
      Issue.record("no translation")
      return
    }
    // Tables are dirty after a mere read, and the page is not.
    for guest in guests[..<4] { #expect(tables[tables.secondPlace(guest)] & 0x300 == 0x300) }
    #expect(tables[tables.secondPlace(guests[4])] & 0x300 == 0x100)
    // Entries above the leaves are accessed, and have no dirty flag.
    #expect(tables[tables.secondPlace(guests[4], level: 1)] & 0x300 == 0x100)
    _ = tables.walk(Self.address, .write)
    #expect(tables[tables.secondPlace(guests[4])] & 0x300 == 0x300)
    // A table on a read-only page stops a read: bits 0 and 1, read and execute allowed, a linear
    // address, not translated.
    for step in 0..<4 {
      let place = tables.secondPlace(guests[step])
      tables[place] &= ~2
      let fault = tables.fault(Self.address)
      #expect(fault?.code == 0x3 | 0x28 | 0x80 && fault?.onTableWalk == true)
      tables[place] |= 2
    }
    // The guest's entries were accessed and dirty from the start.
    #expect(tables[places[3]] & 0x60 == 0x60)
  }

  @Test("EPT: without them a table may be read-only, until a flag has to be set in it")
  func readOnlyTables() {
    let (tables, places, guests) = nested()
    for guest in guests[..<4] { tables[tables.secondPlace(guest)] &= ~2 }
    guard case .translated = tables.walk(Self.address).outcome else {
      Issue.record("no translation")
      return
    }
    // The page's entry without its dirty flag: a write has to set it, and that is a write of the table.
    tables[places[3]] &= ~0x40
    guard case .translated = tables.walk(Self.address).outcome else {
      Issue.record("no translation")
      return
    }
    let fault = tables.fault(Self.address, .write)
    #expect(fault?.code == 0x2 | 0x28 | 0x80 && fault?.onTableWalk == true)
    let index = Self.address >> 12 % 512
    #expect(fault?.address == guests[3] + 8 * index)
    #expect(tables[places[3]] & 0x40 == 0)
    // The same for an accessed flag two levels up, on a read.
    tables[places[1]] &= ~0x20
    #expect(tables.fault(Self.address)?.address == guests[1] + 8 * (Self.address >> 30 % 512))
  }

  @Test("NPT: a read walk through a table on a read-only page is a write, with bit 33")
  func nestedReadOnly() {
    let (tables, _, guests) = nested(.nested)
    tables[tables.secondPlace(guests[2])] &= ~2
    let fault = tables.fault(Self.address)
    // Present, write, user, and a guest's table.
    #expect(fault?.code == 0x2_0000_0007 && fault?.kind == .nestedPageFault)
    // The same page of data may be read; a write is a fault of the final address.
    let (data, _, pages) = nested(.nested)
    data[data.secondPlace(pages[4])] &= ~2
    guard case .translated = data.walk(Self.address).outcome else {
      Issue.record("no translation")
      return
    }
    #expect(data.fault(Self.address, .write)?.code == 0x1_0000_0007)
    // A supervisor's nested page is no user's: present, user, and the read that it was.
    data[data.secondPlace(pages[4])] &= ~4
    #expect(data.fault(Self.address)?.code == 0x1_0000_0005)
    // Nested NX stops fetches alone: present, user, fetch.
    data[data.secondPlace(pages[4])] |= 1 << 63 | 4
    #expect(data.fault(Self.address, .execute)?.code == 0x1_0000_0015)
    guard case .translated = data.walk(Self.address).outcome else {
      Issue.record("no translation")
      return
    }
  }

  @Test("a guest-physical address wider than the second stage is in no page of it")
  func tooWide() {
    for (format, code) in [
      (NaiveWalker.Format.extended, 0x181), (.nested, 0x1_0000_0004),
    ] as [(NaiveWalker.Format, UInt64)] {
      let (tables, places, _) = nested(format)
      tables[places[3]] |= 1 << 48
      let (outcome, count) = tables.walk(Self.address)
      guard case .fault(let fault) = outcome else {
        Issue.record("\(outcome)")
        continue
      }
      // Four tables, each found by four entries and read: 20, and nothing for the data.
      #expect(fault.code == code && count == 20)
    }
  }

  @Test("#VE: a violation where bit 63 of the entry is clear becomes an exception")
  func virtualizationException() {
    let (tables, _, guests) = nested()
    tables.context.secondControls = NaiveControls(virtualizationException: true).product
    let leaf = tables.secondPlace(guests[4])
    for (entry, isException) in [
      (0, true), (1 << 63, false), (tables[leaf] & ~2, true), (tables[leaf] & ~2 | 1 << 63, false),
    ] as [(UInt64, Bool)] {
      tables[leaf] = entry
      #expect(tables.fault(Self.address, .write)?.isException == isException)
    }
    tables[leaf] = 2
    // Misconfigurations are exits always.
    #expect(tables.fault(Self.address, .write)?.isException == false)
  }

  @Test("nothing is cached from an entry that is missing, malformed or forbidden")
  func noNegativeCaching() throws {
    let caches = try machine("reference-cached").description.walkCaches
    for step in 0..<4 {
      for broken in [0, 1 << 63 | 0x27] as [UInt64] {
        let (tables, places, guests) = nested()
        let stages = StageWalk(
          .x86, .ept, tables.image, caches: WalkCacheSet(caches, hasSecondStage: true),
          setsBits: true)
        let first = tables[places[step]]
        tables.context.firstControls = NaiveControls(nxe: false).product
        tables[places[step]] = broken
        guard case .fault = tables.walk(Self.address, by: stages).outcome else {
          Issue.record("no fault")
          return
        }
        tables[places[step]] = first
        let second = tables.secondPlace(guests[step + 1])
        let entry = tables[second]
        tables[second] = broken == 0 ? 0 : 2
        guard case .fault = tables.walk(Self.address, by: stages).outcome else {
          Issue.record("no fault")
          return
        }
        tables[second] = entry
        guard case .translated = tables.walk(Self.address, by: stages).outcome else {
          Issue.record("a fault was cached")
          return
        }
      }
    }
  }

  @Test("the nested TLB: a write makes the leaf dirty, and new rights need no invalidation")
  func nestedTLB() throws {
    let (tables, _, guests) = nested(.nested)
    let caches = try machine("reference-cached").description.walkCaches
    let stages = StageWalk(
      .x86, .npt, tables.image, caches: WalkCacheSet(caches, hasSecondStage: true), setsBits: true)
    let leaf = tables.secondPlace(guests[4])
    tables[leaf] &= ~0x42
    // The first walk reads four first-stage entries, and the second stage's highest entry just once, as
    // all lie below it: 4 + 4 + 4 * 3. The second reads one entry: the nested TLB has the page.
    #expect(tables.walk(Self.address, by: stages).count == 20)
    #expect(tables.walk(Self.address, by: stages).count == 1)
    guard case .fault(let fault) = tables.walk(Self.address, .write, by: stages).outcome else {
      Issue.record("no fault")
      return
    }
    #expect(fault.code == 0x1_0000_0007)
    tables[leaf] |= 2
    // One first-stage entry and one of the second stage's last level.
    let (outcome, count) = tables.walk(Self.address, .write, by: stages)
    guard case .translated(let page) = outcome else {
      Issue.record("\(outcome)")
      return
    }
    #expect(count == 2 && page.isSecondDirty)
    #expect(tables[leaf] & 0x40 != 0)
    // A clean page in the nested TLB becomes dirty by a write that hits.
    tables[leaf] &= ~0x40
    let other = StageWalk(
      .x86, .npt, tables.image, caches: WalkCacheSet(caches, hasSecondStage: true), setsBits: true)
    guard case .translated(let clean) = tables.walk(Self.address, by: other).outcome else { return }
    #expect(!clean.isSecondDirty && clean.needsDirty(.write) && !clean.needsDirty(.read))
    guard case .translated(let dirty) = tables.walk(Self.address, .write, by: other).outcome
    else { return }
    #expect(dirty.isSecondDirty && tables[leaf] & 0x40 != 0)
  }

  @Test("spaces with other tags share the caches and see nothing of each other")
  func tags() throws {
    let caches = try machine("reference-cached").description.walkCaches
    let (tables, _, _) = nested()
    let stages = StageWalk(
      .x86, .ept, tables.image, caches: WalkCacheSet(caches, hasSecondStage: true), setsBits: true)
    var counts: [Int] = []
    for (first, second) in [(1, 1), (1, 1), (2, 1), (2, 2), (1, 2), (2, 2)] as [(UInt16, UInt16)] {
      tables.context.firstTag = first
      tables.context.secondTag = second
      counts.append(tables.walk(Self.address, by: stages).count)
    }
    // 4 + 4 + 4 * 3, as the second stage's highest entry is cached at once; one entry, the page's, whose own page is in the nested TLB; another first space: four
    // entries, all of whose pages the nested TLB has; the same first space over another second one:
    // the first stage's cache has the last table, so 1 and the 4 of the page; then 1 each.
    #expect(counts == [20, 1, 4, 5, 1, 1])
  }
}
