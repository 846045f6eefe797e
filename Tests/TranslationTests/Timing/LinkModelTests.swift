import Testing

@testable import Machine
@testable import Translation

@Suite("The link between devices and their IOMMU")
struct LinkModelTests {
  static func link(
    requests: Int = 1, interval: Int = 0, outstanding: Int = 1,
    order: LinkDescription.Order = .parallel, bytes: Int = 64, packet: Int = 0, request: Int = 0,
    miss: Int = 0, reference: Int = 0
  ) -> LinkDescription {
    LinkDescription(
      packetBytes: bytes, requestsPerPacket: requests, intervalPicoseconds: interval,
      outstandingRequests: outstanding, order: order, packetPicoseconds: packet,
      requestPicoseconds: request, missPicoseconds: miss, contextMissPicoseconds: 0,
      referencePicoseconds: reference)
  }

  private func counters(
    _ link: LinkDescription, _ requests: [(isMiss: Bool, references: Int)]
  ) throws -> [String: Int] {
    var model = try #require(LinkModel(link))
    for request in requests {
      model.take(
        isMiss: request.isMiss, isContextMiss: false, references: request.references)
    }
    var laws = Conservation()
    model.checkLaws(&laws)
    try laws.check()
    return model.counters
  }

  @Test("one request at a time: times add up")
  func serial() throws {
    // 18.6 ns each, 33.5 ns more for a miss: 3 * 18.6 + 33.5 = 89.3 ns for 3 * 512 bits.
    let counters = try counters(
      Self.link(request: 18_600, miss: 33_500), [(false, 0), (true, 4), (false, 0)])
    #expect(counters["link.nanoseconds"] == 89)
    #expect(counters["link.megabitsPerSecond"] == 1_536_000_000 / 89_300)
    #expect(counters["link.packets"] == 3)
  }

  @Test("a packet's requests follow each other or not")
  func orders() throws {
    let requests = [(true, 2), (false, 0), (true, 1), (false, 0)]
    // Serial: 65 + 3 * 197 = 656 ns a packet of four.
    let serial = try counters(
      Self.link(requests: 4, order: .serial, packet: 65_000, reference: 197_000), requests)
    #expect(serial["link.nanoseconds"] == 656)
    // Parallel: the longest, 65 + 2 * 197 = 459 ns.
    let parallel = try counters(
      Self.link(requests: 4, order: .parallel, packet: 65_000, reference: 197_000), requests)
    #expect(parallel["link.nanoseconds"] == 459)
  }

  @Test("a packet begins at a slot, while fewer requests are under way than the link carries")
  func window() throws {
    // Latency 950 ns, slots of 61 ns, three requests a packet. With 32 outstanding, packets begin
    // while at most 31 requests are under way: the 11th with 30, the 12th not before the first ends,
    // at the 16th slot. So 11 packets take 16 slots, 976 ns.
    let requests = [(isMiss: Bool, references: Int)](repeating: (true, 1), count: 3 * 11 * 1000)
    let link = Self.link(
      requests: 3, interval: 61_000, outstanding: 32, bytes: 1542, request: 3_000, miss: 900_000,
      reference: 47_000)
    let counters = try counters(link, requests)
    // The last packet begins in the 11th slot of the 1000th round and takes 950 ns.
    #expect(counters["link.nanoseconds"] == 999 * 976 + 10 * 61 + 950)
    #expect(counters["link.deferrals"] == 999 * 5)
    // With one outstanding, a packet takes 16 slots.
    let alone = try self.counters(
      Self.link(
        requests: 3, interval: 61_000, outstanding: 1, bytes: 1542, request: 3_000, miss: 900_000,
        reference: 47_000), requests)
    #expect(alone["link.nanoseconds"] == (11_000 - 1) * 976 + 950)
  }

  @Test("hits keep the link full")
  func linkRate() throws {
    let requests = [(isMiss: Bool, references: Int)](repeating: (false, 0), count: 30_000)
    let counters = try counters(
      Self.link(requests: 3, interval: 61_000, outstanding: 32, bytes: 1542, request: 3_000),
      requests)
    #expect(counters["link.nanoseconds"] == 9_999 * 61 + 3)
    #expect(counters["link.deferrals"] == 0)
  }

  @Test("no machine makes the sums overflow")
  func longest() throws {
    let second = 1_000_000_000_000
    let requests = [(isMiss: Bool, references: Int)](repeating: (true, 65_535), count: 1_000)
    let counters = try counters(
      Self.link(
        requests: 7, order: .serial, packet: second, request: second, miss: second,
        reference: second), requests)
    #expect(counters["link.requests"] == 1_000)
    #expect(counters["link.packets"] == 142)
  }
}
