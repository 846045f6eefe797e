import Testing

@testable import Machine

/// The machine's key `interrupts`: what is wrong in it is refused with its place and a cure.
@Suite("Descriptions of interrupts")
struct InterruptDescriptionTests {
  static let interrupts = """
    {
      "mode": "posted",
      "start": {
        "enabled": true, "extended": true, "compatibility": false, "longEntries": true,
        "entries": 256
      },
      "cores": 4,
      "entryCache": { "sets": 2, "ways": 4, "replacement": "lru" },
      "vectors": { "notification": 242, "wakeup": 241 },
      "costs": {
        "remapNanoseconds": 1, "referenceNanoseconds": 2, "deliveryNanoseconds": 3,
        "postNanoseconds": 4, "exitNanoseconds": 5, "injectionNanoseconds": 6,
        "forwardNanoseconds": 7, "wakeupNanoseconds": 8
      },
      "clockMegahertz": 2400,
      "quirks": ["index-unchecked"]
    }
    """

  /// The reference machine with interrupts, whose own key is put in place of the preset's.
  static func machine(_ text: String) throws -> MachineDescription {
    let preset = try #require(Preset.named("reference-interrupts"))
    return try MachineDescription.load(
      json: preset.json, file: "m.json", settings: ["interrupts=\(text)"]
    ).description
  }

  @Test("is read whole, and written again as it was read")
  func whole() throws {
    let read = try #require(try Self.machine(Self.interrupts).interrupts)
    #expect(read.mode == .posted && read.cores == 4 && read.start.entries == 256)
    #expect(read.start.isEnabled && read.start.isExtended && !read.start.passesCompatibility)
    #expect(read.entryCache.sets == 2 && read.entryCache.ways == 4)
    #expect(read.vectors == InterruptVectors(notification: 242, wakeup: 241))
    #expect(read.costs.remapNanoseconds == 1 && read.costs.wakeupNanoseconds == 8)
    #expect(read.clockMegahertz == 2400 && read.quirks == [.indexUnchecked])
    let again = try Self.machine(read.json.canonicalText)
    #expect(again.interrupts == read)
  }

  @Test("needs no clock and no entry cache")
  func optional() throws {
    let text = Self.interrupts.replacing("\"clockMegahertz\": 2400,", with: "")
      .replacing(#"{ "sets": 2, "ways": 4, "replacement": "lru" }"#, with: "null")
    let read = try #require(try Self.machine(text).interrupts)
    #expect(read.clockMegahertz == nil && read.entryCache.ways == 0)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var old: String
    var new: String
    var message: String
    var testDescription: String { message }
  }

  static let rows = [
    Row(
      old: #""posted""#, new: #""post""#,
      message: #"mode: is "post"; did you mean "posted"? expected "none", "remapped" or "posted""#),
    Row(
      old: #""enabled": true"#, new: #""enabled": 1"#,
      message: "start.enabled: is 1; expected true or false"),
    Row(
      old: #""entries": 256"#, new: #""entries": 257"#,
      message: "start.entries: is 257; expected a power of two, 2 to 65536"),
    Row(
      old: #""entries": 256"#, new: #""entries": 131072"#,
      message: "start.entries: is 131072; expected a whole number, 2 to 65536"),
    Row(
      old: #""cores": 4"#, new: #""cores": 0"#,
      message: "cores: is 0; expected a whole number, 1 to 4096"),
    Row(
      old: #""sets": 2"#, new: #""sets": 3"#,
      message: "entryCache.sets: is 3; expected a power of two, 1 to 65536"),
    Row(
      old: #""wakeup": 241"#, new: #""wakeup": 242"#,
      message: "vectors.wakeup: is 242, the vector of notifications; expected another vector"),
    Row(
      old: #""notification": 242"#, new: #""notification": 15"#,
      message: "vectors.notification: is 15; expected a whole number, 16 to 255"),
    Row(
      old: #""exitNanoseconds": 5"#, new: #""exitNanosecond": 5"#,
      message: #"costs.exitNanosecond: unknown key; did you mean "exitNanoseconds"?"#),
    Row(
      old: #""postNanoseconds": 4, "#, new: "",
      message: "costs.postNanoseconds: missing key"),
    Row(
      old: #""remapNanoseconds": 1"#, new: #""remapNanoseconds": -1"#,
      message: "costs.remapNanoseconds: is -1; expected a whole number, 0 to 1000000000"),
    Row(
      old: "2400", new: "0",
      message: "clockMegahertz: is 0; expected a whole number, 1 to 100000"),
    Row(
      old: #"["index-unchecked"]"#, new: #"["index-unchecked", "index-unchecked"]"#,
      message: "quirks[1]: is there a second time; list each quirk once"),
    Row(
      old: #"["index-unchecked"]"#, new: #"["index"]"#,
      message: #"quirks[0]: is "index"; "#),
  ]

  @Test("is refused with its place, the value and what is allowed", arguments: rows)
  func refusals(_ row: Row) throws {
    let text = Self.interrupts.replacing(row.old, with: row.new)
    #expect(text != Self.interrupts)
    let error = #expect(throws: MachineError.self) { try Self.machine(text) }
    let said = error.map { "\($0)" } ?? ""
    #expect(said.hasPrefix("--set: interrupts." + row.message), "\(said)")
  }

  @Test("is refused without an IOMMU, which would remap")
  func alone() throws {
    let preset = try #require(Preset.named("reference-interrupts"))
    let error = #expect(throws: MachineError.self) {
      try MachineDescription.load(json: preset.json, file: "m.json", settings: ["iommu=null"])
    }
    let said = error.map { "\($0)" } ?? ""
    #expect(said.contains("has no IOMMU") && said.contains("add the key iommu"))
  }
}
