import CLanes
import Machine
import TraceFile

/// Cores whose TLBs are all exact LRU and whose first level is split between instructions and data, in
/// any number of configurations over the same tables: the fast way through a trace that only touches
/// pages.
///
/// A block goes through the levels one after another. The first level sees every run and leaves a list
/// of its misses, the next sees that list, and what is left are the walks. That order is exact: a
/// TLB's state depends on its own lookups alone, which each list has in the order of the trace, and a
/// page that translates fills what it missed whatever its walk reads. `CoreReplay` does the same one
/// touch after another, for any machine, and a test wants every counter equal.
struct NumberedReplay<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  private(set) var space: AddressSpace<First, Second>
  /// Reads the tables, for each translation once.
  private var walker = BatchWalker<First, Second>()
  /// Walks alone, to see the whole way to a region or a fault.
  private var scout: Walker<First, Second>
  private var path = WalkPath()
  var tables: WalkTables
  private(set) var numbers = TranslationNumbers()
  private var firstWalks = FirstWalks()
  private var cpu = CPUCounters()
  private var firstLevel: FirstLevel
  private let backends: UnsafeMutablePointer<NumberedBackend>
  let count: Int
  /// Dirty bits set by stores that hit a TLB.
  private var dirtied = 0
  /// Of each translation whether it was written.
  private var written = LargeArray(of: false)
  /// For each entry of the block what a miss on it is.
  let words: UnsafeMutablePointer<Miss>
  /// For each entry of the block twice its translation's number, plus one for data.
  let indices: UnsafeMutablePointer<UInt32>
  /// The misses of each configuration of the first level.
  private let misses: UnsafeMutablePointer<MissList>
  private var walkList = MissList()

  /// - Parameter machines: ones that `TLBPlan` suits, whose tables are the same, with no more
  ///   different first levels than `FirstLevel` has configurations.
  init(_ machines: [MachineDescription]) {
    precondition(!machines.isEmpty)
    let machine = machines[0]
    let secondLevels = machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0
    space = AddressSpace(
      firstLevels: machine.firstStage.levels, secondLevels: secondLevels,
      policy: machine.synthesis)
    scout = Walker(caches: WalkCacheSet([], hasSecondStage: false), setsBits: false)
    tables = WalkTables(firstLevels: machine.firstStage.levels, secondLevels: secondLevels)
    words = .allocate(capacity: 1 << 16)
    indices = .allocate(capacity: 1 << 16)
    let pairs = FirstLevelPairs(machines)
    firstLevel = FirstLevel(pairs.different)
    misses = .allocate(capacity: pairs.different.count)
    for at in 0..<pairs.different.count { (misses + at).initialize(to: MissList()) }
    count = machines.count
    backends = .allocate(capacity: machines.count)
    for (at, machine) in machines.enumerated() {
      (backends + at).initialize(
        to: NumberedBackend(machine, configuration: pairs.configuration[at]))
    }
  }

  deinit {
    words.deallocate()
    indices.deallocate()
    misses.deinitialize(count: firstLevel.configurations)
    misses.deallocate()
    backends.deinitialize(count: count)
    backends.deallocate()
  }

  /// Replays a block.
  ///
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  mutating func replay(_ block: TraceBlock) throws(TraceError) {
    try block.loadPages()
    let entries = block.entries
    let faults = prepare(entries)
    if faults { try block.loadTouches() }
    let uses = faults ? block.touches.count : block.runs.count
    for at in 0..<firstLevel.configurations { misses[at].reserve(uses) }
    if faults {
      replayTouches(block)
    } else if firstLevel.configurations == 1 {
      replayRuns(block)
    } else {
      replayRunsOfMany(block)
    }
    for at in 0..<count {
      backends[at].replayLower(misses[backends[at].configuration], into: &walkList)
      replayWalks(at, entries)
    }
    markWritten(entries)
    cpu.count(block.counts)
  }

  /// Makes every page of the block translate, in order of first touch, and writes what is known of it.
  ///
  /// - Returns: whether some page faults.
  private mutating func prepare(_ entries: UnsafeBufferPointer<PageEntry>) -> Bool {
    var faults = false
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
      var numbered = TranslationNumbers.Numbered(
        bits: region.map { $0[Int(truncatingIfNeeded: page & 511)] } ?? 0)
      var isFaulting = false
      if !numbered.isKnown {
        if let known = numbers.faulting(page) {
          (numbered, isFaulting) = (known, true)
        } else {
          askFor(entries, from: &askedFor, at)
          (numbered, isFaulting) = populate(page)
        }
        faults = faults || isFaulting
      }
      let word = Miss(
        numbered, entry: at, page: page, isData: entry.isData, writes: entry.writesFirst,
        faults: isFaulting)
      words[at] = word
      indices[at] = word.index
    }
    firstLevel.reserve(numbers.count)
    written.reserve(numbers.count)
    tables.reserve(numbers.count)
    for at in 0..<count { backends[at].reserve(numbers.count) }
    return faults
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
    if let reach, let numbered = numbers.add(page, reach: reach) { return (numbered, false) }
    return (numbers.addFaulting(page, intended: space.intendedReach(of: address)), true)
  }

  /// The first level, run by run: the touches of a run after its first find their translation as the
  /// most recent of its set, and change nothing.
  private mutating func replayRuns(_ block: TraceBlock) {
    misses[0].count = firstLevel.replay(
      block.runs, entries: block.entries.count, indices: indices, words: words,
      into: misses[0].entries)
  }

  /// The same in many configurations.
  private mutating func replayRunsOfMany(_ block: TraceBlock) {
    let runs = block.runs
    guard let first = runs.baseAddress else { return }
    let uses = UseLog(
      entries: first, stride: 1, indices: indices, base: firstLevel.begin(uses: runs.count))
    let (cells, all) = (firstLevel.cells, firstLevel.all)
    for at in 0..<runs.count {
      let entry = Int(first[at])
      let index = indices[entry]
      let cell = cells + Int(index)
      cell.pointee.recent = uses.base &+ UInt32(truncatingIfNeeded: at)
      var absent = all & ~cell.pointee.resident
      while absent != 0 {
        let configuration = absent.trailingZeroBitCount
        absent &= absent &- 1
        let miss = words[entry]
        firstLevel.fill(index, page: miss.pageBits, configuration, uses, now: at)
        misses[configuration].append(miss)
      }
    }
  }

  /// The first level, touch by touch, where some page has no translation and misses every time.
  private mutating func replayTouches(_ block: TraceBlock) {
    let touches = block.touches
    guard let first = touches.baseAddress else { return }
    let base = firstLevel.begin(uses: touches.count)
    first.withMemoryRebound(to: UInt16.self, capacity: 2 * touches.count) { halves in
      // The entry is the lower half of a touch.
      let uses = UseLog(entries: halves, stride: 2, indices: indices, base: base)
      let cells = firstLevel.cells
      for at in 0..<touches.count {
        let entry = Int(touches[at] & 0xffff)
        let index = indices[entry]
        cells[Int(index)].recent = base &+ UInt32(truncatingIfNeeded: at)
        let miss = words[entry].writing(touches[at] >> 16 & 3 >= 2)
        for configuration in 0..<firstLevel.configurations
        where cells[Int(index)].resident >> UInt32(configuration) & 1 == 0 {
          if miss.faults {
            firstLevel.countMiss(index, configuration)
          } else {
            firstLevel.fill(index, page: miss.pageBits, configuration, uses, now: at)
          }
          misses[configuration].append(miss)
        }
      }
    }
  }

  /// What missed everywhere in one machine: tables are read for translations that were not walked
  /// before, all of them together, and then the walk caches see every walk.
  private mutating func replayWalks(_ backend: Int, _ entries: UnsafeBufferPointer<PageEntry>) {
    firstWalks.removeAll()
    for at in 0..<walkList.count {
      if at &+ 16 < walkList.count { tables.prefetch(walkList[at &+ 16].number) }
      let miss = walkList[at]
      let record = tables.records + Int(miss.number)
      guard !record.pointee.isKnown, !miss.faults else { continue }
      record.pointee.expect()
      firstWalks.append(miss, address: entries[miss.entry].page << 12)
    }
    if firstWalks.count > 0 { readTables() }
    // A machine may meet its first walk of a page that another has walked already.
    backends[backend].reserve(tables)
    var at = 0
    while true {
      at = backends[backend].replayWalks(walkList, from: at, entries, &tables)
      guard at < walkList.count else { return }
      walkFaulting(entries[walkList[at].entry].page, backend)
      at += 1
    }
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

  /// A walk of a page that has no translation.
  @inline(never)
  private mutating func walkFaulting(_ page: UInt64, _ backend: Int) {
    // Sets the flags that a walk sets on its way to the fault.
    withUnsafePointer(to: page << 12) { address in
      walker.walk(
        UnsafeBufferPointer(start: address, count: 1), .read, in: space.roots, space.memory,
        into: firstWalks.results)
    }
    guard let fault = walker.faults.first?.fault else { return }
    _ = learn(page, 1)
    // What populating could not make is missing for want of frames.
    let name = fault.reason == .notCanonical ? fault.counter : "outOfFrames"
    backends[backend].walkFaulting(
      page, path, rootFrame: space.roots.first.frame, fault: name, &tables)
  }

  /// Sets the dirty bits of pages that stores wrote through a TLB.
  private mutating func markWritten(_ entries: UnsafeBufferPointer<PageEntry>) {
    for at in 0..<entries.count where entries[at].writes && !words[at].faults {
      let number = Int(indices[at] >> 1)
      guard !written[number] else { continue }
      written[number] = true
      dirtied += space.markDirty(GVA(frame: entries[at].page))
    }
  }

  /// What one of the machines counted.
  func report(of machine: Int) -> CoreReport {
    CoreReport(
      cpu: cpu, touchedPages: numbers.pages, tlbs: backends[machine].tlbCounters(firstLevel, cpu),
      walks: backends[machine].walkStatistics, updates: walker.updates + dirtied,
      caches: backends[machine].cacheCounters, roots: space.roots,
      firstStageFrames: space.firstStageFrames, secondStageFrames: space.secondStageFrames,
      tableFrames: space.memory.frameCount)
  }

  /// What a time line follows of one of the machines.
  func progress(of machine: Int) -> CoreProgress { backends[machine].progress(firstLevel) }
}
