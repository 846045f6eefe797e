import Foundation
import Testing

@Suite("nestwalk compare")
struct CompareTests {
  @Test("a run equals itself; another machine is refused, then compared on demand")
  func gate() throws {
    let folder = try Folder()
    for machine in ["reference", "reference-cached"] {
      try Nestwalk.succeed(
        ["run", Shipped.path("true.nwt"), "-m", machine, "-o", "\(machine).json"], in: folder)
    }
    let same = try Nestwalk.succeed(
      ["compare", "reference.json", "reference.json"], in: folder)
    #expect(same.hasSuffix("The new result passes.\n"))

    let refused = try Nestwalk.run(
      ["compare", "reference.json", "reference-cached.json", "-o", "c.md"], in: folder)
    #expect(refused.status == 2)
    #expect(refused.errorLines.count == 1)
    #expect(refused.errors.contains("give --across-machines"))
    #expect(!folder.listing.contains("c.md"))

    let stopped = try Nestwalk.run(
      [
        "compare", "reference.json", "reference-cached.json", "--across-machines", "-o", "c.md",
      ], in: folder)
    #expect(stopped.status == 1)
    #expect(try folder.text("c.md").contains("| walk.references |"))

    let allowed = try Nestwalk.run(
      [
        "compare", "reference.json", "reference-cached.json", "--across-machines", "--allow", "*=*",
      ], in: folder)
    #expect(allowed.status == 0)
  }

  @Test(
    "wrong usage",
    arguments: [
      ["a.json"], ["-", "-"], ["a.json", "b.json", "--allow", "walk.count<1"],
      ["a.json", "b.json", "-o", "c.txt"], ["a.json", "b.json", "-o", "a.json"],
    ])
  func usage(_ arguments: [String]) throws {
    let outcome = try Nestwalk.run(["compare"] + arguments, in: try Folder())
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
  }

  @Test("a new result that is not there is refused in one line")
  func absent() throws {
    let outcome = try Nestwalk.run(["compare", "a.json", "b.json"], in: try Folder())
    #expect(outcome.status == 2)
    #expect(outcome.errorLines.count == 1)
  }
}
