import Testing

@testable import Machine

@Suite("What a machine description must not say")
struct RefusalTests {
  struct Row: Sendable, CustomTestStringConvertible {
    /// In the cached reference file.
    var text: String
    var replacement: String
    /// After `m.json: `.
    var message: String
    var testDescription: String { message }

    init(_ text: String, _ replacement: String, _ message: String) {
      self.text = text
      self.replacement = replacement
      self.message = message
    }
  }

  private static let l2 = #""sets": 128, "ways": 12"#
  private static let first1 = #""first", "level": 1, "sets": 1, "ways": 32"#

  static let rows = [
    // Keys
    Row(
      #""cores": 1,"#, "", "cores: missing key; expected a whole number, 1 to 64"),
    Row(
      #""cores": 1,"#, #""core": 1,"#, #"core: unknown key; did you mean "cores"?"#),
    Row(
      #""cores": 1,"#, #""cores": 1, "display": {},"#,
      "display: unknown key; keys here: name, cores, virtualization, firstStage, secondStage, "
        + "tlbs, walkCaches, memory, synthesis, exits, iommu, interrupts, isolation"),
    Row(
      #""ways": 12, "replacement""#, #""ways": 12, "replacment""#,
      #"tlbs[2].replacment: unknown key; did you mean "replacement"?"#),
    Row(
      #""cores": 1,"#, #""cores": 1, "a b\n": {},"#,
      #"["a b\u{a}"]: unknown key; keys here: name, cores, virtualization, firstStage, "#
        + "secondStage, tlbs, walkCaches, memory, synthesis, exits, iommu, interrupts, isolation"),
    // Types
    Row(
      #""cores": 1,"#, #""cores": "1","#,
      #"cores: is "1"; expected a whole number, 1 to 64"#),
    Row(
      #""cores": 1,"#, #""cores": true,"#,
      "cores: is true; expected a whole number, 1 to 64"),
    Row(
      #""name": "reference-cached""#, #""name": 5"#,
      "name: is 5; expected 1 to 100 characters on one line"),
    Row(
      #""name": "reference-cached""#, #""name": "a\nb""#,
      #"name: is "a\u{a}b"; expected 1 to 100 characters on one line"#),
    Row(
      #"{ "model": "flat", "referenceCycles": 40 }"#, "[]",
      "memory: is a list; expected an object"),
    Row(
      #""serves": ["fetch"],"#, #""serves": "fetch","#,
      #"tlbs[0].serves: is "fetch"; expected a list of "fetch", "load" or "store""#),
    // Cores, modes and stages
    Row(
      #""cores": 1,"#, #""cores": 65,"#,
      "cores: is 65; expected a whole number, 1 to 64"),
    Row(
      #""cores": 1,"#, #""cores": 0,"#, "cores: is 0; expected a whole number, 1 to 64"),
    Row(
      #""mode": "nested""#, #""mode": "nested", "nestedLevels": 1"#,
      "virtualization.nestedLevels: stands in nested mode, which has no switch between tables; "
        + #"leave it out, or set virtualization.mode to "agile""#),
    Row(
      #""mode": "nested""#, #""mode": "agile", "nestedLevels": 5"#,
      "virtualization.nestedLevels: is 5; expected a whole number, 0 to 4"),
    Row(
      #""mode": "nested""#, #""mode": "nested", "vpid": 1"#,
      "virtualization.vpid: is 1; expected true or false"),
    Row(
      #""mode": "nested""#, #""mode": "nestd""#,
      #"virtualization.mode: is "nestd"; did you mean "nested"? expected "native", "#
        + #""nested", "shadow" or "agile""#),
    Row(
      #""secondStage": { "format": "ept:4" },"#, "",
      #"secondStage: missing, and nested mode has two stages; give { "format": "ept:4" }, "#
        + #"or set virtualization.mode to "native""#),
    // Geometry
    Row(
      l2, #""sets": 3, "ways": 12"#,
      "tlbs[2].sets: is 3; expected a power of two, 1 to 65536"),
    Row(
      l2, #""sets": 131072, "ways": 12"#,
      "tlbs[2].sets: is 131072; expected a power of two, 1 to 65536"),
    Row(
      l2, #""sets": 128, "ways": 0"#,
      "tlbs[2].ways: is 0; expected a whole number, 1 to 65536"),
    Row(
      l2, #""sets": 128, "ways": 1.5"#,
      "tlbs[2].ways: is 1.5; expected a whole number, 1 to 65536"),
    Row(
      l2, #""sets": 128, "ways": 9223372036854775808"#,
      "tlbs[2].ways: is 9.223372036854776e+18; expected a whole number, 1 to 65536"),
    // 65536 x 17 = 1,114,112 is above 1,048,576.
    Row(
      l2, #""sets": 65536, "ways": 17"#,
      "tlbs[2]: has 65536 sets of 17 ways; expected at most 1048576 entries"),
    Row(
      #""latencyCycles": 7"#, #""latencyCycles": 10001"#,
      "tlbs[2].latencyCycles: is 10001; expected a whole number, 0 to 10000"),
    Row(
      #""ways": 12, "replacement": "lru""#, #""ways": 12, "replacement": "tree-plru""#,
      #"tlbs[2].replacement: is "tree-plru" with 12 ways; "#
        + "expected 2, 4, 8, 16, 32 or 64 ways, or lru"),
    Row(
      #""ways": 12, "replacement": "lru""#, #""ways": 12, "replacement": "lur""#,
      #"tlbs[2].replacement: is "lur"; did you mean "lru"? "#
        + #"expected "lru", "fifo", "tree-plru", "random" or "srrip""#),
    // Names and lists
    Row(
      #""name": "L2""#, #""name": "L 2""#,
      #"tlbs[2].name: is "L 2"; expected 1 to 32 letters, digits, _ or -"#),
    Row(
      #""name": "L2""#, #""name": """#,
      #"tlbs[2].name: is ""; expected 1 to 32 letters, digits, _ or -"#),
    Row(
      #""name": "L2""#, #""name": "L1D""#,
      #"tlbs[2].name: is "L1D", the name of tlbs[1]; give each TLB its own name"#),
    Row(
      #"["fetch"], "pageSizes": ["4K"]"#, #"["fetch"], "pageSizes": ["4k"]"#,
      #"tlbs[0].pageSizes[0]: is "4k"; did you mean "4K"? expected "4K", "2M" or "1G""#),
    Row(
      #"["fetch"], "pageSizes": ["4K"]"#, #"["fetch"], "pageSizes": []"#,
      #"tlbs[0].pageSizes: is an empty list; expected one or more of "4K", "2M" or "1G""#),
    Row(
      #"["load", "store"]"#, #"["load", "load"]"#,
      #"tlbs[1].serves[1]: is "load" a second time; list each once"#),
    Row(
      #"["load", "store"]"#, #"["load", "write"]"#,
      #"tlbs[1].serves[1]: is "write"; expected "fetch", "load" or "store""#),
    // Walk caches
    Row(
      first1, #""first", "level": 4, "sets": 1, "ways": 32"#,
      "walkCaches[0].level: is 4; expected a whole number, 1 to 3"),
    Row(
      first1, #""first", "level": 0, "sets": 1, "ways": 32"#,
      "walkCaches[0].level: is 0; expected a whole number, 1 to 3"),
    Row(
      first1, #""first", "sets": 1, "ways": 32"#,
      "walkCaches[0].level: missing key; expected a whole number, 1 to 3"),
    Row(
      #""first", "level": 2"#, #""first", "level": 1"#,
      "walkCaches[1]: caches the same as walkCaches[0] (first1); "
        + "keep one cache for each stage and level"),
    Row(
      #""nested", "sets""#, #""nested", "level": 1, "sets""#,
      "walkCaches[6].level: stands in the nested TLB, which holds whole translations; "
        + "remove the key"),
    Row(
      #""nested", "sets""#, #""third", "sets""#,
      #"walkCaches[6].stage: is "third"; expected "first", "second" or "nested""#),
    // Memory
    Row(
      #""model": "flat""#, #""model": "cached""#,
      #"memory.model: is "cached", not modelled yet in this version; expected "flat""#),
    Row(
      #""referenceCycles": 40"#, #""referenceCycles": 0"#,
      "memory.referenceCycles: is 0; expected a whole number, 1 to 100000"),
    Row(
      #""referenceCycles": 40"#, #""referenceCycles": 40, "overlapFactor": 0.5"#,
      "memory.overlapFactor: is 0.5; expected a number, 1 to 100, of at most two decimals"),
    Row(
      #""referenceCycles": 40"#, #""referenceCycles": 40, "overlapFactor": 1.005"#,
      "memory.overlapFactor: is 1.005; expected a number, 1 to 100, of at most two decimals"),
    Row(
      #""referenceCycles": 40"#, #""referenceCycles": 40, "overlapFactor": NaN"#,
      "memory.overlapFactor: is nan; expected a number, 1 to 100, of at most two decimals"),
    // Synthesis
    Row(
      #""firstStagePage": "4K""#, #""firstStagePage": "THP:101%""#,
      #"synthesis.firstStagePage: is "THP:101%"; expected "4K", "2M", "1G" or "THP:0%" to "#
        + #""THP:100%""#),
    Row(
      #""frames": "sequential""#, #""frames": "sequental""#,
      #"synthesis.frames: is "sequental"; did you mean "sequential"? expected "sequential", "#
        + #""random" or "fragmented""#),
    // 2^53 + 1
    Row(
      #""seed": 1"#, #""seed": 9007199254740993"#,
      "synthesis.seed: is 9007199254740993; expected a whole number, 0 to 9007199254740992"),
    Row(
      #""seed": 1"#, #""seed": -1"#,
      "synthesis.seed: is -1; expected a whole number, 0 to 9007199254740992"),
    // Coverage
    Row(
      #""firstStagePage": "4K", "secondStagePage": "4K""#,
      #""firstStagePage": "2M", "secondStagePage": "1G""#,
      #"synthesis.firstStagePage: is "2M", and no TLB holds fetch translations of 2M; "#
        + #"add "2M" to the pageSizes of a TLB that serves "fetch", or change "#
        + "synthesis.firstStagePage"),
    Row(
      #""firstStagePage": "4K", "secondStagePage": "4K""#,
      #""firstStagePage": "1G", "secondStagePage": "THP:50%""#,
      #"synthesis.secondStagePage: is "THP:50%", and no TLB holds fetch translations of 2M; "#
        + #"add "2M" to the pageSizes of a TLB that serves "fetch", or change "#
        + "synthesis.secondStagePage"),
  ]

  @Test("is refused with its place, the value and what is allowed", arguments: rows)
  func refused(_ row: Row) {
    #expect(ReferenceFile.cached.contains(row.text))
    let json = ReferenceFile.cached.replacing(row.text, with: row.replacement, maxReplacements: 1)
    #expect(refusal(json) == "m.json: " + row.message)
  }

  @Test("a machine without TLBs is refused")
  func noTLBs() {
    #expect(
      refusal(ReferenceFile.reference, settings: ["tlbs=[]"])
        == "--set: tlbs: has 0 TLBs; expected 1 to 64")
  }

  @Test("a class that no TLB serves is named")
  func uncoveredClass() {
    #expect(
      refusal(ReferenceFile.reference.replacing(#", "store"]"#, with: "]"))
        == #"m.json: synthesis.firstStagePage: is "4K", and no TLB holds store translations of "#
        + #"4K; add "4K" to the pageSizes of a TLB that serves "store", or change "#
        + "synthesis.firstStagePage")
  }

  @Test(
    "a text that is no JSON is refused at its line and column",
    arguments: [
      (
        "",
        "line 1, column 1: the description is empty; start from a preset: nestwalk machine show "
          + "reference"
      ),
      (
        " // no machine\n",
        "line 1, column 1: the description is empty; start from a preset: "
          + "nestwalk machine show reference"
      ),
      ("{\n  a: 1\n  b: 2\n}", "line 3, column 3: found \"b\"; expected a comma or }"),
      ("{ \"é\" 1 }", "line 1, column 7: found \"1\"; expected a colon after the key"),
      ("{ a: }", "line 1, column 6: found \"}\"; expected a value"),
      ("{ a: [1, 2", "line 1, column 11: the text ends; expected a comma or ]"),
      ("{ a: 1", "line 1, column 7: the text ends; expected a comma or }"),
      ("{ a: 1 }\n}", "line 2, column 1: found \"}\"; expected the end of the text"),
      (
        "{ a: tru }",
        "line 1, column 6: found \"tru\"; expected a number that fits, true, false, "
          + "null or text in quotes"
      ),
      (
        "{ a: 1e999 }",
        "line 1, column 6: found \"1e999\"; expected a number that fits, true, "
          + "false, null or text in quotes"
      ),
      ("{ a: 'b\n' }", "line 1, column 6: this text has no closing quote; close it on its line"),
      (
        "{ a: '\\ud800' }",
        "line 1, column 6: this text holds an escape or a character that JSON5 "
          + "forbids; write it as \\uXXXX"
      ),
      ("{ a: 1 /* b }", "line 1, column 8: this comment has no end; close it with */"),
      (
        "{\n  a: 1,\n  'a': 2 }",
        "line 3, column 3: the key \"a\" stands twice in this object; keep "
          + "one of the two"
      ),
      ("[]", "top level: is a list; expected an object"),
      ("5", "top level: is 5; expected an object"),
    ])
  func malformed(_ json: String, _ message: String) {
    #expect(refusal(json) == "m.json: " + message)
  }

  @Test("deep nesting, other encodings and too many bytes are refused")
  func limits() {
    // The 64th bracket still nests, the 65th does not; it stands in column 65.
    #expect(
      refusal(String(repeating: "[", count: 100_000))
        == "m.json: line 1, column 65: lists and objects nest deeper than 64; "
        + "a machine description nests 3 deep")
    #expect(
      throws: MachineError(
        file: "m.json", place: "top level", problem: "the description is not UTF-8 text",
        cure: "save it as UTF-8")
    ) { try MachineDescription.load(json: [0x7b, 0xff, 0x7d], file: "m.json") }
    #expect(
      refusal(String(repeating: " ", count: 1_048_577))
        == "m.json: top level: the description has 1048577 bytes; expected at most 1048576")
  }
}
