import Testing

@testable import Machine
@testable import Translation

/// Invalidations of a few pages ask for each page by its tag; what they leave has to be what a look at
/// every entry by the rule of `takes` leaves.
@Suite("Invalidations by tag")
struct IOTLBProbeTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var name: String
    var sets: Int
    var ways: Int
    var replacement: IOReplacementName = .lru
    var quirks: Set<IOMMUQuirk> = []
    var hasNested = false
    /// Many devices, so that their tags are not kept apart.
    var devices: UInt64 = 3
    var testDescription: String { name }
  }

  static let shapes = [
    Shape(name: "lru", sets: 1, ways: 64), Shape(name: "sets", sets: 16, ways: 4),
    Shape(name: "fifo", sets: 4, ways: 8, replacement: .fifo),
    Shape(name: "emptied when full", sets: 1, ways: 48, replacement: .clear),
    Shape(name: "random", sets: 2, ways: 16, replacement: .random),
    Shape(name: "nested", sets: 1, ways: 64, hasNested: true),
    Shape(name: "by device", sets: 1, ways: 64, quirks: [.iotlbByDevice]),
    Shape(name: "by many devices", sets: 1, ways: 128, quirks: [.iotlbByDevice], devices: 40),
    Shape(name: "8 bits of mask", sets: 1, ways: 64, quirks: [.pageMask8Bits]),
  ]

  private struct Draws {
    var state: UInt64 = 7

    mutating func next(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
  }

  private static func entries(of iotlb: borrowing IOTLB) -> [String] {
    var found: [String] = []
    iotlb.visit { page, value in
      found.append(
        "\(String(page, radix: 16)) \(value.domain) \(value.device) \(value.pasid) \(value.shift) "
          + "\(value.kind)")
    }
    return found
  }

  @Test("leave what looking at every entry leaves, in the same order", arguments: shapes)
  func probes(_ shape: Shape) {
    let description = VTdFixture.description {
      $0.iotlb = IOCacheDescription(
        sets: shape.sets, ways: shape.ways, replacement: shape.replacement)
      $0.quirks = shape.quirks
    }
    var unit = VTdUnit(description, seed: 3)
    var scanned = IOTLB(description.iotlb, seed: 3 &+ 2)
    var draws = Draws()
    var taken = 0
    for step in 0..<20_000 {
      var value = IOTranslation.none
      value.domain = 1 + UInt32(draws.next(3))
      value.device = UInt32(draws.next(shape.devices))
      value.shift = [12, 12, 12, 21, 30][Int(draws.next(5))]
      // 512 pages of 4 KiB around a 2 MiB border.
      let address = (0x3ff_0000 + draws.next(512)) << 12
      var space = UInt64(value.domain)
      if shape.quirks.contains(.iotlbByDevice) {
        space = UInt64(value.device) | 1 << 62
        unit.deviceSpaces.add(space)
      } else if draws.next(4) == 0 {
        value.pasid = UInt32(draws.next(2))
        // A domain's and PASID's tables are of one kind.
        value.kind = shape.hasNested && value.domain == 2 ? .nested : .first
        space |= UInt64(value.pasid + 1) << 32
      }
      let (one, other) = (unit.iotlb.lookup(space, address), scanned.lookup(space, address))
      #expect((one == nil) == (other == nil))
      if one == nil {
        unit.iotlb.fill(space, address, value)
        scanned.fill(space, address, value)
      }
      guard step % 3 == 0 else { continue }
      var invalidation = IOInvalidation(.iotlb, .pages, at: EventPlace())
      invalidation.domain = 1 + UInt32(draws.next(3))
      invalidation.pages = 1 << draws.next(10)
      invalidation.address = (0x3ff_0000 + draws.next(512)) << 12 & ~(invalidation.pages << 12 - 1)
      if draws.next(4) == 0 { invalidation.pasid = UInt32(draws.next(2)) }
      let before = unit.iotlb.cache.occupied
      unit.apply(invalidation)
      taken += before - unit.iotlb.cache.occupied
      scanned.remove { page, value in unit.takes(invalidation, page: page, value) }
      #expect(Self.entries(of: unit.iotlb) == Self.entries(of: scanned))
    }
    #expect(taken > 100)
    #expect(unit.iotlb.cache.invalidations == scanned.cache.invalidations)
    #expect(unit.iotlb.cache.evictions == scanned.cache.evictions)
    #expect(unit.iotlb.hits == scanned.hits && unit.iotlb.misses == scanned.misses)
    #expect(unit.iotlb.firstStages == scanned.firstStages)
  }

  /// Level 1 has a key for each 2 MiB, so a range of 2^order pages from page p takes those from
  /// p >> 9 to (p + 2^order - 1) >> 9 of its space alone.
  @Test("take the tables on the way by their prefixes")
  func tables() {
    for order in 0..<16 as Range<UInt64> {
      for page in [0, 0x1ff, 0x200, 0x400, 0x7000] as [UInt64] {
        var caches = IOWalkCaches(
          [.init(stage: .second, level: 1, cache: VTdFixture.cache(64))], seed: 1)
        for prefix in 0..<60 as Range<UInt64> {
          caches.insert(
            prefix % 2, prefix << 21, level: 1, IOTablePlace(table: 0, rights: [], level: 0))
        }
        let first = page & ~((1 << order) - 1)
        caches.removePages(1, first << 12, pages: 1 << order)
        let range = (first >> 9)...((first + (1 << order) - 1) >> 9)
        for prefix in 0..<60 as Range<UInt64> {
          let stays = caches.deepest(prefix % 2, prefix << 21, below: 3) != nil
          #expect(stays == !(prefix % 2 == 1 && range.contains(prefix)))
        }
      }
    }
  }
}
