import Results
import TraceFile

// Counters and laws that the caches of every architecture share.

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

extension IOCache {
  func add(_ name: String, to result: inout RunResult) {
    result.counters["\(name).fills"] = fills
    result.counters["\(name).evictions"] = evictions
    result.counters["\(name).invalidations"] = invalidations
  }

  func checkLaws(_ laws: inout Conservation, _ name: String) {
    laws.equal(
      fills, evictions + invalidations + occupied,
      "fills of \(name) = its evictions, invalidations and entries")
  }
}

extension IOWalkCaches {
  func add(_ stage: String, to result: inout RunResult) {
    visit { level, lookups, hits, _ in
      let name = "iommu.nonleaf.\(stage).L\(level)"
      result.counters["\(name).lookups"] = lookups
      result.counters["\(name).hits"] = hits
      result.counters["\(name).misses"] = lookups - hits
    }
  }
}

extension WalkCaches {
  func add(_ stage: String, to result: inout RunResult) {
    for at in 0..<count {
      let (level, lookups, hits) = withCache(at) { ($0.level, $0.lookups, $0.hits) }
      let name = "iommu.nonleaf.\(stage).L\(level)"
      result.counters["\(name).lookups"] = lookups
      result.counters["\(name).hits"] = hits
      result.counters["\(name).misses"] = lookups - hits
    }
  }
}

extension IOTranslation {
  /// What a `translationCompletion` event gives a device, and the request that finds it.
  static func granted(_ event: TraceEvent) -> (request: DMARequest, translation: IOTranslation) {
    let bytes = max(event[3], 4096)
    let shift = UInt8(63 - bytes.leadingZeroBitCount)
    let request = DMARequest(
      device: UInt32(truncatingIfNeeded: event[0]),
      pasid: event[5] == 0 ? DMARequest.noPASID : UInt32((event[5] &- 1) & 0xf_ffff),
      address: event[2], bytes: 0, kind: .unknown, place: EventPlace())
    let translation = IOTranslation(
      output: event[2] & ~(1 << UInt64(shift) - 1), leaf: 0, filledAt: 0,
      input: event[1] & ~(1 << UInt64(shift) - 1), domain: DMAOutcome.noDomain,
      device: request.device, pasid: request.pasid, shift: shift,
      rights: Rights(rawValue: UInt8(truncatingIfNeeded: event[4] & 3)), kind: .second)
    return (request, translation)
  }
}
