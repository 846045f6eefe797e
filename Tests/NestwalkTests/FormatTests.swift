import Foundation
import Testing

/// PyPI's validators, as `make test` installs them.
enum Validators {
  private static let python = Repository.root.appending(path: ".build-test/validators/bin/python")
    .path

  static var areInstalled: Bool { FileManager.default.isExecutableFile(atPath: python) }

  /// Reads a file of a test's folder as another program does.
  ///
  /// - Returns: what it found.
  static func check(
    _ format: String, _ arguments: [String], in folder: Folder,
    location: SourceLocation = #_sourceLocation
  ) throws -> String {
    let outcome = try run("formats.py", [format] + arguments, in: folder)
    #expect(
      outcome.status == 0, "\(format) \(arguments): \(outcome.errors.suffix(800))",
      sourceLocation: location)
    return outcome.text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Runs one of the scripts of `Tests/Validators`.
  static func run(
    _ script: String, _ arguments: [String], in folder: Folder, environment: [String: String] = [:]
  ) throws -> Outcome {
    let path = Repository.root.appending(path: "Tests/Validators/\(script)").path
    return try Running(
      program: python, [path] + arguments, in: folder.url, environment: environment
    ).outcome()
  }
}

@Suite("Outputs as other programs read them", .enabled(if: Validators.areInstalled))
struct FormatTests {
  private static let schema = Repository.root.appending(path: "Documentation/result.schema.json")
    .path

  /// Runs that together write every kind of thing into results.
  private static let runs: [[String]] = [
    ["graph-bfs-400k.nwt", "-m", "reference", "-m", "zen5"],
    ["true.nwt", "-m", "reference-cached", "--answer", "all"],
    ["isolation/stale-window.txt", "isolation/delayed-dma.txt", "-m", "qemu-vtd"],
    ["forged-interrupts.scenario", "-m", "qemu-vtd", "--set", "cores=2"],
  ]

  private static func arguments(_ run: [String]) -> [String] {
    run.map {
      $0.hasSuffix(".nwt") || $0.contains("/") || $0.hasSuffix(".scenario") ? Shipped.path($0) : $0
    }
  }

  @Test("JSON is what its published schema says, and its time lines add up", arguments: runs)
  func json(_ run: [String]) throws {
    let folder = try Folder()
    try Nestwalk.succeed(["run"] + Self.arguments(run) + ["-o", "r.json"], in: folder)
    #expect(
      try Validators.check("json", [Self.schema, "r.json"], in: folder).hasSuffix(" results"))
  }

  @Test("a comparison's JSON is what its published schema says, and its JUnit is read")
  func comparison() throws {
    let folder = try Folder()
    for (name, ways) in [("base", "4"), ("new", "3")] {
      try Nestwalk.succeed(
        [
          "run", Shipped.path("true.nwt"), "-m", "reference", "--set", "tlbs.L1D.ways=\(ways)",
          "-o", "\(name).json",
        ], in: folder)
    }
    let schema = Repository.root.appending(path: "Documentation/comparison.schema.json").path
    for base in ["base.json", "absent.json"] {
      let outcome = try Nestwalk.run(
        ["compare", base, "new.json", "--across-machines", "-o", "c.json", "-o", "c.xml"],
        in: folder)
      #expect(outcome.status == 1)
      #expect(try Validators.check("schema", [schema, "c.json"], in: folder) == "valid")
      let cases = try Validators.check("junit", ["c.xml"], in: folder)
      #expect(!cases.contains(" 0 failures "), "\(cases)")
    }
  }

  @Test("CSV is five columns to Python and to DuckDB, with every walk in it")
  func csv() throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      ["run"] + Self.arguments(Self.runs[0]) + ["-o", "r.csv", "-o", "r.json"], in: folder)
    let walks = try ResultFile.all(try folder.data("r.json")).map {
      $0.counters["walk.count"] ?? 0
    }
    let found = try Validators.check("csv", ["r.csv"], in: folder)
    #expect(found.hasSuffix(" \(walks.reduce(0, +)) walks"), "\(found)")
  }

  @Test(
    "SARIF is by the official schema, is read by sarif-tools and keeps GitHub's rules",
    arguments: [0, 2, 3])
  func sarif(_ run: Int) throws {
    let folder = try Folder()
    let extra = run == 2 ? ["--trace-folder", "./traces/of devices/"] : []
    try Nestwalk.succeed(
      ["run"] + Self.arguments(Self.runs[run]) + extra + ["-o", "r.sarif"], in: folder)
    let outcome = try Validators.run("codescanning.py", ["r.sarif"], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors.suffix(800))")
    // Records without events have no findings.
    #expect((outcome.text == "0 results\n") == (run == 0), "\(outcome.text)")
    let text = try folder.text("r.sarif")
    #expect(text.contains("\"traces/of%20devices/stale-window.txt\"") == (run == 2))
  }

  @Test(
    "a folder of traces outside the repository is wrong usage", arguments: ["/traces", "a/../.."])
  func traceFolder(_ folder: String) throws {
    let outcome = try Nestwalk.run(
      ["run", Shipped.path("true.nwt"), "-m", "reference", "--trace-folder", folder],
      in: try Folder())
    #expect(outcome.status == 64 && outcome.errors.contains("--trace-folder"))
  }

  @Test("JUnit's totals are its cases")
  func junit() throws {
    let folder = try Folder()
    let outcome = try Nestwalk.run(
      ["run"] + Self.arguments(Self.runs[2]) + ["-o", "r.xml", "--fail-on", "critical"],
      in: folder)
    #expect(outcome.status == 1)
    let found = try Validators.check("junit", ["r.xml"], in: folder)
    // A stale and a delayed DMA, a case each, and the gate's case in each of two suites.
    #expect(found.contains(" 4 failures "), "\(found)")
  }

  @Test("Perfetto's own reader finds tracks whose sums are the counters, and the window's alone")
  func perfetto() throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      ["generate", "nic-ring", "-o", "ring.nwt", "--packets", "2000", "--ring", "64"], in: folder)
    try Nestwalk.succeed(
      ["run", "ring.nwt", "-m", "qemu-vtd", "-o", "r.pftrace", "-o", "r.json"], in: folder)
    let counters = try ResultFile.one(try folder.data("r.json")).counters
    let requests = try #require(counters["iommu.requests"])
    let whole = try Validators.check("perfetto", ["r.pftrace"], in: folder)
    #expect(whole.contains(" iommu.requests=\(requests)"), "\(whole)")

    try Nestwalk.succeed(
      ["run", "ring.nwt", "-m", "qemu-vtd", "-o", "w.pftrace", "--window", "1000..2000"],
      in: folder)
    let part = try Validators.check("perfetto", ["w.pftrace"], in: folder)
    let last = try #require(value("last", before: part))
    // An event is a microsecond; intervals of a few dozen events that the window cuts are whole.
    #expect(last >= 2_000_000 && last < 2_200_000, "\(part)")
    let found = try #require(value("iommu.requests", in: part))
    #expect(found > 0 && found < requests)
  }

  private func value(_ name: String, in text: String) -> Int? {
    text.split(separator: " ").first { $0.hasPrefix(name + "=") }
      .flatMap { Int($0.dropFirst(name.count + 1)) }
  }

  private func value(_ word: String, before text: String) -> Int? {
    let words = text.split(separator: " ")
    return words.firstIndex(of: Substring(word)).flatMap { $0 > 0 ? Int(words[$0 - 1]) : nil }
  }

  @Test("the step's summary is appended to, and asked for where there is none is wrong usage")
  func stepSummary() throws {
    let folder = try Folder()
    try folder.write("# Before\n", to: "summary.md")
    let run = ["run", Shipped.path("true.nwt"), "-m", "reference", "--step-summary", "-o", "r.md"]
    try Nestwalk.succeed(
      run, in: folder, environment: ["GITHUB_STEP_SUMMARY": folder.path("summary.md").path])
    #expect(try folder.text("summary.md") == "# Before\n" + (try folder.text("r.md")))
    #expect(
      try Nestwalk.run(run, in: folder, environment: ["GITHUB_STEP_SUMMARY": ""]).status == 64)
  }
}
