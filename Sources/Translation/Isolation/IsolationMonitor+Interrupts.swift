import Results
import TraceFile

/// Rules that an interrupt message, an entry or a delivery can break: V12 to V19.
extension IsolationMonitor {
  /// Sees what became of an interrupt message, and where it ended.
  @inline(__always)
  mutating func judge(
    _ outcome: InterruptOutcome, _ delivery: Delivery,
    _ targets: borrowing InterruptTargets
  ) {
    messages &+= 1
    now = Moment(outcome.message.place)
    judged[16] &+= 1
    var guest = noGuest
    if outcome.message.hasDevice, let number = devices.number(of: outcome.message.device) {
      guest = devices.states[number].guest
      countMessage(outcome, number)
    }
    switch outcome.result {
    case .blocked: judgeBlocked(outcome)
    case .remapped, .posted:
      judgeEntry(outcome, guest)
      if !isVTd { judgeTable(outcome, guest) }
    case .passedThrough, .unresolved: break
    }
    // What the host's own devices raise, and where, is the host's affair.
    if guest != noGuest, guest != 0 { judgeGuests(outcome, guest) }
    if outcome.result == .posted { judged[18] &+= 1 }
    if delivery.defect != .none || delivery.breach != .none {
      judgeBreach(delivery, outcome.message.place, outcome, targets)
    }
    if delivery.processor >= 0, outcome.result == .remapped {
      judgeCore(outcome, delivery, targets)
    }
  }

  /// Sees a breach of the contract of posted interrupts that no message showed.
  mutating func judge(
    _ delivery: Delivery, at place: EventPlace, _ targets: borrowing InterruptTargets
  ) {
    now = Moment(place)
    judged[18] += 1
    judgeBreach(delivery, place, nil, targets)
  }

  private func subject(_ outcome: InterruptOutcome) -> FindingLog.Subject {
    FindingLog.Subject(
      device: outcome.message.hasDevice ? outcome.message.device : FindingLog.Subject.none)
  }

  private func evidence(_ outcome: InterruptOutcome) -> [String: String] {
    var detail = ["address": hex(outcome.message.address)]
    if outcome.message.hasData { detail["data"] = hex(outcome.message.data) }
    if outcome.index != InterruptOutcome.noIndex {
      detail["index"] = String(outcome.index)
      if outcome.entry != InterruptEntry() {
        detail["entry"] = "\(hex(outcome.entry.high)) \(hex(outcome.entry.low))"
      }
    }
    if outcome.result == .blocked {
      detail["fault"] =
        hex(UInt64(outcome.fault)) + (outcome.isFaultSilent ? ", not recorded" : "")
      detail["check"] = "\(outcome.check)"
      detail["stoppedBy"] = Self.stop(outcome)
      return detail
    }
    if outcome.check != .none { detail["wouldBeStoppedBy"] = Self.stop(outcome) }
    detail["vector"] = hex(UInt64(outcome.request.vector))
    if outcome.result == .posted {
      detail["descriptor"] = hex(outcome.descriptor)
    } else {
      detail["deliveryMode"] = "\(outcome.request.deliveryMode)"
      detail["destination"] = hex(UInt64(outcome.request.destination))
    }
    return detail
  }

  // MARK: V17

  @inline(__always)
  private mutating func countMessage(_ outcome: InterruptOutcome, _ number: Int) {
    judged[17] &+= 1
    let clock = now.time
    let isStorm =
      clock == 0
      ? devices.states[number].interrupts.count(
        at: messages, length: policy.windowRequests, limit: policy.interrupts)
      : devices.states[number].interrupts.count(
        at: clock, length: policy.windowNanoseconds, limit: policy.interrupts)
    guard isStorm else { return }
    let limit = policy.interrupts
    find(17, .medium, subject(outcome), at: outcome.message.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["rate"] = "more than \(limit) messages in one window"
      return detail
    }
  }

  // MARK: V12, V13, V16, V27: blocked

  @inline(never)
  private mutating func judgeBlocked(_ outcome: InterruptOutcome) {
    let (rule, severity): (Int, Severity) =
      switch outcome.check {
      case .format: (12, .low)
      case .source: (13, .medium)
      case .request, .index, .present: (16, .medium)
      case .access, .reserved: (27, .medium)
      // AMD-Vi's device entry stops an NMI or its like.
      case .device: (15, .low)
      case .none: (0, .low)
      }
    guard rule > 0 else { return }
    if rule != 16 { judged[rule] += 1 }
    find(rule, severity, subject(outcome), at: outcome.message.place) { $0.evidence(outcome) }
  }

  // MARK: V14

  private func tag(_ outcome: InterruptOutcome) -> UInt64 {
    let table = isVTd ? 0 : outcome.message.device & 0xffff
    return UInt64(table) << 16 | UInt64(outcome.index & 0xffff)
  }

  private func tag(_ unit: UInt64, _ index: UInt64) -> UInt64 {
    (isVTd ? 0 : (unit & 0xffff) << 16) | index & 0xffff
  }

  /// An entry of another guest, or one that its device's former guest left.
  @inline(__always)
  private mutating func judgeEntry(_ outcome: InterruptOutcome, _ guest: UInt32) {
    guard guest != noGuest, entryOwners.count + entryWrites.count > 0 else { return }
    judged[14] &+= 1
    let tag = tag(outcome)
    if let owner = entryOwners.number(of: tag, 0) {
      guard UInt32(owner) != guest else { return }
      find(14, .critical, subject(outcome), at: outcome.message.place) { monitor in
        var detail = monitor.evidence(outcome)
        detail["guest"] = monitor.names.guest(guest)
        detail["owner"] = monitor.names.guest(UInt32(owner))
        return detail
      }
      return
    }
    guard let written = entryWrites.number(of: tag, 0),
      let assigned = devices.state(of: outcome.message.device)?.pointee.assigned,
      assigned.event > UInt64(written)
    else { return }
    find(14, .critical, subject(outcome), at: outcome.message.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["guest"] = monitor.names.guest(guest)
      detail["written"] = "event \(written), before the device was assigned"
      detail["assigned"] = assigned.text
      return detail
    }
  }

  /// Software writes an entry, by an event of its own or by a write of the table's memory.
  mutating func writeEntry(_ tag: UInt64, isPresent: Bool, at place: EventPlace) {
    guard entryWrites.count < Self.maximumEntries else { return }
    if isPresent {
      entryWrites.set(tag, 0, to: Int(clamping: place.event))
    } else {
      entryWrites.remove(tag, 0)
    }
  }

  /// Two devices of different guests have one interrupt table.
  ///
  /// Source: Xen XSA-36 (CVE-2013-0153): one table for all devices of an AMD system.
  @inline(__always)
  private mutating func judgeTable(_ outcome: InterruptOutcome, _ guest: UInt32) {
    guard outcome.table != 0 else { return }
    let device = outcome.message.device
    let last = tableUsers.number(of: outcome.table, 0).map { UInt32(truncatingIfNeeded: $0) }
    guard last != device else { return }
    if last != nil || tableUsers.count < Self.maximumEntries {
      tableUsers.set(outcome.table, 0, to: Int(device))
    }
    guard let last, guest != noGuest, let other = devices.state(of: last)?.pointee.guest,
      other != noGuest,
      other != guest
    else { return }
    find(14, .critical, subject(outcome), at: outcome.message.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["guest"] = monitor.names.guest(guest)
      detail["owner"] = monitor.names.guest(other)
      detail["table"] = hex(outcome.table)
      detail["sharedWith"] = InterruptUnit.name(of: last)
      return detail
    }
  }

  /// V17: more entries than a guest may hold.
  mutating func ownEntry(_ event: TraceEvent, at place: EventPlace) {
    guard entryOwners.count < Self.maximumEntries else { return }
    let (tag, guest) = (tag(event[0], event[1]), word(event[2]))
    if let before = entryOwners.number(of: tag, 0) { heldEntries[UInt32(before), default: 0] -= 1 }
    entryOwners.set(tag, 0, to: Int(guest))
    heldEntries[guest, default: 0] += 1
    judged[17] += 1
    guard guest != 0, heldEntries[guest, default: 0] > policy.entries else { return }
    let limit = policy.entries
    find(17, .medium, FindingLog.Subject(other: word(event[1])), at: place) { monitor in
      [
        "guest": monitor.names.guest(guest), "rate": "more than \(limit) interrupt entries",
      ]
    }
  }

  /// Entries that are kept at most.
  private static var maximumEntries: Int { 1 << 20 }

  // MARK: V12, V13, V15: of guests' devices

  @inline(__always)
  private mutating func judgeGuests(_ outcome: InterruptOutcome, _ guest: UInt32) {
    judged[12] &+= 1
    switch outcome.result {
    case .passedThrough:
      judged[15] &+= 1
      // VT-d tells the formats apart by bit 4; AMD-Vi has one.
      if !isVTd || outcome.message.address & 1 << 4 == 0 {
        find(12, .critical, subject(outcome), at: outcome.message.place) { monitor in
          var detail = monitor.evidence(outcome)
          detail["guest"] = monitor.names.guest(guest)
          return detail
        }
      } else if outcome.check != .none {
        // Another's entry, or none, that only a check would have kept from it.
        let rule = outcome.check == .source ? 13 : 16
        find(rule, .critical, subject(outcome), at: outcome.message.place) { $0.evidence(outcome) }
      }
      judgeKind(outcome)
    case .remapped:
      judged[13] &+= 1
      judged[15] &+= 1
      judgeKind(outcome)
      judgeSource(outcome, guest)
    case .posted:
      judged[13] &+= 1
      judgeSource(outcome, guest)
    case .blocked, .unresolved: break
    }
  }

  /// V15: something else than a vector from 32 on.
  @inline(__always)
  private mutating func judgeKind(_ outcome: InterruptOutcome) {
    let request = outcome.request
    guard !request.deliveryMode.isOrdinary || request.vector < 32 else { return }
    find(15, .critical, subject(outcome), at: outcome.message.place) { $0.evidence(outcome) }
  }

  /// V13: an entry that lets others than its device use it.
  ///
  /// Ignoring bits of the function is for phantom functions of one device, so those are not loose.
  @inline(__always)
  private mutating func judgeSource(_ outcome: InterruptOutcome, _ guest: UInt32) {
    guard isVTd else { return }
    let high = outcome.entry.high
    let validation = high[VTdEntryHigh.validation]
    guard validation == 0 || validation == 2 else { return }
    find(13, .high, subject(outcome), at: outcome.message.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["guest"] = monitor.names.guest(guest)
      let (start, end) = (high[VTdEntryHigh.startBus], high[VTdEntryHigh.endBus])
      detail["allows"] =
        validation == 0 ? "any source" : "every device of buses \(hex(start)) to \(hex(end))"
      return detail
    }
  }

  // MARK: V18

  @inline(never)
  private mutating func judgeBreach(
    _ delivery: Delivery, _ place: EventPlace, _ outcome: InterruptOutcome?,
    _ targets: borrowing InterruptTargets
  ) {
    // A message that the host took because a guest's device forged it is V12's.
    guard delivery.breach != .none || delivery.defect != .forged else { return }
    let hasTarget = delivery.processor >= 0
    let isForeign =
      hasTarget && delivery.disturbed >= 0
      && targets[delivery.disturbed].guest != targets[delivery.processor].guest
    var who = FindingLog.Subject()
    if let outcome { who = subject(outcome) }
    guard let number = log.count(18, isForeign ? .high : .medium, who) else { return }
    var detail: [String: String] = [:]
    if let outcome { detail = evidence(outcome) }
    if delivery.core != Delivery.noCore { detail["core"] = String(delivery.core) }
    if hasTarget {
      let target = targets[delivery.processor]
      detail["vcpu"] = names.vcpu(UInt32(truncatingIfNeeded: target.id))
      detail["guest"] = names.guest(target.guest)
      detail["activity"] = "\(target.activity)"
      if delivery.disturbed >= 0 {
        detail["otherGuest"] = names.guest(targets[delivery.disturbed].guest)
      }
    }
    if delivery.breach != .none { detail["breach"] = "\(delivery.breach)" }
    if delivery.defect != .none { detail["defect"] = "\(delivery.defect)" }
    log.tell(number, place, detail)
  }

  // MARK: V19

  /// A remapped interrupt of a guest that arrives where none of its virtual processors runs.
  @inline(__always)
  private mutating func judgeCore(
    _ outcome: InterruptOutcome, _ delivery: Delivery, _ targets: borrowing InterruptTargets
  ) {
    guard delivery.core != Delivery.noCore else { return }
    judged[19] &+= 1
    let guest = targets[delivery.processor].guest
    let there = targets.running(on: delivery.core)
    if let there, targets[there].guest == guest { return }
    let other = there.map { targets[$0].guest }
    let id = targets[delivery.processor].id
    find(19, other == nil ? .low : .medium, subject(outcome), at: outcome.message.place) {
      monitor in
      var detail = monitor.evidence(outcome)
      detail["guest"] = monitor.names.guest(guest)
      detail["vcpu"] = monitor.names.vcpu(UInt32(truncatingIfNeeded: id))
      detail["core"] = String(delivery.core)
      if let other { detail["otherGuest"] = monitor.names.guest(other) }
      return detail
    }
  }
}
