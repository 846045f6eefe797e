/// Where a touch's translation stands after it: its chain of TLBs and its key there, and what a walk
/// finds.
struct Held {
  var chain: Int
  var key: TLBKey
  var reach: PageSize
}

/// One touch: through the TLBs, and where they do not suffice through the tables.
extension GuestReplay {
  /// Translates a touch.
  ///
  /// - Parameters:
  ///   - address: the page's first.
  ///   - access: one of read, write and execute, with `user` as it applies.
  ///   - row: 0 fetch, 1 load, 2 store.
  /// - Returns: what has the translation now; nothing where there is none, or none of the tables as they
  ///   are.
  mutating func translate(_ address: GVA, _ access: Rights, _ row: Int) -> Held? {
    let isCanonical = First.accepts(address.rawValue, levels: running.context.firstLevels)
    if !isCanonical { _ = pages.state(of: PageStates.outside | address.frame) }
    let known = isCanonical ? prepare(address, isWrite: access.contains(.write)) : nil
    if let (chain, key, entry) = find(address, row, known) {
      if let denied = Walker<First, Second>.denial(of: access, to: entry.page, in: running.context)
      {
        return rewalk(address, access, row, chain, key, denied.stage)
      }
      let isCurrent = use(entry, address, access, chain, key)
      return isCurrent ? Held(chain: chain, key: key, reach: known ?? key.reach) : nil
    }
    return walk(address, access, row, known, isCanonical: isCanonical)
  }

  /// The entry that the TLBs have for an address, which they count.
  ///
  /// Where the reach is not known beforehand, every size that was ever filled is tried, and the lookup
  /// is counted in the TLBs of the size that is there.
  private mutating func find(
    _ address: GVA, _ row: Int, _ known: PageSize?
  ) -> (chain: Int, key: TLBKey, entry: CachedTranslation)? {
    let core = cores + running.core
    var reach = known
    if known == nil || !changes.isEmpty {
      let held = filledReaches.first { size in
        let key = TLBKey(
          tag: running.context.firstTag, reach: size, address: address.rawValue)
        return core.pointee.tlbs.holds(
          TaggedTLBs.chain(row, size), key, key.under(running.globalTag))
      }
      guard let size = held ?? known else { return nil }
      reach = size
    }
    guard let reach, let size = core.pointee.tlbs.holdable(row, reach) else { return nil }
    let chain = TaggedTLBs.chain(row, size)
    let key = TLBKey(tag: running.context.firstTag, reach: size, address: address.rawValue)
    var nowhere = Int32(-1)
    guard
      let (entry, found) = core.pointee.tlbs.lookup(
        chain, key, key.under(running.globalTag), near: &nowhere)
    else { return nil }
    return (chain, found, entry.pointee)
  }

  /// A hit: checks that the translation is still the tables', and sets what a store sets.
  ///
  /// - Returns: whether it is.
  private mutating func use(
    _ entry: CachedTranslation, _ address: GVA, _ access: Rights, _ chain: Int, _ key: TLBKey
  ) -> Bool {
    var isCurrent = true
    if !changes.isEmpty, entry.epoch != changes.epoch {
      let offset = address.rawValue & (1 << key.reach.shift - 1)
      isCurrent = agrees(HPA(entry.page.address.rawValue | offset), address, access)
      if isCurrent {
        let epoch = changes.epoch
        cores[running.core].tlbs.update(key) { $0.epoch = epoch }
      } else {
        countStale(address)
      }
    }
    guard entry.page.needsDirty(access) else { return isCurrent }
    if !entry.page.isFirstDirty || !entry.page.isSecondDirty { setDirty(address) }
    cores[running.core].tlbs.update(key) {
      $0.page.isFirstDirty = true
      $0.page.isSecondDirty = true
    }
    return isCurrent
  }

  /// Model: a store to a page that a TLB has as clean sets the dirty bits, and the entries that the
  /// processor reads again to do so are not counted.
  private mutating func setDirty(_ address: GVA) {
    if running.context.start == .shadow, machine.mode == .shadow {
      dirtied += markShadowDirty(address)
      return
    }
    dirtied += tables.markDirty(
      address, in: running.space, first: running.context.firstControls,
      second: running.context.secondControls)
  }

  /// Sets the dirty bit of a shadow entry, as hardware does.
  private mutating func markShadowDirty(_ address: GVA) -> Int {
    var frame = running.context.first.frame
    let dirty = First.dirty(running.context.firstControls)
    for level in stride(from: tables.firstLevels - 1, through: 0, by: -1) {
      guard let words = tables.memory.words(in: frame) else { return 0 }
      let entry = words + Int(address.index(at: level))
      guard First.isPresent(entry.pointee, running.context.firstControls) else { return 0 }
      if First.isLeaf(entry.pointee, level: level) {
        let clear = dirty & ~entry.pointee
        entry.pointee |= clear
        return clear.nonzeroBitCount
      }
      frame = First.address(in: entry.pointee, leafLevel: 0) >> 12
    }
    return 0
  }

  /// A hit that does not allow the access: the tables are asked, which may allow it by now.
  private mutating func rewalk(
    _ address: GVA, _ access: Rights, _ row: Int, _ chain: Int, _ key: TLBKey,
    _ stage: WalkFault.Stage
  ) -> Held? {
    rewalks += 1
    let outcome = walkTables(address, access)
    walks.count(path, outcome, cycles: latency.cycles(of: path))
    countSpace()
    observer?.count(address, path)
    guard case .translated(let page) = outcome else {
      if case .fault(let fault) = outcome { take(fault, address) }
      return nil
    }
    // The old entry goes, from the other class's TLBs too: what was walked takes its place, under
    // whatever size it has now.
    forgetRepeats()
    var count = 0
    cores[running.core].tlbs.invalidate { found, _ in
      count += found == key ? 1 : 0
      return found == key
    }
    replaced += count
    return fill(address, page, row)
  }

  /// Counts the walk for its address space.
  private mutating func countSpace() {
    while spaceWalks.count <= running.space { spaceWalks.append(WalkObserver.Cost()) }
    spaceWalks[running.space].walks += 1
    spaceWalks[running.space].references += path.count
  }

  /// A miss of every TLB.
  mutating func walk(
    _ address: GVA, _ access: Rights, _ row: Int, _ known: PageSize?, isCanonical: Bool
  ) -> Held? {
    var outcome = walkTables(address, access)
    if case .fault(var fault) = outcome, isCanonical, tables.isSynthesised, known == nil {
      // What populating could not make is missing for want of frames.
      fault.reason = .outOfFrames
      outcome = .fault(fault)
    }
    walks.count(path, outcome, cycles: latency.cycles(of: path))
    countSpace()
    observer?.count(address, path)
    switch outcome {
    case .translated(let page):
      if known == nil { countMisses(address, row, page.reach) }
      return fill(address, page, row)
    case .fault(let fault):
      if known == nil { countMisses(address, row, tables.intendedReach(of: address)) }
      take(fault, address)
      return nil
    }
  }

  /// Counts the misses of a lookup that could not be made before the walk told the reach.
  private mutating func countMisses(_ address: GVA, _ row: Int, _ reach: PageSize) {
    let core = cores + running.core
    guard let size = core.pointee.tlbs.holdable(row, reach) else { return }
    let key = TLBKey(tag: TagTable.none, reach: size, address: address.rawValue)
    var nowhere = Int32(-1)
    _ = core.pointee.tlbs.lookup(TaggedTLBs.chain(row, size), key, key, near: &nowhere)
  }

  private mutating func walkTables(_ address: GVA, _ access: Rights) -> WalkOutcome {
    let context = running.context
    let outcome = cores[running.core].walker.walk(
      address, access, in: context, tables.memory, path: &path)
    if !changes.isEmpty, case .translated(let page) = outcome,
      !agrees(page.address, address, access)
    {
      countStale(address)
    }
    return outcome
  }

  private mutating func fill(_ address: GVA, _ page: Translated, _ row: Int) -> Held? {
    let core = cores + running.core
    guard let size = core.pointee.tlbs.holdable(row, page.reach) else { return nil }
    let isGlobal = page.isGlobal && running.hasGlobals
    let key = TLBKey(
      tag: isGlobal ? running.globalTag : running.context.firstTag, reach: size,
      address: address.rawValue)
    flushes.walk(key)
    var kept = page
    kept.address = HPA(page.address.rawValue & ~(1 << size.shift - 1))
    let chain = TaggedTLBs.chain(row, size)
    core.pointee.tlbs.fill(chain, key, CachedTranslation(page: kept, epoch: changes.epoch))
    if !filledReaches.contains(size) { filledReaches.append(size) }
    return Held(chain: chain, key: key, reach: page.reach)
  }

  /// Whether the tables as they are now give an address what a cache gave it.
  ///
  /// Pages may have become larger or smaller meanwhile; what counts is where the bytes are.
  private mutating func agrees(_ cached: HPA, _ address: GVA, _ access: Rights) -> Bool {
    let outcome = checker.walk(
      address, access, in: running.context, tables.memory, path: &checkerPath)
    guard case .translated(let now) = outcome else { return false }
    return now.address.frame == cached.frame
  }
}
