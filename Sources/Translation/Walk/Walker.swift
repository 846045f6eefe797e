/// The reference walker: reads every entry of a walk from memory, one by one, through the walk caches.
///
/// Each first-stage table is itself at a guest-physical address, so without walk caches a walk of n
/// levels over m reads (n + 1)(m + 1) - 1 entries: 24 for four over four, n natively.
///
/// Presence and form are judged entry by entry, permission once the leaf is reached; a fault of the
/// second stage on the way to a first-stage table precedes anything in that table.
///
/// Model: an accessed flag is set as soon as its entry is used, whether or not the walk succeeds, and
/// the first stage's dirty flag before its page is looked for in the second.
///
/// Model: the first stage's walk caches keep no table whose page the second stage does not let be
/// written, so that a walk that must set a flag there knows where it is.
///
/// Source: Intel SDM volume 3C, June 2016 (325384-059US), "EPT Translation Mechanism", "EPT Violations"
/// and "Accessed and Dirty Flags for EPT"; volume 3A, "4-Level Paging", "Accessed and Dirty Flags" and
/// "Caches for Paging Structures".
struct Walker<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  let firstCaches: WalkCaches
  let secondCaches: WalkCaches
  private(set) var nestedTLB: WalkCache
  let hasNestedTLB: Bool
  /// Walks set accessed and dirty bits; a tool that only looks leaves them.
  private let setsBits: Bool
  /// Of the second stage, where `translate` gave none; kept here so that what it gives fits registers.
  private var failure = WalkFault(
    stage: .second, reason: .absent, address: 0, onTableWalk: false, kind: .eptViolation)
  /// Accessed and dirty bits set by walks.
  private(set) var updates = 0
  /// What the first stage's entries allowed, where they did not allow the last walk's access.
  private(set) var denied = Rights.all
  /// The frame of the table that memory did not have, where the last walk's fault is `absent`.
  private(set) var absentFrame: UInt64 = 0

  init(caches: consuming WalkCacheSet, setsBits: Bool = true) {
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
  ///   - access: read, write or execute, a user's or not.
  ///   - context: where the tables are and what the control registers say.
  ///   - memory: holds the tables, and keeps the accessed and dirty bits.
  ///   - path: replaced by one reference for each entry read, in order.
  /// - Returns: the host-physical address with the sizes of both pages, or the fault that ended the
  ///   walk.
  mutating func walk(
    _ address: GVA, _ access: Rights, in context: WalkContext,
    _ memory: borrowing PhysicalMemory, path: inout WalkPath
  ) -> WalkOutcome {
    path.begin()
    let controls = context.firstControls
    guard First.accepts(address.rawValue, levels: context.firstLevels) else {
      return Self.fault(.notCanonical, at: address, access, context)
    }
    var here = CachedTable(
      level: context.firstLevels - 1, table: HPA(context.first.rawValue & ~0xfff), rights: .all,
      isShadow: context.start == .shadow)
    // In the guest's space, where the second stage still has to find it.
    var wanted: GPA? = context.start == .guest ? context.first : nil
    // The level whose entry led here; none for a root and for what a cache had.
    var parent = -1
    var tableRights = Rights.all
    if let cached = firstCaches.deepest(for: address.rawValue, context.firstTag) {
      here = cached
      wanted = nil
    }
    while true {
      let index = address.index(at: here.level)
      if let guest = wanted {
        // What is translated is where the entry stands: a fault names that address.
        let entry = GPA(guest.rawValue & ~0xfff | 8 &* index)
        let needs = Second.tableAccess(context.secondControls)
        let page = translate(entry, for: here.level, needs, here.rights, context, memory, &path)
        if page.isNone { return .fault(failure) }
        here.table = HPA(frame: page.host.frame)
        tableRights = page.rights
      }
      if parent >= 0, tableRights.contains(.write) {
        firstCaches.insert(address.rawValue, context.firstTag, level: parent, here)
      }
      guard let words = memory.words(in: here.table.frame) else {
        absentFrame = here.table.frame
        return Self.fault(.absent, at: address, access, context, inShadow: here.isShadow)
      }
      let entry = words + Int(truncatingIfNeeded: index)
      let value = entry.pointee
      path.append(
        TableReference(
          firstLevel: UInt8(truncatingIfNeeded: here.level), secondLevel: WalkPath.entry,
          address: here.table.advanced(by: 8 &* index), value: value))
      if here.level > 0, First.isOpenTable(value, controls) {
        parent = here.level
        wanted = next(after: &here, value)
        continue
      }
      guard First.isPresent(value, controls) else {
        return Self.fault(
          .notPresent, at: address, access, context, entry: value, inShadow: here.isShadow)
      }
      guard !First.isMalformed(value, level: here.level, controls) else {
        return Self.fault(
          .malformed, at: address, access, context, entry: value, inShadow: here.isShadow)
      }
      here.rights.formIntersection(First.rights(value, controls))
      let isLeaf = First.isLeaf(value, level: here.level)
      var flags = First.accessed(controls)
      if isLeaf {
        let key = First.key(value)
        if let reason = First.denial(of: access, here.rights, key: key, controls) {
          denied = here.rights
          return Self.fault(
            reason, at: address, access, context, here.rights, entry: value, inShadow: here.isShadow
          )
        }
        if access.contains(.write) { flags |= First.dirty(controls) }
      }
      if flags & ~value != 0 {
        guard tableRights.contains(.write) else {
          let stands = GPA((wanted ?? context.first).rawValue & ~0xfff | 8 &* index)
          return .fault(flagFault(stands, tableRights, here.rights, context, memory))
        }
        set(flags & ~value, in: entry)
      }
      guard !isLeaf else {
        return finish(address, access, value | flags, here, context, memory, &path)
      }
      parent = here.level
      wanted = next(after: &here, value)
    }
  }

  /// Goes one level down from an entry for a table.
  ///
  /// - Returns: the table's guest-physical address; nothing where its place is known at once.
  @inline(__always)
  private func next(after here: inout CachedTable, _ entry: UInt64) -> GPA? {
    let address = First.address(in: entry, leafLevel: 0)
    here.level &-= 1
    guard here.isShadow else { return GPA(address) }
    here.table = HPA(address)
    here.isShadow = entry & WalkContext.switchesToGuest == 0
    return nil
  }

  /// The last step: from the first stage's leaf through the second stage.
  @inline(__always)
  private mutating func finish(
    _ address: GVA, _ access: Rights, _ leaf: UInt64, _ here: CachedTable, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory, _ path: inout WalkPath
  ) -> WalkOutcome {
    let controls = context.firstControls
    let page = First.address(in: leaf, leafLevel: here.level)
    let data = GPA(page | address.offset(at: here.level))
    var found = CachedPage.identity(data)
    if !here.isShadow {
      let needs = Second.dataAccess(access, page: here.rights)
      found = translate(
        data, for: Int(WalkPath.data), needs, here.rights, context, memory, &path)
      if found.isNone { return .fault(failure) }
    }
    return .translated(
      Translated(
        address: found.host,
        first: PageSize(rawValue: UInt8(truncatingIfNeeded: here.level)) ?? .huge1G,
        second: found.size, firstRights: here.rights, secondRights: found.rights,
        isGlobal: First.isGlobal(leaf), isFirstDirty: !First.isClean(leaf, controls),
        isSecondDirty: found.isDirty, key: First.key(leaf),
        type: MemoryType(
          patIndex: First.memoryType(leaf, level: here.level), second: found.type)))
  }

  /// The second stage, from a guest-physical to a host-physical address.
  ///
  /// `step` is the first-stage level whose table is being found, or `WalkPath.data`; `page` what the
  /// first stage's entries allow so far. A fault is left in `failure`.
  @inline(__always)
  private mutating func translate(
    _ address: GPA, for step: Int, _ access: Rights, _ page: Rights, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory, _ path: inout WalkPath
  ) -> CachedPage {
    // Native: a guest-physical address is the host's, and finding it costs nothing.
    guard context.secondLevels > 0 else { return .identity(address) }
    let controls = context.secondControls
    var known: UnsafeMutablePointer<UInt64>?
    if hasNestedTLB, let word = nestedTLB.find(address.rawValue, context.secondTag) {
      var cached = CachedPage(word: word.pointee, at: address)
      if Second.denial(of: access, cached.rights, key: 0, controls) == nil {
        if !cached.isDirty, access.contains(.write) {
          setDirty(address, context, memory)
          cached.becomeDirty()
          word.pointee = cached.word
        }
        return cached
      }
      // What does not suffice is looked up in the tables, which may say more by now.
      known = word
    }
    func fault(
      _ reason: WalkFault.Reason, _ rights: Rights = [], entry: UInt64? = nil
    ) -> CachedPage {
      failure = Self.fault(
        reason, at: address, access, context, rights, entry: entry, page: page,
        onTableWalk: step != Int(WalkPath.data))
      return .none
    }
    guard Second.accepts(address.rawValue, levels: context.secondLevels) else {
      return fault(.notPresent)
    }
    var here =
      secondCaches.deepest(for: address.rawValue, context.secondTag)
      ?? CachedTable(level: context.secondLevels - 1, table: context.second, rights: .all)
    while true {
      let index = address.index(at: here.level)
      guard let words = memory.words(in: here.table.frame) else {
        absentFrame = here.table.frame
        return fault(.absent)
      }
      let entry = words + Int(truncatingIfNeeded: index)
      let value = entry.pointee
      path.append(
        TableReference(
          firstLevel: UInt8(truncatingIfNeeded: step),
          secondLevel: UInt8(truncatingIfNeeded: here.level),
          address: here.table.advanced(by: 8 &* index), value: value))
      if here.level > 0, Second.isOpenTable(value, controls) {
        here.table = HPA(Second.address(in: value, leafLevel: 0))
        secondCaches.insert(address.rawValue, context.secondTag, level: here.level, here)
        here.level &-= 1
        continue
      }
      guard Second.isPresent(value, controls) else { return fault(.notPresent, entry: value) }
      guard !Second.isMalformed(value, level: here.level, controls) else {
        return fault(.malformed, entry: value)
      }
      here.rights.formIntersection(Second.rights(value, controls))
      guard Second.isLeaf(value, level: here.level) else {
        set(Second.accessed(controls) & ~value, in: entry)
        here.table = HPA(Second.address(in: value, leafLevel: 0))
        secondCaches.insert(address.rawValue, context.secondTag, level: here.level, here)
        here.level &-= 1
        continue
      }
      if let reason = Second.denial(of: access, here.rights, key: 0, controls) {
        return fault(reason, here.rights, entry: value)
      }
      let flags =
        Second.accessed(controls) | (access.contains(.write) ? Second.dirty(controls) : 0)
      set(flags & ~value, in: entry)
      let frame = Second.address(in: value, leafLevel: here.level)
      let found = CachedPage(
        host: HPA(frame | address.offset(at: here.level)),
        level: here.level, rights: here.rights, isDirty: !Second.isClean(value | flags, controls),
        type: Second.memoryType(value, level: here.level))
      if let known {
        known.pointee = found.word
      } else if hasNestedTLB {
        nestedTLB.insert(address.rawValue, context.secondTag, found.word)
      }
      return found
    }
  }

  /// Sets bits that are clear, and counts each.
  @inline(__always)
  private mutating func set(_ clear: UInt64, in entry: UnsafeMutablePointer<UInt64>) {
    if clear != 0, setsBits {
      entry.pointee |= clear
      updates += clear.nonzeroBitCount
    }
  }

  /// Sets the dirty flag of the second stage's leaf for a write that hit the nested TLB.
  ///
  /// Model: the entries that a processor reads again to do so are not counted.
  @inline(never)
  private mutating func setDirty(
    _ address: GPA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) {
    guard let leaf = leaf(of: address, context, memory) else { return }
    set(Second.dirty(context.secondControls) & ~leaf.pointee, in: leaf)
  }

  /// The second stage's leaf by the tables alone.
  private func leaf(
    of address: GPA, _ context: WalkContext, _ memory: borrowing PhysicalMemory
  ) -> UnsafeMutablePointer<UInt64>? {
    var table = context.second
    for level in stride(from: context.secondLevels - 1, through: 0, by: -1) {
      guard let words = memory.words(in: table.frame) else { return nil }
      let entry = words + Int(address.index(at: level))
      guard Second.isPresent(entry.pointee, context.secondControls) else { return nil }
      if Second.isLeaf(entry.pointee, level: level) { return entry }
      table = HPA(Second.address(in: entry.pointee, leafLevel: 0))
    }
    return nil
  }

  /// Setting a flag in a first-stage entry is a write, which its page in the second stage forbids.
  ///
  /// Source: Intel SDM volume 3C, June 2016, "EPT Violations": updates of accessed and dirty flags
  /// are data writes.
  @inline(never)
  private func flagFault(
    _ address: GPA, _ allowed: Rights, _ page: Rights, _ context: WalkContext,
    _ memory: borrowing PhysicalMemory
  ) -> WalkFault {
    Self.fault(
      .forbidden, at: address, .write, context, allowed,
      entry: leaf(of: address, context, memory)?.pointee, page: page, onTableWalk: true)
  }

  @inline(never)
  private static func fault(
    _ reason: WalkFault.Reason, at address: GVA, _ access: Rights, _ context: WalkContext,
    _ allowed: Rights = [], entry: UInt64? = nil, inShadow: Bool = false
  ) -> WalkOutcome {
    let report = First.report(
      FaultFacts(
        reason: reason, access: access, allowed: allowed, entry: entry, page: [],
        isSecondStage: false, onTableWalk: false), context.firstControls)
    return .fault(
      WalkFault(
        stage: .first, reason: reason, address: address.rawValue, onTableWalk: false,
        kind: report.kind, code: report.code, isException: report.isException, inShadow: inShadow))
  }

  @inline(never)
  private static func fault(
    _ reason: WalkFault.Reason, at address: GPA, _ access: Rights, _ context: WalkContext,
    _ allowed: Rights, entry: UInt64?, page: Rights, onTableWalk: Bool
  ) -> WalkFault {
    let report = Second.report(
      FaultFacts(
        reason: reason, access: access, allowed: allowed, entry: entry, page: page,
        isSecondStage: true, onTableWalk: onTableWalk), context.secondControls)
    return WalkFault(
      stage: .second, reason: reason, address: address.rawValue, onTableWalk: onTableWalk,
      kind: report.kind, code: report.code, isException: report.isException)
  }
}
