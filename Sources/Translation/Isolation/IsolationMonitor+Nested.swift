import Results
import TraceFile

/// Where tables stand: V21 and V24 for their frames, V23 for those of PASIDs in use, and what becomes of
/// a guest's tables and pages when the second stage below them changes.
extension IsolationMonitor {
  /// A second stage has a page no longer, or elsewhere: what a guest mapped there is mapped there no
  /// more, and the second stage's own page stays stale until an invalidation covers it.
  mutating func displace(_ page: TableDirectory.Page, of table: TableDirectory.Table) {
    guard table.kind != .first, tables.nested > 0, let domain = table.space.domain else { return }
    tables.displace(page, of: domain, at: now)
    guard mappings.hasFirstStages else { return }
    let first = page.output >> 12
    for at in mappings.live(in: first, first + page.bytes >> 12) {
      let space = mappings.pool[at].space
      if space.pasid != nil, space.domain == domain { mappings.drop(at) }
    }
  }

  /// A second stage has a page again.
  mutating func restore(
    _ page: TableDirectory.Page, of table: TableDirectory.Table, _ memory: borrowing IOMemory,
    at place: EventPlace
  ) {
    guard table.kind != .first, let domain = table.space.domain else { return }
    for new in tables.restore(page, of: domain, memory) { judgeTable(new, at: place) }
  }

  /// V6 for nested translations: the guest's page is where it was, and the second stage has it there no
  /// more.
  @inline(never)
  mutating func judgeSecond(_ outcome: DMAOutcome) {
    guard outcome.iotlb == .hit, outcome.domain != DMAOutcome.noDomain else { return }
    let space = MappingSpace(domain: outcome.domain)
    let frame = outcome.output >> 12
    guard mappings.hasStale(space), let old = mappings.staleUse(of: frame, in: space) else {
      return
    }
    judged[6] &+= 1
    guard outcome.filledAt < old.unmapped.event else { return }
    tellStale(outcome, old, at: old.page + (frame - old.frame))
  }

  /// V21 and V24: a table stands where a guest's device reaches it, or a guest's own where it may not.
  mutating func judgeTable(_ frame: UInt64, at place: EventPlace) {
    guard let table = tables.table(in: frame) else { return }
    let owner = owners.owner(of: frame)
    if table.isNested, let domain = table.space.domain, let guest = devices.guest(ofDomain: domain),
      let owner
    {
      judged[24] += 1
      if owner.guest != guest, !owner.isShared {
        find(24, .high, subject(of: table.space), at: place) { monitor in
          var detail = [
            "table": hex(frame << 12), "frame": hex(frame << 12),
            "guest": monitor.names.guest(guest), "owner": monitor.names.guest(owner.guest),
            "change": "a guest's table stands in memory that is not its own",
          ]
          if let pasid = table.space.pasid { detail["pasid"] = hex(UInt64(pasid)) }
          return detail
        }
      }
    }
    guard owner == nil, !mappings.isEmpty else { return }
    for at in mappings.live(in: frame, frame + 1) {
      let mapping = mappings.pool[at]
      guard mapping.guest != noGuest, mapping.guest != 0, isProtected(table, from: mapping.guest)
      else { continue }
      judged[21] += 1
      tellTable(
        frame, table, mapping.space, (mapping.page + (frame - mapping.frame)) << 12,
        mapping.rights, mapping.guest, mapping.mapped, at: place)
    }
  }

  /// V21: a guest's domain gets a frame that nobody said the owner of, and that holds a table.
  mutating func judgeMappedTables(
    _ space: MappingSpace, _ address: UInt64, _ bytes: UInt64, _ output: UInt64, _ rights: UInt8,
    _ guest: UInt32, at place: EventPlace
  ) {
    let last = output &+ (bytes - 1)
    guard guest != 0, last >= output else { return }
    judged[21] += 1
    for (frame, table) in tables.tables(
      in: output >> 12, last >> 12 + 1, where: { isProtected($0, from: guest) })
    where owners.owner(of: frame) == nil {
      tellTable(
        frame, table, space, address &+ (frame << 12 &- output), rights, guest, now, at: place)
    }
  }

  /// A guest's own tables are its memory: what its second stage holds, and first stages of its domain.
  private func isProtected(_ table: TableDirectory.Table, from guest: UInt32) -> Bool {
    guard table.kind == .first || table.kind == .guestRoots else { return true }
    return table.space.domain.flatMap { devices.guest(ofDomain: $0) } != guest
  }

  private mutating func tellTable(
    _ frame: UInt64, _ table: TableDirectory.Table, _ space: MappingSpace, _ address: UInt64,
    _ rights: UInt8, _ guest: UInt32, _ mapped: Moment, at place: EventPlace
  ) {
    let isWritable = rights & 2 != 0
    find(21, isWritable ? .critical : .high, subject(of: space), at: place) { monitor in
      [
        "guest": monitor.names.guest(guest), "iova": hex(address), "frame": hex(frame << 12),
        "holds": table.kind.text, "owner": "the IOMMU", "access": isWritable ? "write" : "read",
        "mapped": mapped.text,
      ]
    }
  }

  /// V23: the frame of a first-stage table goes to somebody while its PASID leads there.
  mutating func judgeTables(_ first: UInt64, _ end: UInt64, _ guest: UInt32, at place: EventPlace) {
    let used = tables.tables(in: first, end) { $0.kind == .first }
    guard let (frame, table) = used.first, let pasid = table.space.pasid,
      devices.guest(ofDomain: table.space.domain ?? 0) != guest
    else { return }
    judged[23] += 1
    find(23, .high, subject(of: table.space), at: place) { monitor in
      [
        "table": hex(frame << 12), "frame": hex(frame << 12), "pasid": hex(UInt64(pasid)),
        "owner": monitor.names.guest(guest),
        "next": "given to \(monitor.names.guest(guest)) while its PASID is in use",
      ]
    }
  }
}

extension TableDirectory.Kind {
  /// For people.
  var text: String {
    switch self {
    case .root, .scalableRoot: "root table"
    case .contexts, .scalableContexts: "context table"
    case .directory: "PASID directory"
    case .pasids: "PASID table"
    case .second: "second-stage table"
    case .first: "first-stage table"
    case .devices: "device table"
    case .host: "host table"
    case .guestRoots: "table of guest CR3s"
    }
  }
}
