import Machine
import Results

/// How long devices' requests take on their way to the IOMMU and back, and what throughput that leaves.
///
/// Model: packets wait at the link and none is lost. A packet begins at the first multiple of the
/// interval at which fewer requests than the link carries are under way; each of its requests then ends
/// after a time that depends on the IOMMU's caches alone, however many walks there are at once.
struct LinkModel {
  private let link: LinkDescription
  /// When the requests under way end, the first `underWay` of them as a heap: none ends before the
  /// one in front of it.
  private var ends: [UInt64]
  private var underWay = 0
  /// When the packet that is being taken in began.
  private var start: UInt64 = 0
  /// When the next packet is due.
  private var due: UInt64 = 0
  /// When the last request of the packet ends, where they follow each other.
  private var last: UInt64 = 0
  private var requestsOfPacket = 0
  private var packets = 0
  private var requests = 0
  private var deferrals = 0
  private var latest: UInt64 = 0

  /// Picoseconds after which time stands still: 53 days, and every sum still fits.
  private static let longest: UInt64 = 1 << 62

  /// Nothing where the machine has no link.
  init?(_ link: LinkDescription?) {
    guard let link else { return nil }
    self.link = link
    ends = Array(repeating: 0, count: link.outstandingRequests + link.requestsPerPacket)
  }

  /// Takes the next request, which belongs to the packet of those before it or begins another.
  @inline(__always)
  mutating func take(_ outcome: DMAOutcome) {
    take(
      isMiss: outcome.iotlb == .miss, isContextMiss: outcome.context == .miss,
      references: Int(outcome.references))
  }

  /// Takes a request by what the IOMMU's caches made of it.
  mutating func take(isMiss: Bool, isContextMiss: Bool, references: Int) {
    requests += 1
    if requestsOfPacket == 0, latest < Self.longest { begin() }
    requestsOfPacket += 1
    if requestsOfPacket == link.requestsPerPacket {
      requestsOfPacket = 0
      packets += 1
    }
    guard latest < Self.longest else { return }
    var time = link.requestPicoseconds + references * link.referencePicoseconds
    if isMiss { time += link.missPicoseconds }
    if isContextMiss { time += link.contextMissPicoseconds }
    var end = start + UInt64(link.packetPicoseconds) + UInt64(time)
    if link.order == .serial {
      end = last + UInt64(time)
      last = end
    }
    push(end)
    latest = max(latest, end)
  }

  /// Waits until a packet may begin.
  private mutating func begin() {
    var time = due
    removeEnds(upTo: time)
    while underWay >= link.outstandingRequests, underWay > 0 {
      time = slot(at: ends[0])
      removeEnds(upTo: time)
    }
    let interval = UInt64(link.intervalPicoseconds)
    if time > due { deferrals += interval == 0 ? 1 : Int((time - due) / interval) }
    start = time
    last = time + UInt64(link.packetPicoseconds)
    due = time + interval
  }

  /// The first multiple of the interval from a time on.
  private func slot(at time: UInt64) -> UInt64 {
    let interval = UInt64(link.intervalPicoseconds)
    return interval == 0 ? time : (time + interval - 1) / interval * interval
  }

  @inline(__always)
  private mutating func push(_ end: UInt64) {
    let count = underWay
    ends.withUnsafeMutableBufferPointer { heap in
      var at = count
      while at > 0, heap[(at &- 1) / 2] > end {
        heap[at] = heap[(at &- 1) / 2]
        at = (at &- 1) / 2
      }
      heap[at] = end
    }
    underWay = count + 1
  }

  /// Removes the requests that have ended by then.
  @inline(__always)
  private mutating func removeEnds(upTo time: UInt64) {
    var count = underWay
    ends.withUnsafeMutableBufferPointer { heap in
      while count > 0, heap[0] <= time {
        count &-= 1
        // The last takes the place of the first, and what ends before it moves up.
        let moved = heap[count]
        var at = 0
        while 2 * at + 1 < count {
          var child = 2 * at + 1
          if child + 1 < count, heap[child + 1] < heap[child] { child += 1 }
          guard heap[child] < moved else { break }
          heap[at] = heap[child]
          at = child
        }
        heap[at] = moved
      }
    }
    underWay = count
  }

  /// Payload bits a second, in millions.
  var megabitsPerSecond: Int {
    guard latest > 0 else { return 0 }
    let bits = UInt64(packets) * UInt64(link.packetBytes) * 8
    // Bits in a picosecond are 10^6 millions of bits in a second.
    let product = bits.multipliedFullWidth(by: 1_000_000)
    guard product.high < latest else { return .max }
    return Int(clamping: latest.dividingFullWidth(product).quotient)
  }

  /// By the names of results.
  var counters: [String: Int] {
    [
      "link.packets": packets, "link.requests": requests, "link.deferrals": deferrals,
      "link.nanoseconds": Int(clamping: latest / 1000),
      "link.megabitsPerSecond": megabitsPerSecond,
    ]
  }

  func add(to result: inout RunResult) {
    result.counters.merge(counters) { _, new in new }
    result.notes.append(
      "Model: requests' times on the link depend on the IOMMU's caches alone, and walks at once do "
        + "not slow each other.")
  }

  func checkLaws(_ laws: inout Conservation) {
    laws.equal(
      requests, packets * link.requestsPerPacket + requestsOfPacket,
      "link.requests = those of its packets and of the one that is not full")
  }
}
