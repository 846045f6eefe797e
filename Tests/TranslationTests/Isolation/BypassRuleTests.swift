import Machine
import Results
import Testing

@testable import Translation

/// V9, V10, V11 and V26 through the models of VT-d's two modes and of AMD-Vi.
@Suite("Isolation rules of bypasses, peers, buffers and floods by every architecture")
struct BypassRuleTests {
  typealias Unit = UnitScenario.Unit
  typealias Row = UnitScenario.Row

  /// Devices 0x38 and 0x40 of domain 5, which maps a page at 0xf0000000 where the other has its region.
  private static func peers(_ mine: String, _ other: String) -> String {
    """
    deviceOwner device=0x38 \(mine)
    deviceOwner device=0x40 \(other)
    deviceRegion device=0x40 address=0xf0000000 bytes=0x1000
    deviceRegion device=0x38 address=0xf0002000 bytes=0x1000
    attach device=0x38 domain=5
    iommuMap domain=5 address=0xf0000000 output=0x100000 bytes=0x3000 rights=3

    """
  }

  static let rows: [Row] = [
    Row(
      "V9: a buffer of half a page, which its device reads", ["V9 low"],
      """
      dmaMap device=0x38 address=0x7000 output=0x100000 bytes=0x800 direction=1
      dma device=0x38 address=0x7000 bytes=64 kind=0
      """),
    Row(
      "V9: its last page also has another device's buffer", ["V9 medium", "V9 low"],
      """
      dmaMap device=0x40 address=0x7000 output=0x101800 bytes=0x800 direction=1
      dmaMap device=0x38 address=0x7000 output=0x100000 bytes=0x1800 direction=1
      """),
    Row(
      "V9: the same device reads one half and writes the other", ["V9 medium", "V9 low"],
      """
      dmaMap device=0x38 address=0x7000 output=0x100000 bytes=0x800 direction=1
      dmaMap device=0x38 address=0x8800 output=0x100800 bytes=0x800 direction=2
      """),
    Row(
      "V9 low: the neighbour is the same device's in the same direction", ["V9 low"],
      """
      dmaMap device=0x38 address=0x7000 output=0x101800 bytes=0x800 direction=1
      dmaMap device=0x38 address=0x8000 output=0x101000 bytes=0x800 direction=1
      """),
    Row(
      "V9 low, of each device: the neighbour is gone", ["V9 low", "V9 low"],
      """
      dmaMap device=0x40 address=0x7000 output=0x101800 bytes=0x800 direction=1
      dmaUnmap device=0x40 address=0x7000 bytes=0x800
      dmaMap device=0x38 address=0x7000 output=0x101000 bytes=0x800 direction=1
      """),
    Row(
      "V9 kept: whole pages beside each other, of two devices", [],
      """
      dmaMap device=0x40 address=0x7000 output=0x100000 bytes=0x1000 direction=2
      dmaMap device=0x38 address=0x7000 output=0x101000 bytes=0x2000 direction=1
      dma device=0x38 address=0x8ff0 bytes=16 kind=0
      """),
    Row(
      "V10: a reserved region by its own address in a guest's domain", ["V10 high"],
      """
      domainOwner domain=5 guest=1
      frameOwner guest=0 frame=0x800 frames=16
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x800000 output=0x800000 bytes=0x1000 rights=3
      """),
    Row(
      "V10: the same, and its device writes there", ["V3 critical", "V10 high"],
      """
      domainOwner domain=5 guest=1
      frameOwner guest=0 frame=0x800 frames=16
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x800000 output=0x800000 bytes=0x1000 rights=3
      dma device=0x38 address=0x800000 bytes=64 kind=1
      """),
    Row(
      "V10: the host takes a region back that is mapped by its own address", ["V10 high"],
      """
      domainOwner domain=5 guest=1
      frameOwner guest=1 frame=0x800 frames=16
      iommuMap domain=5 address=0x800000 output=0x800000 bytes=0x1000 rights=3
      frameOwner guest=0 frame=0x800 frames=16
      """),
    Row(
      "V10 kept: a guest's own frame by its own address, and the region in the host's domain", [],
      """
      domainOwner domain=5 guest=1
      domainOwner domain=6 guest=0
      frameOwner guest=0 frame=0x800 frames=16
      frameOwner guest=1 frame=0x900 frames=16
      iommuMap domain=5 address=0x900000 output=0x900000 bytes=0x1000 rights=3
      iommuMap domain=6 address=0x800000 output=0x800000 bytes=0x1000 rights=3
      """),
    Row(
      "V11: a peer of the same group and guest", ["V11 high"],
      peers("guest=1 group=7", "guest=1 group=7")
        + "dma device=0x38 address=0xf0000ff0 bytes=16 kind=1"),
    Row(
      "V11: another guest's peer of the same group", ["V11 critical"],
      peers("guest=1 group=7", "guest=2 group=7")
        + "dma device=0x38 address=0xf0000000 bytes=16 kind=0"),
    Row(
      "V11: the unit would have blocked it, had it been asked", ["V11 high", "V1 medium"],
      """
      deviceOwner device=0x38 guest=1 group=7
      deviceOwner device=0x40 guest=1 group=7
      deviceRegion device=0x40 address=0xf0000000 bytes=0x1000
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=0x1000 rights=3
      dma device=0x38 address=0xf0000000 bytes=16 kind=1
      """),
    Row(
      "V11 kept: groups of their own, or of which nothing is known", [],
      peers("guest=1 group=7", "guest=1 group=8")
        + "dma device=0x38 address=0xf0000000 bytes=16 kind=1\n"
        + "deviceOwner device=0x38 guest=1 group=0\ndeviceOwner device=0x40 guest=1 group=0\n"
        + "dma device=0x38 address=0xf0000000 bytes=16 kind=1"),
    Row(
      "V11 kept: behind the region, its own region, and a translation that is asked for", [],
      peers("guest=1 group=7", "guest=1 group=7")
        + "dma device=0x38 address=0xf0001000 bytes=16 kind=1\n"
        + "dma device=0x38 address=0xf0002000 bytes=16 kind=1\n"
        + "dma device=0x38 address=0xf0000000 bytes=16 kind=5"),
  ]

  @Test("as the definition says", arguments: rows)
  func rule(_ row: Row) throws {
    for unit in row.units {
      let result = try replay(
        text: unit.scenario(row.text), on: unit.preset, unit.settings + row.settings)
      #expect(
        result.findings.map { "\($0.rule) \($0.severity)" } == row.expected,
        "\(unit): \(result.findings)")
    }
  }

  /// What lets device 0x38 pass: a context of TT 10b, a PASID entry of PGTT 4, an entry without V, one of
  /// mode 0, and a unit that is off.
  ///
  /// Source: Intel VT-d 4.1, "Context Entry" and "Scalable-Mode PASID Table Entry"; AMD 48882, "Device
  /// Table Entry Format".
  private static func openings(_ unit: Unit) -> [String] {
    let on =
      "iommuRegister offset=0x18 bytes=4 value=0x40000000\niommuCommand word0=0x11\n"
      + "iommuCommand word0=0x37\niommuCommand word0=0x12\niommuCommand word0=0x25\n"
      + "iommuRegister offset=0x18 bytes=4 value=0x80000000\n"
    func writes(_ words: [(UInt64, UInt64)]) -> String {
      words.map { "tableWrite stage=0 address=\($0.0) value=\($0.1)\n" }.joined()
    }
    switch unit {
    case .legacy:
      return [
        writes([(0x1000, 0x2001), (0x2388, 0x502), (0x2380, 9)])
          + "iommuRegister offset=0x20 bytes=8 value=0x1000\n" + on,
        "iommuRegister offset=0x18 bytes=4 value=0\n",
      ]
    case .scalable:
      return [
        writes([
          (0x1000, 0x2001), (0x2700, 0x301d), (0x3000, 0x4001), (0x4008, 5), (0x4000, 0x109),
        ])
          + "iommuRegister offset=0x20 bytes=8 value=0x1400\n" + on,
        "iommuRegister offset=0x18 bytes=4 value=0\n",
      ]
    case .amd:
      let table =
        "iommuRegister offset=0 bytes=8 value=0x10003f\n"
        + "iommuRegister offset=0x18 bytes=8 value=1\n"
      return [
        writes([(0x10_0700, 0)]) + table,
        writes([(0x10_0708, 5), (0x10_0700, 3 | 3 << 61)]) + table,
        "iommuRegister offset=0x18 bytes=8 value=0\n",
      ]
    }
  }

  @Test("V10: whatever lets a guest's device pass, and the host's", arguments: Unit.allCases)
  func passes(_ unit: Unit) throws {
    for (at, opening) in Self.openings(unit).enumerated() {
      let isOff = at == Self.openings(unit).count - 1
      for (owner, expected) in [
        ("deviceOwner device=0x38 guest=1\n", ["V10 high"]),
        // A unit that is off says nothing of devices that are not a guest's.
        ("deviceOwner device=0x38 guest=0\n", isOff ? [] : ["V10 low"]),
      ] {
        let result = try replay(
          text: "nestwalk scenario 1\n" + owner + opening
            + "dma device=0x38 address=0x7000 bytes=64 kind=1\n",
          on: unit.preset, unit.settings)
        #expect(
          result.findings.map { "\($0.rule) \($0.severity)" } == expected,
          "\(unit) \(at): \(result.findings)")
      }
    }
  }

  /// The ninth write of a window of 10 ms is one too many, and the fifth fault; of two devices each has
  /// its own count, and a device's next window begins anew.
  @Test("V26: floods of writes and of faults", arguments: Unit.allCases)
  func floods(_ unit: Unit) throws {
    let settings =
      unit.settings + [
        "isolation.writes=8", "isolation.faults=4", "isolation.windowMicroseconds=10000",
        "iommu.faultRecords=64",
      ]
    let start = """
      attach device=0x38 domain=5
      attach device=0x40 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3

      """
    for (count, kind, address, devices, step, expected) in [
      (8, 1, 0x7000, 1, 1, 0), (9, 1, 0x7000, 1, 1, 1), (16, 1, 0x7000, 2, 1, 0),
      (9, 1, 0x7000, 1, 2_000_000, 0), (9, 0, 0x7000, 1, 1, 0),
      (4, 0, 0x9000, 1, 1, 0), (5, 0, 0x9000, 1, 1, 1), (8, 0, 0x9000, 2, 1, 0),
      (5, 0, 0x9000, 1, 4_000_000, 0),
    ] as [(Int, Int, Int, Int, Int, Int)] {
      let text = (0..<count).map { at in
        "time nanoseconds=\(1000 + at * step)\ndma device=\(0x38 + 8 * (at % devices)) "
          + "address=\(address) bytes=64 kind=\(kind)\n"
      }.joined()
      let result = try replay(text: unit.scenario(start + text), on: unit.preset, settings)
      let found = result.findings.filter { $0.rule == "V26" }
      #expect(found.reduce(0) { $0 + $1.count } == expected, "\(unit): \(count) \(kind): \(found)")
    }
  }

  /// A log of two: the third and fourth fault are lost.
  @Test("V26: faults that a full log loses", arguments: Unit.allCases)
  func lost(_ unit: Unit) throws {
    for (count, expected) in [(2, 0), (4, 2)] {
      let text = String(
        repeating: "dma device=0x38 address=0x9000 bytes=64 kind=0\n", count: count)
      let result = try replay(
        text: unit.scenario(
          "attach device=0x38 domain=5\n"
            + "iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3\n" + text),
        on: unit.preset, unit.settings + ["iommu.faultRecords=2"])
      let found = result.findings.filter { $0.rule == "V26" }
      #expect(found.reduce(0) { $0 + $1.count } == expected, "\(unit): \(count): \(found)")
    }
  }
}
