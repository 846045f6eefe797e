import Foundation
import Testing

/// A pull request's gate as `Documentation/gates.md` and the action run it.
@Suite("A pull request")
struct RehearsalTests {
  private static let trace = Shipped.path("true.nwt")

  private func gate(_ machine: [String], in folder: Folder) throws -> Outcome {
    try Nestwalk.succeed(["run", Self.trace] + machine + ["-o", "new.json"], in: folder)
    return try Nestwalk.run(
      [
        "compare", "base.json", "new.json", "--across-machines", "-o", "change.md", "-o",
        "change.xml", "-o", "change.json", "-o", "change.html",
      ], in: folder)
  }

  @Test("an unchanged tree passes")
  func unchanged() throws {
    let folder = try Folder()
    try Nestwalk.succeed(["run", Self.trace, "-m", "reference", "-o", "base.json"], in: folder)
    let outcome = try gate(["-m", "reference"], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.text("change.json").contains("\"verdict\": \"equal\""))
  }

  @Test("one way less of a TLB fails with exit code 1 and a table that names the counters")
  func oneWayLess() throws {
    let folder = try Folder()
    try Nestwalk.succeed(["run", Self.trace, "-m", "reference", "-o", "base.json"], in: folder)
    let outcome = try gate(["-m", "reference", "--set", "tlbs.L1D.ways=3"], in: folder)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("(worse)"), "\(outcome.errors)")
    let table = try folder.text("change.md")
    #expect(table.contains("| tlb.L1D.misses |") && table.contains("| tlb.L1D.hits |"), "\(table)")
    #expect(table.contains("| worse |"))
    #expect(try folder.text("change.xml").contains("<failure"))
    #expect(try folder.text("change.html").contains("What moved most"))
    #expect(try folder.text("change.json").contains("\"verdict\": \"worse\""))
    // What may move is said in a file.
    try folder.write("# for this pull request\n*=*  # all of it\n", to: "gates.txt")
    let allowed = try Nestwalk.run(
      ["compare", "base.json", "new.json", "--across-machines", "--gates", "gates.txt"],
      in: folder)
    #expect(allowed.status == 0, "\(allowed.errors)")
    try folder.write("walk.cycles <= 5\n", to: "gates.txt")
    let refused = try Nestwalk.run(
      ["compare", "base.json", "new.json", "--gates", "gates.txt"], in: folder)
    #expect(refused.status == 2 && refused.errors.contains("line 1 is no allowance"))
  }

  @Test("a missing baseline is a verdict of its own")
  func missing() throws {
    let folder = try Folder()
    let outcome = try gate(["-m", "reference"], in: folder)
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("missing: there is no baseline"), "\(outcome.errors)")
    #expect(try folder.text("change.json").contains("\"verdict\": \"missing\""))
    #expect(try folder.text("change.xml").contains("baseline"))
  }

  @Test("another trace is incomparable, which is exit code 2 and writes nothing")
  func incomparable() throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      ["run", Shipped.path("graph-bfs-400k.nwt"), "-m", "reference", "-o", "base.json"],
      in: folder)
    let outcome = try gate(["-m", "reference"], in: folder)
    #expect(outcome.status == 2 && outcome.errors.contains("incomparable"), "\(outcome.errors)")
    #expect(!folder.listing.contains("change.md"))
  }

  @Test(
    "the script of the action and of GitLab gates as compare does, and fills the step's summary")
  func script() throws {
    let folder = try Folder()
    func gate(_ extra: [String]) throws -> Outcome {
      try Running(
        program: Repository.root.appending(path: "Integrations/gate.sh").path,
        ["reports/base.json", "out", Self.trace, "-m", "reference"] + extra, in: folder.url,
        environment: [
          "NESTWALK": Nestwalk.binary, "GITHUB_STEP_SUMMARY": folder.path("summary.md").path,
        ]
      ).outcome()
    }
    try folder.makeFolder("reports")
    let missing = try gate([])
    #expect(missing.status == 1 && missing.errors.contains("there is no baseline"))
    // What the first run made becomes the baseline.
    try folder.write(try folder.data("out/new.json"), to: "reports/base.json")
    #expect(try gate([]).status == 0)
    let worse = try gate(["--set", "tlbs.L1D.ways=3"])
    #expect(worse.status == 1, "\(worse.errors)")
    for file in ["change.html", "change.xml", "change.md", "change.json", "new.json", "new.html"] {
      #expect(folder.listing.contains("out/\(file)"))
    }
    let summary = try folder.text("summary.md")
    #expect(summary.contains("| tlb.L1D.misses |"))
    // Three gates, one summary each.
    #expect(summary.ranges(of: "# Nestwalk: ").count == 3)
  }

  @Test("the action runs that script with what it is given")
  func action() throws {
    let action = try Repository.text("action.yml")
    #expect(action.contains("using: composite"))
    let script =
      "\"$GITHUB_ACTION_PATH/Integrations/gate.sh\" \"$BASELINE\" \"$OUT\" \"${arguments[@]}\""
    #expect(action.contains(script))
  }
}
