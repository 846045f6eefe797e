import Foundation
import Testing

@testable import TraceFile

@Suite("Generated traces")
struct GeneratorTests {
  private func records(_ pattern: GeneratorPattern) throws -> [TraceRecord] {
    let trace = try GeneratedTrace(pattern)
    let block = TraceBlock()
    var records: [TraceRecord] = []
    while trace.next(into: block) { try block.forEachRecord { records.append($0) } }
    return records
  }

  private func events(_ pattern: GeneratorPattern) throws -> [SeenEvent] {
    let trace = try GeneratedTrace(pattern)
    let block = TraceBlock()
    var events: [SeenEvent] = []
    while trace.next(into: block) {
      try block.loadEvents()
      block.withEvents { list in events += list.map(SeenEvent.init) }
    }
    return events
  }

  private func options(
    _ records: Int, footprint: UInt64, stores: Int = 0, seed: UInt64 = 1
  ) -> AccessOptions {
    var options = AccessOptions()
    options.records = records
    options.footprint = footprint
    options.storePercent = stores
    options.seed = seed
    return options
  }

  /// Of the algorithm's published test vector, seed 1234567.
  @Test("random numbers are SplitMix64's")
  func splitMix() {
    var random = RandomSequence(seed: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    #expect((0..<5).map { _ in random.next() } == expected)
  }

  @Test("powers agree with the mathematics library to 12 digits")
  func powers() {
    for base in [1.0, 1.5, 2, 3, 10, 1023, 262_144, 4_194_303] {
      for exponent in [-10.0, -1, -0.99, -0.5, 0, 0.001, 1, 2] {
        let expected = pow(base, exponent)
        #expect(abs(ExactPower.power(base, exponent) - expected) <= 1e-12 * expected)
      }
    }
  }

  @Test("equal options give equal bytes, other seeds others")
  func deterministic() throws {
    func text(_ seed: UInt64) throws -> [UInt64] {
      try records(.zipf(options(2000, footprint: 1 << 24, stores: 30, seed: seed), theta: 990))
        .map { $0.address << 2 | UInt64($0.kind.rawValue) }
    }
    #expect(try text(1) == text(1))
    #expect(try text(1) != text(2))
  }

  @Test("a shuffle gives each number once", arguments: [1, 2, 3, 5, 64, 1000, 4097] as [UInt64])
  func shuffle(_ count: UInt64) {
    for seed in [1, 99] as [UInt64] {
      let order = Shuffle(count, seed: seed)
      #expect(Set((0..<count).map { order[$0] }) == Set(0..<count))
    }
  }

  @Test("uniform touches every line about equally often, in its footprint")
  func uniform() throws {
    // 1024 lines, 102,400 records: 100 each; five standard deviations are 50.
    let made = try records(.uniform(options(102_400, footprint: 1 << 16, stores: 25)))
    var counts: [UInt64: Int] = [:]
    for record in made { counts[record.address, default: 0] += 1 }
    #expect(counts.count == 1024)
    #expect(counts.values.allSatisfy { abs($0 - 100) <= 50 })
    let lines: ClosedRange<UInt64> = 0x10_0000_0000...0x10_0000_ffff
    #expect(counts.keys.allSatisfy { lines.contains($0) && $0 % 64 == 0 })
    let stores = made.count { $0.kind == .store }
    // A quarter of 102,400 with a standard deviation of 139.
    #expect(abs(stores - 25_600) < 700)
  }

  @Test("zipf: the first ranks have their shares")
  func zipf() throws {
    // 256 pages, theta 1: the harmonic number is 6.1243448, so the first page has 16.33 %, the
    // second half of it, the third a third.
    let made = try records(.zipf(options(200_000, footprint: 1 << 20), theta: 1000))
    var counts: [UInt64: Int] = [:]
    for record in made { counts[record.address >> 12, default: 0] += 1 }
    let shares = counts.values.sorted(by: >).map { Double($0) / 200_000 }
    #expect(abs(shares[0] - 0.16328) < 0.004)
    #expect(abs(shares[1] - 0.08164) < 0.004)
    #expect(abs(shares[2] - 0.05443) < 0.004)
    #expect(counts.count == 256)
  }

  @Test("chase visits each node once a round, in the same order")
  func chase() throws {
    let made = try records(.chase(options(2048, footprint: 1 << 16), node: 64)).map(\.address)
    #expect(Set(made.prefix(1024)).count == 1024)
    #expect(made.prefix(1024) == made.suffix(1024))
    // Neighbours in memory are no neighbours in order.
    let steps = zip(made, made.dropFirst()).count { $1 == $0 &+ 64 }
    #expect(steps < 20)
  }

  @Test("stride and stream go where they say")
  func regular() throws {
    let base: UInt64 = 0x10_0000_0000
    let strided = try records(.stride(options(6, footprint: 8192), stride: 3000)).map(\.address)
    let steps: [UInt64] = [0, 3000, 6000, 808, 3808, 6808]
    #expect(strided.map { $0 - base } == steps)
    let streamed = try records(.stream(options(7, footprint: 3 << 20), arrays: 3))
    let array: UInt64 = 1 << 20
    let places: [UInt64] = [0, array, 2 * array, 8, 8 + array, 8 + 2 * array, 16]
    #expect(streamed.map { $0.address - base } == places)
    #expect(
      streamed.map(\.kind) == [.load, .load, .store, .load, .load, .store, .load])
  }

  @Test("hashjoin reads a quarter once and stores as often, then reads the other and probes")
  func hashJoin() throws {
    // 16 pages: 8 of table, 4 of each relation, 1024 tuples; 2048 + 1024 * 3 records a round.
    let made = try records(.hashJoin(options(5120, footprint: 1 << 16), probes: 2))
    let pages = made.map { ($0.address - 0x10_0000_0000) >> 12 }
    #expect(made.prefix(2048).count { $0.kind == .store } == 1024)
    #expect(made.suffix(3072).allSatisfy { $0.kind == .load })
    #expect(pages.prefix(2048).count { 8...11 ~= $0 } == 1024)
    #expect(pages.suffix(3072).count { 12...15 ~= $0 } == 1024)
    #expect(pages.count { $0 < 8 } == 3072)
  }

  @Test(
    "rings: every transfer is mapped, every unmap was mapped, every address is used once at a time",
    arguments: RingOptions.Invalidation.allCases, RingOptions.Allocator.allCases)
  func rings(_ invalidation: RingOptions.Invalidation, _ allocator: RingOptions.Allocator) throws {
    var options = RingOptions()
    options.packets = 3000
    options.queues = 3
    options.ring = 64
    options.batch = 4
    options.span = 1 << 22
    options.invalidation = invalidation
    options.allocator = allocator
    options.packetsPerAcknowledgement = 5
    options.flushEntries = 100
    var mapped: [UInt64: UInt64] = [:]
    var stale: Set<UInt64> = []
    var (unmaps, pageCommands, domainCommands, waits) = (0, 0, 0, 0)
    for event in try events(.nicRing(options)) {
      switch event.tag {
      case .iommuMap:
        #expect(mapped[event.words[1]] == nil && !stale.contains(event.words[1]))
        mapped[event.words[1]] = event.words[3]
      case .iommuUnmap:
        unmaps += 1
        #expect(mapped.removeValue(forKey: event.words[1]) == 4096)
        stale.insert(event.words[1])
      case .dma:
        let bytes = try #require(mapped[event.words[1] & ~0xfff])
        let end = event.words[1] & 0xfff + event.words[2]
        #expect(end <= bytes)
      case .iommuCommand:
        switch event.words[1] & 0x3f {
        case 0x32:
          pageCommands += 1
          #expect(stale.remove(event.words[2] & ~0xfff) != nil)
        case 0x22:
          domainCommands += 1
          stale.removeAll()
        default: waits += 1
        }
      default: break
      }
    }
    // 3000 packets in batches of 4 and an acknowledgement for each 5th of a queue's 1000.
    let expected = invalidation == .never ? 0 : 3000 + 600
    // Each queue ends within a batch: 1000 is a multiple of 4.
    #expect(unmaps == expected)
    #expect(pageCommands == (invalidation == .strict ? unmaps : 0))
    #expect(domainCommands == (invalidation == .lazy ? unmaps / 100 : 0))
    #expect(waits == pageCommands + domainCommands)
  }

  @Test("a contiguous batch is unmapped and invalidated as one, keeping walk caches if told so")
  func contiguous() throws {
    var options = RingOptions()
    options.packets = 640
    options.batch = 64
    options.isContiguous = true
    options.keepsWalkCaches = true
    let made = try events(.nicRing(options))
    let unmaps = made.filter { $0.tag == .iommuUnmap }
    #expect(unmaps.count == 10)
    #expect(unmaps.allSatisfy { $0.words[2] == 64 << 12 })
    // IH is bit 6, AM 6 for 64 pages.
    let commands = made.filter { $0.tag == .iommuCommand && $0.words[1] & 0xf == 2 }
    #expect(commands.count == 10)
    #expect(commands.allSatisfy { $0.words[2] & 0xfff == 0x46 })
  }

  @Test("a window is mapped page by page and read inside")
  func window() throws {
    var options = WindowOptions()
    options.requests = 5000
    options.window = 1 << 18
    let made = try events(.dmaWindow(options))
    #expect(made.count { $0.tag == .iommuMap } == 64)
    #expect(Set(made.filter { $0.tag == .iommuMap }.map { $0.words[2] }).count == 64)
    let reads = made.filter { $0.tag == .dma }
    #expect(reads.count == 5000)
    #expect(Set(reads.map { $0.words[1] >> 12 }).count == 64)
    #expect(reads.allSatisfy { $0.words[1] % 64 == 0 && $0.words[2] == 64 && $0.words[3] == 0 })
  }

  @Test("tenants take turns, three requests a packet")
  func tenants() throws {
    var options = TenantOptions()
    options.tenants = 3
    options.packets = 66
    let made = try events(.dmaTenants(options))
    let requests = made.filter { $0.tag == .dma }
    #expect(requests.count == 3 * 66 * 3)
    #expect(
      requests.prefix(9).map { $0.words[0] } == [256, 256, 256, 257, 257, 257, 258, 258, 258])
    // Packet 65 goes to page 1 again.
    let last: [UInt64] = [0xfff0_0000, 0xff00_1000, 0xfff0_1000]
    #expect(requests.suffix(3).map { $0.words[1] } == last)
    #expect(Set(made.filter { $0.tag == .attach }.map { $0.words[1] }).count == 3)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var pattern: GeneratorPattern
    var option: String
    var testDescription: String { option }

    init(_ option: String, _ pattern: GeneratorPattern) {
      (self.option, self.pattern) = (option, pattern)
    }
  }

  private static func access(_ change: (inout AccessOptions) -> Void) -> GeneratorPattern {
    var options = AccessOptions()
    change(&options)
    return .uniform(options)
  }

  private static func ring(_ change: (inout RingOptions) -> Void) -> GeneratorPattern {
    var options = RingOptions()
    change(&options)
    return .nicRing(options)
  }

  static let refused = [
    Refusal("--records", access { $0.records = 0 }),
    Refusal("--footprint", access { $0.footprint = 5 }),
    Refusal("--footprint", access { $0.footprint = 1 << 60 }),
    Refusal("--base", access { $0.base = 1 << 47 }),
    Refusal("--stores", access { $0.storePercent = 101 }),
    Refusal("--footprint", .zipf(AccessOptions(large: 1 << 40), theta: 990)),
    Refusal("--theta", .zipf(AccessOptions(), theta: 0)),
    Refusal("--node", .chase(AccessOptions(), node: 24)),
    Refusal("--stride", .stride(AccessOptions(), stride: 0)),
    Refusal("--arrays", .stream(AccessOptions(), arrays: 0)),
    Refusal("--probes", .hashJoin(AccessOptions(), probes: 0)),
    Refusal("--span", ring { $0.span = 1 << 20 }),
    Refusal("--span", ring { $0.span = 1 << 40 }),
    Refusal("--buffer", ring { $0.bufferBytes = 8192 }),
    Refusal("--bytes", ring { $0.packetBytes = 9000 }),
    Refusal("--batch", ring { $0.batch = 7 }),
    Refusal("--window", .dmaWindow(WindowOptions(window: 5))),
    Refusal("--tenants", .dmaTenants(TenantOptions(tenants: 5000))),
  ]

  @Test("impossible sizes are refused by the option's name", arguments: refused)
  func refusals(_ row: Refusal) {
    let error = #expect(throws: GeneratorError.self) { try GeneratedTrace(row.pattern) }
    #expect(error?.option == row.option)
  }
}

extension AccessOptions {
  fileprivate init(large footprint: UInt64) {
    self.init()
    self.footprint = footprint
  }
}

extension WindowOptions {
  fileprivate init(window: UInt64) {
    self.init()
    self.window = window
  }
}

extension TenantOptions {
  fileprivate init(tenants: Int) {
    self.init()
    self.tenants = tenants
  }
}
