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

  /// Makes room for so many translations.
  func reserve(_ translations: Int) {
    for at in 0..<lowerCount { lower[at].reserve(translations) }
  }

  /// Makes room for what the walk caches may be asked.
  func reserve(_ tables: borrowing WalkTables) { walks.reserve(tables) }

  /// Takes the first level's misses through the further TLBs.
  ///
  /// - Parameters:
  ///   - misses: of the first level.
  ///   - list: gets what misses everywhere.
  func replayLower(_ misses: borrowing MissList, into list: inout MissList) {
    list.reserve(misses.count)
    var count = misses.count
    list.entries.update(from: misses.entries, count: count)
    for stage in plan.stages {
      count = Self.replayStage(stage, lower, list.entries, count)
    }
    list.count = count
  }

  /// One stage: keeps what misses there too.
  private static func replayStage(
    _ stage: [Int?], _ lower: UnsafeMutablePointer<NumberedTLB>,
    _ list: UnsafeMutablePointer<Miss>, _ count: Int
  ) -> Int {
    var kept = 0
    for at in 0..<count {
      let miss = list[at]
      if let place = stage[miss.chain], lower[place].lookup(miss) { continue }
      list[kept] = miss
      kept &+= 1
    }
    return kept
  }

  /// Walks what missed everywhere, up to the first page that has no translation.
  ///
  /// - Parameters:
  ///   - misses: whose translations are all known to `tables`.
  ///   - start: the first to walk.
  ///   - entries: of the block.
  ///   - tables: the walks.
  /// - Returns: where that page stands; the number of misses where there is none.
  mutating func replayWalks(
    _ misses: borrowing MissList, from start: Int, _ entries: UnsafeBufferPointer<PageEntry>,
    _ tables: inout WalkTables
  ) -> Int {
    let count = misses.count
    for at in start..<count {
      if at &+ 8 < count { tables.prefetch(misses[at &+ 8].number) }
      let miss = misses[at]
      if miss.faults { return at }
      walks.walk(miss.number, page: entries[miss.entry].page, reach: miss.reach, &tables)
    }
    return count
  }

  /// Counts a walk that ends in a fault, as `NumberedWalks` says.
  mutating func walkFaulting(
    _ page: UInt64, _ path: borrowing WalkPath, rootFrame: UInt64, fault: String,
    _ tables: inout WalkTables
  ) {
    walks.reserve(tables)
    walks.walkFaulting(page, path, rootFrame: rootFrame, fault: fault, &tables)
  }

  /// What the machine counted.
  var walkStatistics: WalkStatistics {
    walks.statistics(referenceCycles: latency.referenceCycles)
  }

  /// What a time line follows, without what is only known by looking at every entry.
  func progress(_ firstLevel: borrowing FirstLevel) -> CoreProgress {
    var misses = Array(repeating: 0, count: descriptions.count)
    for (access, place) in [plan.fetch, plan.data].enumerated() {
      misses[place] = firstLevel.misses(configuration, access)
    }
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
