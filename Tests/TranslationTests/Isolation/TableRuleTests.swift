import Machine
import Results
import Testing

@testable import Translation

/// Rules about tables that the trace writes word by word, in VT-d's two modes and in AMD-Vi.
///
/// In each, device 0x38 of domain 5 reaches frame 9 by page 7, and has written there once. In scalable
/// mode its PASID 1 reaches frame 0xa by page 7 of a first stage.
@Suite("Isolation rules of written tables, by every architecture")
struct TableRuleTests {
  typealias Unit = UnitScenario.Unit

  /// What a row's words stand for: addresses and values of `tableWrite`, or what a command covers.
  private static func words(_ unit: Unit) -> [String: String] {
    let write = "tableWrite stage=0 address="
    func command(_ low: UInt64, _ high: UInt64 = 0) -> String {
      "iommuCommand word0=\(low) word1=\(high)"
    }
    // R and W, or PR with IR and IW.
    let all: UInt64 = unit == .amd ? 1 | 3 << 61 : 3
    let read: UInt64 = unit == .amd ? 1 | 1 << 61 : 1
    let (leaf, table, entry) =
      switch unit {
      case .legacy: ("0x6038", "0x5000", ("0x2388", "0x602"))
      case .scalable: ("0x8038", "0x7000", ("0x4008", "6"))
      case .amd: ("0x5038", "0x4000", ("0x100708", "6"))
      }
    let other: UInt64 = unit == .amd ? 0x4_0000 | 1 << 9 | all : 0x4_0000 | all
    let pages: UInt64 = unit == .amd ? 3 << 60 | 5 << 32 : 5 << 16 | 0x32
    return [
      "clear": write + leaf + " value=0",
      "move": write + leaf + " value=\(0xf000 | all)",
      "protect": write + leaf + " value=\(0x9000 | read)",
      "doorbell": write + leaf + " value=\(0xfee0_0000 | all)",
      "free": write + table + " value=0",
      "reuse": write + table + " value=\(other)",
      "reassign": write + entry.0 + " value=" + entry.1,
      // VT-d's IH is bit 6, and AMD-Vi's PDE, bit 1, says the opposite.
      "leaves": command(pages, unit == .amd ? 0x7000 : 0x7040) + "\n" + wait(unit),
      "tables": command(pages, unit == .amd ? 0x7002 : 0x7000) + "\n" + wait(unit),
      "domain": unit.command("!domain 5") + "\n" + wait(unit),
      "write": "dma device=0x38 address=0x7000 bytes=64 kind=1",
    ]
  }

  private static func wait(_ unit: Unit) -> String { unit.command("!wait") }

  private static func tables(_ unit: Unit) -> String {
    let words: [(UInt64, UInt64)]
    let registers: String
    switch unit {
    case .legacy:
      words = [
        (0x1000, 0x2001), (0x2388, 0x502), (0x2380, 0x3001), (0x3000, 0x4003), (0x4000, 0x5003),
        (0x5000, 0x6003), (0x6038, 0x9003),
      ]
      registers = "iommuRegister offset=0x20 bytes=8 value=0x1000\n"
    case .scalable:
      words = [
        (0x1000, 0x2001), (0x2700, 0x301d), (0x3000, 0x4001), (0x4008, 5), (0x4000, 0x5089),
        (0x5000, 0x6003), (0x6000, 0x7003), (0x7000, 0x8003), (0x8038, 0x9003),
        // PASID 1: a first stage of four levels; its walks snoop.
        (0x4048, 0x80_0005), (0x4050, 0xb000), (0x4040, 0x41), (0xb000, 0xc007), (0xc000, 0xd007),
        (0xd000, 0xe007), (0xe038, 0xa007),
      ]
      registers = "iommuRegister offset=0x20 bytes=8 value=0x1400\n"
    case .amd:
      // V, TV, three levels, IR and IW.
      words = [
        (0x10_0708, 5), (0x10_0700, 0x3000 | 3 << 9 | 3 | 3 << 61),
        (0x3000, 0x4000 | 2 << 9 | 1 | 3 << 61), (0x4000, 0x5000 | 1 << 9 | 1 | 3 << 61),
        (0x5038, 0x9000 | 1 | 3 << 61),
      ]
      registers = "iommuRegister offset=0 bytes=8 value=0x10003f\n"
    }
    let flush =
      unit == .amd
      ? "iommuRegister offset=0x18 bytes=8 value=1\n"
      : "iommuRegister offset=0x18 bytes=4 value=0x40000000\niommuCommand word0=0x11\n"
        + "iommuCommand word0=0x37\niommuCommand word0=0x12\n" + wait(unit)
        + "\niommuRegister offset=0x18 bytes=4 value=0x80000000\n"
    return "nestwalk scenario 1\n"
      + words.map { "tableWrite stage=0 address=\($0.0) value=\($0.1)\n" }.joined() + registers
      + flush
  }

  static let rows: [(steps: String, expected: [String])] = [
    ("", []),
    ("free reuse", ["V7 critical"]),
    ("free leaves reuse", ["V7 critical"]),
    ("free tables reuse", []),
    ("free domain reuse", []),
    ("tables free reuse", ["V7 critical"]),
    ("clear move", ["V7 critical"]),
    ("clear leaves move", []),
    ("clear tables move write", []),
    ("clear write", ["V6 high"]),
    ("clear tables write", ["V1 medium"]),
    ("free write", ["V6 high"]),
    ("move", ["V27 medium"]),
    ("move write", ["V6 high", "V27 medium"]),
    ("move tables write", ["V27 medium"]),
    ("protect", []),
    ("protect write", ["V6 high"]),
    ("protect tables write", ["V2 medium"]),
    ("reassign", ["V27 medium"]),
    ("clear tables doorbell", ["V25 high"]),
    ("guests clear tables move", ["V20 critical"]),
    ("host clear tables move", ["V21 critical"]),
    ("own taken", ["V7 critical"]),
    // The frame of the lowest table itself, which nobody said the owner of.
    ("guest clear tables itself", ["V21 critical"]),
    ("guest clear tables see", ["V21 high"]),
    ("guest clear tables beside", []),
    ("clear tables itself", []),
    ("hosted clear tables itself", []),
    // A frame that a guest's domain maps becomes a table.
    ("guest lend free domain reuse", ["V21 critical"]),
    ("hosted lend free domain reuse", []),
    ("guest mine lend free domain reuse", []),
  ]

  @Test("second stages and host tables, step by step", arguments: Unit.allCases)
  func steps(_ unit: Unit) throws {
    var words = Self.words(unit)
    words["guests"] = "domainOwner domain=5 guest=1\nframeOwner guest=2 frame=0xf frames=1"
    words["host"] = "domainOwner domain=5 guest=1\nframeOwner guest=0 frame=0xf frames=1"
    // A table was freed, and its frame goes to guest 2.
    words["own"] = words["free"]
    let lowest = ["legacy": 6, "scalable": 8, "amd": 5][unit.rawValue] ?? 0
    words["taken"] = "frameOwner guest=2 frame=\(lowest) frames=1"
    words["guest"] = "domainOwner domain=5 guest=1"
    words["hosted"] = "domainOwner domain=5 guest=0"
    words["mine"] = "frameOwner guest=1 frame=0x40 frames=1"
    words["lend"] = "iommuMap domain=5 address=0x40000000 output=0x40000 bytes=4096 rights=3"
    let leaf = ["legacy": "0x6038", "scalable": "0x8038", "amd": "0x5038"][unit.rawValue] ?? ""
    let (all, read): (UInt64, UInt64) = unit == .amd ? (1 | 3 << 61, 1 | 1 << 61) : (3, 1)
    for (name, frame, rights) in [
      ("itself", lowest, all), ("see", lowest, read), ("beside", 0x80, all),
    ] {
      words[name] = "tableWrite stage=0 address=\(leaf) value=\(UInt64(frame) << 12 | rights)"
    }
    for (steps, expected) in Self.rows {
      let text = steps.split(separator: " ").map { (words[String($0)] ?? "?") + "\n" }.joined()
      let result = try replay(
        text: Self.tables(unit) + (words["write"] ?? "") + "\n" + text, on: unit.preset,
        unit.settings)
      #expect(
        result.findings.map { "\($0.rule) \($0.severity)" } == expected,
        "\(unit): \(steps): \(result.findings)")
    }
  }

  /// A PASID's invalidation is type 6, 0x36 of pages and 0x26 of all; type 2 of pages, 0x32, takes all
  /// that first stages of its domain gave.
  @Test("first stages of PASIDs, step by step")
  func first() throws {
    let pages = "iommuCommand word0=0x100050036 word1=0x7000\niommuCommand word0=0x25"
    let words = [
      "clear": "tableWrite stage=0 address=0xe038 value=0",
      "move": "tableWrite stage=0 address=0xe038 value=0xf007",
      "free": "tableWrite stage=0 address=0xd000 value=0",
      "reuse": "tableWrite stage=0 address=0xd000 value=0x40007",
      "pages": pages,
      "leaves": "iommuCommand word0=0x100050036 word1=0x7040\niommuCommand word0=0x25",
      "pasid": "iommuCommand word0=0x100050026\niommuCommand word0=0x25",
      "stranger": "iommuCommand word0=0x200050026\niommuCommand word0=0x25",
      "second": "iommuCommand word0=0x50032 word1=0x7000\niommuCommand word0=0x25",
      "aside": "iommuCommand word0=0x60032 word1=0x7000\niommuCommand word0=0x25",
      "domain": "iommuCommand word0=0x50022\niommuCommand word0=0x25",
      "write": "dma device=0x38 address=0x7000 bytes=64 kind=1 pasid=2",
      "taken": "frameOwner guest=2 frame=0xe frames=1",
      "end": "tableWrite stage=0 address=0x4040 value=0\n",
    ]
    for (steps, expected) in [
      ("", []), ("clear move", ["V7 critical"]), ("clear pages move", []),
      ("clear leaves move", []), ("clear pasid move write", []), ("clear domain move", []),
      ("clear stranger move", ["V7 critical"]), ("clear second move", []),
      ("clear second write", ["V1 medium"]), ("clear aside write", ["V6 high"]),
      ("clear write", ["V6 high"]), ("clear pages write", ["V1 medium"]),
      ("move write", ["V6 high", "V27 medium"]), ("free reuse", ["V7 critical"]),
      ("free leaves reuse", ["V7 critical"]), ("free pages reuse", []),
      ("taken", ["V23 high"]), ("end pasid taken", []), ("end write", ["V6 high"]),
    ] as [(String, [String])] {
      let text = steps.split(separator: " ").map { (words[String($0)] ?? "?") + "\n" }.joined()
      let result = try replay(
        text: Self.tables(.scalable) + (words["write"] ?? "") + "\n" + text, on: "qemu-vtd",
        Unit.scalable.settings)
      #expect(result.counters["iommu.translated", default: 0] > 0)
      #expect(
        result.findings.map { "\($0.rule) \($0.severity)" } == expected,
        "\(steps): \(result.findings)")
    }
  }
}
