import CLanes

/// Where one lane of a batch ended.
struct BatchWalk: BitwiseCopyable, Equatable {
  /// The data's guest-physical and host-physical addresses.
  var guest: UInt64 = 0
  var host: UInt64 = 0
  /// The sizes of both stages' pages.
  var first = PageSize.base4K
  var second = PageSize.base4K
  /// The walk faults; `BatchWalker.faults` says how.
  var faults = false
}

/// Walks many addresses at once through real tables, with the outcomes and the flags in memory that
/// the reference walker without caches would leave, whatever the size of a batch.
///
/// Two tables lead from an address's upper bits to the entries of its last table, one for each stage
/// (the *leaf memo*): the way there is the same for all addresses of 2 MiB, was read in full when the
/// memo was filled, and can be read again by `Walker`. So a lane reads two entries and not 24. Sixty-four
/// lanes go through five passes together; each pass asks for the memory that the next reads, and their
/// misses overlap.
///
/// A lane that finds anything but present, well-formed entries that allow the access is walked by
/// `Walker` alone. Whoever writes a table says so by `invalidate`.
struct BatchWalker<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  static var lanes: Int { 64 }

  private var firstMemo: LeafMemo
  private var secondMemo: LeafMemo
  private var scalar: Walker<First, Second>
  private var path = WalkPath()
  private var lastContext: WalkContext?
  private let leaves: UnsafeMutablePointer<LeafMemo.Leaf>
  private var flagsSet = 0
  /// Lanes of the last call that faulted, in order.
  private(set) var faults: [(lane: Int, fault: WalkFault)] = []

  /// - Parameter logMemo: entries of each memo, as a power of two.
  init(logMemo: Int = 13) {
    firstMemo = LeafMemo(logEntries: logMemo)
    secondMemo = LeafMemo(logEntries: logMemo)
    scalar = Walker(caches: WalkCacheSet([], hasSecondStage: false))
    leaves = .allocate(capacity: Self.lanes)
  }

  deinit { leaves.deallocate() }

  /// Accessed and dirty flags that walks set.
  var updates: Int { flagsSet + scalar.updates }

  /// Tables were written, or a space was left: what the memos know of them is void.
  mutating func invalidate() {
    firstMemo.invalidate()
    secondMemo.invalidate()
  }

  /// Translates addresses through both stages, in any order and each as if alone.
  ///
  /// - Parameters:
  ///   - addresses: any.
  ///   - access: of all of them.
  ///   - context: where the tables are and what the control registers say.
  ///   - memory: holds the tables, and keeps the accessed and dirty flags.
  ///   - results: as long as `addresses`.
  mutating func walk(
    _ addresses: UnsafeBufferPointer<UInt64>, _ access: Rights, in context: WalkContext,
    _ memory: borrowing PhysicalMemory, into results: UnsafeMutablePointer<BatchWalk>
  ) {
    faults.removeAll(keepingCapacity: true)
    if lastContext != context {
      invalidate()
      lastContext = context
    }
    for start in stride(from: 0, to: addresses.count, by: Self.lanes) {
      let end = min(start + Self.lanes, addresses.count)
      walkChunk(addresses, start..<end, access, context, memory, results)
    }
  }

  private mutating func walkChunk(
    _ addresses: UnsafeBufferPointer<UInt64>, _ range: Range<Int>, _ access: Rights,
    _ context: WalkContext, _ memory: borrowing PhysicalMemory,
    _ results: UnsafeMutablePointer<BatchWalk>
  ) {
    let first = range.lowerBound
    let controls = context.firstControls
    for at in range { firstMemo.prefetch(addresses[at]) }
    for at in range {
      let leaf = firstLeaf(GVA(addresses[at]), context, memory)
      leaves[at - first] = leaf
      if let entry = leaf.entry { lanes_prefetch(entry) }
    }
    let flags = First.accessed(controls) | (access.contains(.write) ? First.dirty(controls) : 0)
    for at in range {
      results[at].faults = false
      let leaf = leaves[at - first]
      guard let entry = leaf.entry else { continue }
      let value = entry.pointee
      let rights = leaf.rights.intersection(First.rights(value, controls))
      guard First.isPresent(value, controls),
        !First.isMalformed(value, level: leaf.level, controls),
        First.denial(of: access, rights, key: First.key(value), controls) == nil,
        flags & ~value == 0 || leaf.isWritable
      else {
        leaves[at - first].entry = nil
        continue
      }
      set(flags & ~value, in: entry)
      leaves[at - first].rights = rights
      let inPage: UInt64 = 1 &<< UInt64(12 + 9 * leaf.level) &- 1
      let guest = First.address(in: value, leafLevel: leaf.level) | addresses[at] & inPage
      results[at].guest = guest
      results[at].first = leaf.size
      if context.secondLevels > 0 { secondMemo.prefetch(guest) }
    }
    if context.secondLevels > 0 {
      secondPasses(range, access, context, memory, results)
    } else {
      for at in range {
        results[at].host = results[at].guest
        results[at].second = .huge1G
      }
    }
    for at in range where leaves[at - first].entry == nil {
      walkAlone(at, GVA(addresses[at]), access, context, memory, results)
    }
  }

  private mutating func secondPasses(
    _ range: Range<Int>, _ access: Rights, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory, _ results: UnsafeMutablePointer<BatchWalk>
  ) {
    let first = range.lowerBound
    let controls = context.secondControls
    for at in range where leaves[at - first].entry != nil {
      let rights = leaves[at - first].rights
      var leaf = secondLeaf(GPA(results[at].guest), context, memory)
      if let entry = leaf.entry { lanes_prefetch(entry) }
      leaf.needs = Second.dataAccess(access, page: rights)
      leaves[at - first] = leaf
    }
    let flags = Second.accessed(controls)
    for at in range {
      let leaf = leaves[at - first]
      guard let entry = leaf.entry else { continue }
      let value = entry.pointee
      let rights = leaf.rights.intersection(Second.rights(value, controls))
      guard Second.isPresent(value, controls),
        !Second.isMalformed(value, level: leaf.level, controls),
        Second.denial(of: leaf.needs, rights, key: Second.key(value), controls) == nil
      else {
        leaves[at - first].entry = nil
        continue
      }
      set(
        (flags | (leaf.needs.contains(.write) ? Second.dirty(controls) : 0)) & ~value, in: entry)
      let inPage: UInt64 = 1 &<< UInt64(12 + 9 * leaf.level) &- 1
      results[at].host =
        Second.address(in: value, leafLevel: leaf.level) | results[at].guest & inPage
      results[at].second = leaf.size
    }
  }

  /// What is not plain is what the reference walker says of it.
  @inline(never)
  private mutating func walkAlone(
    _ at: Int, _ address: GVA, _ access: Rights, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory, _ results: UnsafeMutablePointer<BatchWalk>
  ) {
    switch scalar.walk(address, access, in: context, memory, path: &path) {
    case .translated(let found):
      results[at].host = found.address.rawValue
      results[at].first = found.first
      results[at].second = found.second
      results[at].guest = guestAddress(of: address)
    case .fault(let fault):
      results[at] = BatchWalk()
      results[at].faults = true
      faults.append((at, fault))
    }
  }

  /// The data's guest-physical address, from the last first-stage entry of the walk just done.
  private func guestAddress(of address: GVA) -> UInt64 {
    for at in stride(from: path.count - 1, through: 0, by: -1) where !path[at].isSecondStage {
      let level = Int(path[at].firstLevel)
      return First.address(in: path[at].value, leafLevel: level)
        | address.rawValue & (1 << UInt64(12 + 9 * level) - 1)
    }
    return address.rawValue
  }

  @inline(__always)
  private mutating func set(_ clear: UInt64, in entry: UnsafeMutablePointer<UInt64>) {
    if clear != 0 {
      entry.pointee |= clear
      flagsSet += clear.nonzeroBitCount
    }
  }

  /// The first stage's leaf of an address, by the memo or by reading down to it.
  @inline(__always)
  private mutating func firstLeaf(
    _ address: GVA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    if First.accepts(address.rawValue, levels: context.firstLevels),
      let known = firstMemo.leaf(of: address.rawValue)
    {
      return known
    }
    return readFirst(address, context, memory)
  }

  @inline(never)
  private mutating func readFirst(
    _ address: GVA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    let controls = context.firstControls
    guard context.start == .guest, First.accepts(address.rawValue, levels: context.firstLevels)
    else { return LeafMemo.Leaf() }
    var leaf = LeafMemo.Leaf()
    leaf.level = context.firstLevels - 1
    var table = context.first
    while true {
      let index = address.index(at: leaf.level)
      guard
        let words = words(of: GPA(table.rawValue & ~0xfff | 8 * index), &leaf, context, memory)
      else { return LeafMemo.Leaf() }
      if leaf.level == 0 {
        return firstMemo.keep(address.rawValue, leaf, table: words)
      }
      let entry = words + Int(index)
      let value = entry.pointee
      guard First.isPresent(value, controls),
        !First.isMalformed(value, level: leaf.level, controls)
      else { return LeafMemo.Leaf() }
      if First.isLeaf(value, level: leaf.level) {
        return firstMemo.keep(address.rawValue, leaf, entry: entry)
      }
      leaf.rights.formIntersection(First.rights(value, controls))
      let clear = First.accessed(controls) & ~value
      guard clear == 0 || leaf.isWritable else { return LeafMemo.Leaf() }
      set(clear, in: entry)
      table = GPA(First.address(in: value, leafLevel: 0))
      leaf.level -= 1
    }
  }

  /// The entries of a first-stage table, found in the second stage with what that needs and sets.
  private mutating func words(
    of entry: GPA, _ leaf: inout LeafMemo.Leaf, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory
  ) -> UnsafeMutablePointer<UInt64>? {
    leaf.isWritable = true
    guard context.secondLevels > 0 else { return memory.words(in: entry.frame) }
    let controls = context.secondControls
    let needs = Second.tableAccess(controls)
    let found = secondLeaf(entry, context, memory)
    guard let place = found.entry else { return nil }
    let value = place.pointee
    let rights = found.rights.intersection(Second.rights(value, controls))
    guard Second.isPresent(value, controls),
      !Second.isMalformed(value, level: found.level, controls),
      Second.denial(of: needs, rights, key: Second.key(value), controls) == nil
    else { return nil }
    let flags =
      Second.accessed(controls) | (needs.contains(.write) ? Second.dirty(controls) : 0)
    set(flags & ~value, in: place)
    leaf.isWritable = rights.contains(.write)
    let inPage: UInt64 = 1 << UInt64(12 + 9 * found.level) - 1
    let host = Second.address(in: value, leafLevel: found.level) | entry.rawValue & inPage
    return memory.words(in: host >> 12)
  }

  /// The second stage's leaf of an address, likewise.
  @inline(__always)
  private mutating func secondLeaf(
    _ address: GPA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    secondMemo.leaf(of: address.rawValue) ?? readSecond(address, context, memory)
  }

  @inline(never)
  private mutating func readSecond(
    _ address: GPA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> LeafMemo.Leaf {
    let controls = context.secondControls
    guard Second.accepts(address.rawValue, levels: context.secondLevels) else {
      return LeafMemo.Leaf()
    }
    var leaf = LeafMemo.Leaf()
    leaf.level = context.secondLevels - 1
    leaf.isWritable = true
    var table = context.second
    while true {
      guard let words = memory.words(in: table.frame) else { return LeafMemo.Leaf() }
      if leaf.level == 0 {
        return secondMemo.keep(address.rawValue, leaf, table: words)
      }
      let entry = words + Int(address.index(at: leaf.level))
      let value = entry.pointee
      guard Second.isPresent(value, controls),
        !Second.isMalformed(value, level: leaf.level, controls)
      else { return LeafMemo.Leaf() }
      if Second.isLeaf(value, level: leaf.level) {
        return secondMemo.keep(address.rawValue, leaf, entry: entry)
      }
      leaf.rights.formIntersection(Second.rights(value, controls))
      set(Second.accessed(controls) & ~value, in: entry)
      table = HPA(Second.address(in: value, leafLevel: 0))
      leaf.level -= 1
    }
  }
}
