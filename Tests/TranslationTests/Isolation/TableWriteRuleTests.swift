import Machine
import Results
import Testing

@testable import Translation

/// Rules about tables that the trace writes word by word, and floods, through the model of VT-d.
@Suite("Isolation rules of table writes and floods")
struct TableWriteRuleTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var name: String
    var expected: [String]
    var text: String
    var testDescription: String { name }

    init(_ name: String, _ expected: [String], _ text: String) {
      self.name = name
      self.expected = expected
      self.text = text
    }
  }

  /// Root 0x1000, contexts of bus 0 at 0x2000, device 0x38 of domain 5 with four levels from 0x3000 to
  /// 0x6000, where page 7 leads to frame 9.
  private static let tables = """
    nestwalk scenario 1
    tableWrite stage=0 address=0x1000 value=0x2001
    tableWrite stage=0 address=0x2388 value=0x502
    tableWrite stage=0 address=0x2380 value=0x3001
    tableWrite stage=0 address=0x3000 value=0x4003
    tableWrite stage=0 address=0x4000 value=0x5003
    tableWrite stage=0 address=0x5000 value=0x6003
    tableWrite stage=0 address=0x6038 value=0x9003
    iommuRegister offset=0x20 bytes=8 value=0x1000
    iommuRegister offset=0x18 bytes=4 value=0x40000000
    iommuCommand word0=0x11
    iommuCommand word0=0x12
    iommuCommand word0=0x25
    iommuRegister offset=0x18 bytes=4 value=0x80000000
    dma device=0x38 address=0x7000 bytes=64 kind=1

    """

  private static let free = "tableWrite stage=0 address=0x5000 value=0\n"
  private static let wait = "iommuCommand word0=0x25\n"
  private static let reuse = "tableWrite stage=0 address=0x5000 value=0x7003\n"

  static let rows = [
    Row("the tables alone break nothing", [], ""),
    Row(
      "V7: a table is freed and its entry used again, and nothing was invalidated",
      ["V7 critical"], free + reuse),
    Row(
      "V7: only leaves were invalidated after a table was freed", ["V7 critical"],
      free + "iommuCommand word0=0x50032 word1=0x7040\n" + wait + reuse),
    Row(
      "V7: the freed table's frame goes to a guest", ["V7 critical"],
      free + "iommuCommand word0=0x50032 word1=0x7040\n" + wait
        + "frameOwner guest=2 frame=6 frames=1\n"),
    Row(
      "V7: the invalidation was queued before the table was freed", ["V7 critical"],
      "iommuCommand word0=0x50022\n" + free + wait + reuse),
    Row(
      "V7 kept: tables were invalidated too, by a page of theirs", [],
      free + "iommuCommand word0=0x50032 word1=0x7000\n" + wait + reuse),
    Row(
      "V7 kept: the domain was invalidated", [],
      free + "iommuCommand word0=0x50022\n" + wait + reuse),
    Row(
      "V7 kept: a leaf was cleared, and only leaves invalidated", [],
      "tableWrite stage=0 address=0x6038 value=0\niommuCommand word0=0x50032 word1=0x7040\n" + wait
        + "tableWrite stage=0 address=0x6038 value=0xa003\n"),
    Row(
      "V7: a table of 1 GiB is freed and a page of it invalidated", ["V7 critical"],
      "tableWrite stage=0 address=0x4000 value=0\niommuCommand word0=0x50032 word1=0x7000\n" + wait
        + "tableWrite stage=0 address=0x4000 value=0x8003\n"),
    Row(
      "V27: a page's entry leads elsewhere without having been cleared", ["V27 medium"],
      "tableWrite stage=0 address=0x6038 value=0xa003\n"),
    Row(
      "V27 kept: a page's rights change, or it was cleared between", [],
      "tableWrite stage=0 address=0x6038 value=0x9001\ntableWrite stage=0 address=0x6038 value=0\n"
        + "iommuCommand word0=0x50032 word1=0x7000\n" + wait
        + "tableWrite stage=0 address=0x6038 value=0xa003\n"),
    Row(
      "V27: a context's second word changes while it is present", ["V27 medium"],
      "tableWrite stage=0 address=0x2388 value=0x602\n"),
    Row(
      "V27: a context's table changes while it is present", ["V27 medium"],
      "tableWrite stage=0 address=0x2380 value=0x8001\n"),
    Row(
      "V27 kept: a context is cleared first", [],
      "tableWrite stage=0 address=0x2380 value=0\ntableWrite stage=0 address=0x2388 value=0x602\n"
        + "tableWrite stage=0 address=0x2380 value=0x8001\n"),
    Row(
      "V27 kept: memory that holds no table", [],
      "tableWrite stage=0 address=0xf000 value=1\ntableWrite stage=0 address=0xf000 value=0x9003\n"),
  ]

  @Test("as the definition says", arguments: rows)
  func rule(_ row: Row) throws {
    let result = try replay(
      text: Self.tables + row.text, on: "qemu-vtd", ["iommu.quirks=[]"])
    #expect(
      result.findings.map { "\($0.rule) \($0.severity)" } == row.expected, "\(result.findings)")
    #expect(result.counters["iommu.translated"] == 1)
  }

  /// The limit is a key of the machine, and counts writes of one device in one window.
  @Test("V26: one write more than a window may have, or in two windows")
  func writes() throws {
    for (count, device, step, expected) in [
      (8, 0x38, 1, []), (9, 0x38, 1, ["V26 medium 1"]), (9, 0x38, 2_000_000, []),
      (9, 0, 1, []),
    ] as [(Int, Int, Int, [String])] {
      let text = (0..<count).map { at in
        // Without a device of its own each of two has half of the writes.
        "time nanoseconds=\(1000 + at * step)\n"
          + "dma device=\(device == 0 ? 0x38 + at % 2 : device) address=0x5000 bytes=64 kind=1\n"
      }.joined()
      let result = try replay(
        text: "nestwalk scenario 1\niommuRegister offset=0x18 bytes=4 value=0\n" + text,
        on: "qemu-vtd", ["isolation.writes=8", "isolation.windowMicroseconds=10000"])
      #expect(
        result.findings.filter { $0.rule == "V26" }
          .map { "\($0.rule) \($0.severity) \($0.count)" } == expected)
    }
  }

  /// Two registers: the third fault of a device is lost, and so is the fourth.
  @Test("V26: faults that a full log loses, and none while it has room")
  func lostFaults() throws {
    for (count, expected) in [(2, []), (4, ["V26 2"])] as [(Int, [String])] {
      let text = String(
        repeating: "dma device=0x38 address=0x8000 bytes=64 kind=0\n", count: count)
      let result = try replay(
        text: Self.tables + text, on: "qemu-vtd", ["iommu.quirks=[]", "iommu.faultRecords=2"])
      #expect(
        result.findings.filter { $0.rule == "V26" }.map { "\($0.rule) \($0.count)" } == expected)
    }
  }

  @Test("V10 by AMD-Vi: an entry without V passes everything, a domain's tables do not")
  func bypass() throws {
    let open = """
      nestwalk scenario 1
      deviceOwner device=0x38 guest=1
      iommuRegister offset=0 bytes=8 value=0x10003f
      iommuRegister offset=0x18 bytes=8 value=1
      tableWrite stage=0 address=0x100700 value=0
      dma device=0x38 address=0x7000 bytes=64 kind=1
      """
    let kept = """
      nestwalk scenario 1
      deviceOwner device=0x38 guest=1
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3
      dma device=0x38 address=0x7000 bytes=64 kind=1
      """
    for (text, expected) in [(open, ["V10 high"]), (kept, [])] {
      let result = try replay(text: text, on: "qemu-amdvi", ["iommu.quirks=[]"])
      #expect(result.findings.map { "\($0.rule) \($0.severity)" } == expected)
    }
  }

  /// A translated request is the device's right until the wait behind the device TLB's invalidation.
  @Test("V5 kept until the device TLB's invalidation completes, and broken after")
  func granted() throws {
    let before = """
      nestwalk scenario 1
      attach device=0x38 domain=5
      iommuMap domain=5 address=0x7000 output=0x100000 bytes=4096 rights=3
      dma device=0x38 address=0x7000 bytes=64 kind=4
      iommuUnmap domain=5 address=0x7000 bytes=4096
      iommuCommand word0=0x3800000003 word1=0x7000
      dma device=0x38 address=0x100000 bytes=64 kind=9

      """
    let after =
      before + """
        iommuCommand word0=0x25
        dma device=0x38 address=0x100000 bytes=64 kind=9
        """
    let settings = [
      "iommu.quirks=[]", "iommu.deviceTLB={sets: 1, ways: 16, replacement: \"lru\"}",
    ]
    for (text, expected) in [(before, 0), (after, 1)] {
      let result = try replay(text: text, on: "qemu-vtd", settings)
      #expect(result.findings.filter { $0.rule == "V5" }.map(\.count) == (expected == 0 ? [] : [1]))
    }
  }
}
