/// The reference walker: reads every entry of a walk from memory, one by one, through the walk caches.
///
/// Each first-stage table is itself at a guest-physical address, so without walk caches a walk of n
/// levels over m reads (n + 1)(m + 1) - 1 entries: 24 for four over four, n natively.
///
/// Presence and form are judged entry by entry, permission once the leaf is reached; a fault of the
/// second stage on the way to a first-stage table precedes anything in that table.
///
/// Source: Intel SDM volume 3C, June 2016 (325384-059US), "EPT Translation Mechanism" and "EPT
/// Violations"; volume 3A, "4-Level Paging" and "Caches for Paging Structures".
struct Walker<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  private let firstCaches: WalkCaches
  private let secondCaches: WalkCaches
  private var nestedTLB: WalkCache
  private let hasNestedTLB: Bool
  private let roots: WalkRoots
  /// Walks set accessed and dirty bits; a tool that only looks leaves them.
  private let setsBits: Bool
  /// Accessed and dirty bits set by walks.
  private(set) var updates = 0

  init(roots: WalkRoots, caches: consuming WalkCacheSet, setsBits: Bool = true) {
    self.roots = roots
    self.setsBits = setsBits
    firstCaches = caches.first
    secondCaches = caches.second
    nestedTLB = caches.nested
    hasNestedTLB = caches.hasNested
  }

  /// Translates an address through both stages.
  ///
  /// - Parameters:
  ///   - address: any; one that is not canonical faults before anything is read.
  ///   - access: what both stages must allow.
  ///   - memory: holds the tables, and keeps the accessed and dirty bits.
  ///   - path: replaced by one reference for each entry read, in order.
  /// - Returns: the host-physical address with the sizes of both pages, or the fault that ended the
  ///   walk.
  mutating func walk(
    _ address: GVA, _ access: Rights, _ memory: borrowing PhysicalMemory, path: inout WalkPath
  ) -> WalkOutcome {
    path.begin()
    func fault(_ reason: WalkFault.Reason) -> WalkOutcome {
      .fault(
        WalkFault(stage: .first, reason: reason, address: address.rawValue, onTableWalk: false))
    }
    guard First.accepts(address.rawValue, levels: roots.firstLevels) else {
      return fault(.notCanonical)
    }
    var level = roots.firstLevels - 1
    var rights = Rights.all
    var table: HPA
    if let cached = firstCaches.deepest(for: address.rawValue) {
      (level, table, rights) = (cached.level, cached.table, cached.rights)
    } else {
      // What is translated is where the entry stands: a fault names that address.
      let entry = roots.first.advanced(by: 8 * address.index(at: level))
      switch translate(entry, for: level, Second.tableAccess, memory, &path) {
      case .found(let host, _, _): table = HPA(frame: host.frame)
      case .fault(let fault): return .fault(fault)
      }
    }
    while true {
      guard let entry = memory.words(in: table.frame).map({ $0 + Int(address.index(at: level)) })
      else { return fault(.absent) }
      let value = entry.pointee
      path.append(
        TableReference(
          firstLevel: UInt8(truncatingIfNeeded: level), secondLevel: WalkPath.entry,
          address: table.advanced(by: 8 * address.index(at: level)), value: value))
      guard First.isPresent(value) else { return fault(.notPresent) }
      guard !First.isMalformed(value, level: level) else { return fault(.malformed) }
      rights.formIntersection(First.rights(value))
      guard First.isLeaf(value, level: level) else {
        set(First.accessed, in: entry)
        let next = GPA(First.address(in: value, leafLevel: 0))
          .advanced(by: 8 * address.index(at: level - 1))
        switch translate(next, for: level - 1, Second.tableAccess, memory, &path) {
        case .found(let host, _, _):
          table = HPA(frame: host.frame)
          firstCaches.insert(address.rawValue, level: level, table, rights)
        case .fault(let fault): return .fault(fault)
        }
        level -= 1
        continue
      }
      guard rights.isSuperset(of: access) else { return fault(.forbidden) }
      set(First.accessed | (access.contains(.write) ? First.dirty : 0), in: entry)
      let page = First.address(in: value, leafLevel: level)
      let data = GPA(page | address.rawValue & (1 << UInt64(12 + 9 * level) - 1))
      let size = PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G
      let needs = access.subtracting(.user).union(Second.dataAccess)
      switch translate(data, for: Int(WalkPath.data), needs, memory, &path) {
      case .found(let host, let second, let allowed):
        // The second stage's user bit says nothing of the guest's users.
        let both = rights.intersection(allowed.union(.user))
        return .translated(
          WalkOutcome.Translated(address: host, first: size, second: second, rights: both))
      case .fault(let fault): return .fault(fault)
      }
    }
  }

  private enum Translation {
    case found(HPA, PageSize, Rights)
    case fault(WalkFault)
  }

  /// The second stage, from a guest-physical to a host-physical address.
  ///
  /// `step` is the first-stage level whose table is being found, or `WalkPath.data`.
  @inline(__always)
  private mutating func translate(
    _ address: GPA, for step: Int, _ access: Rights, _ memory: borrowing PhysicalMemory,
    _ path: inout WalkPath
  ) -> Translation {
    // Native: a guest-physical address is the host's, and finding it costs nothing.
    guard roots.secondLevels > 0 else { return .found(HPA(address.rawValue), .huge1G, .all) }
    func fault(_ reason: WalkFault.Reason) -> Translation {
      .fault(
        WalkFault(
          stage: .second, reason: reason, address: address.rawValue,
          onTableWalk: step != Int(WalkPath.data)))
    }
    let offset = address.rawValue & 0xfff
    if hasNestedTLB, let cached = nestedTLB.find(address.rawValue) {
      let size = PageSize(rawValue: UInt8(truncatingIfNeeded: cached & 3)) ?? .base4K
      let rights = Rights(rawValue: UInt8(truncatingIfNeeded: cached >> 2 & 15))
      guard rights.isSuperset(of: access) else { return fault(.forbidden) }
      return .found(HPA(cached & ~0xfff | offset), size, rights)
    }
    guard Second.accepts(address.rawValue, levels: roots.secondLevels) else {
      return fault(.notPresent)
    }
    var (level, table, rights) =
      secondCaches.deepest(for: address.rawValue)
      ?? (roots.secondLevels - 1, roots.second, .all)
    while true {
      guard let entry = memory.words(in: table.frame).map({ $0 + Int(address.index(at: level)) })
      else { return fault(.absent) }
      let value = entry.pointee
      path.append(
        TableReference(
          firstLevel: UInt8(truncatingIfNeeded: step),
          secondLevel: UInt8(truncatingIfNeeded: level),
          address: table.advanced(by: 8 * address.index(at: level)), value: value))
      guard Second.isPresent(value) else { return fault(.notPresent) }
      guard !Second.isMalformed(value, level: level) else { return fault(.malformed) }
      rights.formIntersection(Second.rights(value))
      guard Second.isLeaf(value, level: level) else {
        set(Second.accessed, in: entry)
        table = HPA(Second.address(in: value, leafLevel: 0))
        secondCaches.insert(address.rawValue, level: level, table, rights)
        level -= 1
        continue
      }
      guard rights.isSuperset(of: access) else { return fault(.forbidden) }
      set(Second.accessed | (access.contains(.write) ? Second.dirty : 0), in: entry)
      let page = Second.address(in: value, leafLevel: level)
      let host = page | address.rawValue & (1 << UInt64(12 + 9 * level) - 1)
      if hasNestedTLB {
        let known = UInt64(level) | UInt64(rights.rawValue) << 2
        nestedTLB.insert(address.rawValue, host & ~0xfff | known)
      }
      let size = PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G
      return .found(HPA(host), size, rights)
    }
  }

  /// Sets bits that are clear, and counts each.
  @inline(__always)
  private mutating func set(_ bits: UInt64, in entry: UnsafeMutablePointer<UInt64>) {
    let clear = bits & ~entry.pointee
    if clear != 0, setsBits {
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
