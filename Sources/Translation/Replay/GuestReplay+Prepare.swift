import Machine

/// Exits that the model derives from what a touch needs.
struct DerivedExits {
  /// Pages that the guest had not mapped: its own fault.
  var guestFaults = 0
  /// Pages that the guest had mapped and the shadow had not.
  var hiddenFaults = 0
  /// Guest writes of entries that the shadow follows.
  var tableWrites = 0
  /// First writes to pages that the shadow had entered as clean.
  var dirtyFaults = 0
  /// Second-stage pages given when first touched.
  var backed = 0
  /// Shadow roots changed for CR3 loads, and INVLPG.
  var spaceChanges = 0
  var pageInvalidations = 0
  /// Others: intercepted events, faults of the second stage.
  var others = 0
}

/// What has to be there before a walk can find it.
extension GuestReplay {
  /// Makes an address translate: the guest's page, its backing, and the hypervisor's shadow of it.
  ///
  /// Model: a first touch costs its faults and exits, and one walk; the walks that ended in those
  /// faults are not repeated.
  ///
  /// - Returns: the reach that a walk will find; nothing where tables were recorded, or where no frame
  ///   is left.
  mutating func prepare(_ address: GVA, isWrite: Bool) -> PageSize? {
    guard tables.isSynthesised else {
      _ = pages.state(of: PageStates.key(address.frame, running.space))
      if usesShadow { _ = fillShadow(address, isWrite: isWrite) }
      return nil
    }
    let key = PageStates.key(address.frame, running.space)
    var reach: PageSize?
    switch pages.state(of: key) {
    case .mapped(let known): reach = known
    case .faulting: return nil
    case .unknown:
      let made = tables.populate(address, in: running.space)
      reach = made?.reach
      pages.set(reach, for: key)
      if let made { count(made) }
      // With all levels nested, agile mode begins at the guest's root once it lies somewhere.
      if machine.mode == .agile, running.context.start == .guest { refresh() }
    }
    if usesShadow, reach != nil, !pages.hasShadow(key, isWrite: isWrite) {
      guard fillShadow(address, isWrite: isWrite) else { return nil }
      pages.setShadow(key, isWrite: isWrite)
    }
    return reach
  }

  /// The hypervisor keeps tables of its own.
  var usesShadow: Bool {
    machine.mode == .shadow || machine.mode == .agile && running.context.start == .shadow
  }

  /// Exits for what a touch made in the guest's tables and in the second stage.
  private mutating func count(_ made: GuestTables<First, Second>.Populated) {
    guard derivesExits else { return }
    switch machine.mode {
    case .native: break
    case .nested: leave(.eptViolation, made.backed, \.backed)
    case .shadow, .agile:
      let nested = machine.mode == .agile ? shadow.nestedLevels : 0
      if machine.mode == .agile { leave(.eptViolation, made.backed, \.backed) }
      guard made.newPage else { return }
      // The entry that is linked last stands in a table that was there: those below it were new.
      let level = made.first.leafLevel + made.newTables
      if level >= nested {
        leave(.exception, 1, \.guestFaults)
        leave(.exception, 1, \.tableWrites)
      }
    }
  }

  /// Fills the shadow of an address, with the exits that it takes.
  ///
  /// - Returns: whether a walk will find it.
  private mutating func fillShadow(_ address: GVA, isWrite: Bool) -> Bool {
    switch shadow.fill(address, in: running.space, isWrite: isWrite, &tables) {
    case .present: return true
    case .filled:
      leave(.exception, 1, \.hiddenFaults)
      return true
    case .dirtied:
      // What a TLB still has forbids the write.
      leave(.exception, 1, \.dirtyFaults)
      invalidate(.pageFault(address.rawValue))
      return true
    case .unmapped: return !tables.isSynthesised
    case .outOfFrames: return false
    }
  }

  /// Counts exits of one kind, each with its return.
  mutating func leave(
    _ reason: ExitReason, _ count: Int, _ kind: WritableKeyPath<DerivedExits, Int>
  ) {
    guard count > 0, derivesExits else { return }
    derived[keyPath: kind] += count
    ledger.count(reason, count)
    if machine.mode.isVirtualized, !machine.virtualization.hasVPID { invalidate(.transition) }
  }

  /// A fault that a walk ended in: counted by the walk, and here what it removes and whether it exits.
  mutating func take(_ fault: WalkFault, _ address: GVA) {
    forgetRepeats()
    switch fault.kind {
    case .generalProtection: break
    case .pageFault:
      if machine.mode == .shadow || fault.inShadow { leave(.exception, 1, \.guestFaults) }
      invalidate(.pageFault(address.rawValue))
    case .eptViolation, .nestedPageFault:
      leave(.eptViolation, 1, \.others)
      invalidate(.eptViolation(address: address.rawValue, guestPhysical: fault.address))
    case .eptMisconfiguration: leave(.eptMisconfiguration, 1, \.others)
    }
  }

  /// Counts a use of a translation that the tables no longer have, and says what would have removed it.
  mutating func countStale(_ address: GVA) {
    let guest = vcpus[running.vcpu].guest
    let change = changes.last(covering: address.rawValue, space: running.space, guest: guest)
    let page = "0x" + String(address.rawValue, radix: 16)
    let missing: String
    if change?.stage == 2 {
      missing =
        machine.secondStage?.format == .npt
        ? "a flush of ASID \(vcpus[running.vcpu].tag) (TLB_CONTROL)"
        : "INVEPT of root 0x\(String(running.context.second.rawValue, radix: 16))"
    } else {
      missing = "INVLPG of \(page) in PCID \(vcpus[running.vcpu].pcid), or a wider invalidation"
    }
    stale.count(
      StaleUses.Example(
        record: record, page: address.rawValue, change: change, missing: missing))
  }
}
