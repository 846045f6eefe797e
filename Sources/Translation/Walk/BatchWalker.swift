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
/// memo was filled, and can be read again by `Walker`. So a lane reads two entries and not 24. Lanes
/// go in groups of sixty-four through three passes, three groups at once; each pass asks for the memory
/// that the next reads, and their misses overlap.
///
/// A lane that finds anything but present, well-formed entries that allow the access is walked by
/// `Walker` alone. Whoever writes a table says so by `invalidate`.
struct BatchWalker<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  static var lanes: Int { 64 }

  var firstMemo: LeafMemo
  var secondMemo: LeafMemo
  private var scalar: Walker<First, Second>
  private var path = WalkPath()
  private var lastContext: WalkContext?
  /// Of three groups.
  private let leaves: UnsafeMutablePointer<LeafMemo.Leaf>
  /// The guest-physical addresses that their first stages gave, with the sizes of those pages.
  private let guests: UnsafeMutablePointer<(address: UInt64, size: PageSize)>
  /// What leaves of levels 0 to 2 look like that allow everything; the fourth fits nothing.
  private let firstForms: UnsafeMutablePointer<EntryForm>
  private let secondForms: UnsafeMutablePointer<EntryForm>
  private var flagsSet = 0
  /// Lanes of the last call that faulted, in order.
  private(set) var faults: [(lane: Int, fault: WalkFault)] = []

  /// - Parameter logMemo: entries of each memo, as a power of two.
  init(logMemo: Int = 13) {
    firstMemo = LeafMemo(logEntries: logMemo)
    secondMemo = LeafMemo(logEntries: logMemo)
    scalar = Walker(caches: WalkCacheSet([], hasSecondStage: false))
    leaves = .allocate(capacity: 3 * Self.lanes)
    guests = .allocate(capacity: 3 * Self.lanes)
    firstForms = .allocate(capacity: 4)
    secondForms = .allocate(capacity: 4)
    firstForms.initialize(repeating: .none, count: 4)
    secondForms.initialize(repeating: .none, count: 4)
  }

  deinit {
    leaves.deallocate()
    guests.deallocate()
    firstForms.deallocate()
    secondForms.deallocate()
  }

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
      for level in 0..<3 {
        firstForms[level] = .openLeaf(of: First.self, level: level, context.firstControls)
        secondForms[level] = .openLeaf(of: Second.self, level: level, context.secondControls)
      }
    }
    let plan = Plan(
      addresses: addresses, access: access, context: context,
      firstFlags: First.accessed(context.firstControls)
        | (access.contains(.write) ? First.dirty(context.firstControls) : 0),
      isOpenFirst: First.allowsAll(context.firstControls)
        && First.denial(of: access, .all, key: 0, context.firstControls) == nil,
      openNeeds: Second.dataAccess(access, page: .all),
      isOpenSecond: Second.allowsAll(context.secondControls)
        && Second.denial(
          of: Second.dataAccess(access, page: .all), .all, key: 0, context.secondControls) == nil,
      results: results)
    // Three groups are under way at once, so that memory is never idle between two of them.
    let groups = (addresses.count + Self.lanes - 1) / Self.lanes
    for group in 0..<(groups + 2) {
      if group < groups { findFirst(group, plan, memory) }
      if 1...groups ~= group { readFirst(group - 1, plan, memory) }
      if group > 1 { readSecond(group - 2, plan, memory) }
    }
  }

  /// What all lanes of a call have in common.
  private struct Plan {
    let addresses: UnsafeBufferPointer<UInt64>
    let access: Rights
    let context: WalkContext
    /// What the walk sets in the first stage's leaf.
    let firstFlags: UInt64
    /// Entries that allow everything allow this access.
    let isOpenFirst: Bool
    /// What data needs of the second stage behind such entries, and whether those there allow it.
    let openNeeds: Rights
    let isOpenSecond: Bool
    let results: UnsafeMutablePointer<BatchWalk>
  }

  private static func range(_ group: Int, _ plan: Plan) -> Range<Int> {
    group * lanes..<min((group + 1) * lanes, plan.addresses.count)
  }

  /// The place of a group's first lane.
  private static func base(_ group: Int) -> Int { group % 3 * lanes }

  /// First pass: where the first stage's leaf stands.
  private mutating func findFirst(
    _ group: Int, _ plan: Plan, _ memory: borrowing PhysicalMemory
  ) {
    let leaves = leaves + Self.base(group)
    let range = Self.range(group, plan)
    for at in range {
      if at &+ 32 < plan.addresses.count { firstMemo.prefetch(plan.addresses[at &+ 32]) }
      let leaf = firstLeaf(GVA(plan.addresses[at]), plan.context, memory)
      leaves[at &- range.lowerBound] = leaf
      if let entry = leaf.entry { lanes_prefetch(entry) }
    }
  }

  /// Second pass: what it says, and where the second stage's leaf stands.
  private mutating func readFirst(
    _ group: Int, _ plan: Plan, _ memory: borrowing PhysicalMemory
  ) {
    let leaves = leaves + Self.base(group)
    let guests = guests + Self.base(group)
    let range = Self.range(group, plan)
    let hasSecond = plan.context.secondLevels > 0
    for at in range {
      let lane = leaves + (at &- range.lowerBound)
      guard let entry = lane.pointee.entry else { continue }
      let value = entry.pointee
      let level = lane.pointee.level
      let clear = plan.firstFlags & ~value
      let isOpen =
        plan.isOpenFirst && lane.pointee.rights == .all
        && firstForms[min(level, 3)].fits(value)
      guard clear == 0 || lane.pointee.isWritable,
        isOpen || Self.allows(value, lane, plan.access, plan.context)
      else {
        lane.pointee.entry = nil
        continue
      }
      set(clear, in: entry)
      let inPage: UInt64 = 1 &<< UInt64(12 &+ 9 &* level) &- 1
      let guest = First.address(in: value, leafLevel: level) | plan.addresses[at] & inPage
      guests[at &- range.lowerBound] = (guest, lane.pointee.size)
      guard hasSecond else { continue }
      let needs =
        isOpen ? plan.openNeeds : Second.dataAccess(plan.access, page: lane.pointee.rights)
      lane.pointee = secondLeaf(GPA(guest), plan.context, memory)
      lane.pointee.needs = needs
      if let entry = lane.pointee.entry { lanes_prefetch(entry) }
    }
  }

  /// An entry of the first stage that is not of the open form allows an access all the same, and the
  /// lane's rights become those of the whole way.
  @inline(never)
  private static func allows(
    _ value: UInt64, _ lane: UnsafeMutablePointer<LeafMemo.Leaf>, _ access: Rights,
    _ context: WalkContext
  ) -> Bool {
    let controls = context.firstControls
    lane.pointee.rights.formIntersection(First.rights(value, controls))
    return First.isPresent(value, controls)
      && !First.isMalformed(value, level: lane.pointee.level, controls)
      && First.denial(of: access, lane.pointee.rights, key: First.key(value), controls) == nil
  }

  /// Third pass: what the second stage's leaf says; then lanes that were not plain, one by one.
  private mutating func readSecond(
    _ group: Int, _ plan: Plan, _ memory: borrowing PhysicalMemory
  ) {
    let leaves = leaves + Self.base(group)
    let guests = guests + Self.base(group)
    let range = Self.range(group, plan)
    let controls = plan.context.secondControls
    let hasSecond = plan.context.secondLevels > 0
    let (accessed, dirty) = (Second.accessed(controls), Second.dirty(controls))
    var alone = 0
    for at in range {
      let lane = leaves + (at &- range.lowerBound)
      guard let entry = lane.pointee.entry else {
        alone &+= 1
        continue
      }
      let (guest, size) = guests[at &- range.lowerBound]
      guard hasSecond else {
        plan.results[at] = BatchWalk(guest: guest, host: guest, first: size, second: .huge1G)
        continue
      }
      let value = entry.pointee
      let level = lane.pointee.level
      let needs = lane.pointee.needs
      let isOpen =
        plan.isOpenSecond && needs == plan.openNeeds && lane.pointee.rights == .all
        && secondForms[min(level, 3)].fits(value)
      guard isOpen || Self.allowsSecond(value, lane.pointee, controls) else {
        lane.pointee.entry = nil
        alone &+= 1
        continue
      }
      set((accessed | (needs.contains(.write) ? dirty : 0)) & ~value, in: entry)
      let inPage: UInt64 = 1 &<< UInt64(12 &+ 9 &* level) &- 1
      plan.results[at] = BatchWalk(
        guest: guest, host: Second.address(in: value, leafLevel: level) | guest & inPage,
        first: size, second: lane.pointee.size)
    }
    guard alone > 0 else { return }
    for at in range where leaves[at - range.lowerBound].entry == nil {
      walkAlone(at, GVA(plan.addresses[at]), plan.access, plan.context, memory, plan.results)
    }
  }

  @inline(never)
  private static func allowsSecond(
    _ value: UInt64, _ leaf: LeafMemo.Leaf, _ controls: PagingControls
  ) -> Bool {
    let rights = leaf.rights.intersection(Second.rights(value, controls))
    return Second.isPresent(value, controls)
      && !Second.isMalformed(value, level: leaf.level, controls)
      && Second.denial(of: leaf.needs, rights, key: Second.key(value), controls) == nil
  }

  /// What is not plain is what the reference walker says of it.
  @inline(never)
  private mutating func walkAlone(
    _ at: Int, _ address: GVA, _ access: Rights, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory, _ results: UnsafeMutablePointer<BatchWalk>
  ) {
    switch scalar.walk(address, access, in: context, memory, path: &path) {
    case .translated(let found):
      results[at] = BatchWalk(
        guest: guestAddress(of: address), host: found.address.rawValue, first: found.first,
        second: found.second)
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
  mutating func set(_ clear: UInt64, in entry: UnsafeMutablePointer<UInt64>) {
    if clear != 0 {
      entry.pointee |= clear
      flagsSet += clear.nonzeroBitCount
    }
  }
}
