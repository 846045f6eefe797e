import Foundation
import Testing

@Suite("nestwalk batch")
struct BatchTests {
  @Test("a bad file is told, the others are replayed, and the exit code is 2")
  func goesOn() throws {
    let folder = try Folder()
    try folder.write("no trace at all", to: "bad.nwt")
    let outcome = try Nestwalk.run(
      [
        "batch", Shipped.path("true.nwt"), "bad.nwt", Shipped.path("isolation/strict.txt"), "-m",
        "reference", "-m", "qemu-vtd", "-o", "out", "--quiet",
      ], in: folder)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("bad.nwt: ") && outcome.errors.contains("1 of 3 traces"))
    let files = folder.listing.filter { $0.hasPrefix("out/") }
    // Two traces on two machines, a page and a JSON each; the index and the table of all.
    #expect(files.count == 10, "\(files)")
    #expect(files.allSatisfy { !$0.hasSuffix(".partial") })
    let index = try folder.text("out/index.html")
    for file in files where file.hasSuffix(".html") && file != "out/index.html" {
      #expect(index.contains("href=\"\(file.dropFirst(4))\""))
    }
    #expect(index.contains("Not replayed") && index.contains("bad.nwt"))
  }

  @Test("a batch's results are those of runs of their own, byte for byte")
  func sameAsRuns() throws {
    let folder = try Folder()
    let outcome = try Nestwalk.run(
      [
        "batch", Shipped.path("true.nwt"), "-m", "reference", "-m", "zen5", "-o", "out", "--quiet",
      ], in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    for (number, machine) in ["reference", "zen5"].enumerated() {
      let name = "0001-true.nwt-\(machine)".replacing("0001", with: "000\(number + 1)")
      try Nestwalk.succeed(
        [
          "run", Shipped.path("true.nwt"), "-m", machine, "-o", "a.json", "-o", "a.html",
          "--quiet",
        ], in: folder)
      #expect(try folder.data("a.json") == folder.data("out/\(name).json"))
      #expect(try folder.data("a.html") == folder.data("out/\(name).html"))
    }
  }

  @Test("a gate stops a batch as it stops a run")
  func gates() throws {
    let folder = try Folder()
    let outcome = try Nestwalk.run(
      [
        "batch", Shipped.path("isolation/stale-window.txt"), "-m", "qemu-vtd", "-o", "out",
        "--fail-on", "critical", "--quiet",
      ], in: folder)
    #expect(outcome.status == 1)
    #expect(folder.listing.contains("out/index.html"))
  }
}

@Suite("The same run elsewhere")
struct SameOutputTests {
  private static let outputs = [
    "r.html", "r.json", "r.csv", "r.md", "r.sarif", "r.xml", "r.pftrace",
  ]

  private func run(
    _ traces: [String], threads: String, environment: [String: String], copies: Bool
  ) throws -> [String: Data] {
    let folder = try Folder()
    var paths: [String] = []
    for trace in traces {
      let path = Shipped.path(trace)
      if copies {
        let name = URL(filePath: path).lastPathComponent
        try folder.makeFolder("far/away")
        try folder.write([UInt8](Data(contentsOf: URL(filePath: path))), to: "far/away/\(name)")
        paths.append("far/away/\(name)")
      } else {
        paths.append(path)
      }
    }
    let outcome = try Nestwalk.run(
      ["run"] + paths + ["-m", "qemu-vtd", "-m", "zen5", "--answer", "modes", "--threads", threads]
        + Self.outputs.flatMap { ["-o", $0] }, in: folder, environment: environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return Dictionary(
      uniqueKeysWithValues: try Self.outputs.map { ($0, try folder.data($0)) })
  }

  @Test("threads, locale, time zone, folder and time change no byte of any output")
  func identical() throws {
    let traces = ["graph-bfs-400k.nwt", "isolation/stale-window.txt"]
    let first = try run(traces, threads: "1", environment: [:], copies: false)
    let second = try run(
      traces, threads: "4",
      environment: [
        "LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati",
        "SWIFT_DETERMINISTIC_HASHING": "",
      ], copies: true)
    for name in Self.outputs {
      #expect(first[name] == second[name], "\(name)")
      #expect((first[name]?.count ?? 0) > 100, "\(name)")
    }
  }
}
