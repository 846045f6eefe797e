import Results

/// Transfers and what became of their requests.
struct IOCounters {
  var transfers = 0
  /// Transfers of more pages than are replayed.
  var cutTransfers = 0
  private(set) var requests = 0
  private(set) var bytes = 0
  private var results: InlineArray<6, Int> = .init(repeating: 0)

  @inline(__always)
  mutating func count(_ outcome: DMAOutcome) {
    requests += 1
    bytes &+= Int(outcome.request.bytes)
    results[Int(outcome.result.rawValue)] += 1
  }

  func count(of result: DMAOutcome.Result) -> Int { results[Int(result.rawValue)] }

  func add(to result: inout RunResult) {
    result.counters["iommu.transfers"] = transfers
    result.counters["iommu.requests"] = requests
    result.counters["iommu.bytes"] = bytes
    result.counters["iommu.translated"] = count(of: .translated)
    result.counters["iommu.passedThrough"] = count(of: .passedThrough)
    result.counters["iommu.untranslated"] = count(of: .untranslated)
    result.counters["iommu.interrupts"] = count(of: .interrupt)
    result.counters["iommu.faults"] = count(of: .fault)
    result.counters["iommu.unresolved"] = count(of: .unresolved)
  }

  func checkLaws(_ laws: inout Conservation) {
    var judged = 0
    for result in DMAOutcome.Result.allCases { judged += count(of: result) }
    laws.equal(requests, judged, "requests = requests by outcome")
  }
}
