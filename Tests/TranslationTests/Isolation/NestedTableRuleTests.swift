import Machine
import Results
import Testing

@testable import Translation

/// Rules about guests' first stages, found through a second stage, that the trace writes word by word:
/// VT-d's nested PASIDs and AMD-Vi's guest CR3s.
///
/// In each, guest-physical page n of the tables below is frame 0x20 + n, and page 7 is frame 9. PASID 1
/// of device 0x38, in domain 5, has four levels of tables at guest-physical 0xb000 to 0xe000, where page
/// 7 leads to guest-physical 0xa000. AMD-Vi's table of guest CR3s is guest-physical page 8.
@Suite("Isolation rules of guests' tables")
struct NestedTableRuleTests {
  typealias Unit = UnitScenario.Unit

  private static func write(_ address: UInt64, _ value: UInt64) -> String {
    "tableWrite stage=0 address=\(address) value=\(value)\n"
  }

  private static func command(_ low: UInt64, _ high: UInt64 = 0) -> String {
    "iommuCommand word0=\(low) word1=\(high)\n"
  }

  private static func wait(_ unit: Unit) -> String { unit.command("!wait") + "\n" }

  /// R and W, or PR with IR and IW.
  private static func all(_ unit: Unit) -> UInt64 { unit == .amd ? 1 | 3 << 61 : 3 }

  /// Where the second stage's entry of a guest-physical page stands.
  private static func leaf(_ unit: Unit, _ page: UInt64) -> UInt64 {
    (unit == .amd ? 0x5000 : 0x8000) + 8 * page
  }

  private static func tables(_ unit: Unit) -> String {
    var words: [(UInt64, UInt64)]
    if unit == .amd {
      // V, TV, three levels, IR, IW and GV; one level of guest CR3s, of which bit 15 is bit 16 of the
      // second word.
      words = [
        (0x10_0708, 0x1_0005), (0x10_0700, 0x3000 | 3 << 9 | 3 | 3 << 61 | 1 << 55),
        (0x3000, 0x4000 | 2 << 9 | 1 | 3 << 61), (0x4000, 0x5000 | 1 << 9 | 1 | 3 << 61),
        (0x2_8008, 0xb001),
      ]
    } else {
      // PASID 1: PGTT 3, four levels of each stage; its walks snoop.
      words = [
        (0x1000, 0x2001), (0x2700, 0x301d), (0x3000, 0x4001), (0x5000, 0x6003), (0x6000, 0x7003),
        (0x7000, 0x8003), (0x4048, 0x80_0005), (0x4050, 0xb000), (0x4040, 0x50c9),
      ]
    }
    words.append((leaf(unit, 7), 0x9000 | all(unit)))
    for page in [8, 0xa, 0xb, 0xc, 0xd, 0xe, 0xf, 0x10] as [UInt64] {
      words.append((leaf(unit, page), (0x20 + page) << 12 | all(unit)))
    }
    words += [(0x2_b000, 0xc007), (0x2_c000, 0xd007), (0x2_d000, 0xe007), (0x2_e038, 0xa007)]
    let registers =
      unit == .amd
      ? "iommuRegister offset=0 bytes=8 value=0x10003f\niommuRegister offset=0x18 bytes=8 value=1\n"
      : "iommuRegister offset=0x20 bytes=8 value=0x1400\n"
        + "iommuRegister offset=0x18 bytes=4 value=0x40000000\n" + command(0x11) + command(0x37)
        + command(0x12) + wait(unit) + "iommuRegister offset=0x18 bytes=4 value=0x80000000\n"
    return "nestwalk scenario 1\n" + words.map { write($0.0, $0.1) }.joined() + registers
  }

  /// What a row's words stand for.
  ///
  /// A PASID's invalidation is VT-d's type 6, with IH in bit 6, and AMD-Vi's with GN, bit 2, where PDE,
  /// bit 1, says the opposite of IH; without them both name the second stage.
  private static func words(_ unit: Unit) -> [String: String] {
    let all = all(unit)
    func first(_ pasid: UInt64, _ pages: UInt64, _ tables: Bool) -> String {
      (unit == .amd
        ? command(3 << 60 | 5 << 32 | pasid, pages | 4 | (tables ? 2 : 0))
        : pages == 0x7fff_ffff_ffff_f001
          ? command(pasid << 32 | 0x50026)
          : command(pasid << 32 | 0x50036, pages | (tables ? 0 : 0x40))) + wait(unit)
    }
    func second(_ page: UInt64, _ tables: Bool) -> String {
      (unit == .amd
        ? command(3 << 60 | 5 << 32, page << 12 | (tables ? 2 : 0))
        : command(0x50032, page << 12 | (tables ? 0 : 0x40))) + wait(unit)
    }
    let everything: UInt64 = 0x7fff_ffff_ffff_f001
    return [
      "write": "dma device=0x38 address=0x7000 bytes=64 kind=1 pasid=2\n",
      "clear": write(0x2_e038, 0), "again": write(0x2_e038, 0xa007),
      "move": write(0x2_e038, 0xf007), "protect": write(0x2_e038, 0xa005),
      "free": write(0x2_d000, 0), "reuse": write(0x2_d000, 0x1_0007),
      "end": unit == .amd ? write(0x2_8008, 0) : write(0x4040, 0),
      "other": unit == .amd ? write(0x2_8008, 0xc001) : write(0x4050, 0xc000),
      "pages": first(1, 0x7000, true), "leaves": first(1, 0x7000, false),
      "pasid": first(1, everything, true), "stranger": first(2, everything, true),
      "forget": (unit == .amd ? "" : command(0x37)) + first(1, everything, true),
      "domain": unit.command("!domain 5") + "\n" + wait(unit),
      "seconda": second(0xa, true), "seconde": second(0xe, true), "leafe": second(0xe, false),
      "unback": write(leaf(unit, 0xa), 0), "back": write(leaf(unit, 0xa), 0x3_1000 | all),
      "untable": write(leaf(unit, 0xe), 0), "retable": write(leaf(unit, 0xe), 0x3_e000 | all),
      "unroot": write(leaf(unit, 0xb), 0), "secondb": second(0xb, true),
      "copy": write(0x3_e038, 0xa007), "change": write(0x3_e038, 0xf007),
      "guest": "domainOwner domain=5 guest=1\n",
      "takena": "frameOwner guest=2 frame=0x2a frames=1\n",
      "takene": "frameOwner guest=2 frame=0x2e frames=1\n",
      "hoste": "frameOwner guest=0 frame=0x2e frames=1\n",
      "host3e": "frameOwner guest=0 frame=0x3e frames=1\n",
      "own3e": "frameOwner guest=1 frame=0x3e frames=1\n",
    ]
  }

  struct Row: Sendable {
    var steps: String
    var expected: [String]
    var units: [Unit] = [.scalable, .amd]

    init(_ steps: String, _ expected: [String], units: [Unit] = [.scalable, .amd]) {
      (self.steps, self.expected, self.units) = (steps, expected, units)
    }
  }

  static let rows = [
    // The first stage alone changes.
    Row("", []),
    Row("clear move", ["V7 critical"]),
    Row("clear pages move write", []),
    Row("clear leaves move", []),
    Row("clear pasid move", []),
    Row("clear domain move", []),
    Row("clear stranger move", ["V7 critical"]),
    // VT-d's page-selective invalidation of a domain takes all that first stages gave, AMD-Vi's names
    // guest-physical pages.
    Row("clear seconda move", [], units: [.scalable]),
    Row("clear seconda move", ["V7 critical"], units: [.amd]),
    Row("clear write", ["V6 high"]),
    Row("clear pages write", ["V1 medium"]),
    Row("move", ["V27 medium"]),
    Row("move write", ["V6 high", "V27 medium"]),
    Row("protect", []),
    Row("protect write", ["V6 high"]),
    Row("protect pages write", ["V2 medium"]),
    Row("free reuse", ["V7 critical"]),
    Row("free leaves reuse", ["V7 critical"]),
    Row("free pages reuse", []),
    Row("free write", ["V6 high"]),
    // The PASID's entry.
    Row("other", ["V27 medium"]),
    Row("end write", ["V6 high"]),
    Row("end forget write", ["V23 high"]),
    Row("takene", ["V23 high"]),
    Row("end forget takene", []),
    // The second stage takes the page that the guest's leads to.
    Row("unback write", ["V6 high"]),
    Row("unback seconda write", ["V1 medium"]),
    Row("unback seconda back write", []),
    Row("unback back", ["V7 critical"]),
    Row("unback takena", ["V7 critical"]),
    Row("unback seconda takena", []),
    Row("guest clear pages again takena", ["V20 critical"]),
    Row("guest clear pages again unback seconda takena", []),
    // It takes a table's.
    Row("untable seconde write", ["V24 high"]),
    Row("unroot secondb pasid write", ["V24 high"]),
    Row("untable takene", ["V7 critical"]),
    Row("untable seconde takene", []),
    Row("untable leafe takene", []),
    Row("untable retable", ["V7 critical"]),
    Row("copy untable seconde retable write", []),
    Row("copy untable seconde retable change", ["V27 medium"]),
    // Whose a table's frame is.
    Row("guest hoste", ["V23 high"]),
    Row("guest host3e untable seconde retable", ["V21 critical", "V24 high"]),
    Row("guest own3e untable seconde retable", []),
  ]

  @Test("as the definitions say, step by step", arguments: [Unit.scalable, .amd])
  func steps(_ unit: Unit) throws {
    let words = Self.words(unit)
    for row in Self.rows where row.units.contains(unit) {
      let steps = row.steps.split(separator: " ").map { words[String($0)] ?? "?" }.joined()
      let result = try replay(
        text: Self.tables(unit) + (words["write"] ?? "") + steps, on: unit.preset, unit.settings)
      #expect(result.counters["iommu.translated", default: 0] > 0)
      #expect(
        result.findings.map { "\($0.rule) \($0.severity)" } == row.expected,
        "\(unit): \(row.steps): \(result.findings)")
    }
  }

  /// Guest-physical 0xa000 was at frame 0x2a.
  @Test("a stale nested translation tells both addresses", arguments: [Unit.scalable, .amd])
  func evidence(_ unit: Unit) throws {
    let words = Self.words(unit)
    let text = ["write", "guest", "unback", "write"].map { words[$0] ?? "?" }.joined()
    let result = try replay(text: Self.tables(unit) + text, on: unit.preset, unit.settings)
    let finding = try #require(result.findings.first { $0.rule == "V6" })
    #expect(finding.subject["device"] == "00:07.0" && finding.subject["domain"] == "0x5")
    let detail = finding.first.detail
    #expect(detail["iova"] == "0x7000" && detail["gpa"] == "0xa000")
    #expect(detail["frame"] == "0x2a000" && detail["pasid"] == "0x1")
    #expect(detail["unmapped"]?.hasPrefix("event ") == true)
    #expect(detail["invalidated"] == "not since")
  }
}
