import Foundation
import Testing

@Suite("run and machine")
struct RunTests {
  @Test("each -o gets the format of its suffix, and stdout nothing")
  func formats() throws {
    let folder = try Folder()
    let outcome = try Nestwalk.run(
      [
        "run", Shipped.path("true.nwt"), "-m", "reference-cached", "-o", "r.json", "-o", "r.csv",
        "-o", "r.html", "-o", "r.md",
      ], in: folder)
    #expect(outcome.status == 0)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errorLines == ["json", "csv", "html", "md"].map { "nestwalk: wrote r.\($0)" })
    #expect(folder.listing == ["r.csv", "r.html", "r.json", "r.md"])
    let result = try ResultFile.one(try folder.data("r.json"))
    #expect(result.trace.name == "true.nwt")
    #expect(result.trace.records == 55_195)
    #expect(result.machine.name == "reference-cached")
    #expect(try folder.text("r.html").lowercased().hasPrefix("<!doctype html>"))
    #expect(try folder.text("r.md").hasPrefix("# "))
    let rows = try folder.text("r.csv").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).count
    }
    #expect(rows.count > 20 && Set(rows).count == 1, "every row has the header's columns")
  }

  @Test("-o - is the JSON on stdout, and nothing else there")
  func standardOutput() throws {
    let folder = try Folder()
    let run = ["run", Shipped.path("true.nwt"), "-m", "reference", "-o"]
    let text = try Nestwalk.succeed(run + ["-"], in: folder)
    try Nestwalk.succeed(run + ["r.json"], in: folder)
    #expect(text == (try folder.text("r.json")))
    #expect(folder.listing == ["r.json"])
  }

  @Test("without -o, a summary on stdout")
  func summary() throws {
    let text = try Nestwalk.succeed(
      ["run", Shipped.path("true.nwt"), "-m", "reference"], in: try Folder())
    #expect(text.contains("true.nwt on reference"))
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    #expect(!text.contains("\u{1b}"), "colour in a pipe")
  }

  @Test("every trace on every machine, in the order of the command line")
  func product() throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      [
        "run", Shipped.path("true.nwt"), Shipped.sample("true-500.din.gz"), "-m", "zen5", "-m",
        "reference", "-o", "all.json",
      ], in: folder)
    let results = try ResultFile.all(try folder.data("all.json"))
    #expect(
      results.map { "\($0.trace.name) \($0.machine.name)" } == [
        "true.nwt zen5", "true.nwt reference", "true-500.din.gz zen5", "true-500.din.gz reference",
      ])
    // Each is what it would be alone.
    try Nestwalk.succeed(
      ["run", Shipped.sample("true-500.din.gz"), "-m", "reference", "-o", "one.json"], in: folder)
    let alone = try ResultFile.one(try folder.data("one.json"))
    #expect(results.last?.counters == alone.counters)
    #expect(results.last?.histograms == alone.histograms)
  }

  @Test(
    "a trace comes through stdin as from a file",
    arguments: [
      ("true.nwt", nil), ("samples/true-500.lackey.txt.gz", nil),
      ("samples/sqlite-probe-500.flat16.zst", "flat16"),
    ] as [(String, String?)])
  func standardInput(_ trace: String, _ format: String?) throws {
    let folder = try Folder()
    let rest = ["-m", "reference-cached", "-o"]
    try Nestwalk.succeed(["run", Shipped.path(trace)] + rest + ["file.json"], in: folder)
    let option = format.map { ["--format", $0] } ?? []
    try Nestwalk.succeed(
      ["run", "-"] + option + rest + ["pipe.json"], in: folder,
      input: .file(Shipped.path(trace)))
    let piped = try ResultFile.one(try folder.data("pipe.json"))
    let filed = try ResultFile.one(try folder.data("file.json"))
    #expect(piped.trace.sha256 == filed.trace.sha256)
    #expect(
      try ResultFile.withoutIdentity(try folder.data("pipe.json"))
        == ResultFile.withoutIdentity(try folder.data("file.json")))
  }

  @Test("machine list names the presets, and each can be shown and checked")
  func presets() throws {
    let folder = try Folder()
    let list = try Nestwalk.succeed(["machine", "list"], in: folder)
    let names = list.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
    #expect(Set(names).isSuperset(of: ["reference", "reference-cached", "zen5", "zen4"]))
    #expect(list.components(separatedBy: "    Source: ").count == names.count + 1)
    for name in names {
      let checked = try Nestwalk.succeed(["machine", "check", name], in: folder)
      try folder.write(try Nestwalk.succeed(["machine", "show", name], in: folder), to: "m.json")
      #expect(try Nestwalk.succeed(["machine", "check", "m.json"], in: folder) == checked)
    }
  }

  @Test("a preset that was shown into a file is the same machine")
  func shownMachine() throws {
    let folder = try Folder()
    try folder.write(
      try Nestwalk.succeed(["machine", "show", "reference"], in: folder), to: "mine.json")
    for (machine, file) in [("reference", "preset.json"), ("mine.json", "file.json")] {
      try Nestwalk.succeed(
        ["run", Shipped.path("true.nwt"), "-m", machine, "-o", file], in: folder)
    }
    #expect(try folder.text("file.json") == folder.text("preset.json"))
  }

  @Test("--set changes the machine, its hash and what it finds")
  func settings() throws {
    let folder = try Folder()
    let run = ["run", Shipped.path("true.nwt"), "-m", "reference"]
    try Nestwalk.succeed(run + ["-o", "plain.json"], in: folder)
    try Nestwalk.succeed(
      run + ["--set", "tlbs.L1D.ways=8", "--set", "memory.referenceCycles=10", "-o", "set.json"],
      in: folder)
    let plain = try ResultFile.one(try folder.data("plain.json"))
    let changed = try ResultFile.one(try folder.data("set.json"))
    #expect(changed.machine.sha256 != plain.machine.sha256)
    let (before, after) = (plain.counters, changed.counters)
    #expect(try #require(after["tlb.L1D.misses"]) < #require(before["tlb.L1D.misses"]))
    #expect(after["walk.cycles"] == after["walk.references"].map { 10 * $0 })
    #expect(before["walk.cycles"] == before["walk.references"].map { 40 * $0 })
  }

  @Test(
    "help and version go to stdout",
    arguments: [
      ["--help"], ["--version"], ["run", "--help"], ["import", "--help"], ["inspect", "--help"],
      ["verify", "--help"], ["export", "--help"], ["machine", "--help"], ["machine", "list"],
    ])
  func help(_ arguments: [String]) throws {
    #expect(try !Nestwalk.succeed(arguments, in: try Folder()).isEmpty)
  }
}

@Suite("A result is a function of trace, machine, options and version")
struct SameResultTests {
  static let formats = ["json", "csv", "html", "md"]

  /// The four reports of a run in its own surroundings.
  private func reports(
    trace: String, in folder: Folder, environment: [String: String]
  ) throws -> [String] {
    let outputs = Self.formats.flatMap { ["-o", "r.\($0)"] }
    try Nestwalk.succeed(
      ["run", trace, "-m", "reference-cached", "-m", "zen5"] + outputs, in: folder,
      environment: environment)
    return try Self.formats.map { try folder.text("r.\($0)") }
  }

  @Test(
    "folder, path, locale, time zone and terminal do not show",
    arguments: [
      ["LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"], ["LC_ALL": "de_DE.UTF-8"],
      ["TZ": "Pacific/Chatham"], ["COLUMNS": "40", "TERM": "dumb", "NO_COLOR": "1"],
      ["HOME": "/nonexistent", "TMPDIR": "/nonexistent", "SWIFT_DETERMINISTIC_HASHING": "1"],
    ])
  func surroundings(_ environment: [String: String]) throws {
    let (here, there) = (try Folder(), try Folder())
    let plain = try reports(
      trace: Shipped.path("true.nwt"), in: here, environment: ["LC_ALL": "C", "TZ": "UTC"])
    try FileManager.default.copyItem(
      at: URL(filePath: Shipped.path("true.nwt")), to: there.path("true.nwt"))
    let other = try reports(trace: "./true.nwt", in: there, environment: environment)
    for (format, (one, another)) in zip(Self.formats, zip(plain, other)) {
      #expect(one == another, "\(format)")
    }
  }
}
