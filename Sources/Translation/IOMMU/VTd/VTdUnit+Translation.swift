import TraceFile

/// From a request to its outcome.
extension VTdUnit {
  /// Which tables translate a request, and under what.
  struct Tables: BitwiseCopyable {
    enum Kind: UInt8 {
      case second
      case first
      case nested
      case passThrough
    }

    // Larger fields come first, so that no copy moves bytes between them.
    var second: UInt64 = 0
    var first: UInt64 = 0
    var domain: UInt32
    /// Of the entries in the IOTLB; that of the context for a request without one.
    var pasid: UInt32 = 0
    var kind: Kind
    var secondLevels: UInt8 = 0
    var firstLevels: UInt8 = 0
    var isSilent: Bool
    /// Writes to the second stage's accessed and dirty bits.
    var setsSecondBits = false
    /// Walks snoop the processor's caches (PWSNP), so that they may set flags.
    var snoops = true
    /// A supervisor's write heeds the write bit.
    var protectsWrites = false
    var isScalable = false

    /// What tags its translations in the IOTLB.
    var space: UInt64 {
      kind == .second || kind == .passThrough
        ? UInt64(domain) : UInt64(domain) | UInt64(pasid + 1) << 32
    }
  }

  mutating func translate(
    _ outcome: inout DMAOutcome, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) {
    outcome.result = .untranslated
    if policy == .passThrough { return pass(&outcome, domain: DMAOutcome.noDomain) }
    if registers.isEnabled == false { return }
    let before = (references.structures + references.tables, contextLookups, iotlb.misses, walks)
    judge(recorded, memory, &outcome)
    outcome.references = UInt16(
      truncatingIfNeeded: references.structures + references.tables - before.0)
    if contextLookups.hits != before.1.hits {
      outcome.context = .hit
    } else if contextLookups.misses != before.1.misses {
      outcome.context = .miss
    }
    if walks == before.3 { unwalked += iotlb.misses - before.2 }
  }

  @inline(__always)
  private mutating func judge(
    _ recorded: RecordedOutcome, _ memory: borrowing IOMemory, _ outcome: inout DMAOutcome
  ) {
    let isPlain = !isScalableNow
    if probesFirst, isPlain, outcome.request.addressType == .untranslated {
      let space = UInt64(outcome.request.device) | 1 << 62
      if let hit = iotlb.lookup(space, outcome.request.address) {
        return accept(hit, &outcome, by: nil)
      }
    }
    if outcome.request.hasPASID, isPlain {
      return block(&outcome, VTdFault.legacyWithPASID, isSilent: false)
    }
    let context: Context
    switch self.context(of: outcome.request, recorded, memory) {
    case .found(let found): context = found
    case .blocked(let code):
      let isSilent = recorded.context.map { $0.low & 2 != 0 } ?? false
      return block(&outcome, code, isSilent: isSilent)
    case .unresolved: return unresolved(recorded, &outcome)
    }
    let tables: Tables
    switch isPlain
      ? Self.legacyTables(context, outcome.request)
      : scalableTables(context, outcome.request, memory)
    {
    case .found(let found): tables = found
    case .blocked(let code, let isSilent): return block(&outcome, code, isSilent: isSilent)
    case .unresolved: return unresolved(recorded, &outcome)
    }
    if outcome.request.addressType == .translated {
      // It bypasses the unit, which has checked that the device may send such requests.
      pass(&outcome, domain: tables.domain)
      outcome.isGranted = isGranted(outcome.request)
      return
    }
    if tables.kind == .passThrough {
      guard outcome.request.address >> UInt64(hostBits) == 0 else {
        let code = isPlain ? VTdFault.beyondWidth : VTdFault.scalableBeyondWidth
        return block(&outcome, code, isSilent: tables.isSilent)
      }
      return pass(&outcome, domain: tables.domain)
    }
    translate(by: tables, recorded, memory, &outcome)
  }

  /// Looks the request up in the IOTLB, and walks where that misses.
  @inline(__always)
  private mutating func translate(
    by tables: Tables, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory,
    _ outcome: inout DMAOutcome
  ) {
    let isScalable = tables.isScalable
    let address = outcome.request.address
    if tables.kind == .second, address >> UInt64(12 + 9 * tables.secondLevels) != 0 {
      outcome.domain = tables.domain
      let code = isScalable ? VTdFault.scalableBeyondWidth : VTdFault.beyondWidth
      return block(&outcome, code, isSilent: tables.isSilent)
    }
    let space =
      isByDevice
      ? UInt64(outcome.request.device) | 1 << 62
        | (isScalable ? UInt64(tables.pasid + 1) << 32 : 0)
      : tables.space
    if !probesFirst || isScalable || outcome.request.addressType != .untranslated {
      if let hit = iotlb.lookup(space, address) {
        accept(hit, &outcome, by: tables)
        if outcome.request.addressType == .translationRequest { give(hit.pointee, &outcome) }
        return
      }
    }
    fill(space, by: tables, recorded, memory, &outcome)
  }

  /// Walks after a miss of the IOTLB, and keeps what that finds.
  @inline(never)
  private mutating func fill(
    _ space: UInt64, by tables: Tables, _ recorded: RecordedOutcome,
    _ memory: borrowing IOMemory, _ outcome: inout DMAOutcome
  ) {
    walks += 1
    outcome.iotlb = .miss
    var found = IOTranslation.none
    if let leaf = recorded.translation, leaf.entry != 0 {
      found = recordedLeaf(leaf, outcome.request, tables)
    } else {
      let end =
        tables.kind == .second
        ? walkSecond(outcome.request, tables, memory, &found)
        : walkFirst(outcome.request, tables, memory, &found)
      switch end {
      case .found: break
      case .blocked(let code):
        (outcome.rights, outcome.domain) = (found.rights, tables.domain)
        if cachesNegative { keepNegative(outcome.request, code, tables, space) }
        return block(&outcome, code, isSilent: tables.isSilent)
      case .unresolved:
        guard let leaf = recorded.translation, leaf.output != 0 else {
          return unresolved(recorded, &outcome)
        }
        found = recordedLeaf(leaf, outcome.request, tables)
      }
    }
    guard found.output >> 20 != 0xfee || found.shift > 20 else {
      outcome.domain = tables.domain
      let code =
        tables.isScalable ? VTdFault.scalableInterruptRange : VTdFault.interruptRange
      return block(&outcome, code, isSilent: tables.isSilent)
    }
    found.filledAt = outcome.request.place.event
    found.device = outcome.request.device
    found.domain = tables.domain
    found.pasid = tables.pasid
    if isByDevice { deviceSpaces.add(space) }
    iotlb.fill(space, outcome.request.address, found)
    withUnsafeMutablePointer(to: &found) { accept($0, &outcome, by: tables, .miss) }
    if outcome.request.addressType == .translationRequest { give(found, &outcome) }
  }

  /// Gives a device the translation that it asked for, where it is allowed.
  @inline(never)
  private mutating func give(_ found: IOTranslation, _ outcome: inout DMAOutcome) {
    guard outcome.result == .translated else { return }
    outcome.isGranted = true
    let request = outcome.request
    var kept = found
    kept.device = request.device
    kept.pasid = request.pasid
    kept.input = request.address & ~((1 << UInt64(found.shift)) - 1)
    deviceTLBs.fill(request.device, Self.deviceSpace(request), found.output, kept)
  }

  /// Keeps that a page has no translation, as caching mode allows.
  ///
  /// Model: what caching mode lets a unit keep of absent contexts and PASIDs is not kept.
  ///
  /// Source: Intel VT-d 4.1, "Capability Register", field CM, and "Caching Mode".
  @inline(never)
  private mutating func keepNegative(
    _ request: DMARequest, _ code: UInt16, _ tables: Tables, _ space: UInt64
  ) {
    var entry = IOTranslation.none
    entry.filledAt = request.place.event
    (entry.domain, entry.device, entry.pasid) = (tables.domain, request.device, tables.pasid)
    (entry.shift, entry.fault) = (12, UInt8(truncatingIfNeeded: code))
    switch tables.kind {
    case .first: entry.kind = .first
    case .nested: entry.kind = .nested
    default: entry.kind = .second
    }
    if isByDevice { deviceSpaces.add(space) }
    iotlb.fill(space, request.address, entry)
  }

  /// Sends a request where a translation leads, if it allows that.
  ///
  /// `tables` are nothing where a hit came before the context was read.
  @inline(__always)
  private mutating func accept(
    _ found: UnsafeMutablePointer<IOTranslation>, _ outcome: inout DMAOutcome, by tables: Tables?,
    _ lookup: DMAOutcome.Lookup = .hit
  ) {
    outcome.iotlb = lookup
    outcome.domain = found.pointee.domain
    if found.pointee.fault != 0 {
      let code = UInt16(found.pointee.fault)
      return block(&outcome, code, isSilent: tables?.isSilent ?? false)
    }
    if !(skipsPermission && lookup == .hit),
      let code = Self.denial(of: outcome.request, found, by: tables)
    {
      outcome.rights = found.pointee.rights
      return block(&outcome, code, isSilent: tables?.isSilent ?? false)
    }
    outcome.result = .translated
    let offset: UInt64 = (1 << UInt64(found.pointee.shift)) - 1
    outcome.output = found.pointee.output & ~offset | outcome.request.address & offset
    outcome.pageShift = found.pointee.shift
    outcome.leaf = found.pointee.leaf
    outcome.rights = found.pointee.rights
    outcome.filledAt = found.pointee.filledAt
    outcome.isFirstStage = found.pointee.kind != .second
  }

  /// Why a translation does not allow a request.
  @inline(__always)
  private static func denial(
    of request: DMARequest, _ found: UnsafeMutablePointer<IOTranslation>, by tables: Tables?
  ) -> UInt16? {
    var needs = request.kind.needs
    if found.pointee.kind != .second {
      if !request.isPrivileged {
        needs.insert(.user)
      } else if tables?.protectsWrites == false {
        // A supervisor's write heeds no write bit without WPE.
        needs.remove(.write)
      }
      if request.executes { needs.insert(.execute) }
    }
    let missing = needs.subtracting(found.pointee.rights)
    guard !missing.isEmpty else { return nil }
    let isScalable = tables?.isScalable ?? false
    if missing.contains(.user) { return VTdFault.userForbidden }
    if missing.contains(.write) { return isScalable ? VTdFault.scalableWrite : VTdFault.write }
    if missing.contains(.execute) { return VTdFault.executeForbidden }
    return isScalable ? VTdFault.scalableRead : VTdFault.read
  }

  @inline(__always)
  private func pass(_ outcome: inout DMAOutcome, domain: UInt32) {
    outcome.result = .passedThrough
    outcome.output = outcome.request.address
    outcome.rights = [.read, .write]
    outcome.domain = domain
  }

  /// A request for which no tables are at hand: what the recorder saw of it stands for them.
  ///
  /// A recorded fault is what the tables said then.
  @inline(never)
  private mutating func unresolved(_ recorded: RecordedOutcome, _ outcome: inout DMAOutcome) {
    let request = outcome.request
    if let fault = recorded.fault {
      return block(&outcome, fault.code & 0xff, isSilent: false)
    }
    if let leaf = recorded.translation, leaf.entry != 0 || leaf.output != 0 {
      let tables = Tables(domain: leaf.domain, kind: .second, isSilent: false)
      var found = recordedLeaf(leaf, request, tables)
      found.filledAt = request.place.event
      found.device = request.device
      found.domain = leaf.domain
      let space = isByDevice ? UInt64(request.device) | 1 << 62 : tables.space
      // Without a context the lookup by domain was not made; that by device was.
      if !probesFirst, outcome.iotlb == .none, let hit = iotlb.lookup(space, request.address) {
        return accept(hit, &outcome, by: nil)
      }
      walks += 1
      if isByDevice { deviceSpaces.add(space) }
      iotlb.fill(space, request.address, found)
      withUnsafeMutablePointer(to: &found) { accept($0, &outcome, by: nil, .miss) }
      return
    }
    outcome.result = .unresolved
  }

  /// The leaf that a recorder saw at the end of a walk, which stands for the tables of that moment.
  ///
  /// Model: the walk to a recorded leaf reads an entry of each level from the root down, whatever the
  /// paging-structure caches would have saved.
  private mutating func recordedLeaf(
    _ leaf: RecordedOutcome.Translation, _ request: DMARequest, _ tables: Tables
  ) -> IOTranslation {
    let level = Self.level(of: leaf)
    references.tables += max(Int(tables.secondLevels) - level, 0)
    let shift = UInt64(12 + 9 * level)
    let page =
      leaf.entry != 0
      ? leaf.entry & VTdSecondStageEntry.frame.mask & ~reservedAddress : leaf.output
    let rights = leaf.entry != 0 ? VTdSecondStage.rights(leaf.entry, .standard) : .data
    return IOTranslation(
      output: page & ~((1 << shift) - 1), leaf: leaf.entry, filledAt: 0, domain: tables.domain,
      device: request.device, pasid: tables.pasid, shift: UInt8(shift),
      rights: rights.intersection(.data), kind: .second)
  }

  /// The level of a recorded leaf, by the page's size or by the entry's own size bit.
  private static func level(of leaf: RecordedOutcome.Translation) -> Int {
    switch leaf.mask {
    case 0xfff: 0
    case 0x1f_ffff: 1
    case 0x3fff_ffff: 2
    default: leaf.entry.has(VTdSecondStageEntry.pageSize) ? 1 : 0
    }
  }

  /// What tags a device's own translations.
  static func deviceSpace(_ request: DMARequest) -> UInt64 {
    UInt64(request.device) | UInt64(request.hasPASID ? request.pasid + 1 : 0) << 32
  }

  /// Whether the device was given a translation to this page, and may still use it.
  private func isGranted(_ request: DMARequest) -> Bool {
    guard
      let found = deviceTLBs.find(
        request.device, Self.deviceSpace(request), request.address)
    else {
      return false
    }
    return found.pointee.rights.isSuperset(of: request.kind.needs)
  }
}
