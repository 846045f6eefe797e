import Foundation
import Results
import Testing

@testable import Reporting

/// The page in a browser, used as people use it: `Tests/Validators/browser.py`.
@Suite("HTML report in a browser", .serialized, .enabled(if: Browser.isInstalled))
struct BrowserTests {
  @Test(
    "asks for nothing, says nothing in the console, and shows everything without script",
    arguments: [["quiet", "without-script"], ["keyboard", "tooltips"]])
  func loads(_ checks: [String]) throws {
    try Browser.check([Samples.busy], checks)
  }

  @Test("tables sort and filter, and a part of the time line tells of itself alone")
  func reacts() throws {
    try Browser.check([Samples.busy], ["sorting", "filtering", "brushing"])
  }

  @Test("is legible in 390 and 1600 pixels, light and dark", arguments: [1, 3])
  func widths(_ results: Int) throws {
    try Browser.check(
      results == 1 ? [Samples.busy] : [Samples.busy, Samples.database, Samples.graph],
      ["widths"])
  }

  @Test("100,000 findings stay within a mebibyte and respond")
  func manyFindings() throws {
    try Browser.check([Samples.withFindings(100_000)], ["quiet", "responsive", "sorting"])
  }

  @Test("a hostile trace runs no script")
  func hostile() throws {
    try Browser.check([Samples.hostile], ["quiet"])
  }
}

/// A browser with its driver, as `make test` installs them.
enum Browser {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let python = root.appending(path: ".build-test/validators/bin/python").path

  static var isInstalled: Bool {
    let programs = [python, "/usr/bin/chromium", "/usr/bin/chromedriver"]
    return programs.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
  }

  static func check(_ results: [RunResult], _ checks: [String]) throws {
    let text = render(results, as: .html)
    #expect(text.utf8.count <= 1 << 20, "at most 1 MiB")
    try read(text, as: "page.html", by: "browser.py", checks)
  }

  /// Whether PyPI's validators are here.
  static var hasPython: Bool { FileManager.default.isExecutableFile(atPath: python) }

  /// Writes a text and lets one of the scripts of `Tests/Validators` read it.
  static func read(_ text: String, as name: String, by script: String, _ checks: [String]) throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "nestwalk-page-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let page = folder.appending(path: name)
    try Data(text.utf8).write(to: page)
    let log = folder.appending(path: "log")
    _ = FileManager.default.createFile(atPath: log.path, contents: nil)
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments =
      [
        root.appending(path: "Tests/Validators/\(script)").path, page.path,
      ] + checks
    let output = try FileHandle(forWritingTo: log)
    process.standardOutput = output
    process.standardError = output
    try process.run()
    process.waitUntilExit()
    let said = String(decoding: try Data(contentsOf: log), as: UTF8.self)
    #expect(process.terminationStatus == 0, "\(said.suffix(1_500))")
  }
}
