import Results
import TraceFile

/// Rules that a map, or a change of owner, can break: V7, V9, V10, V20, V21, V25, V27.
extension IsolationMonitor {
  /// The guest of a space; `FindingLog.Subject.none` where nobody said.
  ///
  /// Mutating, though it changes nothing: calls that are not copy all that is watched.
  mutating func guest(of space: MappingSpace) -> UInt32 {
    if let domain = space.domain { return devices.guest(ofDomain: domain) ?? noGuest }
    guard let device = space.device else { return noGuest }
    if let domain = devices.state(of: device)?.pointee.knownDomain,
      let guest = devices.guest(ofDomain: domain)
    {
      return guest
    }
    return devices.guest(ofDevice: device) ?? noGuest
  }

  var noGuest: UInt32 { FindingLog.Subject.none }

  mutating func subject(of space: MappingSpace) -> FindingLog.Subject {
    FindingLog.Subject(
      device: space.device ?? FindingLog.Subject.none,
      domain: space.domain ?? space.device.flatMap { devices.state(of: $0)?.pointee.knownDomain }
        ?? FindingLog.Subject.none)
  }

  mutating func map(
    _ space: MappingSpace, _ address: UInt64, bytes: UInt64, to output: UInt64, rights: UInt8,
    at place: EventPlace
  ) {
    let guest = guest(of: space)
    mappings.map(
      space, address, bytes: bytes, to: output, rights: rights, guest: guest, at: Moment(place))
    judgeConflicts(space, at: place)
    if mappings.staleSpaces > 0 { judgeReuse(space, bytes, output, guest, at: place) }
    if !tables.freed.isEmpty, bytes > 0 {
      judgeFreed(output >> 12, (output &+ (bytes - 1)) >> 12 &+ 1, at: place)
    }
    judgeDoorbell(space, address, bytes, output, at: place)
    if guest != noGuest, bytes > 0 {
      judgeOwners(space, address, bytes, output, rights, guest, at: place)
      judgeSharing(space, address, bytes, output, rights, guest, at: place)
      if !tables.isEmpty {
        judgeMappedTables(space, address, bytes, output, rights, guest, at: place)
      }
    }
  }

  /// V7 where the old mapping was unmapped, and V27 where it was not.
  private mutating func judgeConflicts(_ space: MappingSpace, at place: EventPlace) {
    judged[7] += 1
    judged[27] += 1
    for at in mappings.conflicts.indices {
      let conflict = mappings.conflicts[at]
      if !conflict.old.isStale {
        find(27, .medium, subject(of: space), at: place) { monitor in
          var detail = monitor.evidence(of: conflict.old, page: conflict.page)
          detail["next"] = "\(hex(conflict.frame << 12)) mapped at \(monitor.now.text)"
          detail["change"] = "mapped anew without an unmap"
          return detail
        }
        continue
      }
      find(7, .critical, subject(of: space), at: place) { monitor in
        var detail = monitor.evidence(of: conflict.old, page: conflict.page)
        detail["next"] = "\(hex(conflict.frame << 12)) mapped at \(monitor.now.text)"
        return detail
      }
    }
  }

  /// What is known of a mapping that went stale.
  func evidence(of mapping: Mapping, page: UInt64) -> [String: String] {
    let frame = mapping.frame + (page - mapping.page)
    var detail = [
      "iova": hex(page << 12), "frame": hex(frame << 12), "mapped": mapping.mapped.text,
    ]
    if mapping.isStale {
      detail["unmapped"] = mapping.unmapped.text
      let domain = mapping.space.domain
      let found = invalidations.latest(ofDomain: domain, after: mapping.unmapped.event)
      detail["invalidated"] =
        found.map { "not; the latest covers another range: \($0.text)" } ?? "not since"
      if mapping.awaitsDevices, let domain,
        let device = grants.device(holding: page, of: domain)
      {
        detail["invalidated"] = "not in the TLB of \(names.device(device))"
      } else if mapping.told != 0 {
        detail["invalidated"] = "not by every unit of its domain"
      }
    }
    if let owner = owners.owner(of: frame) { detail["owner"] = names.guest(owner.guest) }
    return detail
  }

  /// V25: a domain that leads to the range of interrupt messages.
  private mutating func judgeDoorbell(
    _ space: MappingSpace, _ address: UInt64, _ bytes: UInt64, _ output: UInt64,
    at place: EventPlace
  ) {
    guard bytes > 0 else { return }
    judged[25] += 1
    let last = output &+ (bytes - 1)
    guard output <= 0xfeef_ffff, last >= 0xfee0_0000 else { return }
    find(25, .high, subject(of: space), at: place) { _ in
      ["iova": hex(address), "frame": hex(output & ~0xfff), "bytes": String(bytes)]
    }
  }

  /// V10, V20 and V21: frames of others in a guest's domain.
  private mutating func judgeOwners(
    _ space: MappingSpace, _ address: UInt64, _ bytes: UInt64, _ output: UInt64, _ rights: UInt8,
    _ guest: UInt32, at place: EventPlace
  ) {
    guard guest != 0, !owners.isEmpty else { return }
    judged[20] += 1
    judged[21] += 1
    let last = output &+ (bytes - 1)
    guard last >= output else { return }
    let isWritable = rights & 2 != 0
    for range in owners.overlapping(output >> 12, last >> 12 + 1)
    where range.guest != guest && !range.isShared {
      // The host's frames under their own addresses are a reserved region that was left mapped.
      let isIdentity = address == output && range.guest == 0
      let rule = range.guest == 0 ? isIdentity ? 10 : 21 : 20
      let severity: Severity =
        rule == 10 ? .high : isWritable ? .critical : rule == 21 ? .high : .low
      find(rule, severity, subject(of: space), at: place) { monitor in
        [
          "guest": monitor.names.guest(guest),
          "iova": hex(address &+ (range.first << 12 - min(range.first << 12, output))),
          "frame": hex(range.first << 12), "bytes": String((range.end - range.first) << 12),
          "owner": monitor.names.guest(range.guest), "access": isWritable ? "write" : "read",
        ]
      }
    }
  }

  /// V20 where nobody said whose the frame is: another guest's domain has it too.
  private mutating func judgeSharing(
    _ space: MappingSpace, _ address: UInt64, _ bytes: UInt64, _ output: UInt64, _ rights: UInt8,
    _ guest: UInt32, at place: EventPlace
  ) {
    if owners.isEmpty { judged[20] += 1 }
    var frame = output >> 12
    let last = (output &+ (bytes - 1)) >> 12
    var steps = 0
    while frame <= last, steps < MappingTable.maximumPieces {
      steps += 1
      defer { frame += 1 }
      let owner = owners.owner(of: frame)
      // A frame with an owner was judged by it.
      guard owner == nil else { continue }
      guard let other = mappings.otherGuest(of: frame, than: guest) else { continue }
      let isWritable = (rights | other.rights) & 2 != 0
      find(20, isWritable ? .critical : .low, subject(of: space), at: place) { monitor in
        [
          "guest": monitor.names.guest(guest), "otherGuest": monitor.names.guest(other.guest),
          "iova": hex(address &+ ((frame << 12) &- output)), "frame": hex(frame << 12),
          "access": isWritable ? "write" : "read", "mapped": other.mapped.text,
          "beside":
            "\(monitor.text(of: other.space)) at \(hex((other.page + (frame - other.frame)) << 12))",
        ]
      }
      return
    }
  }

  /// V9, and the mapping of a driver's buffer.
  mutating func mapBuffer(_ event: TraceEvent, at place: EventPlace) {
    let (device, address, output, bytes) = (word(event[0]), event[1], event[2], event[3])
    let space = MappingSpace(device: device)
    // To the device is read by it, from the device is written by it.
    let rights = UInt8(truncatingIfNeeded: event[4] & 3)
    judged[9] += 1
    if bytes > 0, (output | bytes) & 0xfff != 0, output &+ (bytes - 1) >= output {
      judgeSubpage(device, space, address, output, bytes, rights, at: place)
    }
    map(space, address, bytes: bytes, to: output, rights: rights, at: place)
  }

  private mutating func judgeSubpage(
    _ device: UInt32, _ space: MappingSpace, _ address: UInt64, _ output: UInt64, _ bytes: UInt64,
    _ rights: UInt8, at place: EventPlace
  ) {
    let last = output + (bytes - 1)
    let exposed = (output & 0xfff) + (0xfff - last & 0xfff)
    guard exposed > 0 else { return }
    let first = mappings.otherUse(of: output >> 12, than: space, rights)
    let neighbour = first ?? mappings.otherUse(of: last >> 12, than: space, rights)
    find(9, neighbour == nil ? .low : .medium, subject(of: space), at: place) { monitor in
      var detail = [
        "iova": hex(address), "frame": hex(output & ~0xfff), "bytes": String(bytes),
        "exposed": "\(exposed) bytes beside the buffer",
      ]
      let owner = monitor.owners.owner(of: output >> 12) ?? monitor.owners.owner(of: last >> 12)
      if let owner { detail["owner"] = monitor.names.guest(owner.guest) }
      if let neighbour {
        detail["beside"] =
          (neighbour.space.device.map { monitor.names.device($0) } ?? "another mapping")
          + ", mapped at \(neighbour.mapped.text)"
      }
      return detail
    }
  }

  /// A change of owner while a device may still reach the frames: V7.
  mutating func own(_ event: TraceEvent, at place: EventPlace) {
    let (guest, first, count) = (word(event[0]), event[1], event[2])
    let (end, overflow) = first.addingReportingOverflow(count)
    guard !overflow, first < end, end >> 52 == 0 else { return }
    if !tables.freed.isEmpty { judgeFreed(first, end, at: place) }
    if !tables.isEmpty { judgeTables(first, end, guest, at: place) }
    if !mappings.isEmpty {
      judged[7] += 1
      judgeReuse(first, end, guest, at: place)
      if event[3] == 0 { judgeTaken(first, end, guest, at: place) }
    }
    owners.assign(
      FrameOwners.Range(
        first: first, end: end, guest: guest, isShared: event[3] != 0, since: place.event))
  }

  /// V7 where a frame is mapped for another guest while a domain that it was unmapped from may still
  /// reach it.
  ///
  /// Within one owner that is what deferred invalidation is made for, and V6 judges its use.
  private mutating func judgeReuse(
    _ space: MappingSpace, _ bytes: UInt64, _ output: UInt64, _ guest: UInt32,
    at place: EventPlace
  ) {
    guard guest != noGuest, bytes > 0,
      mappings.staleSpaces > (mappings.hasStale(space) ? 1 : 0)
    else { return }
    let first = output >> 12
    let last = (output &+ (bytes - 1)) >> 12
    var frame = first
    while frame <= last, frame &- first < UInt64(MappingTable.maximumPieces) {
      defer { frame += 1 }
      guard let old = mappings.staleUse(of: frame, outside: space),
        old.guest != noGuest, old.guest != guest
      else { continue }
      find(7, .critical, subject(of: old.space), at: place) { monitor in
        var detail = monitor.evidence(of: old, page: old.page + (frame &- old.frame))
        detail["next"] = "mapped in \(monitor.text(of: space)) at \(monitor.now.text)"
        return detail
      }
      return
    }
  }

  /// V10, V20 and V21 where frames go to somebody else while a guest's domain still maps them.
  private mutating func judgeTaken(
    _ first: UInt64, _ end: UInt64, _ guest: UInt32, at place: EventPlace
  ) {
    judged[20] += 1
    judged[21] += 1
    for at in mappings.live(in: first, end) {
      let mapping = mappings.pool[at]
      guard mapping.guest != noGuest, mapping.guest != 0, mapping.guest != guest else { continue }
      let isWritable = mapping.rights & 2 != 0
      let isIdentity = mapping.page == mapping.frame && guest == 0
      let rule = guest == 0 ? isIdentity ? 10 : 21 : 20
      let severity: Severity =
        rule == 10 ? .high : isWritable ? .critical : rule == 21 ? .high : .low
      find(rule, severity, subject(of: mapping.space), at: place) { monitor in
        let page = mapping.page + (max(first, mapping.frame) - mapping.frame)
        var detail = monitor.evidence(of: mapping, page: page)
        detail["guest"] = monitor.names.guest(mapping.guest)
        detail["owner"] = monitor.names.guest(guest)
        detail["access"] = isWritable ? "write" : "read"
        detail["next"] = "given to \(monitor.names.guest(guest)) while mapped"
        return detail
      }
    }
  }

  private mutating func judgeReuse(
    _ first: UInt64, _ end: UInt64, _ guest: UInt32, at place: EventPlace
  ) {
    for state in 0..<mappings.spaces.count {
      var at = mappings.spaces[state].firstStale
      while at >= 0 {
        let mapping = mappings.pool[Int(at)]
        at = mapping.nextStale
        guard mapping.frame < end, mapping.frame + mapping.pageCount > first else { continue }
        // Frames that stay with the guest whose device may still reach them are no harm.
        let before = owners.owner(of: max(first, mapping.frame))?.guest
        guard before != guest, mapping.guest != guest || mapping.guest == noGuest else { continue }
        let page = mapping.page + (max(first, mapping.frame) - mapping.frame)
        find(7, .critical, subject(of: mapping.space), at: place) { monitor in
          var detail = monitor.evidence(of: mapping, page: page)
          detail["next"] = "given to \(monitor.names.guest(guest)) at \(monitor.now.text)"
          return detail
        }
      }
    }
  }
}
