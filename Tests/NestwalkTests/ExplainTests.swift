import Foundation
import Testing

@Suite("nestwalk explain")
struct ExplainTests {
  /// Two pages, the first of them touched twice; the third record crosses into a third page.
  private static let scenario = """
    nestwalk scenario 1
    load 0x1000 8
    store 0x1008 8
    load 0x5ffc 8
    """ + "\n"

  private func text(_ arguments: [String], in folder: Folder) throws -> String {
    try folder.write(Self.scenario, to: "a.txt")
    return try Nestwalk.succeed(["explain", "a.txt"] + arguments, in: folder)
  }

  @Test("a cold record walks 24 entries of two stages of four levels, 40 cycles each")
  func cold() throws {
    let folder = try Folder()
    let text = try text(["-m", "reference", "--record", "0"], in: folder)
    // (4 + 1)(4 + 1) - 1 = 24; 24 * 40 = 960.
    #expect(text.contains("24 references, 960 cycles"), "\(text)")
    let steps = text.split(separator: "\n").filter {
      $0.contains("0x") && $0.split(separator: " ").first.flatMap { Int($0) } != nil
    }
    #expect(steps.count == 24)
    // Each of four tables and the data address costs four of the second stage, each table one more.
    #expect(steps.count { $0.contains("its entry") } == 4)
    #expect(steps.count { $0.contains("data address") } == 4)
    #expect(text.contains("L1D") && text.contains("miss") && !text.contains("L1I"))
  }

  @Test("the next touch of the page is a hit and walks nothing")
  func hit() throws {
    let folder = try Folder()
    let text = try text(["-m", "reference", "--record", "1"], in: folder)
    #expect(text.contains("No walk: a TLB knew the translation."), "\(text)")
    #expect(text.contains("No table was read"))
  }

  @Test("an access that crosses pages tells both walks; walk caches shorten the second")
  func crossing() throws {
    let folder = try Folder()
    let text = try text(["-m", "reference-cached", "--record", "2"], in: folder)
    #expect(text.ranges(of: "\nWalk of ").count == 2, "\(text)")
    #expect(text.contains("Walk of 0x5000") && text.contains("Walk of 0x6000"))
    #expect(text.contains("firstStage.L1"))
    #expect(text.contains("0x5ffc is at ") && text.contains("0x6000 is at "))
  }

  @Test("the page has a picture with a step for each reference")
  func picture() throws {
    let folder = try Folder()
    _ = try text(["-m", "reference", "--record", "0", "-o", "walk.html"], in: folder)
    let page = try folder.text("walk.html")
    #expect(page.ranges(of: "class=\"read\"").count == 24)
    #expect(page.ranges(of: "class=\"skipped\"").isEmpty)
    #expect(page.contains("default-src 'none'"))
  }

  @Test("a record that is not there is refused with exit code 2, without a file")
  func absent() throws {
    let folder = try Folder()
    try folder.write(Self.scenario, to: "a.txt")
    let outcome = try Nestwalk.run(
      ["explain", "a.txt", "-m", "reference", "--record", "3", "-o", "w.html"], in: folder)
    #expect(outcome.status == 2 && outcome.errors.contains("has no record 3"), "\(outcome.errors)")
    #expect(folder.listing == ["a.txt"])
  }

  @Test("a finding's story names map, unmap and the use, in order")
  func story() throws {
    let folder = try Folder()
    let text = try Nestwalk.succeed(
      ["explain", Shipped.path("isolation/stale-window.txt"), "-m", "qemu-vtd", "--finding", "V6"],
      in: folder)
    let mapped = try #require(text.range(of: "iommuMap domain=1"))
    let unmapped = try #require(text.range(of: "iommuUnmap domain=1"))
    let used = try #require(text.range(of: "the finding"))
    #expect(mapped.lowerBound < unmapped.lowerBound && unmapped.lowerBound < used.lowerBound)
    #expect(text.contains("What to do:"))
    let none = try Nestwalk.run(
      ["explain", Shipped.path("isolation/strict.txt"), "-m", "qemu-vtd", "--finding", "V6"],
      in: folder)
    #expect(none.status == 2 && none.errors.contains("shows 0 findings of V6"))
  }

  @Test("shrinking leaves a trace that shows the finding and of which no line can go")
  func shrinks() throws {
    let folder = try Folder()
    // The story of the shipped scenario in the midst of other devices' and pages' traffic.
    var lines = ["nestwalk scenario 1"]
    for number in 1...200 {
      lines.append(
        "iommuMap domain=9 address=0x\(String(number, radix: 16))000 output=0x900000 bytes=0x1000 rights=3"
      )
    }
    lines += try Repository.text("traces/isolation/stale-window.txt").split(separator: "\n")
      .dropFirst().map(String.init)
    for number in 1...200 {
      lines.append("dma device=0x48 address=0x\(String(number, radix: 16))000 bytes=64 kind=0")
    }
    try folder.write(lines.joined(separator: "\n") + "\n", to: "big.txt")
    let outcome = try Nestwalk.run(
      ["explain", "big.txt", "-m", "qemu-vtd", "--finding", "V6", "--shrink", "small.txt"],
      in: folder)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let small = try folder.text("small.txt").split(separator: "\n").map(String.init)
    let events = small.filter { !$0.hasPrefix("#") }.dropFirst()
    #expect((4...12).contains(events.count), "\(small)")
    func finds(_ lines: [String], _ name: String) throws -> Bool {
      try folder.write(lines.joined(separator: "\n") + "\n", to: name)
      return try Nestwalk.run(
        ["run", name, "-m", "qemu-vtd", "--fail-on", "V6", "-o", "r.json"], in: folder
      ).status == 1
    }
    #expect(try finds(small, "again.txt"))
    for at in small.indices.dropFirst() where !small[at].hasPrefix("#") {
      var less = small
      less.remove(at: at)
      // A finding of another subject or severity is another finding.
      let found = try finds(less, "less.txt")
      guard found else { continue }
      let result = try folder.text("r.json")
      #expect(
        !result.contains("\"severity\": \"critical\"") || !result.contains("(nic)"),
        "without \(small[at])")
    }
  }
}
