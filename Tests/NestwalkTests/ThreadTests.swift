import Foundation
import Testing

/// A trace of 31 blocks, several of which are in flight where there are threads for them.
@Suite("Threads change nothing")
struct ThreadTests {
  static func run(
    _ file: String, threads: Int, in folder: Folder
  ) throws -> (
    outcome: Outcome, result: Data?
  ) {
    let outcome = try Nestwalk.run(
      [
        "run", file, "-m", "zen5", "-m", "reference-cached", "--threads", "\(threads)", "-o",
        "o.json",
      ],
      in: folder)
    let result = try? folder.data("o.json")
    try? FileManager.default.removeItem(at: folder.path("o.json"))
    return (outcome, result)
  }

  @Test("of a whole trace and of damaged ones, results and the first error")
  func same() throws {
    let folder = try Folder()
    let whole = Repository.root.appending(path: "traces/sqlite-probe-8m.nwt")
    let bytes = [UInt8](try Data(contentsOf: whole))
    var flipped = bytes
    flipped[bytes.count / 2] ^= 0x10
    try folder.write(bytes, to: "whole.nwt")
    try folder.write(flipped, to: "flipped.nwt")
    try folder.write(bytes.prefix(2 * bytes.count / 3), to: "cut.nwt")
    for (file, status) in [("whole.nwt", 0), ("flipped.nwt", 2), ("cut.nwt", 2)] {
      let one = try Self.run(file, threads: 1, in: folder)
      #expect(one.outcome.status == status && (one.result == nil) == (status != 0), "\(file)")
      for threads in [2, 5] {
        let many = try Self.run(file, threads: threads, in: folder)
        #expect(many.outcome.status == one.outcome.status, "\(file), \(threads)")
        #expect(many.outcome.errors == one.outcome.errors, "\(file), \(threads)")
        #expect(many.result == one.result, "\(file), \(threads)")
      }
    }
  }
}
