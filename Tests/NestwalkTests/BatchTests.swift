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

  @Test("questions are answered and images read as by runs of their own")
  func questions() throws {
    let folder = try Folder()
    try folder.write(MemoryImage(pages: [0x1000: MemoryImage.loop(0x1000, 0)]).sparse, to: "t.nwsp")
    try folder.write("nestwalk scenario 1\nload 0x10 8\n", to: "a.txt")
    for extra in [
      ["--answer", "modes"], ["--image", "t.nwsp", "--first", "x86-64:4@0x1000"],
      ["--check-recorded"],
    ] {
      let options = ["a.txt", "-m", "reference", "--quiet"] + extra
      try Nestwalk.succeed(["batch"] + options + ["-o", "out"], in: folder)
      try Nestwalk.succeed(["run"] + options + ["-o", "a.json", "-o", "a.html"], in: folder)
      #expect(try folder.data("a.json") == folder.data("out/0001-a.txt-reference.json"))
      #expect(try folder.data("a.html") == folder.data("out/0001-a.txt-reference.html"))
    }
    #expect(try folder.text("out/0001-a.txt-reference.json").contains("\"walk.references\": 24"))
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
