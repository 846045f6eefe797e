/// Scalable mode: from a context entry and a PASID to the tables.
extension VTdUnit {
  private enum PASIDFetch {
    case found(PASIDEntry)
    case blocked(UInt16)
    case unresolved
  }

  /// What a scalable-mode context entry and the PASID's table entry say of a request.
  ///
  /// The context's own checks come before its PASID's, the directory's before the table's.
  ///
  /// Source: Intel VT-d 4.1, "Scalable-Mode Address Translation" and "Fault Conditions".
  mutating func scalableTables(
    _ context: Context, _ request: DMARequest, _ memory: borrowing IOMemory
  ) -> TablesFetch {
    typealias Low = VTdScalableContextLow
    let isSilent = context.low.has(Low.disablesFaults)
    if request.addressType != .untranslated, !context.low.has(Low.deviceTLB) {
      return .blocked(VTdFault.deviceTLBDisabled, isSilent: isSilent)
    }
    if request.hasPASID, !context.low.has(Low.pasids) {
      return .blocked(VTdFault.pasidDisabled, isSilent: isSilent)
    }
    let pasid =
      request.hasPASID ? request.pasid : UInt32(context.high[VTdScalableContextHigh.pasid])
    // 2^(PDTS + 7) directory entries of 64 PASIDs each.
    if UInt64(pasid) >> (context.low[Low.directorySize] + 13) != 0 {
      let code = request.hasPASID ? VTdFault.pasidTooLarge : VTdFault.requesterPASID
      return .blocked(code, isSilent: isSilent)
    }
    let entry: PASIDEntry
    if let cached = pasidCache.find(UInt64(request.device), UInt64(pasid)) {
      pasidLookups.count(hit: true)
      entry = cached.pointee
    } else {
      pasidLookups.count(hit: false)
      switch fetchPASID(pasid, context, memory) {
      case .found(let found): entry = found
      case .blocked(let code): return .blocked(code, isSilent: isSilent)
      case .unresolved: return .unresolved
      }
      references.structures += 2
      _ = pasidCache.insert(UInt64(request.device), UInt64(pasid), entry)
    }
    return tables(of: entry, pasid, request, isSilent: isSilent)
  }

  private func fetchPASID(
    _ pasid: UInt32, _ context: Context, _ memory: borrowing IOMemory
  ) -> PASIDFetch {
    let directory = context.low & VTdScalableContextLow.directory.mask
    let place = directory + 8 * UInt64(pasid >> 6)
    guard case .value(let pointer) = fetch(place, memory) else {
      if case .refused = fetch(place, memory) { return .blocked(VTdFault.directoryAccess) }
      return .unresolved
    }
    guard pointer.has(VTdPASIDDirectoryEntry.present) else {
      return .blocked(VTdFault.directoryNotPresent)
    }
    guard pointer & (VTdPASIDDirectoryEntry.reserved.mask | reservedAddress) == 0 else {
      return .blocked(VTdFault.directoryReserved)
    }
    let table = pointer & VTdPASIDDirectoryEntry.table.mask + 64 * UInt64(pasid & 63)
    var entry = PASIDEntry(words: .init(repeating: 0))
    for at in 0..<3 {
      guard case .value(let word) = fetch(table + 8 * UInt64(at), memory) else {
        if case .refused = fetch(table, memory) { return .blocked(VTdFault.pasidAccess) }
        return .unresolved
      }
      entry.words[at] = word
    }
    // The directory's FPD holds for its PASIDs.
    if pointer.has(VTdPASIDDirectoryEntry.disablesFaults) {
      entry.words[0] |= VTdPASIDEntry0.disablesFaults.mask
    }
    guard entry.words[0].has(VTdPASIDEntry0.present) else {
      return .blocked(VTdFault.pasidNotPresent)
    }
    guard !isReserved(entry) else { return .blocked(VTdFault.pasidReserved) }
    guard isValid(entry) else { return .blocked(VTdFault.pasidInvalid) }
    return .found(entry)
  }

  private func isReserved(_ entry: PASIDEntry) -> Bool {
    let type = entry.words[0][VTdPASIDEntry0.type]
    let usesSecond = type == 2 || type == 3
    let usesFirst = type == 1 || type == 3
    return entry.words[1].has(VTdPASIDEntry1.reserved)
      || usesSecond && entry.words[0] & VTdPASIDEntry0.secondTable.mask & reservedAddress != 0
      || usesFirst
        && (entry.words[2].has(VTdPASIDEntry2.reserved)
          || type == 1 && entry.words[2] & VTdPASIDEntry2.firstTable.mask & reservedAddress != 0)
  }

  /// PGTT and the widths that go with it.
  private func isValid(_ entry: PASIDEntry) -> Bool {
    let type = entry.words[0][VTdPASIDEntry0.type]
    guard 1...4 ~= type else { return false }
    if type == 2 || type == 3 {
      let width = entry.words[0][VTdPASIDEntry0.secondWidth]
      guard 1...3 ~= width, levels >> UInt8(width + 2) & 1 == 1 else { return false }
    }
    return type == 2 || type == 4 || entry.words[2][VTdPASIDEntry2.firstLevels] <= 1
  }

  private func tables(
    of entry: PASIDEntry, _ pasid: UInt32, _ request: DMARequest, isSilent: Bool
  ) -> TablesFetch {
    let isSilent = isSilent || entry.words[0].has(VTdPASIDEntry0.disablesFaults)
    let kind: Tables.Kind
    switch entry.words[0][VTdPASIDEntry0.type] {
    case 1: kind = .first
    case 2: kind = .second
    case 3: kind = .nested
    default: kind = .passThrough
    }
    if kind == .first || kind == .nested {
      if request.executes, !entry.words[2].has(VTdPASIDEntry2.execution) {
        return .blocked(VTdFault.executionDisabled, isSilent: isSilent)
      }
      if request.isPrivileged, !entry.words[2].has(VTdPASIDEntry2.supervisor) {
        return .blocked(VTdFault.supervisorDisabled, isSilent: isSilent)
      }
    }
    return .found(
      Tables(
        second: entry.words[0] & VTdPASIDEntry0.secondTable.mask,
        first: entry.words[2] & VTdPASIDEntry2.firstTable.mask, domain: entry.domain,
        pasid: pasid, kind: kind,
        secondLevels: UInt8(entry.words[0][VTdPASIDEntry0.secondWidth]) + 2,
        firstLevels: UInt8(entry.words[2][VTdPASIDEntry2.firstLevels]) + 4, isSilent: isSilent,
        setsSecondBits: entry.words[0].has(VTdPASIDEntry0.accessedDirty),
        snoops: entry.words[1].has(VTdPASIDEntry1.walkSnoop),
        protectsWrites: entry.words[2].has(VTdPASIDEntry2.writeProtect), isScalable: true))
  }

  /// Judges a device's request for a page, which nobody translates.
  ///
  /// Source: Intel VT-d 4.1, "Page Request Service": the context's PRE lets it be posted.
  mutating func post(
    _ request: DMARequest, group: UInt32 = 0, _ memory: borrowing IOMemory
  ) -> DMAOutcome? {
    guard isScalableNow else {
      pageRequests.post(request.device, request.pasid, group)
      return nil
    }
    let found = context(of: request, RecordedOutcome(), memory)
    guard case .found(let context) = found else {
      pageRequests.post(request.device, request.pasid, group)
      return nil
    }
    guard context.low.has(VTdScalableContextLow.pageRequests) else {
      pageRequests.refused += 1
      var outcome = DMAOutcome(request, .fault)
      block(
        &outcome, VTdFault.pageRequestDisabled,
        isSilent: context.low.has(VTdScalableContextLow.disablesFaults))
      return outcome
    }
    pageRequests.post(request.device, request.pasid, group)
    return nil
  }
}
