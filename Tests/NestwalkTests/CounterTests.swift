import Foundation
import Testing

@Suite("Counters are defined")
struct CounterTests {
  @Test(
    "every counter and histogram of a result is explained by its name",
    arguments: ["reference", "reference-cached", "zen5", "skylake-sp"])
  func explained(_ machine: String) throws {
    let folder = try Folder()
    try Nestwalk.succeed(
      ["run", Shipped.path("true.nwt"), "-m", machine, "-o", "r.json"], in: folder)
    let result = try ResultFile.one(try folder.data("r.json"))
    #expect(result.schema == "nestwalk.result/1")
    #expect(result.counters["cpu.accesses"] == 55_195)
    for name in Set(result.counters.keys).union(result.histograms.keys).sorted() {
      let text = try Nestwalk.succeed(["run", "--explain", name], in: folder)
      #expect(text.hasPrefix(name), "\(name): \(text)")
    }
  }

  @Test("a name that is no counter is wrong usage, and one that is near is offered")
  func unknown() throws {
    let outcome = try Nestwalk.run(["run", "--explain", "walk.count_"], in: try Folder())
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
    #expect(outcome.errors.contains("did you mean walk.count"))
  }
}
