import Machine
import TraceFile

/// One core whose TLBs are all exact LRU and whose first level is split between instructions and data:
/// the fast way through a trace that only touches pages.
///
/// A block goes through the levels one after another. The first level sees every run and leaves a list
/// of its misses, the next sees that list, and what is left are the walks. That order is exact: a
/// TLB's state depends on its own lookups alone, which each list has in the order of the trace, and a
/// page that translates fills what it missed whatever its walk reads. `CoreReplay` does the same one
/// touch after another, for any machine, and a test wants every counter equal.
struct NumberedReplay<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  private(set) var space: AddressSpace<First, Second>
  private var walker: Walker<First, Second>
  private var walks = WalkStatistics()
  private var cpu = CPUCounters()
  private var firstLevel: FirstLevel
  private let lower: UnsafeMutablePointer<NumberedTLB>
  private let lowerCount: Int
  /// Which of `lower` a miss probes in each stage.
  private let stages: [[Int?]]
  /// The places in the machine of the first level's two TLBs and of those in `lower`.
  private let places: (fetch: Int, data: Int, lower: [Int])
  private let descriptions: [TLBDescription]
  private var numbers = TranslationNumbers()
  private let latency: FlatLatency
  private var path = WalkPath()
  /// Dirty bits set by stores that hit a TLB.
  private var dirtied = 0
  /// Of each translation whether it was written.
  private var written = ByteFlags()
  /// For each entry of the block what a miss on it is.
  private let words: UnsafeMutablePointer<Miss>
  /// For each entry of the block twice its translation's number, plus one for data.
  private let indices: UnsafeMutablePointer<UInt32>
  private var misses = MissList()

  /// - Parameter machine: one that `suits`.
  init(_ machine: MachineDescription) {
    let secondLevels = machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0
    space = AddressSpace(
      firstLevels: machine.firstStage.levels, secondLevels: secondLevels,
      policy: machine.synthesis)
    walker = Walker(
      caches: WalkCacheSet(
        machine.walkCaches, hasSecondStage: secondLevels > 0, seed: machine.synthesis.seed &+ 64))
    latency = FlatLatency(referenceCycles: machine.memory.referenceCycles)
    words = .allocate(capacity: 1 << 16)
    indices = .allocate(capacity: 1 << 16)
    descriptions = machine.tlbs
    let plan = TLBPlan(machine)
    places = (plan.fetch, plan.data, plan.lower)
    firstLevel = FirstLevel([(descriptions[plan.fetch], descriptions[plan.data])])
    lowerCount = plan.lower.count
    lower = .allocate(capacity: max(lowerCount, 1))
    for (at, place) in plan.lower.enumerated() {
      (lower + at).initialize(to: NumberedTLB(descriptions[place]))
    }
    stages = plan.stages
  }

  deinit {
    words.deallocate()
    indices.deallocate()
    lower.deinitialize(count: lowerCount)
    lower.deallocate()
  }

  /// Replays a block.
  ///
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  mutating func replay(_ block: TraceBlock) throws(TraceError) {
    try block.loadPages()
    let entries = block.entries
    if prepare(entries) {
      try block.loadTouches()
      misses.reserve(block.touches.count)
      replayTouches(block)
    } else {
      misses.reserve(block.runs.count)
      replayRuns(block)
    }
    for stage in stages { replayLower(stage) }
    for at in 0..<misses.count { walk(misses[at], entries) }
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
    for at in 0..<entries.count {
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
    return faults
  }

  /// Makes a page translate.
  ///
  /// - Returns: its number, and the bit that says if it has no translation.
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
    let runs = block.runs
    guard let first = runs.baseAddress else { return }
    let uses = UseLog(
      entries: first, stride: 1, indices: indices, base: firstLevel.begin(uses: runs.count))
    let (cells, list) = (firstLevel.cells, misses.entries)
    var missed = 0
    for at in 0..<runs.count {
      let entry = Int(first[at])
      let index = indices[entry]
      let cell = cells + Int(index)
      cell.pointee.recent = uses.base &+ UInt32(truncatingIfNeeded: at)
      if cell.pointee.resident == 0 {
        let miss = words[entry]
        firstLevel.fill(index, page: miss.pageBits, 0, uses, now: at)
        list[missed] = miss
        missed &+= 1
      }
    }
    misses.count = missed
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
      misses.count = 0
      for at in 0..<touches.count {
        let entry = Int(touches[at] & 0xffff)
        let index = indices[entry]
        cells[Int(index)].recent = base &+ UInt32(truncatingIfNeeded: at)
        guard cells[Int(index)].resident == 0 else { continue }
        let miss = words[entry]
        if miss.faults {
          firstLevel.countMiss(index, 0)
        } else {
          firstLevel.fill(index, page: miss.pageBits, 0, uses, now: at)
        }
        misses.append(miss.writing(touches[at] >> 16 & 3 >= 2))
      }
    }
  }

  /// One stage behind the first level: keeps what missed there too.
  private mutating func replayLower(_ stage: [Int?]) {
    var kept = 0
    let list = misses.entries
    for at in 0..<misses.count {
      let miss = list[at]
      if let place = stage[miss.chain], lower[place].lookup(miss) { continue }
      list[kept] = miss
      kept &+= 1
    }
    misses.count = kept
  }

  private mutating func walk(_ miss: Miss, _ entries: UnsafeBufferPointer<PageEntry>) {
    let access: Rights = miss.writes ? .write : miss.isData ? .read : .execute
    var outcome = walker.walk(
      GVA(frame: entries[miss.entry].page), access, in: space.roots, space.memory, path: &path)
    if miss.faults, case .fault(var fault) = outcome, fault.reason != .notCanonical {
      // What populating could not make is missing for want of frames.
      fault.reason = .outOfFrames
      outcome = .fault(fault)
    }
    walks.count(path, outcome, cycles: latency.cycles(of: path))
  }

  /// Sets the dirty bits of pages that stores wrote through a TLB.
  private mutating func markWritten(_ entries: UnsafeBufferPointer<PageEntry>) {
    for at in 0..<entries.count where entries[at].writes && !words[at].faults {
      guard written.set(indices[at] >> 1) else { continue }
      dirtied += space.markDirty(GVA(frame: entries[at].page))
    }
  }

  /// What the core counted.
  var report: CoreReport {
    var tlbs: [CoreReport.TLBCounters?] = Array(repeating: nil, count: descriptions.count)
    for (access, place) in [places.fetch, places.data].enumerated() {
      let counters = firstLevel.counters(0, access)
      tlbs[place] = CoreReport.TLBCounters(
        name: descriptions[place].name, latencyCycles: descriptions[place].latencyCycles,
        lookups: access == 0 ? cpu.fetchTouches : cpu.dataTouches, misses: counters.misses,
        fills: counters.fills, evictions: counters.evictions, occupied: counters.occupied)
    }
    for (at, place) in places.lower.enumerated() {
      tlbs[place] = CoreReport.TLBCounters(
        name: lower[at].name, latencyCycles: lower[at].latencyCycles, lookups: lower[at].lookups,
        misses: lower[at].misses, fills: lower[at].fills, evictions: lower[at].evictions,
        occupied: lower[at].occupied)
    }
    for (place, tlb) in descriptions.enumerated() where tlbs[place] == nil {
      tlbs[place] = CoreReport.TLBCounters(
        name: tlb.name, latencyCycles: tlb.latencyCycles, lookups: 0, misses: 0, fills: 0,
        evictions: 0, occupied: 0)
    }
    return CoreReport(
      cpu: cpu, touchedPages: numbers.pages, tlbs: tlbs.compactMap { $0 }, walks: walks,
      updates: walker.updates + dirtied, caches: walker.cacheCounters(), roots: space.roots,
      firstStageFrames: space.firstStageFrames, secondStageFrames: space.secondStageFrames,
      tableFrames: space.memory.frameCount)
  }
}
