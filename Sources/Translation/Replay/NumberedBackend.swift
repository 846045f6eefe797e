import Machine
import TraceFile

/// What one machine has behind its first level: its further TLBs and its walk caches, and where its
/// counters go.
struct NumberedBackend: ~Copyable {
  let descriptions: [TLBDescription]
  private let plan: TLBPlan
  /// Which of the first level's configurations leaves its misses to this one.
  let configuration: Int
  private let lower: UnsafeMutablePointer<NumberedTLB>
  private let lowerCount: Int
  private var walks: NumberedWalks
  private let latency: FlatLatency
  /// What missed everywhere in a block.
  private var list = MissList()
  /// For a time line.
  private(set) var samples = SampleSeries(step: 1)
  private var records = 0

  /// - Parameters:
  ///   - machine: one that `TLBPlan` suits.
  ///   - configuration: of the first level.
  init(_ machine: MachineDescription, configuration: Int) {
    descriptions = machine.tlbs
    plan = TLBPlan(machine)
    self.configuration = configuration
    lowerCount = plan.lower.count
    lower = .allocate(capacity: max(lowerCount, 1))
    for (at, place) in plan.lower.enumerated() {
      (lower + at).initialize(to: NumberedTLB(descriptions[place]))
    }
    walks = NumberedWalks(
      machine.walkCaches, firstLevels: machine.firstStage.levels,
      secondLevels: machine.mode == .nested ? machine.secondStage?.levels ?? 0 : 0)
    latency = FlatLatency(referenceCycles: machine.memory.referenceCycles)
  }

  deinit {
    lower.deinitialize(count: lowerCount)
    lower.deallocate()
  }

  /// Makes room for what a block may ask.
  mutating func reserve(_ translations: Int, _ known: WalkView) {
    for at in 0..<lowerCount { lower[at].reserve(translations) }
    walks.reserve(known)
  }

  /// Takes what a block missed in the first level through the further TLBs, and walks what misses
  /// there too.
  ///
  /// - Parameters:
  ///   - block: whose pages are loaded.
  ///   - numbered: of the block, after the first level.
  mutating func replay(_ block: TraceBlock, _ numbered: NumberedBlock) {
    reserve(numbered.translations, numbered.known)
    _ = replay(numbered.misses[configuration], block.entries, numbered)
    records += Int(block.counts.records)
    guard block.counts.records > 0, samples.isDue(at: records) else { return }
    sample(numbered)
  }

  /// - Returns: how many walks there were.
  mutating func replay(
    _ misses: borrowing MissList, _ entries: UnsafeBufferPointer<PageEntry>,
    _ numbered: NumberedBlock
  ) -> Int {
    list.reserve(misses.count)
    var (left, count) = (UnsafePointer(misses.entries), misses.count)
    for stage in plan.stages {
      count = Self.replayStage(stage, lower, left, count, into: list.entries)
      left = UnsafePointer(list.entries)
    }
    let (list, details, known) = (left, numbered.details, numbered.known)
    for at in 0..<count {
      if at &+ 8 < count { walks.prefetch(list[at &+ 8].number, known) }
      let miss = list[at]
      let page = entries[miss.entry].page
      if miss.faults {
        walks.walk(numbered.faulting[Int(details[miss.entry])], page: page, known)
      } else {
        walks.walk(miss, page: page, detail: details[miss.entry], known)
      }
    }
    return count
  }

  /// Takes the last sample.
  mutating func finish(_ numbered: NumberedBlock) { if records > 0 { sample(numbered) } }

  private mutating func sample(_ numbered: NumberedBlock) {
    let missed = numbered.missedSoFar + 2 * configuration
    samples.take(progress(missed: (missed[0], missed[1])).values, at: records)
  }

  /// One stage: keeps what misses there too, in a list that may be the one that is read.
  private static func replayStage(
    _ stage: [Int?], _ lower: UnsafeMutablePointer<NumberedTLB>, _ misses: UnsafePointer<Miss>,
    _ count: Int, into list: UnsafeMutablePointer<Miss>
  ) -> Int {
    var kept = 0
    for at in 0..<count {
      let miss = misses[at]
      if let place = stage[miss.chain], lower[place].lookup(miss) { continue }
      list[kept] = miss
      kept &+= 1
    }
    return kept
  }

  /// What the machine counted.
  var walkStatistics: WalkStatistics {
    walks.statistics(referenceCycles: latency.referenceCycles)
  }

  /// What a time line follows, without what is only known by looking at every entry.
  private func progress(missed: (fetch: Int, data: Int)) -> CoreProgress {
    var misses = Array(repeating: 0, count: descriptions.count)
    misses[plan.fetch] = missed.fetch
    misses[plan.data] = missed.data
    for (at, place) in plan.lower.enumerated() { misses[place] = lower[at].misses }
    let sums = walks.sums
    return CoreProgress(
      walks: sums.walks, references: sums.references,
      cycles: sums.references * latency.referenceCycles, exits: 0, misses: misses)
  }

  var cacheCounters: [(name: String, lookups: Int, hits: Int)] { walks.cacheCounters() }

  /// The counters of every TLB in the order of the machine.
  ///
  /// - Parameters:
  ///   - firstLevel: with this machine's configuration.
  ///   - cpu: whose touches are the first level's lookups.
  /// - Returns: one set of counters for each.
  func tlbCounters(
    _ firstLevel: borrowing FirstLevel, _ cpu: CPUCounters
  ) -> [CoreReport.TLBCounters] {
    var tlbs = descriptions.map {
      CoreReport.TLBCounters(
        name: $0.name, latencyCycles: $0.latencyCycles, lookups: 0, misses: 0, fills: 0,
        evictions: 0, occupied: 0)
    }
    for (access, place) in [plan.fetch, plan.data].enumerated() {
      let counters = firstLevel.counters(configuration, access)
      tlbs[place].lookups = access == 0 ? cpu.fetchTouches : cpu.dataTouches
      tlbs[place].misses = counters.misses
      tlbs[place].fills = counters.fills
      tlbs[place].evictions = counters.evictions
      tlbs[place].occupied = counters.occupied
    }
    for (at, place) in plan.lower.enumerated() {
      tlbs[place].lookups = lower[at].lookups
      tlbs[place].misses = lower[at].misses
      tlbs[place].fills = lower[at].fills
      tlbs[place].evictions = lower[at].evictions
      tlbs[place].occupied = lower[at].occupied
    }
    return tlbs
  }
}
