import Machine
import TraceFile

/// One core with its TLBs, walker and tables, and the only loops over a block's touches.
struct CoreReplay<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  private(set) var space: AddressSpace<First, Second>
  private(set) var tlbs: TLBHierarchy
  private(set) var walker: Walker<First, Second>
  private(set) var walks = WalkStatistics()
  private(set) var cpu = CPUCounters()
  /// Dirty bits set by stores that hit a TLB.
  private(set) var dirtied = 0
  private var pages = TouchedPages()
  private let latency: FlatLatency
  /// For each entry of the block one word: tag 53:0, size 55:54, faults 56, data 57, first write 58.
  private let words: UnsafeMutablePointer<UInt64>
  private var path = WalkPath()
  private let splitsFirstLevel: Bool

  /// - Parameters:
  ///   - machine: checked.
  ///   - everyTouch: replay touch by touch even where runs would do, to check the one by the other.
  init(_ machine: MachineDescription, everyTouch: Bool = false) {
    let secondLevels = machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0
    space = AddressSpace(
      firstLevels: machine.firstStage.levels, secondLevels: secondLevels,
      policy: machine.synthesis)
    tlbs = TLBHierarchy(machine.tlbs, seed: machine.synthesis.seed)
    walker = Walker(
      caches: WalkCacheSet(
        machine.walkCaches, hasSecondStage: secondLevels > 0, seed: machine.synthesis.seed &+ 64))
    latency = FlatLatency(referenceCycles: machine.memory.referenceCycles)
    words = .allocate(capacity: 1 << 16)
    splitsFirstLevel = tlbs.splitsFirstLevel && !everyTouch
  }

  deinit { words.deallocate() }

  /// Replays a block.
  ///
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  mutating func replay(_ block: TraceBlock) throws(TraceError) {
    try block.loadPages()
    if prepare(block.entries) {
      replayRuns(block)
    } else {
      try block.loadTouches()
      replayTouches(block)
    }
    markWritten(block.entries)
    cpu.count(block.counts)
  }

  private static var faultBit: UInt64 { 1 << 56 }
  private static var dataBit: UInt64 { 1 << 57 }
  private static var writesFirstBit: UInt64 { 1 << 58 }

  /// Makes every page of the block translate, in order of first touch, and writes its word.
  ///
  /// - Returns: whether the block's runs alone determine every counter. They do where a touch that
  ///   goes on with the page of its class always finds it as the most recent of its set.
  private mutating func prepare(_ entries: UnsafeBufferPointer<PageEntry>) -> Bool {
    var runsSuffice = splitsFirstLevel
    var firstTLBs: (fetch: UInt8?, data: UInt8?) = (nil, nil)
    for (index, entry) in entries.enumerated() {
      let address = GVA(frame: entry.page)
      let state = pages.state(of: entry.page)
      if state.pointee == .unknown {
        let reach =
          address.isCanonical(levels: space.roots.firstLevels) ? space.populate(address) : nil
        state.pointee = reach.map { TouchedPages.State(reach: $0) } ?? .faulting
      }
      let reach =
        state.pointee.isFaulting
        ? space.intendedReach(of: address) : state.pointee.reach
      var word = entry.page >> reach.logFrames | UInt64(reach.rawValue) << 54
      if entry.isData { word |= Self.dataBit }
      if entry.writesFirst { word |= Self.writesFirstBit }
      if state.pointee.isFaulting {
        word |= Self.faultBit
        runsSuffice = false
      }
      words[index] = word
      // Touches that a run repeats are counted for the first TLB of the class, so there must be one.
      let first = tlbs.first(of: TLBHierarchy.chain(entry.isData ? 1 : 0, reach))
      if entry.isData {
        runsSuffice = runsSuffice && (firstTLBs.data ?? first) == first
        firstTLBs.data = first
      } else {
        runsSuffice = runsSuffice && (firstTLBs.fetch ?? first) == first
        firstTLBs.fetch = first
      }
    }
    return runsSuffice
  }

  /// The tag of a word: its page of whatever size, and the size, so that no two translations share
  /// one.
  @inline(__always)
  private static func tag(_ word: UInt64) -> UInt64 { word & (1 << 56 - 1) }

  @inline(__always)
  private static func size(_ word: UInt64) -> Int { Int(truncatingIfNeeded: word >> 54 & 3) }

  /// The fast loop: one lookup for each run, and its other touches counted in bulk.
  private mutating func replayRuns(_ block: TraceBlock) {
    var (fetchRuns, dataRuns) = (0, 0)
    var (fetchWord, dataWord): (UInt64?, UInt64?) = (nil, nil)
    for run in block.runs {
      let word = words[Int(run)]
      let isData = Int(truncatingIfNeeded: word >> 57 & 1)
      dataRuns &+= isData
      fetchRuns &+= 1 &- isData
      let chain = 3 * isData + Self.size(word)
      if !tlbs.lookup(chain, Self.tag(word)) {
        let page = block.entries[Int(run)].page
        walk(word, chain, isWrite: word & Self.writesFirstBit != 0, page: page)
      }
      if isData == 1 { dataWord = word } else { fetchWord = word }
    }
    if let fetchWord {
      tlbs.countRepeated(
        Int(block.counts.fetchTouches) - fetchRuns, on: Self.size(fetchWord))
    }
    if let dataWord {
      tlbs.countRepeated(
        Int(block.counts.dataTouches) - dataRuns, on: 3 + Self.size(dataWord))
    }
  }

  /// The general loop: every touch in order.
  private mutating func replayTouches(_ block: TraceBlock) {
    for touch in block.touches {
      let entry = Int(touch & 0xffff)
      let word = words[entry]
      let kind = Int(touch >> 16 & 3)
      // A modify probes as the store that it also is.
      let chain = 3 * min(kind, 2) + Self.size(word)
      if !tlbs.lookup(chain, Self.tag(word)) {
        walk(word, chain, isWrite: kind >= 2, page: block.entries[entry].page)
      }
    }
  }

  @inline(never)
  private mutating func walk(_ word: UInt64, _ chain: Int, isWrite: Bool, page: UInt64) {
    let access: Rights = isWrite ? .write : word & Self.dataBit != 0 ? .read : .execute
    var outcome = walker.walk(
      GVA(frame: page), access, in: space.roots, space.memory, path: &path)
    if word & Self.faultBit != 0, case .fault(var fault) = outcome, fault.reason != .notCanonical {
      // What populating could not make is missing for want of frames.
      fault.reason = .outOfFrames
      outcome = .fault(fault)
    }
    walks.count(path, outcome, cycles: latency.cycles(of: path))
    if case .translated = outcome { tlbs.fill(chain, Self.tag(word)) }
  }

  /// Sets the dirty bits of pages that stores wrote through a TLB.
  private mutating func markWritten(_ entries: UnsafeBufferPointer<PageEntry>) {
    for entry in entries where entry.writes {
      let state = pages.state(of: entry.page)
      guard !state.pointee.isWritten, !state.pointee.isFaulting else { continue }
      state.pointee.isWritten = true
      dirtied += space.markDirty(GVA(frame: entry.page))
    }
  }

  /// What the core counted.
  var report: CoreReport {
    var counters: [CoreReport.TLBCounters] = []
    for index in 0..<tlbs.count {
      tlbs.withTLB(index) { tlb in
        counters.append(
          CoreReport.TLBCounters(
            name: tlb.name, latencyCycles: tlb.latencyCycles, lookups: tlb.lookups,
            misses: tlb.misses, fills: tlb.fills, evictions: tlb.evictions, occupied: tlb.occupied))
      }
    }
    return CoreReport(
      cpu: cpu, touchedPages: pages.count, tlbs: counters, walks: walks,
      updates: walker.updates + dirtied, caches: walker.cacheCounters(), roots: space.roots,
      firstStageFrames: space.firstStageFrames, secondStageFrames: space.secondStageFrames,
      tableFrames: space.memory.frameCount)
  }
}
