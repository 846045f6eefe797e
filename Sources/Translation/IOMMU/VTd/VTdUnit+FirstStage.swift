/// First-stage and nested walks, which are the processor's.
extension VTdUnit {
  /// Walks the first stage, each of whose tables the second stage finds where the two are nested.
  ///
  /// Model: the second stage of nested walks has paging-structure caches of its own, of the same sizes
  /// as those of second-stage translation alone.
  ///
  /// Source: Intel VT-d 4.1, "First-Stage Translation", "Nested Translation" and "Paging-Structure
  /// Caches".
  mutating func walkFirst(
    _ request: DMARequest, _ tables: Tables, _ memory: borrowing IOMemory,
    _ translation: inout IOTranslation
  ) -> WalkEnd {
    let isNested = tables.kind == .nested
    guard GVA(request.address).isCanonical(levels: Int(tables.firstLevels)) else {
      return .blocked(VTdFault.notCanonical)
    }
    if !isNested, case .refused = fetch(tables.first, memory) {
      return .blocked(VTdFault.firstRootAccess)
    }
    // A user's request heeds write permission always, a supervisor's where WPE says so.
    var flags: PagingControls.Flags = [.executeDisable, .hugePages]
    if tables.protectsWrites { flags.insert(.writeProtect) }
    var secondFlags = PagingControls.Flags.hugePages
    if tables.setsSecondBits { secondFlags.insert(.accessedDirty) }
    if spaceTags.isFull {
      removeWalked { _, _, _ in true }
      spaceTags.removeAll()
    }
    let context = WalkContext(
      firstLevels: Int(tables.firstLevels), secondLevels: isNested ? Int(tables.secondLevels) : 0,
      first: GPA(tables.first), second: HPA(tables.second),
      firstTag: spaceTags.number(of: tables.space | (isNested ? Self.nestedSpace : 0)),
      secondTag: isNested ? spaceTags.number(of: Self.nestedSpace | UInt64(tables.domain)) : 0,
      firstControls: PagingControls(flags, physicalBits: isNested ? 52 : UInt8(hostBits)),
      secondControls: PagingControls(secondFlags, physicalBits: UInt8(hostBits)))
    var access = request.kind.needs
    if access.isEmpty { access = .read }
    if request.executes { access.insert(.execute) }
    if !request.isPrivileged { access.insert(.user) }
    let outcome = walker.walk(
      GVA(request.address), access, in: context, memory.frames, path: &path)
    references.tables += path.count
    memory.note(path)
    switch outcome {
    case .fault(let fault):
      // The last entry is the one that ended the walk.
      if let code = unsnooped(request, tables, path.count - 1, memory) { return .blocked(code) }
      if fault.stage == .first, fault.reason == .forbidden {
        // A page is there, and it is told from none by what it allows.
        translation.rights = walker.denied
      }
      return blocked(fault, request, tables)
    case .translated(let found):
      if let code = unsnooped(request, tables, path.count, memory) { return .blocked(code) }
      let shift = UInt8(found.reach.shift)
      let leaf = path.count > 0 ? path[path.count - 1].value : 0
      translation.output = found.address.rawValue & ~((1 << UInt64(shift)) - 1)
      translation.leaf = leaf
      (translation.shift, translation.rights) = (shift, found.rights)
      translation.kind = isNested ? .nested : .first
      return .found
    }
  }

  /// Marks the spaces of nested walks; without a PASID it is a domain's second stage.
  static let nestedSpace: UInt64 = 1 << 62

  /// Removes from the walker's caches what a rule picks by space, first address and size.
  mutating func removeWalked(where isGone: (UInt64, UInt64, UInt8) -> Bool) {
    guard !spaceTags.spaces.isEmpty else { return }
    let spaces = spaceTags.spaces
    walker.firstCaches.remove { level, tag, address in
      isGone(spaces[Int(tag)], address, UInt8(12 + 9 * level))
    }
    walker.secondCaches.remove { level, tag, address in
      isGone(spaces[Int(tag)], address, UInt8(12 + 9 * level))
    }
  }

  /// Entries on the way of first-stage and nested walks.
  ///
  /// A PASID's go with its own invalidations, unless the hint says that only leaves have changed. The
  /// first stage's entries of nested walks say where the second stage has their tables, which any of
  /// its pages may change: they go with each invalidation of a page of their domain.
  ///
  /// Source: Intel VT-d 4.1, "IOTLB Invalidate Descriptor" and "PASID-based-IOTLB Invalidate
  /// Descriptor"; for nested walks recalled.
  mutating func removeWalked(_ invalidation: IOInvalidation) {
    guard walker.firstCaches.count + walker.secondCaches.count > 0 else { return }
    let domain = UInt64(invalidation.domain)
    let isOfPASID = invalidation.pasid != DMARequest.noPASID
    if isOfPASID, invalidation.keepsTables { return }
    removeWalked { space, address, shift in
      guard space & 0xffff_ffff == domain else { return false }
      let pasid = (space & ~Self.nestedSpace) >> 32
      if isOfPASID {
        return pasid == UInt64(invalidation.pasid + 1)
          && invalidation.covers(address, shift: shift)
      }
      guard invalidation.granularity == .pages else { return true }
      guard space & Self.nestedSpace != 0 else { return false }
      return pasid != 0 || !invalidation.keepsTables && invalidation.covers(address, shift: shift)
    }
  }

  /// The unit's code for what ended a walk.
  private mutating func blocked(
    _ fault: WalkFault, _ request: DMARequest, _ tables: Tables
  ) -> WalkEnd {
    guard fault.reason != .absent else { return isBeyond() ? tableRefused(tables) : .unresolved }
    let isWrite = request.kind.needs.contains(.write)
    switch (fault.stage, fault.reason) {
    case (_, .notCanonical): return .blocked(VTdFault.notCanonical)
    case (.first, .notPresent): return .blocked(VTdFault.firstNotPresent)
    case (.first, .malformed): return .blocked(VTdFault.firstReserved)
    case (.first, _): return .blocked(forbidden(request))
    case (.second, .malformed): return .blocked(VTdFault.secondReserved)
    case (.second, .forbidden) where fault.onTableWalk && isFlagFault:
      return .blocked(VTdFault.firstUnwritable)
    case (.second, _) where fault.onTableWalk:
      if fault.address >> UInt64(12 + 9 * tables.secondLevels) != 0 {
        return .blocked(VTdFault.firstBeyondWidth)
      }
      let isRoot = fault.address & ~0xfff == tables.first
      return .blocked(isRoot ? VTdFault.firstRootUnreadable : VTdFault.firstUnreadable)
    case (.second, _):
      if fault.address >> UInt64(12 + 9 * tables.secondLevels) != 0 {
        return .blocked(VTdFault.outputBeyondWidth)
      }
      return .blocked(isWrite ? VTdFault.scalableWrite : VTdFault.scalableRead)
    }
  }

  /// The walk could read the entry, and not set its accessed or dirty flag.
  private var isFlagFault: Bool {
    mutating get { path.count > 0 && !path[path.count - 1].isSecondStage }
  }

  /// Why an entry's accessed or dirty flag cannot be set: the unit's walks do not snoop (PWSNP).
  ///
  /// What the walk has set is taken back.
  ///
  /// Source: Linux 6.12, drivers/iommu/intel/dmar.c, reasons 7Ch and 90h ("when set up in no snoop");
  /// drivers/iommu/intel/pasid.c, `pasid_set_page_snoop`. Recalled: the first such entry on the way
  /// decides.
  private mutating func unsnooped(
    _ request: DMARequest, _ tables: Tables, _ used: Int, _ memory: borrowing IOMemory
  ) -> UInt16? {
    guard !tables.snoops else { return nil }
    var code: UInt16?
    for at in 0..<max(used, 0) {
      let one = path[at]
      let level = one.isSecondStage ? one.secondLevel : one.firstLevel
      var flags: UInt64 = one.isSecondStage ? VTdSecondStageEntry.accessed.mask : 1 << 5
      if one.isSecondStage, !tables.setsSecondBits { continue }
      let isLeaf =
        one.isSecondStage
        ? VTdSecondStage.isLeaf(one.value, level: Int(level))
        : X86PageTable.isLeaf(one.value, level: Int(level))
      let isOfData = !one.isSecondStage || one.firstLevel == WalkPath.data
      if isLeaf, isOfData, request.kind.needs.contains(.write) {
        flags |= one.isSecondStage ? VTdSecondStageEntry.dirty.mask : 1 << 6
      }
      guard flags & ~one.value != 0 else { continue }
      code = code ?? (one.isSecondStage ? VTdFault.secondUnsnooped : VTdFault.firstUnsnooped)
      memory.frames.words(in: one.address.frame)?[Int(one.address.rawValue >> 3 & 511)] = one.value
    }
    return code
  }

  /// Why the first stage's entries do not allow a request.
  private mutating func forbidden(_ request: DMARequest) -> UInt16 {
    let rights = walker.denied
    if !request.isPrivileged, !rights.contains(.user) { return VTdFault.userForbidden }
    if request.kind.needs.contains(.write), !rights.contains(.write) {
      return VTdFault.scalableWrite
    }
    if request.executes, !rights.contains(.execute) { return VTdFault.executeForbidden }
    return VTdFault.scalableRead
  }

  /// Whether the table that was missing stands where no memory answers.
  private mutating func isBeyond() -> Bool {
    guard path.count > 0 else { return false }
    let last = path[path.count - 1]
    let table =
      last.isSecondStage
      ? last.value & VTdSecondStageEntry.frame.mask
      : X86PageTable.address(in: last.value, leafLevel: 0)
    return table >> 20 == 0xfee || table >> UInt64(hostBits) != 0
  }

  private mutating func tableRefused(_ tables: Tables) -> WalkEnd {
    let last = path[path.count - 1]
    return .blocked(last.isSecondStage ? VTdFault.secondAccess : VTdFault.firstAccess)
  }
}
