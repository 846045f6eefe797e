import Foundation
import Testing

/// The first 500 instructions of one run in five formats.
@Suite("One run in five formats, through the command line")
struct SameRunTests {
  /// One access as `inspect --records` prints it, without size and thread.
  struct Access: Equatable {
    var kind: String
    var address: String
    var instructions: Int
  }

  private func accesses(_ sample: String) throws -> [Access] {
    let text = try Nestwalk.succeed(
      ["inspect", Shipped.sample(sample), "--records", "0.."], in: try Folder())
    return try text.split(separator: "\n").dropFirst().map { line in
      let cells = line.split(separator: ",").map(String.init)
      let count = try #require(Int(cells[5]))
      return Access(kind: cells[1], address: cells[2], instructions: count)
    }
  }

  /// What a format without modifies can say: a load and a store of the same place.
  private func split(_ accesses: [Access]) -> [Access] {
    accesses.flatMap { access -> [Access] in
      guard access.kind == "modify" else { return [access] }
      return [
        Access(kind: "load", address: access.address, instructions: access.instructions),
        Access(kind: "store", address: access.address, instructions: 0),
      ]
    }
  }

  @Test("lackey has the 33 entries into lines, 76 loads, 41 stores and 19 modifies of its text")
  func lackey() throws {
    let counts = Dictionary(grouping: try accesses("true-500.lackey.txt.gz"), by: \.kind)
      .mapValues(\.count)
    #expect(counts == ["fetch": 33, "load": 76, "store": 41, "modify": 19])
  }

  @Test("din and xdin have the same accesses", arguments: ["true-500.din.gz", "true-500.xdin.gz"])
  func dinero(_ sample: String) throws {
    #expect(try accesses(sample) == split(try accesses("true-500.lackey.txt.gz")))
  }

  /// None of these instructions has more than four loads or two stores, and none stores before it
  /// loads, so that nothing is cut or moved.
  @Test("ChampSim has the same accesses")
  func champSim() throws {
    #expect(
      try accesses("true-500.champsimtrace.xz") == split(try accesses("true-500.lackey.txt.gz")))
  }

  @Test("gem5 has the same loads and stores, without instructions")
  func gem5() throws {
    let expected = split(try accesses("true-500.lackey.txt.gz")).filter { $0.kind != "fetch" }
      .map { Access(kind: $0.kind, address: $0.address, instructions: 0) }
    #expect(try accesses("true-500.ptrc.gz") == expected)
  }

  @Test("a container gives the result of the file it was made of", arguments: Shipped.samples)
  func containers(_ file: String) throws {
    let folder = try Folder()
    try Nestwalk.succeed(["import", Shipped.path(file), "-o", "copy.nwt"], in: folder)
    for (trace, result) in [(Shipped.path(file), "foreign.json"), ("copy.nwt", "own.json")] {
      try Nestwalk.succeed(["run", trace, "-m", "reference-cached", "-o", result], in: folder)
    }
    let foreign = try ResultFile.withoutIdentity(try folder.data("foreign.json"))
    #expect(try ResultFile.withoutIdentity(try folder.data("own.json")) == foreign)
  }

  /// The text's instructions lie on 2 pages and its accesses on 5 others, counted by a script of its
  /// own; no set of a TLB gets more than its ways, so each page misses once in either level.
  @Test(
    "seven pages are seven walks of 24 references, or of 4 without a second stage",
    arguments: [("nested", 24), ("native", 4)])
  func closedForm(_ mode: String, _ references: Int) throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      [
        "run", Shipped.sample("true-500.lackey.txt.gz"), "-m", "reference", "--set",
        "virtualization.mode=\(mode)", "-o", "r.json",
      ], in: folder)
    let counters = try ResultFile.one(try folder.data("r.json")).counters
    #expect(counters["cpu.instructions"] == 500)
    #expect(counters["tlb.L1I.misses"] == 2)
    #expect(counters["tlb.L1D.misses"] == 5)
    #expect(counters["tlb.L2.misses"] == 7)
    #expect(counters["walk.count"] == 7)
    #expect(counters["walk.references"] == 7 * references)
    // 40 cycles a reference.
    #expect(counters["walk.cycles"] == 7 * references * 40)
  }
}
