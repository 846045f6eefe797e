import Machine

/// A core's TLBs with tagged entries, and for each class of access and reach the ones that it probes.
struct TaggedTLBs: ~Copyable {
  private let tlbs: UnsafeMutablePointer<TaggedTLB>
  let count: Int
  /// For each chain the indices of its TLBs in the order of probes, `count` places each.
  private let chains: UnsafeMutablePointer<UInt8>
  private let lengths: UnsafeMutablePointer<UInt8>

  /// Classes (fetch, load, store) times sizes.
  private static var chainCount: Int { 3 * PageSize.allCases.count }

  init(_ descriptions: [TLBDescription], seed: UInt64) {
    count = descriptions.count
    tlbs = .allocate(capacity: count)
    for (index, description) in descriptions.enumerated() {
      (tlbs + index).initialize(to: TaggedTLB(description, seed: seed &+ UInt64(index)))
    }
    chains = .allocate(capacity: Self.chainCount * count)
    chains.initialize(repeating: 0, count: Self.chainCount * count)
    lengths = .allocate(capacity: Self.chainCount)
    lengths.initialize(repeating: 0, count: Self.chainCount)
    for (row, access) in [AccessClass.fetch, .load, .store].enumerated() {
      for (index, description) in descriptions.enumerated()
      where description.serves.contains(access) {
        for name in description.pageSizes {
          let chain = Self.chain(row, PageSize(name))
          chains[chain * count + Int(lengths[chain])] = UInt8(truncatingIfNeeded: index)
          lengths[chain] += 1
        }
      }
    }
  }

  deinit {
    tlbs.deinitialize(count: count)
    tlbs.deallocate()
    chains.deallocate()
    lengths.deallocate()
  }

  /// The chain of a class (0 fetch, 1 load, 2 store) and reach.
  @inline(__always)
  static func chain(_ access: Int, _ reach: PageSize) -> Int { 3 * access + Int(reach.rawValue) }

  /// Probes a chain's TLBs in order, and fills those before a hit.
  ///
  /// The slot is where the first TLB may have the entry, and afterwards where it has it, if it does.
  ///
  /// - Returns: the entry in the TLB that hit, and the key that it was found by.
  @inline(__always)
  func lookup(
    _ chain: Int, _ key: TLBKey, _ global: TLBKey, near slot: inout Int32
  ) -> (UnsafeMutablePointer<CachedTranslation>, TLBKey)? {
    guard lengths[chain] > 0 else { return nil }
    if let found = tlbs[Int(chains[chain &* count])].lookup(key, global, near: &slot) {
      return found
    }
    return lookupFurther(chain, key, global)
  }

  @inline(never)
  private func lookupFurther(
    _ chain: Int, _ key: TLBKey, _ global: TLBKey
  ) -> (UnsafeMutablePointer<CachedTranslation>, TLBKey)? {
    let order = chains + chain * count
    for at in 1..<Int(lengths[chain]) {
      var nowhere = Int32(-1)
      guard
        let (entry, key) = tlbs[Int(order[at])].lookup(key, global, near: &nowhere)
      else { continue }
      for before in stride(from: at - 1, through: 0, by: -1) {
        tlbs[Int(order[before])].fill(key, entry.pointee)
      }
      return (entry, key)
    }
    return nil
  }

  /// Every class has a TLB for the smallest pages, and so for pieces of all.
  var serveAll: Bool {
    (0..<3).allSatisfy { lengths[Self.chain($0, .base4K)] > 0 }
  }

  /// Counts a hit in a chain's first TLB, if an entry stands in a slot; otherwise nothing is counted.
  ///
  /// - Precondition: the chain has a TLB.
  @inline(__always)
  func hits(_ chain: Int, _ key: TLBKey, at slot: Int32) -> Bool {
    tlbs[Int(chains[chain &* count])].hits(key, at: slot)
  }

  /// Counts a hit in a chain's first TLB, if it has an entry that was compared with the tables as they
  /// are; otherwise nothing is counted.
  @inline(__always)
  func hitsFirst(_ chain: Int, _ key: TLBKey, _ epoch: UInt32, near slot: inout Int32) -> Bool {
    guard lengths[chain] > 0 else { return false }
    let first = tlbs + Int(chains[chain &* count])
    guard let entry = first.pointee.entry(key), entry.epoch == epoch else { return false }
    return first.pointee.lookup(key, key, near: &slot) != nil
  }

  /// The largest size up to a reach for which a class has a TLB; nothing where it has none.
  ///
  /// What is larger is cached in pieces of that size, as processors do.
  @inline(__always)
  func holdable(_ access: Int, _ reach: PageSize) -> PageSize? {
    var size = reach
    while lengths[Self.chain(access, size)] == 0 {
      guard size.rawValue > 0, let smaller = PageSize(rawValue: size.rawValue - 1) else {
        return nil
      }
      size = smaller
    }
    return size
  }

  /// Counts touches that went on with the page of their class.
  @inline(__always)
  func countRepeated(_ touches: Int, on chain: Int) {
    if lengths[chain] > 0 { tlbs[Int(chains[chain &* count])].countRepeated(touches) }
  }

  /// Adds the tags of all entries to a set.
  func collectTags(into tags: inout Set<UInt16>) {
    for index in 0..<count { tlbs[index].collectTags(into: &tags) }
  }

  /// Whether any entry has a tag.
  func hasEntries(under tag: UInt16) -> Bool {
    (0..<count).contains { tlbs[$0].hasEntries(under: tag) }
  }

  /// Whether any TLB of a chain has one of the keys.
  func holds(_ chain: Int, _ key: TLBKey, _ global: TLBKey) -> Bool {
    let order = chains + chain * count
    for at in 0..<Int(lengths[chain]) {
      let tlb = tlbs + Int(order[at])
      if tlb.pointee.holds(key) || tlb.pointee.holds(global) { return true }
    }
    return false
  }

  /// Fills all of a chain's TLBs after a walk, the last first.
  func fill(_ chain: Int, _ key: TLBKey, _ value: CachedTranslation) {
    let order = chains + chain * count
    for at in stride(from: Int(lengths[chain]) - 1, through: 0, by: -1) {
      tlbs[Int(order[at])].fill(key, value)
    }
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
