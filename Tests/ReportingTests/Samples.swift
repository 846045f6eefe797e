import Results

/// Results with which readable reports are tested and looked at.
enum Samples {
  static let all = [graph, graphUncached, database, nothing, hostile]

  /// A breadth-first search on two stages of four levels with walk caches; its numbers are those
  /// of an independent model, but which of its 3,828 second-stage L1 references belong to tables
  /// and which to data is made up.
  static let graph = RunResult(
    trace: TraceIdentity(
      name: "graph-bfs.flat16.zst", sha256: digest("6b1f"), records: 4_000_000,
      tables: "synthesised(first 4K, second 4K, frames sequential, seed 1)",
      notes: ["flat16 has no privilege, so every record is taken for user code."]),
    machine: machine("reference-cached", walkCaches: cachesJSON),
    counters: merged(
      [
        "cpu.loads": 3_100_000, "cpu.stores": 900_000, "cpu.accesses": 4_000_000,
        "cpu.touches": 4_000_000, "tlb.L1I.lookups": 0, "tlb.L1I.hits": 0, "tlb.L1I.misses": 0,
        "tlb.L1D.lookups": 4_000_000, "tlb.L1D.hits": 2_927_015, "tlb.L1D.misses": 1_072_985,
        "tlb.L1D.fills": 1_072_985, "tlb.L1D.evictions": 1_072_921, "tlb.L2.lookups": 1_072_985,
        "tlb.L2.hits": 745_046, "tlb.L2.misses": 327_939, "tlb.L2.fills": 327_939,
        "tlb.L2.evictions": 326_403, "tlb.cycles": 7_510_895, "walk.count": 327_939,
        "walk.references": 694_375, "walk.references.firstStage": 345_274,
        "walk.references.secondStage": 349_101, "walk.cycles": 27_775_000,
        "walk.updates": 40_123, "frames.firstStage": 22_889, "frames.secondStage": 22_935,
      ],
      caches([
        "firstStage.L1": (310_606, 327_939), "firstStage.L2": (17_332, 17_333),
        "firstStage.L3": (0, 1), "secondStage.L1": (341_441, 345_270),
        "secondStage.L2": (3_828, 3_829), "secondStage.L3": (0, 1), "nested": (5, 345_275),
      ]),
      grid([
        "L3": [1, 1, 1, 1, 1], "L2": [0, 0, 0, 1, 1], "L1": [0, 0, 0, 1, 17_333],
        "L0": [0, 0, 1_300, 17_333, 327_939], "data": [0, 0, 2_528, 327_934],
      ])),
    histograms: [
      "walk.references": bars([
        (1, 5), (2, 308_088), (3, 2_513), (4, 16_018), (5, 1_313), (6, 1), (12, 1),
      ]),
      "walk.cycles": bars([
        (40, 5), (80, 308_088), (120, 2_513), (160, 16_018), (200, 1_313), (240, 1), (480, 1),
      ]),
    ],
    notes: modelNotes)

  /// The same trace without walk caches: each walk reads all 24 cells of the grid once.
  static let graphUncached = RunResult(
    trace: graph.trace,
    machine: machine("reference", walkCaches: "[]"),
    counters: merged(
      graph.counters.filter {
        !$0.key.hasPrefix("walkCache.") && !$0.key.hasPrefix("walk.")
      },
      [
        "walk.count": 327_939, "walk.references": 7_870_536,
        "walk.references.firstStage": 1_311_756, "walk.references.secondStage": 6_558_780,
        "walk.cycles": 314_821_440, "walk.updates": 40_123,
      ],
      grid([
        "L3": .init(repeating: 327_939, count: 5), "L2": .init(repeating: 327_939, count: 5),
        "L1": .init(repeating: 327_939, count: 5), "L0": .init(repeating: 327_939, count: 5),
        "data": .init(repeating: 327_939, count: 4),
      ])),
    histograms: ["walk.references": bars([(24, 327_939)])],
    notes: modelNotes)

  /// Point lookups in a database, from the same independent model.
  static let database = RunResult(
    trace: TraceIdentity(
      name: "sqlite-probe.flat16.zst", sha256: digest("c07a"), records: 52_848_362,
      tables: "synthesised(first 4K, second 4K, frames sequential, seed 1)", notes: []),
    machine: graph.machine,
    counters: merged(
      [
        "cpu.instructions": 82_787_700, "cpu.fetches": 15_636_059, "cpu.accesses": 52_848_362,
        "cpu.touches": 52_848_440, "tlb.L1I.lookups": 15_636_136, "tlb.L1I.hits": 15_635_806,
        "tlb.L1I.misses": 330, "tlb.L1D.lookups": 37_212_304, "tlb.L1D.hits": 37_154_730,
        "tlb.L1D.misses": 57_574, "tlb.L2.lookups": 57_904, "tlb.L2.hits": 25_225,
        "tlb.L2.misses": 32_679, "tlb.cycles": 405_328, "walk.count": 32_679,
        "walk.references": 123_298, "walk.references.firstStage": 61_618,
        "walk.references.secondStage": 61_680, "walk.cycles": 4_931_920,
        "frames.firstStage": 29_712, "fault.notPresent": 0,
      ],
      caches([
        "firstStage.L1": (3_744, 32_679), "firstStage.L2": (28_932, 28_935),
        "firstStage.L3": (2, 3), "secondStage.L1": (61_560, 61_619),
        "secondStage.L2": (58, 59), "secondStage.L3": (0, 1), "nested": (0, 61_619),
      ]),
      grid([
        "L3": [1, 1, 1, 1, 1], "L2": [0, 0, 0, 1, 3], "L1": [0, 0, 1, 3, 28_935],
        "L0": [0, 0, 28, 28_935, 32_679], "data": [0, 0, 29, 32_679],
      ])),
    histograms: [
      "walk.references": bars([
        (2, 3_740), (3, 4), (4, 28_878), (5, 54), (6, 2), (12, 1),
      ])
    ],
    notes: modelNotes)

  /// A run in which nothing was touched.
  static let nothing = RunResult(
    trace: TraceIdentity(
      name: "empty.nwt", sha256: digest("e3b0"), records: 0, tables: "recorded", notes: []),
    machine: graph.machine,
    counters: [
      "cpu.accesses": 0, "cpu.instructions": 0, "cpu.touches": 0, "tlb.L2.hits": 0,
      "tlb.L2.lookups": 0, "tlb.L2.misses": 0, "walk.count": 0, "walk.cycles": 0,
      "walk.references": 0, "walkCache.nested.hits": 0, "walkCache.nested.lookups": 0,
    ],
    histograms: ["walk.references": []])

  /// What a hostile file can put into a report.
  static let hostile = RunResult(
    trace: TraceIdentity(
      name: "</script><script>alert(1)</script>.nwt", sha256: digest("00ff"), records: 1,
      tables: "=HYPERLINK(\"x\")", notes: ["a \"note\" & <b>\u{1b}[31mred\u{1b}[0m\r\n|x|"]),
    machine: MachineIdentity(
      name: "=1+1", sha256: "\"><img src=x>", resolvedJSON: #"{"name": "</pre><img src=x>"}"#),
    counters: ["fault.<b>": 2, "walk.count": 1],
    histograms: ["<i>": [HistogramBar(value: 1, count: 1)]],
    findings: [
      Finding(
        rule: "V6", severity: .high, count: 3,
        first: Finding.Place(
          record: 17, time: 0, detail: ["device": "00:1f.2'><", "domain": "7"]))
    ],
    notes: ["Model: <u>"])

  static func digest(_ start: String) -> String {
    start + String(repeating: "0123456789ab", count: 5)
  }

  private static func merged(_ parts: [String: Int]...) -> [String: Int] {
    parts.reduce(into: [:]) { $0.merge($1) { $1 } }
  }

  private static func bars(_ pairs: [(Int, Int)]) -> [HistogramBar] {
    pairs.map { HistogramBar(value: $0.0, count: $0.1) }
  }

  private static func caches(_ rows: [String: (hits: Int, lookups: Int)]) -> [String: Int] {
    rows.reduce(into: [:]) { counters, row in
      counters["walkCache.\(row.key).hits"] = row.value.hits
      counters["walkCache.\(row.key).lookups"] = row.value.lookups
    }
  }

  /// Each row holds second-stage L3, L2, L1, L0, then the first-stage entry.
  private static func grid(_ rows: [String: [Int]]) -> [String: Int] {
    rows.reduce(into: [:]) { counters, row in
      for (column, value) in zip(["L3", "L2", "L1", "L0", "entry"], row.value) {
        counters["walk.grid.\(row.key).\(column)"] = value
      }
    }
  }

  private static let modelNotes = [
    "Model: the walk caches are probed from the deepest level up; a probe stops at the first hit.",
    "Model: the nested TLB serves table pages and data pages alike.",
    "Model: accessed and dirty updates are counted apart and never as references.",
  ]

  private static func machine(_ name: String, walkCaches: String) -> MachineIdentity {
    MachineIdentity(
      name: name, sha256: digest(name == "reference" ? "41d0" : "93ee"),
      resolvedJSON: """
        {
          "cores": 1,
          "firstStage": {
            "format": "x86-64:4"
          },
          "memory": {
            "model": "flat",
            "referenceCycles": 40
          },
          "name": "\(name)",
          "secondStage": {
            "format": "ept:4"
          },
          "tlbs": [
        \(tlbJSON("L1I", "\"fetch\"", 16, 4, 0)),
        \(tlbJSON("L1D", "\"load\", \"store\"", 16, 4, 0)),
        \(tlbJSON("L2", "\"fetch\", \"load\", \"store\"", 128, 12, 7))
          ],
          "virtualization": {
            "mode": "nested"
          },
          "walkCaches": \(walkCaches)
        }
        """)
  }

  private static func tlbJSON(
    _ name: String, _ serves: String, _ sets: Int, _ ways: Int, _ cycles: Int
  ) -> String {
    """
        {
          "latencyCycles": \(cycles),
          "name": "\(name)",
          "pageSizes": ["4K"],
          "replacement": "lru",
          "serves": [\(serves)],
          "sets": \(sets),
          "ways": \(ways)
        }
    """
  }

  private static let cachesJSON = """
    [
        { "level": 1, "replacement": "lru", "sets": 1, "stage": "first", "ways": 32 },
        { "level": 2, "replacement": "lru", "sets": 1, "stage": "first", "ways": 4 },
        { "level": 3, "replacement": "lru", "sets": 1, "stage": "first", "ways": 2 },
        { "level": 1, "replacement": "lru", "sets": 1, "stage": "second", "ways": 32 },
        { "level": 2, "replacement": "lru", "sets": 1, "stage": "second", "ways": 4 },
        { "level": 3, "replacement": "lru", "sets": 1, "stage": "second", "ways": 2 },
        { "replacement": "lru", "sets": 1, "stage": "nested", "ways": 64 }
      ]
    """
}
