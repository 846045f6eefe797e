import Testing

@testable import Machine

@Suite("Presets")
struct PresetTests {
  @Test("are these, in this order")
  func names() {
    #expect(
      Preset.all.map(\.name) == [
        "reference", "reference-cached", "reference-interrupts",
        "reference-amd-interrupts", "zen5", "zen4", "skylake-sp",
        "skylake-sp-interrupts", "golden-cove", "qemu-vtd", "qemu-7.2-vtd", "qemu-amdvi",
        "pcie-bench-haswell",
        "pcie-bench-broadwell", "fast-and-safe", "hypersio",
      ])
  }

  @Test("load under their own names", arguments: Preset.all.map(\.name))
  func load(_ name: String) throws {
    let preset = try #require(Preset.named(name))
    let machine = try MachineDescription.load(json: preset.json, file: name)
    #expect(machine.description.name == name)
    #expect(!preset.summary.contains("\n") && !preset.source.contains("\n"))
  }

  @Test("of the reference machines equal the reference files")
  func references() throws {
    for (preset, file) in [
      (Preset.reference, ReferenceFile.reference), (.referenceCached, ReferenceFile.cached),
    ] {
      let machine = try MachineDescription.load(json: preset.json, file: preset.name)
      #expect(try MachineDescription.load(json: file, file: preset.name) == machine)
    }
  }

  @Test("synthesise 4K pages in order with seed 1, so that they compare")
  func synthesis() throws {
    for preset in Preset.all {
      let machine = try MachineDescription.load(json: preset.json, file: preset.name).description
      #expect(
        machine.synthesis
          == SynthesisDescription(
            firstStagePage: .always(.base4K), secondStagePage: .always(.base4K),
            frames: .sequential, seed: 1), "\(preset.name)")
    }
  }

  @Test("give every number a source", arguments: Preset.all.map(\.name))
  func sources(_ name: String) throws {
    let preset = try #require(Preset.named(name))
    // A line with a number outside of text must have a comment; the caches of the reference
    // machine share the comment above them.
    for line in preset.json.split(separator: "\n") where !line.contains("\"stage\":") {
      let parts = line.split(separator: "//", maxSplits: 1, omittingEmptySubsequences: false)
      let number = parts[0].firstMatch(of: /": [0-9]/)
      #expect(number == nil || parts.count == 2, "\(line)")
    }
  }

  @Test("hold a page of each size for each class of access", arguments: ["4K", "2M", "1G"])
  func sizes(_ size: String) throws {
    // Instruction pages of 1G have no ITLB of their own in Intel's; their L2 holds them.
    for preset in Preset.all.dropFirst(4) {
      let settings = ["synthesis.firstStagePage=\(size)", "synthesis.secondStagePage=\(size)"]
      #expect(throws: Never.self, "\(preset.name)") {
        try MachineDescription.load(json: preset.json, file: preset.name, settings: settings)
      }
    }
  }

  @Test(
    "have the published capacities",
    arguments: [
      // Sets x ways, by hand: 1x64, 1x96, 256x8, 256x16
      ("zen5", [64, 96, 2048, 4096]),
      // 1x64, 1x72, 64x8, 128x24, 1x64
      ("zen4", [64, 72, 512, 3072, 64]),
      // 16x8, 1x8, 16x4, 8x4, 1x4, 128x12, 4x4
      ("skylake-sp", [128, 8, 64, 32, 4, 1536, 16]),
      // 32x8, 4x8, 16x6, 8x4, 1x8, 1x16, 128x16
      ("golden-cove", [256, 32, 96, 32, 8, 16, 2048]),
    ])
  func capacities(_ name: String, _ entries: [Int]) throws {
    let preset = try #require(Preset.named(name))
    let machine = try MachineDescription.load(json: preset.json, file: name).description
    #expect(machine.tlbs.map { $0.sets * $0.ways } == entries)
  }

  @Test("that do not exist are refused with the one that was meant")
  func unknown() {
    #expect(Preset.named("zen6") == nil)
    #expect(
      Preset.refusal(of: "zen6").description
        == #"zen6: preset: no such preset; did you mean "zen5"? presets are reference, "#
        + "reference-cached, reference-interrupts, reference-amd-interrupts, zen5, zen4, "
        + "skylake-sp, skylake-sp-interrupts, golden-cove, qemu-vtd, qemu-7.2-vtd, qemu-amdvi, "
        + "pcie-bench-haswell, pcie-bench-broadwell, fast-and-safe, hypersio")
  }
}
