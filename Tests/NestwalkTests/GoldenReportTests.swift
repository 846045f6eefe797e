import Foundation
import Testing

@Suite("Golden reports")
struct GoldenReportTests {
  /// The arguments of each command of `reports/README.md`, which `make reports` runs too.
  static func commands() throws -> [[String]] {
    try Repository.text("reports/README.md").split(separator: "\n").compactMap { line in
      let prefix = "    nestwalk "
      guard line.hasPrefix(prefix) else { return nil }
      return line.dropFirst(prefix.count).split(separator: " ").map(String.init)
    }
  }

  @Test("this version writes them again byte for byte")
  func reproduced() throws {
    let folder = try Folder()
    try folder.makeFolder("reports")
    try FileManager.default.createSymbolicLink(
      at: folder.path("traces"),
      withDestinationURL: Repository.root.appending(path: "traces"))
    for command in try Self.commands() { try Nestwalk.succeed(command, in: folder) }

    let golden = Repository.files(under: "reports", suffixes: [".json", ".csv", ".html", ".md"])
      .filter { $0 != "reports/README.md" }
    #expect(golden.count == 10)
    #expect(folder.listing.filter { $0.hasPrefix("reports/") } == golden)
    for file in golden where folder.listing.contains(file) {
      let expected = try Repository.text(file)
      let found = try folder.text(file)
      guard expected != found else { continue }
      Issue.record("\(firstDifference(file, expected, found)); see reports/README.md")
    }
  }

  private func firstDifference(_ file: String, _ expected: String, _ found: String) -> String {
    let golden = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let fresh = found.split(separator: "\n", omittingEmptySubsequences: false)
    for (at, (old, new)) in zip(golden, fresh).enumerated() where old != new {
      return "\(file): line \(at + 1): was \(old.prefix(200)) and is \(new.prefix(200))"
    }
    return "\(file): had \(golden.count) lines and has \(fresh.count)"
  }

  @Test("reports fit in a repository and a mail")
  func small() throws {
    for file in Repository.files(under: "reports", suffixes: [""]) {
      #expect(try Repository.text(file).utf8.count < 200_000, "\(file)")
    }
  }
}
