import Machine
import Results
import TraceFile

/// What software tells a unit, what others ask of it, and its counters.
extension VTdUnit {
  mutating func take(
    _ change: DomainChange, _ memory: inout IOMemory, at place: EventPlace
  ) { tables.take(change, &memory) }

  func number(ofDomain domain: UInt32) -> UInt32? { tables.number(of: domain) }

  var lastFault: (low: UInt64, high: UInt64)? { faults.last.map { ($0.low, $0.high) } }

  mutating func grant(_ event: TraceEvent) {
    let (request, granted) = IOTranslation.granted(event)
    deviceTLBs.fill(request.device, Self.deviceSpace(request), request.address, granted)
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
    contextCache.add("iommu.contextCache", to: &result)
    pasidCache.add("iommu.pasidCache", to: &result)
    secondCaches.add("secondStage", to: &result)
    walker.firstCaches.add("firstStage", to: &result)
    walker.secondCaches.add("nested", to: &result)
    result.counters["iommu.walk.count"] = walks
    result.counters["iommu.walk.references"] = references.tables
    result.counters["iommu.walk.updates"] = updates + walker.updates
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
    pageRequests.add(to: &result)
    deviceTLBs.add(to: &result)
    if tables.refused > 0 {
      result.notes.append(
        "\(tables.refused) maps, unmaps or attachments found no room in the tables of one run, or "
          + "no place in their format, and hold only in part.")
    }
  }

  /// As the manual writes a reason: two hexadecimal digits and h.
  static func name(of code: Int) -> String {
    let digits = String(code, radix: 16, uppercase: true)
    return (digits.count < 2 ? "0" : "") + digits + "h"
  }

  func checkLaws(_ laws: inout Conservation, _ counters: IOCounters) {
    iotlb.checkLaws(&laws, "the IOTLB")
    contextCache.checkLaws(&laws, "the context cache")
    pasidCache.checkLaws(&laws, "the PASID cache")
    deviceTLBs.checkLaws(&laws)
    pageRequests.checkLaws(&laws)
    laws.equal(iotlb.misses, walks + unwalked, "IOTLB misses = walks and misses without tables")
    let faults = blocked.reduce(0, +)
    laws.equal(
      faults + interruptFaults, self.faults.reported,
      "blocked requests and interrupts = those reported and held back")
    laws.equal(
      faults, counters.count(of: .fault) + pageRequests.refused,
      "blocked requests and page requests = faults by code")
  }
}
