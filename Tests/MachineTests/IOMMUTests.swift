import Testing

@testable import Machine

@Suite("The key iommu")
struct IOMMUTests {
  static let unit = """
    {
      "architecture": "vtd", "mode": "legacy", "rootTable": null, "cachingMode": false,
      "maximumAddressMask": 18, "hostAddressBits": 46, "levels": [3, 4], "faultRecords": 1,
      "iotlb": { "sets": 1, "ways": 128, "replacement": "lru" },
      "contextCache": { "sets": 8, "ways": 8, "replacement": "fifo" },
      "pasidCache": null, "deviceTLB": null,
      "walkCaches": [{ "stage": "second", "level": 1, "sets": 4, "ways": 16, "replacement": "lru" }],
      "latency": {
        "iotlbNanoseconds": 2, "referenceNanoseconds": 50, "invalidationNanoseconds": 2000
      },
      "invalidation": "recorded", "flushQueue": { "entries": 256, "milliseconds": 10 },
      "quirks": ["iotlb-by-device"]
    }
    """

  static func machine(_ unit: String) throws(MachineError) -> MachineDescription {
    let end = ReferenceFile.reference.lastIndex(of: "}") ?? ReferenceFile.reference.endIndex
    let json = ReferenceFile.reference[..<end] + ", \"iommu\": \(unit) }"
    return try MachineDescription.load(json: String(json), file: "m.json").description
  }

  @Test("is read whole")
  func reads() throws {
    let iommu = try #require(try Self.machine(Self.unit).iommu)
    #expect(iommu.architecture == .vtd && iommu.mode == .legacy && iommu.rootTable == nil)
    #expect(iommu.maximumAddressMask == 18 && iommu.hostAddressBits == 46)
    #expect(iommu.levels == [3, 4] && iommu.faultRecords == 1 && !iommu.cachingMode)
    #expect(iommu.iotlb == IOCacheDescription(sets: 1, ways: 128, replacement: .lru))
    #expect(iommu.contextCache == IOCacheDescription(sets: 8, ways: 8, replacement: .fifo))
    #expect(iommu.pasidCache.entries == 0 && iommu.deviceTLB.entries == 0)
    #expect(
      iommu.walkCaches == [
        IOWalkCacheDescription(
          stage: .second, level: 1,
          cache: IOCacheDescription(sets: 4, ways: 16, replacement: .lru))
      ])
    #expect(iommu.latency.invalidationNanoseconds == 2000)
    #expect(iommu.quirks == [.iotlbByDevice])
  }

  @Test("comes back from its canonical form, and has no place in a machine without it")
  func roundTrip() throws {
    let machine = try Self.machine(Self.unit)
    let again = try MachineDescription.load(json: machine.json.canonicalText, file: "again")
    #expect(again.description == machine)
    let without = try MachineDescription.load(json: ReferenceFile.reference, file: "m.json")
    #expect(!without.canonicalJSON.contains("iommu"))
  }

  @Test("says how many units there are, where there are several")
  func units() throws {
    #expect(try Self.machine(Self.unit).iommu?.units == 1)
    #expect(!(try Self.machine(Self.unit).json.canonicalText.contains("units")))
    let several = try Self.machine(
      Self.unit.replacing(#""quirks": ["#, with: #""units": 3, "quirks": ["#))
    #expect(several.iommu?.units == 3)
    let again = try MachineDescription.load(json: several.json.canonicalText, file: "again")
    #expect(again.description == several)
  }

  @Test("limits of the isolation rules are keys of their own, each as usual where it is not said")
  func isolation() throws {
    let usual = try MachineDescription.load(json: ReferenceFile.reference, file: "m.json")
    #expect(usual.description.isolation == .usual)
    #expect(!usual.canonicalJSON.contains("isolation"))
    let strict = try MachineDescription.load(
      json: ReferenceFile.reference, file: "m.json",
      settings: ["isolation.faults=3", "isolation.windowMicroseconds=50"])
    #expect(strict.description.isolation.faults == 3)
    #expect(strict.description.isolation.windowMicroseconds == 50)
    #expect(strict.description.isolation.writes == IsolationDescription.usual.writes)
    let again = try MachineDescription.load(json: strict.canonicalJSON, file: "again")
    #expect(again.description == strict.description)
    for setting in ["isolation.faults=0", "isolation.fault=1", "isolation.writes=\"many\""] {
      #expect(throws: MachineError.self) {
        try MachineDescription.load(
          json: ReferenceFile.reference, file: "m.json", settings: [setting])
      }
    }
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var old: String
    var new: String
    var message: String
    var testDescription: String { message }
  }

  static let rows = [
    Row(
      old: #""vtd""#, new: #""vt-d""#,
      message: #"architecture: is "vt-d"; did you mean "vtd"? expected "vtd" or "amdvi""#),
    Row(
      old: #""vtd""#, new: #""smmuv3""#,
      message: #"architecture: is "smmuv3", not modelled yet in this version; "#
        + #"expected "vtd" or "amdvi""#),
    Row(
      old: #""legacy", "rootTable": null"#, new: #""legacy", "rootTable": 4097"#,
      message: "rootTable: is 4097; expected null, or a physical address of at most 46 bits, "
        + "a multiple of 4096"),
    Row(
      old: #"[3, 4]"#, new: #"[3, 6]"#,
      message: "levels[1]: is 6; expected a whole number, 3 to 5"),
    Row(
      old: #"[3, 4]"#, new: #"[]"#,
      message: "levels: is an empty list; expected a list of depths, 3 to 5"),
    Row(
      old: #""sets": 8"#, new: #""sets": 7"#,
      message: "contextCache.sets: is 7; expected a power of two, 1 to 65536"),
    Row(
      old: #""replacement": "fifo""#, new: #""replacement": "clear""#,
      message: #"contextCache.replacement: is "clear" with 8 sets; "#
        + "expected 1 set, which it empties, or lru"),
    Row(
      old: #""cachingMode": false"#, new: #""cachingMode": 0"#,
      message: "cachingMode: is 0; expected true or false"),
    Row(
      old: #"["iotlb-by-device"]"#, new: #"["iotlb-by-devise"]"#,
      message: #"quirks[0]: is "iotlb-by-devise"; did you mean "iotlb-by-device"? expected "#
        + IOMMUQuirk.allCases.map { "\"\($0.rawValue)\"" }.dropLast().joined(separator: ", ")
        + " or \"\(IOMMUQuirk.allCases.last?.rawValue ?? "")\""),
    Row(
      old: #""pasidCache": null, "#, new: "",
      message: "pasidCache: missing key; expected an object"),
    Row(
      old: #""ways": 16, "replacement": "lru""#, new: #""ways": 16, "replacement": "clear""#,
      message: #"walkCaches[0].replacement: is "clear" with 4 sets; "#
        + "expected 1 set, which it empties, or lru"),
    Row(
      old: #""sets": 4, "ways": 16, "replacement": "lru""#,
      new: #""sets": 1, "ways": 16, "replacement": "clear""#,
      message: #"walkCaches[0].replacement: is "clear", which walk caches do not do; "#
        + "expected lru, fifo or random"),
    Row(
      old: #""quirks": ["#, new: #""units": 9, "quirks": ["#,
      message: "units: is 9; expected a whole number, 1 to 8"),
    Row(
      old: #""hostAddressBits": 46"#, new: #""units": 2, "hostAddressBits": 36"#,
      message: "units: is 2 with 36 bits of host addresses; expected 40 bits, or one unit"),
    Row(
      old: #""invalidation": "recorded""#, new: #""invalidation": "laxy""#,
      message: #"invalidation: is "laxy"; did you mean "lazy"? expected "recorded", "strict", "#
        + #""lazy" or "pass-through""#),
  ]

  @Test("is refused with its place, the value and what is allowed", arguments: rows)
  func refusals(_ row: Row) throws {
    let text = Self.unit.replacing(row.old, with: row.new)
    #expect(text != Self.unit)
    let error = #expect(throws: MachineError.self) { try Self.machine(text) }
    #expect(error.map { "\($0)" } == "m.json: iommu." + row.message)
  }
}
