import Machine

/// Which TLBs a machine's touches probe, where the first of each class is the same for every size that
/// its translations can have.
struct TLBPlan {
  /// The place of the first TLB for instructions, and of that for data.
  let fetch: Int
  let data: Int
  /// The places of the TLBs behind them, in the machine's order.
  let lower: [Int]
  /// Stage by stage, and in each for instructions and for data by size, which of `lower` a miss probes
  /// there; nothing where it goes on to the next.
  ///
  /// Each TLB stands in one stage, after all that any miss probes before it: so it sees every lookup in
  /// the order of the trace, wherever in a chain it stands.
  let stages: [[Int?]]

  /// Whether a machine is as it has to be: two first TLBs of their own, stores with loads, LRU alone.
  ///
  /// Then a touch that goes on with the page of its class changes nothing, and runs are enough.
  static func suits(_ machine: MachineDescription) -> Bool {
    let plan = TLBPlan(machine)
    let reachable = machine.reachableSizes
    guard plan.fetch >= 0, plan.data >= 0, plan.fetch != plan.data,
      machine.tlbs.allSatisfy({
        $0.replacement == .lru && $0.index == .modulo && $0.sets <= NumberedTable.maximumSets
      }),
      machine.walkCaches.allSatisfy({
        $0.replacement == .lru && $0.sets <= NumberedTable.maximumSets
      })
    else { return false }
    for size in reachable {
      let loads = Self.chain(machine, .load, size)
      let fetches = Self.chain(machine, .fetch, size)
      guard loads == Self.chain(machine, .store, size), loads.first == plan.data,
        fetches.first == plan.fetch,
        // A TLB that serves one class first and the other later would see neither's whole order.
        !loads.dropFirst().contains(plan.fetch), !fetches.dropFirst().contains(plan.data)
      else { return false }
    }
    return true
  }

  init(_ machine: MachineDescription) {
    let sizes = machine.reachableSizes
    fetch = sizes.first.flatMap { Self.chain(machine, .fetch, $0).first } ?? -1
    data = sizes.first.flatMap { Self.chain(machine, .load, $0).first } ?? -1
    var lower: [Int] = []
    var chains = Array(repeating: [Int](), count: 2 * PageSize.allCases.count)
    for (row, access) in [AccessClass.fetch, .load].enumerated() {
      for size in sizes {
        for place in Self.chain(machine, access, size).dropFirst() where !lower.contains(place) {
          lower.append(place)
        }
      }
      for size in sizes {
        chains[3 * row + Int(PageSize(size).rawValue)] = Self.chain(machine, access, size)
          .dropFirst().compactMap { lower.firstIndex(of: $0) }
      }
    }
    self.lower = lower
    stages = Self.stages(chains, of: lower.count)
  }

  private static func stages(_ chains: [[Int]], of count: Int) -> [[Int?]] {
    var stageOf = Array(repeating: 0, count: count)
    // Chains follow the machine's order, so going up that many times settles every stage.
    for _ in 0..<count {
      for chain in chains {
        for (before, after) in zip(chain, chain.dropFirst()) {
          stageOf[after] = max(stageOf[after], stageOf[before] + 1)
        }
      }
    }
    return (0..<((stageOf.max() ?? -1) + 1)).map { stage in
      chains.map { chain in chain.first { stageOf[$0] == stage } }
    }
  }

  private static func chain(
    _ machine: MachineDescription, _ access: AccessClass, _ size: PageSizeName
  ) -> [Int] {
    machine.tlbs.indices.filter {
      machine.tlbs[$0].serves.contains(access) && machine.tlbs[$0].pageSizes.contains(size)
    }
  }
}

/// The different first levels of machines, and which of them each has.
struct FirstLevelPairs {
  private(set) var different: [(fetch: TLBDescription, data: TLBDescription)] = []
  private(set) var configuration: [Int] = []

  init(_ machines: [MachineDescription]) {
    for machine in machines {
      let plan = TLBPlan(machine)
      let pair = (fetch: machine.tlbs[plan.fetch], data: machine.tlbs[plan.data])
      let known = different.firstIndex {
        Self.areAlike($0.fetch, pair.fetch) && Self.areAlike($0.data, pair.data)
      }
      configuration.append(known ?? different.count)
      if known == nil { different.append(pair) }
    }
  }

  private static func areAlike(_ one: TLBDescription, _ other: TLBDescription) -> Bool {
    one.sets == other.sets && one.ways == other.ways
  }
}
