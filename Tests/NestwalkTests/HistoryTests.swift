import Foundation
import Testing

@Suite("nestwalk history")
struct HistoryTests {
  @Test("results are kept by label, in order, and a label's second result takes the first's place")
  func keeps() throws {
    let folder = try Folder()
    for (name, setting) in [("a", "tlbs.L2.ways=12"), ("b", "tlbs.L2.ways=6")] {
      try Nestwalk.succeed(
        [
          "run", Shipped.path("true.nwt"), "-m", "reference", "--set", setting, "-o",
          "\(name).json",
        ], in: folder)
    }
    func add(_ file: String, _ label: String) throws {
      let outcome = try Nestwalk.run(
        ["history", "add", "h.sqlite", file, "--label", label], in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    try add("a.json", "first")
    try add("b.json", "second, \"quoted\"")
    try add("a.json", "third")
    let walks = try ["a.json", "b.json"].map {
      try #require(ResultFile.one(try folder.data($0)).counters["walk.count"])
    }
    let list = try Nestwalk.succeed(["history", "list", "h.sqlite"], in: folder)
    let rows = list.split(separator: "\n").map(String.init)
    #expect(rows.count == 4 && rows[0] == "label,trace,machine,walks,walkCycles")
    #expect(rows[1].hasPrefix("first,true.nwt,reference,\(walks[0]),"))
    #expect(rows[2].hasPrefix("\"second, \"\"quoted\"\"\",true.nwt,reference,\(walks[1]),"))
    try add("b.json", "first")
    let again = try Nestwalk.succeed(["history", "list", "h.sqlite"], in: folder)
    #expect(again.split(separator: "\n").count == 4)
    #expect(again.contains("\nfirst,true.nwt,reference,\(walks[1]),"))
  }

  @Test("trends are a page of pictures that says where machines differ, the same each time")
  func trends() throws {
    let folder = try Folder()
    for (label, machine) in [("one", "reference"), ("two", "reference")] {
      try Nestwalk.succeed(
        [
          "run", Shipped.path("true.nwt"), "-m", machine, "--set",
          "tlbs.L1D.ways=\(label == "one" ? 4 : 2)", "-o", "\(label).json",
        ], in: folder)
      _ = try Nestwalk.run(
        ["history", "add", "h.sqlite", "\(label).json", "--label", label], in: folder)
    }
    for page in ["t.html", "u.html"] {
      try Nestwalk.succeed(
        ["history", "trend", "h.sqlite", "--counter", "tlb.L1D.misses", "-o", page], in: folder)
    }
    let page = try folder.text("t.html")
    #expect(page == (try folder.text("u.html")))
    #expect(page.ranges(of: "<circle").count == 2)
    #expect(page.contains("another machine"))
    #expect(page.contains("default-src 'none'"))
  }

  @Test("what is no history is refused in one line")
  func refused() throws {
    let folder = try Folder()
    try folder.write("not a database, but long enough to be looked at\n", to: "h.sqlite")
    for arguments in [["list", "h.sqlite"], ["list", "absent.sqlite"]] {
      let outcome = try Nestwalk.run(["history"] + arguments, in: folder)
      #expect(outcome.status == 2 && outcome.errorLines.count == 1, "\(outcome.errors)")
    }
    #expect(folder.listing == ["h.sqlite"])
  }
}
