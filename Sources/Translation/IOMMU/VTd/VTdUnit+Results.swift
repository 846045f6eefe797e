import Machine
import Results
import TraceFile

/// What software tells a unit, what others ask of it, and its counters.
extension VTdUnit {
  mutating func take(
    _ change: DomainChange, _ memory: inout IOMemory, at place: EventPlace
  ) { tables.take(change, &memory) }

  var lastFault: (low: UInt64, high: UInt64)? { faults.last.map { ($0.low, $0.high) } }

  /// Keeps what a device was given.
  mutating func grant(_ event: TraceEvent) {
    let bytes = max(event[3], 4096)
    let shift = UInt8(63 - bytes.leadingZeroBitCount)
    let rights = Rights(rawValue: UInt8(truncatingIfNeeded: event[4] & 3))
    let request = DMARequest(
      device: UInt32(truncatingIfNeeded: event[0]),
      pasid: event[5] == 0 ? DMARequest.noPASID : UInt32((event[5] &- 1) & 0xf_ffff),
      address: event[2], bytes: 0, kind: .unknown, place: EventPlace())
    let granted = IOTranslation(
      output: event[2] & ~(1 << UInt64(shift) - 1), leaf: 0, filledAt: 0,
      domain: DMAOutcome.noDomain, device: request.device, pasid: request.pasid, shift: shift,
      rights: rights, kind: .second)
    deviceTLB.fill(Self.deviceSpace(request), event[2], granted)
  }

  /// Translates by tables alone, and leaves nothing behind.
  func peek(_ device: UInt32, _ address: UInt64, _ memory: borrowing IOMemory) -> TablePeek {
    guard !isScalableNow, let root = rootTable(memory) else { return .unresolved }
    let request = DMARequest(
      device: device, address: address, bytes: 0, kind: .unknown, place: EventPlace())
    let context: Context
    switch fetchContext(of: request, root, memory) {
    case .found(let found): context = found
    case .blocked(let code): return .fault(code)
    case .unresolved: return .unresolved
    }
    if let code = fault(legacy: context) { return .fault(code) }
    var level = Int(context.high[VTdContextHigh.width]) + 1
    var table = context.low & VTdContextLow.table.mask
    while true {
      let place = table + 8 * (address >> UInt64(12 + 9 * level) & 511)
      guard case .value(let value) = fetch(place, memory) else { return .unresolved }
      guard VTdSecondStage.isPresent(value, .standard) else { return .fault(VTdFault.read) }
      if VTdSecondStage.isLeaf(value, level: level) {
        let offset: UInt64 = 1 << UInt64(12 + 9 * level) - 1
        let page = VTdSecondStage.address(in: value, leafLevel: level) & ~reservedAddress
        return .translated(output: page | address & offset, leaf: value)
      }
      guard level > 0 else { return .unresolved }
      table = value & VTdSecondStageEntry.frame.mask
      level -= 1
    }
  }

  func addCounters(to result: inout RunResult) {
    iotlb.add("iotlb", to: &result)
    contextLookups.add("iommu.contextCache", to: &result)
    pasidLookups.add("iommu.pasidCache", to: &result)
    add(contextCache, "iommu.contextCache", to: &result)
    add(pasidCache, "iommu.pasidCache", to: &result)
    secondCaches.visit { level, lookups, hits, cache in
      let name = "iommu.nonleaf.secondStage.L\(level)"
      result.counters["\(name).lookups"] = lookups
      result.counters["\(name).hits"] = hits
      result.counters["\(name).misses"] = lookups - hits
    }
    result.counters["iommu.walk.count"] = walks
    result.counters["iommu.walk.references"] = references.tables
    result.counters["iommu.structure.references"] = references.structures
    result.counters["iommu.memoryReads"] = references.tables + references.structures
    result.counters["iommu.nanoseconds"] =
      iotlb.lookups * latency.iotlbNanoseconds
      + (references.tables + references.structures) * latency.referenceNanoseconds
    result.counters["iommu.invalidation.nanoseconds"] =
      queue.waits * latency.invalidationNanoseconds
    for (code, count) in blocked.enumerated() where count > 0 {
      result.counters["iommu.fault.\(Self.name(of: code))"] = count
    }
    faults.addCounters(to: &result)
    queue.addCounters(to: &result)
    result.counters["iommu.pageRequests.posted"] = pageRequests.posted
    result.counters["iommu.pageRequests.refused"] = pageRequests.refused
    result.counters["iommu.pageRequests.responses"] = pageRequests.responses
    if tables.refused > 0 {
      result.notes.append(
        "\(tables.refused) maps, unmaps or attachments found no room in the tables of one run, or "
          + "no place in their format, and hold only in part.")
    }
  }

  private func add<Value>(
    _ cache: borrowing IOCache<Value>, _ name: String, to result: inout RunResult
  ) {
    result.counters["\(name).fills"] = cache.fills
    result.counters["\(name).evictions"] = cache.evictions
    result.counters["\(name).invalidations"] = cache.invalidations
  }

  /// As the manual writes a reason: two hexadecimal digits and h.
  static func name(of code: Int) -> String {
    let digits = String(code, radix: 16, uppercase: true)
    return (digits.count < 2 ? "0" : "") + digits + "h"
  }

  func checkLaws(_ laws: inout Conservation, _ counters: IOCounters) {
    iotlb.checkLaws(&laws, "the IOTLB")
    laws.equal(
      contextCache.fills,
      contextCache.evictions + contextCache.invalidations + contextCache.occupied,
      "fills of the context cache = its evictions, invalidations and entries")
    laws.equal(
      pasidCache.fills, pasidCache.evictions + pasidCache.invalidations + pasidCache.occupied,
      "fills of the PASID cache = its evictions, invalidations and entries")
    laws.equal(iotlb.misses, walks + unwalked, "IOTLB misses = walks and misses without tables")
    let faults = blocked.reduce(0, +)
    laws.equal(faults, self.faults.reported, "blocked requests = those reported and held back")
    laws.equal(
      faults, counters.count(of: .fault) + pageRequests.refused,
      "blocked requests and page requests = faults by code")
  }
}

extension IOTLB {
  /// The counters under a name.
  func add(_ name: String, to result: inout RunResult) {
    result.counters["\(name).lookups"] = lookups
    result.counters["\(name).hits"] = hits
    result.counters["\(name).misses"] = misses
    result.counters["\(name).fills"] = cache.fills
    result.counters["\(name).evictions"] = cache.evictions
    result.counters["\(name).invalidations"] = cache.invalidations
  }
}

extension InvalidationQueue {
  func addCounters(to result: inout RunResult) {
    result.counters["iommu.commands"] = commands
    result.counters["iommu.waits"] = waits
    result.counters["iommu.commands.illegal"] = illegal
    result.counters["iommu.invalidations.global"] = global
    result.counters["iommu.invalidations.domain"] = domain
    result.counters["iommu.invalidations.pages"] = pages
    result.counters["iommu.invalidations.other"] = other
  }
}
