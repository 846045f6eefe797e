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

  @Test("the program's absence and a missing argument are told by the script in one line")
  func scriptRefuses() throws {
    let folder = try Folder()
    let script = Repository.root.appending(path: "Integrations/gate.sh").path
    let absent = try Running(
      program: script, ["base.json", "out", Self.trace], in: folder.url,
      environment: ["NESTWALK": "no-such-program"]
    ).outcome()
    #expect(absent.status == 2 && absent.errors.contains("there is no program no-such-program"))
    let usage = try Running(program: script, ["base.json"], in: folder.url).outcome()
    #expect(usage.status == 64)
    #expect(folder.listing.isEmpty)
  }
}

/// The services themselves cannot be had in a test: what they run is played as they would.
@Suite("The action and the pipeline", .enabled(if: Validators.areInstalled))
struct ServiceTests {
  private static let root = Repository.root.path

  @Test("action, workflow and pipeline are by the services' schemas, and shellcheck has no remark")
  func lint() throws {
    let outcome = try Validators.run("ci.py", ["lint", Self.root], in: try Folder())
    #expect(outcome.status == 0, "\(outcome.errors.suffix(1500))")
    #expect(outcome.text.hasPrefix("3 schemas"))
  }

  @Test("the action's steps fail without a baseline, pass with it, and fail on one way less")
  func action() throws {
    let folder = try Folder()
    try folder.makeFolder("reports")
    func play(_ extra: [String]) throws -> Outcome {
      try Validators.run(
        "ci.py",
        [
          "action", Self.root, "baseline=reports/app.json", "nestwalk=\(Nestwalk.binary)",
        ] + extra, in: folder,
        environment: ["GITHUB_STEP_SUMMARY": folder.path("summary.md").path])
    }
    // On two lines, as a workflow may give it.
    let same = "run=\(Shipped.path("true.nwt"))\n  -m reference"
    #expect(try play([same]).status == 1)
    try folder.write(try folder.data("nestwalk-gate/new.json"), to: "reports/app.json")
    #expect(try play([same]).status == 0)
    let worse = try play([same + " --set tlbs.L1D.ways=3", "out=worse"])
    #expect(worse.status == 1 && worse.errors.contains("(worse)"), "\(worse.errors)")
    #expect(folder.listing.contains("worse/change.html"))
    // What is better is let pass where that is asked for.
    let better = same + " --set memory.referenceCycles=30"
    #expect(try play([better]).status == 1)
    #expect(try play([better, "allow-better=true"]).status == 0)
    try folder.write("*=*\n", to: "gates.txt")
    #expect(
      try play([same + " --set tlbs.L1D.ways=3", "gates=gates.txt"]).status == 0)
    #expect(try folder.text("summary.md").contains("| tlb.L1D.misses |"))
    // Words of an input stay words: nothing of them is run.
    let hostile = try play([same + " ; touch pwned $(touch pwned)"])
    #expect(hostile.status != 0 && !folder.listing.contains("pwned"))
  }

  @Test("the pipeline's script passes and leaves its artifacts")
  func pipeline() throws {
    let folder = try Folder()
    for name in ["traces", "machines", "reports", "Integrations"] { try folder.makeFolder(name) }
    try FileManager.default.copyItem(
      at: URL(filePath: Shipped.path("true.nwt")), to: folder.path("traces/app.nwt"))
    try FileManager.default.copyItem(
      at: Repository.root.appending(path: "Integrations/gate.sh"),
      to: folder.path("Integrations/gate.sh"))
    let machine = try Nestwalk.succeed(["machine", "show", "reference"], in: folder)
    try folder.write(machine, to: "machines/ours.json")
    try Nestwalk.succeed(
      ["run", "traces/app.nwt", "-m", "machines/ours.json", "-o", "reports/app.json"], in: folder)
    let outcome = try Validators.run(
      "ci.py", ["gitlab", Self.root], in: folder, environment: ["NESTWALK": Nestwalk.binary])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }
}
