import Machine

/// A core's TLBs with tagged entries, and for each class of access and reach the ones that it probes.
struct TaggedTLBs: ~Copyable {
  private let tlbs: UnsafeMutablePointer<TaggedTLB>
  let count: Int
  /// For each chain the indices of its TLBs in the order of probes.
  private let chains: [[Int]]

  init(_ descriptions: [TLBDescription], seed: UInt64) {
    count = descriptions.count
    tlbs = .allocate(capacity: count)
    for (index, description) in descriptions.enumerated() {
      (tlbs + index).initialize(to: TaggedTLB(description, seed: seed &+ UInt64(index)))
    }
    var chains: [[Int]] = []
    for access in [AccessClass.fetch, .load, .store] {
      for size in PageSize.allCases {
        chains.append(
          descriptions.indices.filter { index in
            descriptions[index].serves.contains(access)
              && descriptions[index].pageSizes.contains { PageSize($0) == size }
          })
      }
    }
    self.chains = chains
  }

  deinit {
    tlbs.deinitialize(count: count)
    tlbs.deallocate()
  }

  /// The chain of a class (0 fetch, 1 load, 2 store) and reach.
  @inline(__always)
  static func chain(_ access: Int, _ reach: PageSize) -> Int { 3 * access + Int(reach.rawValue) }

  /// Probes a chain's TLBs in order, and fills those before a hit.
  ///
  /// - Returns: the entry in the TLB that hit, and the key that it was found by.
  func lookup(
    _ chain: Int, _ key: TLBKey, _ global: TLBKey
  ) -> (UnsafeMutablePointer<CachedTranslation>, TLBKey)? {
    let order = chains[chain]
    for (at, index) in order.enumerated() {
      guard let (entry, key) = tlbs[index].lookup(key, global) else { continue }
      for before in order[..<at].reversed() { tlbs[before].fill(key, entry.pointee) }
      return (entry, key)
    }
    return nil
  }

  /// The largest size up to a reach for which a class has a TLB; nothing where it has none.
  ///
  /// What is larger is cached in pieces of that size, as processors do.
  func holdable(_ access: Int, _ reach: PageSize) -> PageSize? {
    PageSize.allCases.last { $0 <= reach && !chains[Self.chain(access, $0)].isEmpty }
  }

  /// Counts touches that went on with the page of their class.
  func countRepeated(_ touches: Int, on chain: Int) {
    if let first = chains[chain].first { tlbs[first].countRepeated(touches) }
  }

  /// Adds the tags of all entries to a set.
  func collectTags(into tags: inout Set<UInt16>) {
    for index in 0..<count { tlbs[index].collectTags(into: &tags) }
  }

  /// Whether any TLB of a chain has one of the keys.
  func holds(_ chain: Int, _ key: TLBKey, _ global: TLBKey) -> Bool {
    chains[chain].contains { tlbs[$0].holds(key) || tlbs[$0].holds(global) }
  }

  /// Fills all of a chain's TLBs after a walk, the last first.
  func fill(_ chain: Int, _ key: TLBKey, _ value: CachedTranslation) {
    for index in chains[chain].reversed() { tlbs[index].fill(key, value) }
  }

  /// Changes what every TLB knows of a translation.
  func update(_ key: TLBKey, _ change: (inout CachedTranslation) -> Void) {
    for index in 0..<count { tlbs[index].update(key, change) }
  }

  /// Removes the entries that a rule picks from every TLB.
  func invalidate(where isGone: (TLBKey, CachedTranslation) -> Bool) {
    for index in 0..<count { tlbs[index].invalidate(where: isGone) }
  }

  /// Reads one TLB's counters.
  func withTLB<Result>(_ index: Int, _ body: (borrowing TaggedTLB) -> Result) -> Result {
    body(tlbs[index])
  }
}
