import Results

/// Page requests and what became of them.
///
/// Model: software's queue of page requests has room for all.
struct PageRequestCounters {
  var refused = 0
  /// Commands that respond, whatever they name.
  var responses = 0
  private(set) var posted = 0
  private(set) var answered = 0
  private(set) var unmatched = 0
  /// By device and PASID, and the group's index: requests without a response so far.
  private var open: [Group: Int] = [:]

  private struct Group: Hashable {
    var device: UInt32
    var pasid: UInt32
    var index: UInt32
  }

  /// Groups that wait at once; further requests count as posted and are answered by nothing.
  private static let maximum = 1 << 16

  mutating func post(_ device: UInt32, _ pasid: UInt32, _ group: UInt32) {
    posted += 1
    let group = Group(device: device & 0xffff, pasid: pasid, index: group & 0x1ff)
    guard open.count < Self.maximum || open[group] != nil else { return }
    open[group, default: 0] += 1
  }

  /// A response answers every request of its group.
  mutating func respond(_ device: UInt32, _ pasid: UInt32, _ group: UInt32) {
    responses += 1
    let group = Group(device: device, pasid: pasid, index: group & 0x1ff)
    guard let count = open.removeValue(forKey: group) else {
      unmatched += 1
      return
    }
    answered += count
  }

  func add(to result: inout RunResult) {
    result.counters["iommu.pageRequests.posted"] = posted
    result.counters["iommu.pageRequests.refused"] = refused
    result.counters["iommu.pageRequests.responses"] = responses
    result.counters["iommu.pageRequests.answered"] = answered
    result.counters["iommu.pageRequests.unmatched"] = unmatched
  }

  func checkLaws(_ laws: inout Conservation) {
    let waiting = open.values.reduce(0, +)
    laws.nonnegative(
      posted - answered - waiting, "page requests that are neither answered nor waiting")
  }
}
