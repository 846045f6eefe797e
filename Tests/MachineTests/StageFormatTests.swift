import Testing

@testable import Machine

@Suite("Formats of the stages")
struct StageFormatTests {
  struct Accepted: Sendable, CustomTestStringConvertible {
    var stage: String
    var text: String
    var format: TableFormat
    var levels: Int
    var testDescription: String { "\(stage) \(text)" }
  }

  static let accepted = [
    Accepted(stage: "firstStage", text: "x86-64:4", format: .x86, levels: 4),
    Accepted(stage: "firstStage", text: "x86-64:5", format: .x86, levels: 5),
    Accepted(stage: "secondStage", text: "ept:4", format: .ept, levels: 4),
    Accepted(stage: "secondStage", text: "ept:5", format: .ept, levels: 5),
    Accepted(stage: "secondStage", text: "npt:4", format: .npt, levels: 4),
    Accepted(stage: "secondStage", text: "npt:5", format: .npt, levels: 5),
  ]

  @Test(
    "read as family and levels, and the canonical form keeps their text",
    arguments: accepted, ["nested", "native"])
  func reads(_ row: Accepted, _ mode: String) throws {
    let machine = try load(
      ReferenceFile.cached,
      settings: ["virtualization.mode=\(mode)", "\(row.stage).format=\(row.text)"])
    let isFirst = row.stage == "firstStage"
    let (first, second) = (machine.description.firstStage, machine.description.secondStage)
    let stage = StageDescription(format: row.format, levels: row.levels)
    #expect(first == (isFirst ? stage : StageDescription(format: .x86, levels: 4)))
    #expect(second == (isFirst ? StageDescription(format: .ept, levels: 4) : stage))
    #expect(stage.formatName == row.text)
    #expect(
      machine.canonicalJSON.contains(
        "\"\(row.stage)\": {\n    \"format\": \"\(row.text)\"\n  }"))
    #expect(try load(machine.canonicalJSON) == machine)
  }

  @Test("are each another machine: eight pairs, eight hashes")
  func hashes() throws {
    var hashes: Set<String> = []
    for first in Self.accepted.prefix(2) {
      for second in Self.accepted.dropFirst(2) {
        let settings = ["firstStage.format=\(first.text)", "secondStage.format=\(second.text)"]
        hashes.insert(try load(ReferenceFile.reference, settings: settings).sha256)
      }
    }
    #expect(hashes.count == 8)
  }

  struct Refused: Sendable, CustomTestStringConvertible {
    var stage: String
    var text: String
    /// Between the text and the formats that the stage takes.
    var problem: String
    var testDescription: String { "\(stage) \(text)" }

    init(_ stage: String, _ text: String, _ problem: String) {
      self.stage = stage
      self.text = text
      self.problem = problem
    }
  }

  private static let notModelled = ", not modelled yet in this version; "

  private static let foreign = [
    "vmsa:4k:48", "sv39", "sv48", "sv57", "sv39x4", "sv48x4", "sv57x4", "vtd:3", "vtd:4", "vtd:5",
  ]

  static let refused =
    foreign.flatMap { text in
      ["firstStage", "secondStage"].map { Refused($0, text, notModelled) }
    } + [
      // Of the other stage
      Refused("firstStage", "ept:4", ", a format of the second stage; "),
      Refused("firstStage", "ept:5", ", a format of the second stage; "),
      Refused("firstStage", "npt:4", ", a format of the second stage; "),
      Refused("firstStage", "npt:5", ", a format of the second stage; "),
      Refused("secondStage", "x86-64:4", ", a format of the first stage; "),
      Refused("secondStage", "x86-64:5", ", a format of the first stage; "),
      // Misspelled: a third of the letters may differ, so 2 of 8 and 1 of 5
      Refused("firstStage", "x86_64:4", #"; did you mean "x86-64:4"? "#),
      Refused("firstStage", "X86-64:5", #"; did you mean "x86-64:5"? "#),
      Refused("firstStage", "x86-64", #"; did you mean "x86-64:4"? "#),
      Refused("firstStage", "x86-64:3", #"; did you mean "x86-64:4"? "#),
      Refused("firstStage", "x86-64:6", #"; did you mean "x86-64:4"? "#),
      Refused("secondStage", "ept:3", #"; did you mean "ept:4"? "#),
      Refused("secondStage", "npt:6", #"; did you mean "npt:4"? "#),
      Refused("secondStage", "NPT:5", #"; did you mean "npt:5"? "#),
      Refused("secondStage", "npt:05", #"; did you mean "npt:5"? "#),
      // No format at all
      Refused("secondStage", "ept", "; "),
      Refused("secondStage", "tdp", "; "),
      Refused("firstStage", "", "; "),
    ]

  @Test("others are refused with those that the stage takes", arguments: refused)
  func refuses(_ row: Refused) {
    let takes =
      row.stage == "firstStage"
      ? #""x86-64:4" or "x86-64:5""# : #""ept:4", "ept:5", "npt:4" or "npt:5""#
    #expect(
      refusal(ReferenceFile.reference, settings: ["\(row.stage).format=\(row.text)"])
        == "--set: \(row.stage).format: is \"\(row.text)\"\(row.problem)expected \(takes)")
  }

  struct Level: Sendable, CustomTestStringConvertible {
    var settings: [String]
    /// Of the walk cache whose level is set.
    var index: Int
    var greatest: Int
    var testDescription: String { settings.joined(separator: " ") + " walkCaches[\(index)]" }
  }

  /// A walk cache of level `l` gives a table of level `l - 1`; the root is of level `levels - 1`,
  /// so what the deepest saves is the reading of an entry of the root.
  static let levels = [
    // In the cached reference file, [2] caches first3 and [5] second3.
    Level(settings: [], index: 2, greatest: 3),
    Level(settings: [], index: 5, greatest: 3),
    Level(settings: ["firstStage.format=x86-64:5"], index: 2, greatest: 4),
    Level(settings: ["firstStage.format=x86-64:5"], index: 5, greatest: 3),
    Level(settings: ["secondStage.format=ept:5"], index: 2, greatest: 3),
    Level(settings: ["secondStage.format=ept:5"], index: 5, greatest: 4),
    Level(settings: ["secondStage.format=npt:4"], index: 5, greatest: 3),
    Level(settings: ["secondStage.format=npt:5"], index: 5, greatest: 4),
    Level(settings: ["virtualization.mode=native"], index: 5, greatest: 3),
    // Without a second stage nothing says how deep it is, so the deepest that is modelled holds.
    Level(settings: ["virtualization.mode=native", "secondStage=null"], index: 2, greatest: 3),
    Level(settings: ["virtualization.mode=native", "secondStage=null"], index: 5, greatest: 4),
  ]

  @Test("bound the levels of their walk caches", arguments: levels)
  func walkCacheLevels(_ row: Level) {
    let place = "walkCaches[\(row.index)].level"
    func outcome(_ level: Int) -> String {
      refusal(ReferenceFile.cached, settings: row.settings + ["\(place)=\(level)"])
    }
    #expect(outcome(row.greatest) == "accepted")
    for level in [0, row.greatest + 1] {
      #expect(
        outcome(level)
          == "--set: \(place): is \(level); expected a whole number, 1 to \(row.greatest)")
    }
  }

  @Test("a machine of five levels in both stages may cache every level but the leaf's")
  func deepestCaches() throws {
    let caches = (1...4).flatMap { level in
      ["first", "second"].map {
        "{stage:'\($0)',level:\(level),sets:1,ways:2,replacement:'lru'}"
      }
    }
    let machine = try load(
      ReferenceFile.reference,
      settings: [
        "firstStage.format=x86-64:5", "secondStage.format=npt:5",
        "walkCaches=[\(caches.joined(separator: ","))]",
      ])
    #expect(
      machine.description.walkCaches.map(\.kind.shortName) == [
        "first1", "second1", "first2", "second2", "first3", "second3", "first4", "second4",
      ])
  }
}
