import Machine
import Results
import Testing

@testable import TraceFile
@testable import Translation

/// Events of devices with any words in any order: a run ends with every sum right, and traps on nothing.
@Suite("Hostile events of DMA")
struct HostileDMATests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var preset: String
    var settings: [String]
    var testDescription: String { "\(preset) \(settings.joined(separator: " "))" }
  }

  private static let caches =
    "iommu.walkCaches=[{stage: \"first\", level: 1, sets: 1, ways: 4, replacement: \"lru\"}, "
    + "{stage: \"first\", level: 3, sets: 1, ways: 2, replacement: \"fifo\"}, "
    + "{stage: \"second\", level: 1, sets: 2, ways: 2, replacement: \"random\"}, "
    + "{stage: \"second\", level: 2, sets: 1, ways: 4, replacement: \"lru\"}]"
  private static let small = "iommu.iotlb={sets: 2, ways: 8, replacement: \"lru\"}"
  private static let device = "iommu.deviceTLB={sets: 1, ways: 4, replacement: \"lru\"}"
  private static let pasids = "iommu.pasidCache={sets: 1, ways: 4, replacement: \"lru\"}"

  static let shapes = [
    Shape(preset: "qemu-vtd", settings: []), Shape(preset: "qemu-7.2-vtd", settings: [small]),
    Shape(
      preset: "qemu-vtd",
      settings: ["iommu.quirks=[]", caches, small, device, "iommu.cachingMode=true"]),
    Shape(
      preset: "qemu-vtd",
      settings: [
        "iommu.quirks=[]", "iommu.mode=scalable", caches, small, device, pasids, "iommu.units=3",
      ]),
    Shape(
      preset: "qemu-vtd", settings: ["iommu.quirks=[]", "iommu.invalidation=lazy", small, caches]),
    Shape(preset: "qemu-vtd", settings: ["iommu.invalidation=strict", "iommu.units=8"]),
    Shape(preset: "qemu-amdvi", settings: []),
    Shape(
      preset: "qemu-amdvi",
      settings: [
        "iommu.quirks=[]", caches, small, device, pasids, "iommu.cachingMode=true", "iommu.units=2",
      ]),
    Shape(preset: "qemu-amdvi", settings: ["iommu.quirks=[]", "iommu.invalidation=strict"]),
  ]

  private static let tags: [EventTag] = [
    .time, .dma, .dma, .dma, .dma, .recordedTranslation, .recordedFault, .recordedContext,
    .faultRecord, .recordedReset, .iommuCommand, .iommuCommand, .iommuCommand, .iommuRegister,
    .iommuMap, .iommuUnmap, .attach, .detach, .iommuCompletion, .frameOwner, .domainOwner,
    .deviceOwner, .translationCompletion, .pageRequest, .dmaMap, .dmaUnmap, .deviceRegion,
    .tableWrite, .tableWrite, .interruptMessage, .name,
  ]

  /// Small numbers that meet each other, tables and registers, commands of both architectures, and
  /// anything at all.
  private static func word(_ random: inout SeededGenerator) -> UInt64 {
    switch UInt8.random(in: 0..<10, using: &random) {
    case 0...3: return UInt64.random(in: 0..<8, using: &random)
    case 4:
      return UInt64.random(in: 0..<16, using: &random) << 12
        | UInt64.random(in: 0..<512, using: &random) * 8
    case 5:
      // An entry of a table, a context or a PASID.
      return UInt64.random(in: 0..<16, using: &random) << 12
        | UInt64.random(in: 0..<4096, using: &random) | UInt64.random(in: 0..<4, using: &random)
        << 61
    case 6:
      let registers: [UInt64] = [
        0, 0x18, 0x20, 0x28, 0x34, 0xf0, 0xf8, 0x220, 0x22c, 0x2010, 0xc000_0000, 0x8000_0000,
        0x1400,
        0x1000, 0x1c00, .max,
      ]
      return registers.randomElement(using: &random) ?? 0
    case 7:
      // VT-d's descriptors by type and granularity, AMD-Vi's commands by opcode.
      let low = UInt64.random(in: 0..<16, using: &random)
      return low | UInt64.random(in: 0..<4, using: &random) << 4
        | UInt64.random(in: 0..<8, using: &random) << 16
        | UInt64.random(in: 0..<8, using: &random) << 32 | low << 60
    case 8: return 0xfee0_0000 | UInt64.random(in: 0..<0x10_0000, using: &random)
    default: return UInt64.random(in: 0...(.max), using: &random)
    }
  }

  /// What a driver would do: translation on, a device attached, a page mapped and asked for.
  ///
  /// - Returns: the transfers that it added.
  private static func addSound(
    to builder: inout BlockBuilder, _ random: inout SeededGenerator
  ) -> Int {
    let device = UInt64.random(in: 0..<8, using: &random)
    let page = UInt64.random(in: 0..<8, using: &random) << 12
    // TE of VT-d and IommuEn of AMD-Vi are in the register at 18h.
    builder.append(.iommuRegister, 0, 0x18, 4, 0x8000_0001)
    builder.append(.attach, device, device)
    builder.append(.iommuMap, device, page, 0x10_0000 | page, 4096, 3)
    builder.append(.dma, device, page, 64, UInt64.random(in: 0..<2, using: &random))
    return 1
  }

  @Test("random streams end with every sum right", arguments: shapes)
  func random(_ shape: Shape) throws {
    let machine = try MachineDescription.load(
      json: try #require(Preset.named(shape.preset)).json, file: "m", settings: shape.settings)
    var (transfers, translated) = (0, 0)
    for seed in 1...6 as ClosedRange<UInt64> {
      var random = SeededGenerator(state: seed)
      let replay = Replay(machine, checksRecorded: seed % 2 == 0)
      var asked = 0
      for _ in 0..<2 {
        var builder = BlockBuilder()
        for _ in 0..<2000 {
          if UInt8.random(in: 0..<6, using: &random) == 0 {
            asked += Self.addSound(to: &builder, &random)
          }
          let tag = Self.tags.randomElement(using: &random) ?? .time
          var words = (0..<6).map { _ in Self.word(&random) }
          // Sizes of ranges stay below 4 MiB here; the bounds of larger ones are another test's.
          if tag == .dma || tag == .iommuUnmap || tag == .dmaUnmap { words[2] &= 0x3f_ffff }
          if tag == .iommuMap || tag == .dmaMap { words[3] &= 0x3f_ffff }
          if tag == .dma { asked += 1 }
          builder.append(tag, words: Array(words.prefix(tag.fields.count)))
        }
        let block = TraceBlock()
        builder.finish(into: block)
        try replay.replay(block)
      }
      let counters = try replay.result(
        of: TraceIdentity(name: "t", sha256: "", records: 0, tables: "", notes: [])
      ).counters
      #expect(counters["iommu.transfers"] == asked)
      let outcomes = [
        "translated", "passedThrough", "untranslated", "interrupts", "faults", "unresolved",
      ]
      #expect(
        outcomes.reduce(0) { $0 + counters["iommu.\($1)", default: 0] }
          == counters["iommu.requests"])
      transfers += asked
      translated += counters["iommu.translated", default: 0]
    }
    // Otherwise nothing would have been asked of the tables.
    #expect(translated > transfers / 100)
  }

  /// An entry of some kind of table: it leads to one of sixteen frames, itself among them, with any
  /// low bits, sizes and levels.
  private static func entry(_ random: inout SeededGenerator) -> UInt64 {
    let frame = UInt64.random(in: 0..<16, using: &random) << 12
    let low = UInt64.random(in: 0..<4096, using: &random)
    switch UInt8.random(in: 0..<6, using: &random) {
    case 0: return 0
    // A table or a page of VT-d, or of a first stage; one of AMD-Vi; a PASID's entry or a context's.
    case 1: return frame | 3
    case 2: return frame | 7 | UInt64.random(in: 0..<2, using: &random) << 7
    case 3: return frame | 1 | UInt64.random(in: 0..<8, using: &random) << 9 | 3 << 61
    case 4: return frame | 1 | UInt64.random(in: 0..<512, using: &random)
    default: return frame | low | UInt64.random(in: 0..<4, using: &random) << 61
    }
  }

  /// Sixteen frames in which every word may be of any table, and any table of any depth, so that tables
  /// lead back to themselves and share each other's frames.
  @Test("tables of every form that change under requests and commands", arguments: shapes)
  func tables(_ shape: Shape) throws {
    let machine = try MachineDescription.load(
      json: try #require(Preset.named(shape.preset)).json, file: "m", settings: shape.settings)
    var judged = 0
    for seed in 1...4 as ClosedRange<UInt64> {
      var random = SeededGenerator(state: seed &* 977)
      let replay = Replay(machine, checksRecorded: false)
      var builder = BlockBuilder()
      // Frames without holes, of which most words say something.
      for word in 0..<16 * 512 as Range<UInt64> {
        builder.append(.tableWrite, words: [0, word * 8, Self.entry(&random)])
      }
      // A legacy or a scalable root and SRTP; a device table of one frame or four.
      let frame = UInt64.random(in: 0..<16, using: &random) << 12
      let isScalable = shape.settings.contains("iommu.mode=scalable") || seed % 4 == 0
      let root: [[UInt64]] =
        shape.preset == "qemu-amdvi"
        ? [[0, 0, 8, frame | seed & 3], [0, 0x18, 8, 1]]
        : [
          [0, 0x20, 8, frame | (isScalable ? 1 << 10 : 0)], [0, 0x18, 4, 0x4000_0000],
          [0, 0x18, 4, 0x8000_0000],
        ]
      for words in root { builder.append(.iommuRegister, words: words) }
      builder.append(.domainOwner, words: [UInt64.random(in: 0..<4, using: &random), 1])
      var asked = 0
      for _ in 0..<1000 {
        let page = UInt64.random(in: 0..<64, using: &random) << 12
        switch UInt8.random(in: 0..<8, using: &random) {
        case 0...2:
          builder.append(
            .tableWrite,
            words: [0, UInt64.random(in: 0..<16 * 512, using: &random) * 8, Self.entry(&random)])
        case 3, 4:
          asked += 1
          builder.append(
            .dma,
            words: [
              UInt64.random(in: 0..<256, using: &random), page, 64,
              UInt64.random(in: 0..<64, using: &random), UInt64.random(in: 0..<4, using: &random),
              0,
            ])
        case 5: builder.append(.iommuCommand, words: [0] + (0..<4).map { _ in Self.word(&random) })
        case 6: builder.append(.iommuCommand, words: [0, 0x25 | 1 << 60, 0])
        default:
          builder.append(
            .frameOwner,
            words: [UInt64.random(in: 0..<3, using: &random), page >> 14, 1, seed & 1])
        }
      }
      let block = TraceBlock()
      builder.finish(into: block)
      try replay.replay(block)
      let counters = try replay.result(
        of: TraceIdentity(name: "t", sha256: "", records: 0, tables: "", notes: [])
      ).counters
      #expect(counters["iommu.transfers"] == asked)
      judged += counters["isolation.judged.V27", default: 0]
    }
    // Otherwise no table was known as one.
    #expect(judged > 100)
  }

  /// 2^20 pages of a transfer, a map or an unmap are replayed; the rest is said to be passed over.
  @Test("ranges without end are cut")
  func ranges() throws {
    let result = try replay(
      text: """
        nestwalk scenario 1
        attach device=0x38 domain=5
        iommuMap domain=5 address=0 output=0 bytes=0xffffffffffffffff rights=3
        dma device=0x38 address=0 bytes=0xffffffffffffffff kind=1
        iommuUnmap domain=5 address=0 bytes=0xffffffffffffffff
        """, on: "qemu-vtd", ["iommu.quirks=[]"])
    #expect(result.counters["iommu.requests"] == 1 << 20)
    #expect(result.notes.contains { $0.hasPrefix("1 transfers name more than 1048576 pages") })
  }
}
