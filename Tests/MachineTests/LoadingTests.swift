import Testing

@testable import Machine

/// Loads a description under the name that errors give it.
func load(
  _ json: String, settings: [String] = []
) throws(MachineError) -> ResolvedMachine {
  try MachineDescription.load(json: json, file: "m.json", settings: settings)
}

/// The whole message with which a description is refused, or `accepted`.
func refusal(_ json: String, settings: [String] = []) -> String {
  do {
    _ = try load(json, settings: settings)
    return "accepted"
  } catch {
    return error.description
  }
}

@Suite("Reading machine descriptions")
struct LoadingTests {
  @Test("the reference file reads as the machine that it spells")
  func reference() throws {
    let expected = MachineDescription(
      name: "reference", cores: 1, virtualization: VirtualizationDescription(mode: .nested),
      firstStage: StageDescription(format: .x86, levels: 4),
      secondStage: StageDescription(format: .ept, levels: 4),
      tlbs: [
        TLBDescription(
          name: "L1I", serves: [.fetch], pageSizes: [.base4K], sets: 16, ways: 4,
          replacement: .lru, latencyCycles: 0),
        TLBDescription(
          name: "L1D", serves: [.load, .store], pageSizes: [.base4K], sets: 16, ways: 4,
          replacement: .lru, latencyCycles: 0),
        TLBDescription(
          name: "L2", serves: [.fetch, .load, .store], pageSizes: [.base4K], sets: 128, ways: 12,
          replacement: .lru, latencyCycles: 7),
      ],
      walkCaches: [], memory: MemoryDescription(referenceCycles: 40),
      synthesis: SynthesisDescription(
        firstStagePage: .always(.base4K), secondStagePage: .always(.base4K), frames: .sequential,
        seed: 1))
    #expect(try load(ReferenceFile.reference).description == expected)
  }

  @Test("the cached reference file adds seven walk caches in its order")
  func cachedReference() throws {
    let caches = try load(ReferenceFile.cached).description.walkCaches
    #expect(
      caches.map(\.kind.shortName) == [
        "first1", "first2", "first3", "second1", "second2", "second3", "nested",
      ])
    #expect(caches.map(\.ways) == [32, 4, 2, 32, 4, 2, 64])
    #expect(caches.allSatisfy { $0.sets == 1 && $0.replacement == .lru })
  }

  @Test("an exit's round trip is cycles or a generation's name, and is written as cycles")
  func generations() throws {
    func exits(_ roundTrip: String) throws -> ExitsDescription? {
      let setting =
        "exits={hypervisor: 'thin', roundTripCycles: \(roundTrip), userSpaceCycles: 1, "
        + "calloutCycles: 2, handlerCycles: 3}"
      let preset = try #require(Preset.named("reference"))
      return try MachineDescription.load(json: preset.json, file: "r", settings: [setting])
        .description.exits
    }
    #expect(try exits("'penryn'") == exits("1266"))
    #expect(try exits("'zen'")?.roundTripCycles == 1350)
    let error = #expect(throws: MachineError.self) { try exits("'penrin'") }
    #expect(error?.description.contains("did you mean \"penryn\"?") == true)
  }

  @Test("the canonical form has every key, sorted, two spaces deep, no newline at its end")
  func canonicalForm() throws {
    let canonical = try load(ReferenceFile.reference).canonicalJSON
    #expect(canonical.hasPrefix("{\n  \"cores\": 1,\n  \"firstStage\": {\n    \"format\": "))
    #expect(
      canonical.contains("\"memory\": {\n    \"model\": \"flat\",\n    \"overlapFactor\": null,"))
    #expect(
      canonical.contains("\n      \"serves\": [\n        \"load\",\n        \"store\"\n      ],"))
    #expect(canonical.contains("\n  \"walkCaches\": []\n}"))
    #expect(canonical.hasSuffix("\n}"))
  }

  @Test(
    "the canonical form reads as the same machine and is its own canonical form",
    arguments: [
      [], ["memory.overlapFactor=2.5"], ["memory.overlapFactor=3"],
      ["virtualization.mode=native", "secondStage=null"], ["name=a \"b\" \\ c"],
      ["synthesis.firstStagePage=THP:75%", "tlbs.L2.pageSizes=[\"2M\",\"4K\"]"],
    ])
  func roundTrip(_ settings: [String]) throws {
    let first = try load(ReferenceFile.cached, settings: settings)
    let again = try load(first.canonicalJSON)
    #expect(again == first)
  }

  @Test("two spellings of one machine have one hash, two machines have two")
  func spelling() throws {
    let plain = try load(ReferenceFile.reference)
    let spelled = ReferenceFile.reference
      .replacing("\"load\", \"store\"", with: "'store', 'load',")
      .replacing("\"sets\": 16", with: "sets: 0x10")
      .replacing("\"referenceCycles\": 40", with: "/* L2 */ referenceCycles: +40")
    #expect(try load(spelled) == plain)
    #expect(try load("\u{feff}" + ReferenceFile.reference) == plain)
    #expect(try load(ReferenceFile.reference, settings: ["tlbs.L2.ways=16"]).sha256 != plain.sha256)
  }

  @Test("the hash is the SHA-256 of the canonical form")
  func hash() throws {
    let machine = try load(ReferenceFile.reference)
    #expect(machine.sha256.count == 64)
    #expect(machine.sha256.allSatisfy { "0123456789abcdef".contains($0) })
    // FIPS 180-2, "SHA-256 Example (One-Block Message)".
    #expect(
      MachineDescription.sha256(of: "abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test("a native machine needs no second stage and may keep its caches")
  func native() throws {
    let kept = try load(ReferenceFile.cached, settings: ["virtualization.mode=native"])
    #expect(kept.description.mode == .native)
    #expect(kept.description.walkCaches.count == 7)
    let bare = ReferenceFile.cached
      .replacing("\"mode\": \"nested\"", with: "\"mode\": \"native\"")
      .replacing("\"secondStage\": { \"format\": \"ept:4\" },", with: "")
    #expect(try load(bare).description.secondStage == nil)
  }

  @Test(
    "a page policy reads as it is written",
    arguments: [
      ("4K", PagePolicy.always(.base4K), [PageSizeName.base4K]),
      ("2M", .always(.large2M), [.large2M]),
      ("1G", .always(.huge1G), [.huge1G]),
      ("THP:0%", .transparentHuge(percent: 0), [.base4K]),
      ("THP:75%", .transparentHuge(percent: 75), [.base4K, .large2M]),
      ("THP:100%", .transparentHuge(percent: 100), [.large2M]),
    ])
  func policy(_ text: String, _ policy: PagePolicy, _ sizes: [PageSizeName]) {
    #expect(PagePolicy(text) == policy)
    #expect(policy.description == text)
    #expect(policy.sizes == sizes)
  }

  @Test(
    "what is no page policy is refused",
    arguments: ["", "4k", "THP", "THP:", "THP:%", "THP:101%", "THP:-1%", "THP:1000%", "THP:7.5%"])
  func noPolicy(_ text: String) {
    #expect(PagePolicy(text) == nil)
  }
}
