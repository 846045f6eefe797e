import Machine
import TraceFile

/// What comes before the first level: pages get numbers, tables and walks.
///
/// Every page of a block translates, or is known to fault, before the block's first lookup. A
/// translation that is new to the trace misses everywhere at its first touch, so it is walked now,
/// with all others of the block.
struct NumberedFront<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  private var space: AddressSpace<First, Second>
  /// Reads the tables, for each translation once.
  private var walker = BatchWalker<First, Second>()
  /// Walks alone, to see the whole way to a region or a fault.
  private var scout: Walker<First, Second>
  private var path = WalkPath()
  private(set) var tables: WalkTables
  private(set) var numbers = TranslationNumbers()
  private var firstWalks = FirstWalks()
  private var cpu = CPUCounters()
  /// Dirty bits set by stores that hit a TLB.
  private var dirtied = 0
  /// Of each translation whether it was written.
  private var written = LargeArray(of: false)
  /// Pages in large translations have numbers of their own.
  private let numbersPieces: Bool

  /// - Parameters:
  ///   - machines: whose tables are the same.
  ///   - keepsOld: blocks before the one that is prepared are still replayed.
  init(_ machines: [MachineDescription], keepsOld: Bool) {
    let machine = machines[0]
    let secondLevels = machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0
    space = AddressSpace(
      firstLevels: machine.firstStage.levels, secondLevels: secondLevels,
      policy: machine.synthesis)
    scout = Walker(caches: WalkCacheSet([], hasSecondStage: false), setsBits: false)
    tables = WalkTables(
      firstLevels: machine.firstStage.levels, secondLevels: secondLevels, keepsOld: keepsOld)
    numbersPieces =
      secondLevels > 0 && machines.contains { $0.walkCaches.contains { $0.kind == .nested } }
  }

  /// Writes what the replay of a block has to know.
  ///
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  mutating func prepare(_ block: TraceBlock, into numbered: NumberedBlock) throws(TraceError) {
    try block.loadPages()
    let entries = block.entries
    numbered.faulting.removeAll(keepingCapacity: true)
    firstWalks.removeAll()
    let (hasLarge, hasFaults) = number(entries, numbered)
    written.reserve(numbers.count)
    tables.reserve(numbers.count)
    if firstWalks.count > 0 { readTables() }
    if hasLarge, numbersPieces { numberPieces(entries, numbered) }
    if hasFaults {
      findFaults(entries, numbered)
      try block.loadTouches()
    }
    markWritten(entries, numbered)
    cpu.count(block.counts)
    numbered.translations = numbers.count
    numbered.known.take(tables)
  }

  /// Makes every page of the block translate, in order of first touch.
  private mutating func number(
    _ entries: UnsafeBufferPointer<PageEntry>, _ numbered: NumberedBlock
  ) -> (hasLarge: Bool, hasFaults: Bool) {
    let (words, indices) = (numbered.words, numbered.indices)
    var faults = false
    var reaches: UInt8 = 0
    var lastRegion = UInt64.max
    var region: TranslationNumbers.Region?
    var askedFor = 0
    for at in 0..<entries.count {
      if at &+ 12 < entries.count { numbers.prefetch(entries[at &+ 12].page) }
      let entry = entries[at]
      let page = entry.page
      if page >> 9 != lastRegion || region == nil {
        lastRegion = page >> 9
        region = numbers.region(of: page)
      }
      var known = TranslationNumbers.Numbered(
        bits: region.map { $0[Int(truncatingIfNeeded: page & 511)] } ?? 0)
      var isFaulting = false
      if !known.isKnown {
        if let before = numbers.faulting(page) {
          (known, isFaulting) = (before, true)
        } else {
          askFor(entries, from: &askedFor, at)
          (known, isFaulting) = populate(page)
        }
        faults = faults || isFaulting
      }
      reaches |= known.reach.rawValue
      let word = Miss(
        known, entry: at, page: page, isData: entry.isData, writes: entry.writesFirst,
        faults: isFaulting)
      words[at] = word
      indices[at] = word.index
    }
    return (reaches != 0, faults)
  }

  /// Asks for the entries of new pages that come soon, from the one up to which that was done.
  @inline(__always)
  private func askFor(
    _ entries: UnsafeBufferPointer<PageEntry>, from asked: inout Int, _ at: Int
  ) {
    var next = max(asked, at &+ 1)
    let end = min(at &+ 12, entries.count)
    while next < end {
      let page = entries[next].page
      if numbers.region(of: page).map({ $0[Int(truncatingIfNeeded: page & 511)] == 0 }) ?? false {
        space.prefetch(GVA(frame: page))
      }
      next &+= 1
    }
    asked = max(asked, end)
  }

  /// Makes a page translate.
  ///
  /// - Returns: its number, and whether it has no translation.
  @inline(never)
  private mutating func populate(
    _ page: UInt64
  ) -> (TranslationNumbers.Numbered, isFaulting: Bool) {
    let address = GVA(frame: page)
    let reach =
      address.isCanonical(levels: space.roots.firstLevels) ? space.populate(address) : nil
    let count = numbers.count
    if let reach, let numbered = numbers.add(page, reach: reach) {
      if numbers.count > count { firstWalks.append(numbered.number, address: page << 12) }
      return (numbered, false)
    }
    return (numbers.addFaulting(page, intended: space.intendedReach(of: address)), true)
  }

  /// Walks what was not walked before and records it.
  ///
  /// A read sets the flags that any walk sets; those of writes follow with `markWritten`.
  private mutating func readTables() {
    walker.walk(
      firstWalks.addresses, .read, in: space.roots, space.memory, into: firstWalks.results)
    for at in 0..<firstWalks.count {
      let (walk, page) = (firstWalks.results[at], firstWalks.addresses[at] >> 12)
      let firstLeaf = Int(walk.first.rawValue)
      let secondLeaf = space.roots.secondLevels > 0 ? walk.second.leafLevel : 0
      let frame = walk.guest >> 12
      tables.records[Int(firstWalks.numbers[at])] = WalkRecord(
        frame: frame, firstLeaf: firstLeaf, secondLeaf: secondLeaf,
        firstNode: tables.nodes.knownNode(of: page, level: firstLeaf + 1)
          ?? learn(page, firstLeaf + 1),
        secondNode: tables.nodes.secondNode(of: frame, level: secondLeaf + 1),
        isSplintered: walk.second < walk.first)
    }
  }

  /// Learns the way to a page's region.
  @inline(never)
  private mutating func learn(_ page: UInt64, _ level: Int) -> UInt32 {
    _ = scout.walk(GVA(frame: page), .read, in: space.roots, space.memory, path: &path)
    tables.nodes.learn(page, path, rootFrame: space.roots.first.frame) {
      First.address(in: $0, leafLevel: 0)
    }
    return tables.nodes.knownNode(of: page, level: level) ?? 0
  }

  /// Gives each page in a large translation a number of its own for the nested TLB.
  private mutating func numberPieces(
    _ entries: UnsafeBufferPointer<PageEntry>, _ numbered: NumberedBlock
  ) {
    for at in 0..<entries.count {
      let word = numbered.words[at]
      guard word.reach != .base4K, !word.faults else { continue }
      let frame = tables.records[Int(word.number)].frame(of: entries[at].page, in: word.reach)
      numbered.details[at] = tables.nodes.nestedNumber(of: frame)
    }
  }

  /// Walks each page of the block that has no translation.
  private mutating func findFaults(
    _ entries: UnsafeBufferPointer<PageEntry>, _ numbered: NumberedBlock
  ) {
    for at in 0..<entries.count where numbered.words[at].faults {
      let page = entries[at].page
      // Sets the flags that a walk sets on its way to the fault.
      withUnsafePointer(to: page << 12) { address in
        walker.walk(
          UnsafeBufferPointer(start: address, count: 1), .read, in: space.roots, space.memory,
          into: firstWalks.results)
      }
      _ = learn(page, 1)
      // What populating could not make is missing for want of frames.
      let fault = walker.faults.first?.fault
      let name = fault?.reason == .notCanonical ? fault?.counter : nil
      numbered.details[at] = UInt32(numbered.faulting.count)
      numbered.faulting.append(
        tables.faultingWalk(
          page, path, rootFrame: space.roots.first.frame, fault: name ?? "outOfFrames"))
    }
  }

  /// Sets the dirty bits of pages that stores wrote through a TLB.
  private mutating func markWritten(
    _ entries: UnsafeBufferPointer<PageEntry>, _ numbered: NumberedBlock
  ) {
    for at in 0..<entries.count where entries[at].writes && !numbered.words[at].faults {
      let number = Int(numbered.indices[at] >> 1)
      guard !written[number] else { continue }
      written[number] = true
      dirtied += space.markDirty(GVA(frame: entries[at].page))
    }
  }

  /// What this and the parts behind it counted.
  func report(
    walks: WalkStatistics, caches: [(name: String, lookups: Int, hits: Int)],
    tlbs: (CPUCounters) -> [CoreReport.TLBCounters]
  ) -> CoreReport {
    CoreReport(
      cpu: cpu, touchedPages: numbers.pages, tlbs: tlbs(cpu), walks: walks,
      updates: walker.updates + dirtied, caches: caches, roots: space.roots,
      firstStageFrames: space.firstStageFrames, secondStageFrames: space.secondStageFrames,
      tableFrames: space.memory.frameCount)
  }
}
