/// The reference walker: reads every entry of a walk from memory, one by one, through the walk caches.
///
/// Each first-stage table is itself at a guest-physical address, so without walk caches a walk of n
/// levels over m reads (n + 1)(m + 1) - 1 entries: 24 for four over four, n natively.
///
/// Source: Intel SDM volume 3C, June 2016 (325384-059US), "EPT Translation Mechanism"; Intel SDM
/// volume 3A, June 2016, "4-Level Paging" and "Caches for Paging Structures".
struct Walker<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  private let firstCaches: WalkCaches
  private let secondCaches: WalkCaches
  /// Guest-physical pages to host-physical ones, each with the size of its second-stage page in the
  /// low bits.
  private var nestedTLB: WalkCache
  private let hasNestedTLB: Bool
  private let roots: WalkRoots
  /// Accessed and dirty bits set by walks.
  private(set) var updates = 0

  init(roots: WalkRoots, caches: consuming WalkCacheSet) {
    self.roots = roots
    firstCaches = caches.first
    secondCaches = caches.second
    nestedTLB = caches.nested
    hasNestedTLB = caches.hasNested
  }

  /// Translates an address through both stages.
  ///
  /// - Parameters:
  ///   - address: any; one that is not canonical faults before anything is read.
  ///   - isWrite: the access that missed writes, so the leaf's dirty bit is set.
  ///   - memory: holds the tables, and keeps the accessed and dirty bits.
  ///   - path: replaced by one reference for each entry read, in order.
  /// - Returns: the host-physical address with the sizes of both pages, or the fault that ended the
  ///   walk.
  mutating func walk(
    _ address: GVA, isWrite: Bool, _ memory: borrowing PhysicalMemory, path: inout WalkPath
  ) -> WalkOutcome {
    path.begin()
    guard address.isCanonical(levels: roots.firstLevels) else {
      return .fault(.generalProtection)
    }
    var level = roots.firstLevels - 1
    var table: HPA
    if let cached = firstCaches.deepest(for: address.rawValue) {
      (level, table) = cached
    } else {
      switch translate(roots.first, for: level, isWrite: false, memory, &path) {
      case .found(let host, _): table = host
      case .fault(let fault): return .fault(fault)
      }
    }
    while true {
      guard let entry = memory.words(in: table.frame).map({ $0 + Int(address.index(at: level)) })
      else { return .fault(.pageFault) }
      let value = entry.pointee
      path.append(
        TableReference(
          firstLevel: UInt8(truncatingIfNeeded: level), secondLevel: WalkPath.entry,
          address: table.advanced(by: 8 * address.index(at: level)), value: value))
      guard First.isPresent(value), !First.isMalformed(value, level: level),
        !isWrite || First.allowsWrite(value)
      else { return .fault(.pageFault) }
      guard First.isLeaf(value, level: level) else {
        set(First.accessed, in: entry)
        let next = GPA(First.address(in: value, leafLevel: 0))
        switch translate(next, for: level - 1, isWrite: false, memory, &path) {
        case .found(let host, _):
          firstCaches.insert(address.rawValue, level: level, table: host)
          table = host
        case .fault(let fault): return .fault(fault)
        }
        level -= 1
        continue
      }
      set(First.accessed | (isWrite ? First.dirty : 0), in: entry)
      let page = First.address(in: value, leafLevel: level)
      let data = GPA(page | address.rawValue & (1 << UInt64(12 + 9 * level) - 1))
      let size = PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G
      switch translate(data, for: Int(WalkPath.data), isWrite: isWrite, memory, &path) {
      case .found(let host, let second): return .translated(host, first: size, second: second)
      case .fault(let fault): return .fault(fault)
      }
    }
  }

  private enum Translation {
    case found(HPA, PageSize)
    case fault(TranslationFault)
  }

  /// The second stage, from a guest-physical to a host-physical address.
  ///
  /// `step` is the first-stage level whose table is being found, or `WalkPath.data`.
  @inline(__always)
  private mutating func translate(
    _ address: GPA, for step: Int, isWrite: Bool, _ memory: borrowing PhysicalMemory,
    _ path: inout WalkPath
  ) -> Translation {
    // Native: a guest-physical address is the host's, and finding it costs nothing.
    guard roots.secondLevels > 0 else { return .found(HPA(address.rawValue), .huge1G) }
    let offset = address.rawValue & 0xfff
    if hasNestedTLB, let cached = nestedTLB.find(address.rawValue) {
      let size = PageSize(rawValue: UInt8(truncatingIfNeeded: cached & 3)) ?? .base4K
      return .found(HPA(cached & ~0xfff | offset), size)
    }
    var (level, table) =
      secondCaches.deepest(for: address.rawValue) ?? (roots.secondLevels - 1, roots.second)
    while true {
      guard let entry = memory.words(in: table.frame).map({ $0 + Int(address.index(at: level)) })
      else { return .fault(.extendedViolation) }
      let value = entry.pointee
      path.append(
        TableReference(
          firstLevel: UInt8(truncatingIfNeeded: step),
          secondLevel: UInt8(truncatingIfNeeded: level),
          address: table.advanced(by: 8 * address.index(at: level)), value: value))
      guard Second.isPresent(value) else { return .fault(.extendedViolation) }
      guard !Second.isMalformed(value, level: level) else {
        return .fault(.extendedMisconfiguration)
      }
      guard !isWrite || Second.allowsWrite(value) else { return .fault(.extendedViolation) }
      let isLeaf = Second.isLeaf(value, level: level)
      set(Second.accessed | (isLeaf && isWrite ? Second.dirty : 0), in: entry)
      let next = Second.address(in: value, leafLevel: isLeaf ? level : 0)
      if isLeaf {
        let host = next | address.rawValue & (1 << UInt64(12 + 9 * level) - 1)
        if hasNestedTLB { nestedTLB.insert(address.rawValue, host & ~0xfff | UInt64(level)) }
        let size = PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G
        return .found(HPA(host), size)
      }
      table = HPA(next)
      secondCaches.insert(address.rawValue, level: level, table: table)
      level -= 1
    }
  }

  /// Sets bits that are clear, and counts each.
  @inline(__always)
  private mutating func set(_ bits: UInt64, in entry: UnsafeMutablePointer<UInt64>) {
    let clear = bits & ~entry.pointee
    if clear != 0 {
      entry.pointee |= clear
      updates += clear.nonzeroBitCount
    }
  }

  /// The counters of every walk cache, by the names of the contract.
  func cacheCounters() -> [(name: String, lookups: Int, hits: Int)] {
    var counters: [(name: String, lookups: Int, hits: Int)] = []
    for at in 0..<firstCaches.count {
      counters.append(
        firstCaches.withCache(at) { ("firstStage.L\($0.level)", $0.lookups, $0.hits) })
    }
    for at in 0..<secondCaches.count {
      counters.append(
        secondCaches.withCache(at) { ("secondStage.L\($0.level)", $0.lookups, $0.hits) })
    }
    if hasNestedTLB { counters.append(("nested", nestedTLB.lookups, nestedTLB.hits)) }
    return counters
  }
}
