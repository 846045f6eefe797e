import Machine
import Results
import TraceFile

/// What software tells a unit, what others ask of it, and its counters.
extension AMDViUnit {
  mutating func take(
    _ change: DomainChange, _ memory: inout IOMemory, at place: EventPlace
  ) { tables.take(change, &memory) }

  func number(ofDomain domain: UInt32) -> UInt32? { tables.number(of: domain) }

  /// The log's entries are not compared: no recorder prints them.
  var lastFault: (low: UInt64, high: UInt64)? { nil }

  /// Posts a device's request for a page: PPR in its entry lets it.
  mutating func post(
    _ request: DMARequest, group: UInt32 = 0, _ memory: borrowing IOMemory
  ) -> DMAOutcome? {
    guard case .found(let device) = readDevice(request.device, memory),
      !device.word0.has(AMDViDevice0.pageRequests)
    else {
      pageRequests.post(request.device, request.pasid, group)
      return nil
    }
    pageRequests.refused += 1
    return block(request, AMDViEvent.invalidRequest, isSilent: false)
  }

  mutating func grant(_ event: TraceEvent) {
    let (request, granted) = IOTranslation.granted(event)
    deviceTLBs.fill(request.device, VTdUnit.deviceSpace(request), request.address, granted)
  }

  func addCounters(to result: inout RunResult) {
    iotlb.add("iotlb", to: &result)
    contextLookups.add("iommu.contextCache", to: &result)
    pasidLookups.add("iommu.pasidCache", to: &result)
    contextCache.add("iommu.contextCache", to: &result)
    pasidCache.add("iommu.pasidCache", to: &result)
    hostCaches.add("secondStage", to: &result)
    guestCaches.add("firstStage", to: &result)
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
      result.counters["iommu.fault.\(AMDViEvent.name(code))"] = count
    }
    if queue.illegal > 0 {
      let name = AMDViEvent.name(Int(AMDViEvent.illegalCommand))
      result.counters["iommu.fault.\(name)"] = queue.illegal
    }
    result.counters["iommu.faultLog.recorded"] = events.recorded
    result.counters["iommu.faultLog.overflowed"] = events.overflowed
    result.counters["iommu.faultLog.suppressed"] = events.suppressed
    queue.addCounters(to: &result)
    pageRequests.add(to: &result)
    deviceTLBs.add(to: &result)
    if tables.refused > 0 {
      result.notes.append(
        "\(tables.refused) maps, unmaps or attachments found no room in the tables of one run, or "
          + "no place in their format, and hold only in part.")
    }
  }

  func checkLaws(_ laws: inout Conservation, _ counters: IOCounters) {
    iotlb.checkLaws(&laws, "the IOTLB")
    contextCache.checkLaws(&laws, "the device cache")
    pasidCache.checkLaws(&laws, "the cache of guest roots")
    deviceTLBs.checkLaws(&laws)
    pageRequests.checkLaws(&laws)
    laws.equal(iotlb.misses, walks + unwalked, "IOTLB misses = walks and misses without tables")
    let faults = blocked.reduce(0, +)
    laws.equal(
      faults + queue.illegal + interruptFaults,
      events.recorded + events.overflowed + events.suppressed,
      "blocked requests and interrupts, illegal commands = events logged and held back")
    laws.equal(
      faults, counters.count(of: .fault) + pageRequests.refused,
      "blocked requests and page requests = faults by code")
  }
}
