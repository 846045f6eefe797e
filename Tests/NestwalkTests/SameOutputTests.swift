import Foundation
import Testing

/// Results are a function of traces, machines, options and version, whatever a file they go into.
@Suite("The same run elsewhere")
struct SameOutputTests {
  private static let kinds = ["html", "json", "csv", "md", "sarif", "xml", "pftrace"]

  /// Every command that writes files, with `T/` for the traces' folder and `N` for the threads.
  private static let commands: [String] = [
    "run T/graph-bfs-400k.nwt T/isolation/stale-window.txt -m qemu-vtd -m zen5 --answer all "
      + "--threads N --trace-folder traces "
      + kinds.map { "-o out/run.\($0)" }.joined(separator: " "),
    "run T/true.nwt -m reference --set tlbs.L1D.ways=3 --threads N -o out/worse.json",
    "run T/true.nwt -m reference --threads N -o out/base.json",
    "batch T/true.nwt T/isolation/strict.txt -m qemu-vtd -m reference-cached --answer regions "
      + "--threads N -o out/batch",
    "sweep T/true.nwt -m zen5 --vary tlbs.L2D.ways=8,16 --threads N -o out/sweep",
    "compare out/base.json out/worse.json --across-machines --allow *=* "
      + ["html", "json", "md", "xml"].map { "-o out/change.\($0)" }.joined(separator: " "),
    "explain T/graph-bfs-400k.nwt -m reference-cached --record 300000 -o out/record.html",
    "explain T/isolation/stale-window.txt -m qemu-vtd --event 12 -o out/event.html",
    "explain T/isolation/stale-window.txt -m qemu-vtd --finding V6 --shrink out/small.txt",
    "history add history.sqlite out/base.json --label one",
    "history add history.sqlite out/worse.json --label two",
    "history trend history.sqlite -o out/trend.html",
    "audit t.nwsp --guest a=x86-64:4@0x1000 --fail-on V2 "
      + kinds.filter { $0 != "pftrace" }.map { "-o out/audit.\($0)" }.joined(separator: " "),
    "import T/samples/true-500.lackey.txt.gz -o out/copy.nwt",
    "generate zipf --records 5000 -o out/zipf.nwt",
  ]

  private func files(
    threads: String, environment: [String: String], copies: Bool
  ) throws -> [String: Data] {
    let folder = try Folder()
    try folder.makeFolder("out")
    var traces = Repository.root.appending(path: "traces").path
    if copies {
      try folder.makeFolder("far/away")
      try FileManager.default.copyItem(
        at: URL(filePath: traces), to: folder.path("far/away/elsewhere"))
      traces = "far/away/elsewhere"
    }
    try folder.write(MemoryImage(pages: [0x1000: MemoryImage.loop(0x1000, 0)]).sparse, to: "t.nwsp")
    for command in Self.commands {
      let words = command.split(separator: " ").map { word in
        word == "N" ? threads : word.hasPrefix("T/") ? traces + word.dropFirst() : String(word)
      }
      let outcome = try Nestwalk.run(words, in: folder, environment: environment)
      #expect(outcome.status == 0, "\(command): \(outcome.errors)")
    }
    let names = folder.listing.filter {
      $0.hasPrefix("out/") && !URL(filePath: $0).pathExtension.isEmpty
    }
    return Dictionary(uniqueKeysWithValues: try names.map { ($0, try folder.data($0)) })
  }

  @Test("threads, locale, time zone, folder and time change no byte of any output of any command")
  func identical() throws {
    let first = try files(threads: "1", environment: [:], copies: false)
    let second = try files(
      threads: "4",
      environment: [
        "LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati",
        "HOME": "/nowhere", "COLUMNS": "40",
      ], copies: true)
    #expect(first.keys.sorted() == second.keys.sorted())
    // Seven of a run, two results, two traces on two machines with an index and a table, four of a
    // sweep, four of a comparison, three stories, a trend, six of an audit, two containers.
    #expect(first.count == 7 + 2 + (2 * 2 * 2 + 2) + 4 + 4 + 3 + 1 + 6 + 2)
    for (name, data) in first {
      #expect(data == second[name], "\(name)")
      #expect(data.count > 100, "\(name)")
    }
  }
}
