/// First-stage and nested walks, which are the processor's.
extension VTdUnit {
  /// Walks the first stage, each of whose tables the second stage finds where the two are nested.
  ///
  /// Model: first-stage and nested walks use no paging-structure caches.
  ///
  /// Source: Intel VT-d 4.1, "First-Stage Translation" and "Nested Translation".
  mutating func walkFirst(
    _ request: DMARequest, _ tables: Tables, _ memory: borrowing IOMemory
  ) -> Walk {
    let isNested = tables.kind == .nested
    guard GVA(request.address).isCanonical(levels: tables.firstLevels) else {
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
    let context = WalkContext(
      firstLevels: tables.firstLevels, secondLevels: isNested ? tables.secondLevels : 0,
      first: GPA(tables.first), second: HPA(tables.second),
      firstControls: PagingControls(flags, physicalBits: isNested ? 52 : UInt8(hostBits)),
      secondControls: PagingControls(secondFlags, physicalBits: UInt8(hostBits)))
    var access = request.kind.needs
    if access.isEmpty { access = .read }
    if request.executes { access.insert(.execute) }
    if !request.isPrivileged { access.insert(.user) }
    let outcome = walker.walk(
      GVA(request.address), access, in: context, memory.frames, path: &path)
    references.tables += path.count
    switch outcome {
    case .fault(let fault): return blocked(fault, request, tables)
    case .translated(let found):
      let shift = UInt8(found.reach.shift)
      let leaf = path.count > 0 ? path[path.count - 1].value : 0
      return .found(
        IOTranslation(
          output: found.address.rawValue & ~((1 << UInt64(shift)) - 1), leaf: leaf, filledAt: 0,
          domain: tables.domain, device: request.device, pasid: tables.pasid, shift: shift,
          rights: found.rights, kind: isNested ? .nested : .first))
    }
  }

  /// The unit's code for what ended a walk.
  private func blocked(_ fault: WalkFault, _ request: DMARequest, _ tables: Tables) -> Walk {
    guard fault.reason != .absent else { return isBeyond() ? tableRefused(tables) : .unresolved }
    let isWrite = request.kind.needs.contains(.write)
    switch (fault.stage, fault.reason) {
    case (_, .notCanonical): return .blocked(VTdFault.notCanonical)
    case (.first, .notPresent): return .blocked(VTdFault.firstNotPresent)
    case (.first, .malformed): return .blocked(VTdFault.firstReserved)
    case (.first, _): return .blocked(forbidden(request))
    case (.second, .malformed): return .blocked(VTdFault.secondReserved)
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

  /// Why the first stage's entries do not allow a request.
  private func forbidden(_ request: DMARequest) -> UInt16 {
    var rights = Rights.all
    for at in 0..<path.count where !path[at].isSecondStage {
      rights.formIntersection(X86PageTable.rights(path[at].value, .standard))
    }
    if !request.isPrivileged, !rights.contains(.user) { return VTdFault.userForbidden }
    if request.kind.needs.contains(.write), !rights.contains(.write) {
      return VTdFault.scalableWrite
    }
    if request.executes, !rights.contains(.execute) { return VTdFault.executeForbidden }
    return VTdFault.scalableRead
  }

  /// Whether the table that was missing stands where no memory answers.
  private func isBeyond() -> Bool {
    guard path.count > 0 else { return false }
    let last = path[path.count - 1]
    let table =
      last.isSecondStage
      ? last.value & VTdSecondStageEntry.frame.mask
      : X86PageTable.address(in: last.value, leafLevel: 0)
    return table >> 20 == 0xfee || table >> UInt64(hostBits) != 0
  }

  private func tableRefused(_ tables: Tables) -> Walk {
    let last = path[path.count - 1]
    return .blocked(last.isSecondStage ? VTdFault.secondAccess : VTdFault.firstAccess)
  }
}
