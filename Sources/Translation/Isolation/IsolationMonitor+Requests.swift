import Results
import TraceFile

/// Rules that a request can break: V1 to V6, V8, V10, V11, V23 to V27.
extension IsolationMonitor {
  /// Sees what a request became.
  @inline(__always)
  mutating func judge(_ outcome: inout DMAOutcome) {
    requests &+= 1
    now = Moment(outcome.request.place)
    guard let number = devices.number(of: outcome.request.device) else { return }
    devices.states[number].requests &+= 1
    judged[1] &+= 1
    if !devices.regions.isEmpty { judgePeer(outcome, number) }
    if outcome.request.kind == .write,
      devices.states[number].writes.count(
        at: now.time == 0 ? requests : now.time,
        length: now.time == 0 ? policy.windowRequests : policy.windowNanoseconds,
        limit: policy.writes)
    {
      tellFlood(outcome, "more than \(policy.writes) writes in one window")
    }
    switch outcome.result {
    case .translated:
      judgeTranslation(&outcome, number)
    case .passedThrough, .untranslated:
      judgeBypass(outcome, number)
    case .fault:
      judgeFault(outcome, number)
    case .interrupt, .unresolved: break
    }
    if outcome.request.addressType != .untranslated { judgeGrant(outcome) }
  }

  private func subject(_ outcome: DMAOutcome) -> FindingLog.Subject {
    FindingLog.Subject(device: outcome.request.device, domain: outcome.domain)
  }

  // MARK: Translated

  @inline(__always)
  private mutating func judgeTranslation(_ outcome: inout DMAOutcome, _ number: Int) {
    judged[2] &+= 1
    devices.states[number].lastDomain = outcome.domain
    if devices.states[number].hasEpoch { judgeEpoch(&outcome, number) }
    if !owners.isEmpty { judgeOwner(outcome, devices.states + number) }
    if !mappings.isEmpty { judgeStaleness(&outcome) }
    if !unflushed.isEmpty { judgeRoot(outcome) }
    if outcome.output >> 20 == 0xfee { judgeDoorbell(outcome) }
  }

  /// V3: the frame belongs to somebody else; V23 where a PASID led there.
  private mutating func judgeOwner(
    _ outcome: DMAOutcome, _ state: UnsafeMutablePointer<DeviceState>
  ) {
    guard let range = owners.owner(of: outcome.output >> 12) else { return }
    let own = state.pointee.guest
    let guest =
      devices.guest(ofDomain: outcome.domain) ?? (own == noGuest ? nil : own)
    guard let guest else { return }
    judged[3] &+= 1
    if outcome.request.hasPASID, own != noGuest {
      judged[23] &+= 1
      if guest != own {
        find(23, .high, subject(outcome), at: outcome.request.place) { monitor in
          var detail = monitor.evidence(outcome)
          detail["guest"] = monitor.names.guest(own)
          detail["otherGuest"] = monitor.names.guest(guest)
          return detail
        }
        return
      }
    }
    guard range.guest != guest, !range.isShared else { return }
    find(3, .critical, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["guest"] = monitor.names.guest(guest)
      return detail
    }
  }

  /// V6: a hit on what was unmapped, or mapped anew since it was filled.
  @inline(__always)
  private mutating func judgeStaleness(_ outcome: inout DMAOutcome) {
    let page = outcome.request.address >> 12
    if outcome.isFirstStage {
      if mappings.hasFirstStages {
        judgeStaleness(&outcome, mappings.find(stage(of: outcome), page))
      }
      if tables.nested > 0, mappings.staleSpaces > 0 { judgeSecond(outcome) }
    } else if outcome.domain != DMAOutcome.noDomain {
      judgeStaleness(&outcome, mappings.find(MappingSpace(domain: outcome.domain), page))
    }
    if mappings.hasUnknownDomains { judgeStaleness(&outcome, mappings.find(.unknown, page)) }
    if mappings.hasDevices {
      judgeStaleness(&outcome, mappings.find(MappingSpace(device: outcome.request.device), page))
    }
  }

  @inline(__always)
  private mutating func judgeStaleness(_ outcome: inout DMAOutcome, _ at: Int?) {
    guard let at else { return }
    judged[6] &+= 1
    guard outcome.iotlb == .hit else { return }
    let mapping = mappings.pool + at
    let frame =
      mapping.pointee.frame &+ (outcome.request.address >> 12 &- mapping.pointee.page)
    // A page that was mapped anew is stale where it led elsewhere, or allowed what it no longer does.
    let isStale =
      mapping.pointee.isStale
      ? outcome.filledAt < mapping.pointee.unmapped.event
      : outcome.filledAt < mapping.pointee.mapped.event
        && (outcome.output >> 12 != frame
          || outcome.request.kind.needs.rawValue & 3 & ~mapping.pointee.rights != 0)
    if isStale { tellStale(outcome, mapping.pointee, at: outcome.request.address >> 12) }
  }

  /// V6 for a mapping, of which the request used a page.
  @inline(never)
  mutating func tellStale(_ outcome: DMAOutcome, _ mapping: Mapping, at page: UInt64) {
    mappings.countUse(of: mapping.space)
    let frame = outcome.output >> 12
    let gone = mapping.isStale ? mapping.unmapped : mapping.mapped
    let owner = owners.owner(of: frame)
    let hasNewOwner = owner.map { $0.since > gone.event } ?? false
    let reuse = mappings.reuse(of: frame, from: mapping.space, after: gone.event)
    let isReused = hasNewOwner || reuse != nil
    find(6, isReused ? .critical : .high, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail.merge(monitor.evidence(of: mapping, page: page)) { $1 }
      if page != outcome.request.address >> 12 {
        detail["iova"] = hex(outcome.request.address)
        detail["gpa"] = hex(page << 12)
      }
      detail["frame"] = hex(frame << 12)
      if !mapping.isStale { detail["unmapped"] = "before \(mapping.mapped.text)" }
      if monitor.now.time > gone.time { detail["window"] = "\(monitor.now.time - gone.time) ns" }
      if let owner, hasNewOwner {
        detail["reused"] = "owned by \(monitor.names.guest(owner.guest)) since event \(owner.since)"
      } else if let reuse {
        detail["reused"] = monitor.text(of: reuse.space) + ", mapped at \(reuse.mapped.text)"
      }
      return detail
    }
  }

  func text(of space: MappingSpace) -> String {
    if let device = space.device { return "device " + names.device(device) }
    return space.domain.map { "domain " + names.domain($0) } ?? "a domain"
  }

  /// V8: set up for, or served by, a domain that the device has left.
  @inline(__always)
  private mutating func judgeEpoch(_ outcome: inout DMAOutcome, _ number: Int) {
    guard !outcome.request.hasPASID else { return }
    judged[8] &+= 1
    // The state is not copied where nothing is found.
    let isEarlier = issued != 0 && issued < devices.states[number].attached.time
    let domain = devices.states[number].domain
    let isDetached = devices.states[number].isDetached
    let isElsewhere =
      !isDetached && domain != outcome.domain && domain != DMAOutcome.noDomain
      && outcome.domain != DMAOutcome.noDomain
    if isEarlier || isElsewhere || isDetached { tellEpoch(outcome, number, isEarlier: isEarlier) }
  }

  @inline(never)
  private mutating func tellEpoch(_ outcome: DMAOutcome, _ number: Int, isEarlier: Bool) {
    let state = devices.states[number]
    let issued = issued
    find(8, .critical, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      if state.isDetached {
        detail["assigned"] = "to no domain since \(state.detached.text)"
      } else {
        detail["assigned"] =
          "to domain \(monitor.names.domain(state.domain)) at \(state.attached.text)"
      }
      if isEarlier { detail["issued"] = "at \(issued) ns" }
      return detail
    }
  }

  /// V27: translated by what a cache had although the root changed and not everything was flushed.
  private mutating func judgeRoot(_ outcome: DMAOutcome) {
    guard outcome.iotlb == .hit || outcome.context == .hit else { return }
    let what =
      unflushed.contains(.iotlb)
      ? "IOTLB" : unflushed.contains(.context) ? "context cache" : "PASID cache"
    let changed = rootChanged
    find(27, .medium, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["change"] = "root set at \(changed.text), \(what) not flushed globally since"
      return detail
    }
  }

  private mutating func judgeDoorbell(_ outcome: DMAOutcome) {
    find(25, .high, subject(outcome), at: outcome.request.place) { $0.evidence(outcome) }
  }

  // MARK: Not translated

  /// V10: a guest's device, or one that translates by identity.
  private mutating func judgeBypass(_ outcome: DMAOutcome, _ number: Int) {
    // One that is marked as translated is judged by what the device was given.
    guard outcome.request.addressType == .untranslated else { return }
    let state = devices.states[number]
    let isGuests = state.guest != noGuest && state.guest != 0
    // A unit that does not translate says nothing about devices whose owner nobody named.
    guard outcome.result == .passedThrough || isGuests else { return }
    judged[10] &+= 1
    find(10, isGuests ? .high : .low, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      if isGuests { detail["guest"] = monitor.names.guest(state.guest) }
      detail["how"] =
        outcome.result == .passedThrough ? "its entry passes requests" : "the unit is off"
      return detail
    }
  }

  /// V11: addressed to a peer that may answer before the request reaches the unit.
  private mutating func judgePeer(_ outcome: DMAOutcome, _ number: Int) {
    guard outcome.request.addressType != .translationRequest else { return }
    judged[11] &+= 1
    guard let peer = devices.owner(ofRegion: outcome.request.address),
      peer != outcome.request.device
    else { return }
    let state = devices.states[number]
    guard let other = devices.state(of: peer)?.pointee, state.group != 0, state.group == other.group
    else {
      return
    }
    let isForeign = state.guest != other.guest && state.guest != noGuest && other.guest != noGuest
    find(11, isForeign ? .critical : .high, subject(outcome), at: outcome.request.place) {
      monitor in
      var detail = monitor.evidence(outcome)
      detail["alias"] = "region of \(monitor.names.device(peer))"
      detail["group"] = String(state.group)
      return detail
    }
  }

  /// V5: passed because the device said that it is translated.
  ///
  /// A translation that the device asks for and gets is its own until its TLB is invalidated.
  @inline(never)
  private mutating func judgeGrant(_ outcome: DMAOutcome) {
    guard outcome.request.addressType == .translated else {
      if outcome.isGranted { grant(outcome) }
      return
    }
    judged[5] &+= 1
    guard outcome.result != .fault, !outcome.isGranted, !grants.covers(outcome.request) else {
      return
    }
    find(5, .critical, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      // What the device sent is where the translation had led; the page is the one that led there.
      detail["address"] = detail["iova"]
      detail["iova"] = nil
      let past = monitor.mappings.history.latest(
        ofFrame: outcome.output >> 12, in: monitor.spaces(of: outcome))
      if let past {
        detail["iova"] = hex((past.page + (outcome.output >> 12 - past.frame)) << 12)
        monitor.tell(past, &detail)
      }
      return detail
    }
  }

  private mutating func grant(_ outcome: DMAOutcome) {
    let offset: UInt64 = 1 << UInt64(min(outcome.pageShift, 57)) - 1
    grants.add(
      GrantTable.Grant(
        holder: GrantTable.holder(outcome.request.device, pasid: outcome.request.pasid),
        page: outcome.request.address & ~offset, output: outcome.output & ~offset,
        domain: outcome.domain, shift: outcome.pageShift, rights: outcome.rights.rawValue & 3))
  }

  // MARK: Faults

  /// V26: too much of something, or a log that is full of it.
  @inline(never)
  private mutating func tellFlood(_ outcome: DMAOutcome, _ rate: String) {
    find(26, .medium, subject(outcome), at: outcome.request.place) { monitor in
      var detail = monitor.evidence(outcome)
      detail["rate"] = rate
      return detail
    }
  }

  @inline(never)
  private mutating func judgeFault(_ outcome: DMAOutcome, _ number: Int) {
    judged[26] &+= 1
    if outcome.isFaultLost { tellFlood(outcome, "the log of faults is full, and this one is lost") }
    let clock = now.time
    let isFlood =
      clock == 0
      ? devices.states[number].faults.count(
        at: requests, length: policy.windowRequests, limit: policy.faults)
      : devices.states[number].faults.count(
        at: clock, length: policy.windowNanoseconds, limit: policy.faults)
    if isFlood { tellFlood(outcome, "more than \(policy.faults) faults in one window") }
    let (rule, severity) = rule(of: outcome)
    guard rule > 0 else { return }
    if rule != 1 { judged[rule] &+= 1 }
    find(rule, severity, subject(outcome), at: outcome.request.place) { $0.evidence(outcome) }
  }

  private func rule(of outcome: DMAOutcome) -> (rule: Int, severity: Severity) {
    switch outcome.cause {
    case .nestedTable: return (24, .high)
    case .pasid: return (23, .high)
    case .unsaid: break
    }
    let kind = isVTd ? FaultRule.vtd(outcome.fault) : FaultRule.amdvi(outcome.fault)
    switch kind {
    case .unmappedOrForbidden:
      let isMapped = mapping(of: outcome).map { !$0.isStale } ?? !outcome.rights.isEmpty
      return (isMapped ? 2 : 1, .medium)
    case .unmapped: return (1, .medium)
    case .forbidden: return (2, .medium)
    case .noContext: return (4, .high)
    // What is blocked is an attempt, and no breach.
    case .addressType: return (5, .medium)
    case .pasid: return (23, .high)
    case .nestedTable: return (24, .high)
    case .interruptAddress: return (25, .medium)
    case .malformed: return (27, .medium)
    case .none: return (0, .low)
    }
  }
}
