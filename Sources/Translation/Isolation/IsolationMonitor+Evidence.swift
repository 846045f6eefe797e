import Results
import TraceFile

/// What findings say besides who and where.
extension IsolationMonitor {
  /// What every finding about a request says: what it asked for, where it led and whose that is, and
  /// which map, unmap and invalidation led there.
  func evidence(_ outcome: DMAOutcome) -> [String: String] {
    let request = outcome.request
    var detail = ["iova": hex(request.address), "access": "\(request.kind)"]
    if request.bytes > 0 { detail["bytes"] = String(request.bytes) }
    if request.hasPASID { detail["pasid"] = hex(UInt64(request.pasid)) }
    let page = request.address >> 12
    let mapping = mapping(of: outcome)
    let past = mapping == nil ? mappings.history.latest(of: page, in: spaces(of: outcome)) : nil
    var frame: UInt64?
    if outcome.result == .fault {
      detail["fault"] = hex(UInt64(outcome.fault)) + (outcome.isFaultSilent ? ", not recorded" : "")
      // Where it would have led, or did before.
      frame =
        mapping.map { $0.frame + (page - $0.page) } ?? past.map { $0.frame + (page - $0.page) }
    } else {
      frame = outcome.output >> 12
    }
    if let frame {
      detail["frame"] = hex(frame << 12)
      if let owner = owners.owner(of: frame) { detail["owner"] = names.guest(owner.guest) }
    }
    if outcome.iotlb == .hit, outcome.result != .fault {
      detail["filled"] = "event \(outcome.filledAt)"
    }
    guard outcome.result == .translated || outcome.result == .fault else { return detail }
    if let mapping {
      if mapping.mapped.event > 0 { detail["mapped"] = mapping.mapped.text }
      if mapping.isStale { detail["unmapped"] = mapping.unmapped.text }
    } else if let past {
      tell(past, &detail)
    }
    return detail
  }

  /// A mapping that is gone.
  func tell(_ past: PastMapping, _ detail: inout [String: String]) {
    if past.mapped.event > 0 { detail["mapped"] = past.mapped.text }
    if past.unmapped.event > 0 { detail["unmapped"] = past.unmapped.text }
    if past.invalidated.event > 0 { detail["invalidated"] = past.invalidated.text }
  }

  /// The devices that use a domain, as far as is known.
  func users(of domain: UInt32) -> String? {
    let users = devices.users(of: domain)
    guard !users.isEmpty else { return nil }
    let told = users.prefix(4).map { names.device($0) }.joined(separator: ", ")
    return users.count > 4 ? told + " and others" : told
  }

  /// The mapping that the trace shows for a request's page: of its domain, of a domain that the trace
  /// does not name, or of the device's driver.
  func mapping(of outcome: DMAOutcome) -> Mapping? {
    let page = outcome.request.address >> 12
    for space in spaces(of: outcome) {
      if let at = mappings.find(space, page) { return mappings.pool[at] }
    }
    return nil
  }

  /// The first stage that a request of a PASID, or of none, is translated by.
  ///
  /// Model: a request without a PASID uses PASID 0, as Linux's RID_PASID.
  func stage(of outcome: DMAOutcome) -> MappingSpace {
    let request = outcome.request
    let domain =
      outcome.domain == DMAOutcome.noDomain
      ? devices.state(of: request.device)?.pointee.knownDomain : outcome.domain
    return MappingSpace(domain: domain ?? 0, pasid: request.hasPASID ? request.pasid : 0)
  }

  /// Where the trace may have mapped what a request names.
  func spaces(of outcome: DMAOutcome) -> [MappingSpace] {
    let device = outcome.request.device
    let domain =
      outcome.domain == DMAOutcome.noDomain
      ? devices.state(of: device)?.pointee.knownDomain : outcome.domain
    let first = mappings.hasFirstStages ? [stage(of: outcome)] : []
    return first + (domain.map { [MappingSpace(domain: $0)] } ?? [])
      + [.unknown, MappingSpace(device: device)]
  }
}
