import Testing

@testable import Machine

@Suite("--set")
struct SettingTests {
  @Test("reaches a TLB by name and by number")
  func tlb() throws {
    for path in ["tlbs.L2.ways", "tlbs[2].ways"] {
      let machine = try load(ReferenceFile.reference, settings: [path + "=16"]).description
      #expect(machine.tlbs.map(\.ways) == [4, 4, 16])
    }
  }

  @Test("reaches a walk cache by number, by stage and level, and the nested TLB")
  func walkCaches() throws {
    let machine = try load(
      ReferenceFile.cached,
      settings: [
        "walkCaches[0].ways=8", "walkCaches.nested.ways=16", "walkCaches.first2.ways=5",
        "walkCaches.second3.ways=6",
      ]
    ).description
    #expect(machine.walkCaches.map(\.ways) == [8, 5, 2, 32, 4, 6, 16])
  }

  @Test("takes text without quotes, JSON5 values and whole objects")
  func values() throws {
    let machine = try load(
      ReferenceFile.reference,
      settings: [
        "virtualization.mode=native", "synthesis.firstStagePage='2M'", "tlbs.L1I.pageSizes=['2M']",
        "tlbs.L1D.pageSizes=[\"2M\", \"4K\",]", "memory={model: 'flat', referenceCycles: 0x20}",
        "name=a=b",
      ]
    ).description
    #expect(machine.mode == .native)
    #expect(machine.synthesis.firstStagePage == .always(.large2M))
    #expect(machine.tlbs[0].pageSizes == [.large2M])
    #expect(machine.memory == MemoryDescription(referenceCycles: 32))
    #expect(machine.name == "a=b")
  }

  @Test("sets a key that is absent but legal, and the last of two settings holds")
  func absentKey() throws {
    let machine = try load(
      ReferenceFile.reference, settings: ["memory.overlapFactor=9", "memory.overlapFactor=2.5"])
    #expect(machine.description.memory.overlapPercent == 250)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var setting: String
    var message: String
    var testDescription: String { setting }

    init(_ setting: String, _ message: String) {
      self.setting = setting
      self.message = message
    }
  }

  static let rows = [
    Row("tlbs.L3.ways=1", "tlbs.L3: no such TLB; this machine has L1I, L1D, L2"),
    Row("tlbs[3].ways=1", "tlbs[3]: no such TLB; the last is [2]"),
    Row(
      "walkCaches.first4.ways=1",
      "walkCaches.first4: no such walk cache; this machine has first1, first2, first3, second1, "
        + "second2, second3, nested"),
    Row(
      "memroy.referenceCycles=1",
      #"memroy: no such key; did you mean "memory"? the machine has cores, firstStage, memory, "#
        + "name, secondStage, synthesis, tlbs, virtualization, walkCaches"),
    Row(
      "memory.dram.cycles=1", "memory.dram: no such key; memory has model, referenceCycles"),
    Row("cores.count=1", "cores.count: cores is 1, not an object; stop at cores"),
    Row("cores[0]=1", "cores[0]: cores is 1, not a list; name a key or stop at cores"),
    Row("tlbs.L2.way=1", #"tlbs[2].way: unknown key; did you mean "ways"?"#),
    Row("tlbs.L2.ways=0", "tlbs[2].ways: is 0; expected a whole number, 1 to 65536"),
    Row("tlbs.L2.ways=", #"tlbs[2].ways: is ""; expected a whole number, 1 to 65536"#),
    Row("tlbs.L2.ways={a:", #"tlbs[2].ways: is "{a:"; expected a whole number, 1 to 65536"#),
    Row(
      "memory={model:'flat'}",
      "memory.referenceCycles: missing key; "
        + "expected a whole number, 1 to 100000"),
    Row(
      "tlbs.L2.name=L1D",
      #"tlbs[2].name: is "L1D", the name of tlbs[1]; give each TLB its own name"#),
    Row(
      "tlbs.L2.my key=1",
      #"tlbs[2]["my key"]: unknown key; keys here: name, serves, "#
        + "pageSizes, sets, ways, replacement, latencyCycles, index"),
    Row(
      "synthesis.firstStagePage=2M",
      "accepted"),
    Row(
      "synthesis.secondStagePage=2M",
      "accepted"),
    Row("tlbs.L2.ways", "tlbs.L2.ways: has no =; write path=value, such as tlbs.L2.ways=16"),
    Row("=1", "path: is not a path; write keys with dots between them, such as tlbs[1].ways"),
    Row("a..b=1", "a..b: is not a path; write keys with dots between them, such as tlbs[1].ways"),
    Row("a[x]=1", "a[x]: is not a path; write keys with dots between them, such as tlbs[1].ways"),
    Row("a[0=1", "a[0: is not a path; write keys with dots between them, such as tlbs[1].ways"),
    Row(
      "a[99999999999999999999]=1",
      "a[99999999999999999999]: is not a path; "
        + "write keys with dots between them, such as tlbs[1].ways"),
  ]

  @Test("says which part of a path or value is wrong", arguments: rows)
  func refused(_ row: Row) {
    let message = refusal(ReferenceFile.cached, settings: [row.setting])
    #expect(message == (row.message == "accepted" ? "" : "--set: ") + row.message)
  }

  @Test("an empty list says that there is none")
  func emptyList() {
    let machine = ReferenceFile.reference
    #expect(
      refusal(machine, settings: ["walkCaches.nested.ways=1"])
        == "--set: walkCaches.nested: no such walk cache; this machine has none")
    #expect(
      refusal(machine, settings: ["walkCaches[0].ways=1"])
        == "--set: walkCaches[0]: no such walk cache; this machine has none")
  }

  @Test("a size that a setting brings without a TLB for it is blamed on the setting")
  func coverage() {
    // Native: the first stage's 2M pages reach 2M, for which no TLB is fitted.
    #expect(
      refusal(
        ReferenceFile.reference,
        settings: ["virtualization.mode=native", "synthesis.firstStagePage=2M"])
        == #"--set: synthesis.firstStagePage: is "2M", and no TLB holds fetch translations of "#
        + #"2M; add "2M" to the pageSizes of a TLB that serves "fetch", or change "#
        + "synthesis.firstStagePage")
  }

  @Test("an error elsewhere in the file is not blamed on the setting")
  func blame() {
    let broken = ReferenceFile.reference.replacing("\"seed\": 1", with: "\"seed\": -1")
    #expect(
      refusal(broken, settings: ["tlbs.L2.ways=16"])
        == "m.json: synthesis.seed: is -1; expected a whole number, 0 to 9007199254740992")
  }
}
