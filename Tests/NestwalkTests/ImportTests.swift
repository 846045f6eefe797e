import Foundation
import Testing

@Suite("import, export, inspect and verify")
struct ImportTests {
  @Test("every sample becomes a whole container", arguments: Shipped.samples)
  func samples(_ file: String) throws {
    let folder = try Folder()
    let row = try #require(Shipped.table.first { $0.file == file })
    let text = try Nestwalk.succeed(["import", Shipped.path(file), "-o", "out.nwt"], in: folder)
    #expect(number(value("records", in: text)) == row.records)
    #expect(folder.listing == ["out.nwt"])
    let bytes = try folder.data("out.nwt").count
    #expect(
      try Nestwalk.succeed(["verify", "out.nwt"], in: folder)
        == "whole: \(row.records) records in 1 blocks, \(grouped(bytes)) bytes\n")
    let inspected = try Nestwalk.succeed(["inspect", "out.nwt"], in: folder)
    let name = try #require(file.split(separator: "/").last)
    #expect(value("format", in: inspected) == "nwt")
    #expect(number(value("records", in: inspected)) == row.records)
    #expect(value("source", in: inspected)?.hasPrefix("\(name) (") == true)
    #expect(value("source", in: inspected)?.contains(row.sha256) == true)
  }

  private func grouped(_ count: Int) -> String {
    count < 1000 ? "\(count)" : "\(count / 1000)," + String("\(count % 1000 + 1000)".dropFirst())
  }

  @Test("the text's first lines are the first records")
  func firstRecords() throws {
    // I 0401ab70,3 opens a line of 64 bytes, I 0401ab73,5 stays in it, then S 1fff000658,8 belongs
    // to that second instruction; I 0401b770,1 opens the next line, with S 1fff000650,8 in it.
    let expected = """
      record,kind,address,size,thread,instructions
      0,fetch,0x401ab70,3,0,1
      1,store,0x1fff000658,8,0,1
      2,fetch,0x401b770,1,0,1
      3,store,0x1fff000650,8,0,0

      """
    let sample = Shipped.sample("true-500.lackey.txt.gz")
    let folder = try Folder()
    #expect(try Nestwalk.succeed(["inspect", sample, "--records", "0..4"], in: folder) == expected)
    try Nestwalk.succeed(["import", sample, "-o", "all.nwt"], in: folder)
    #expect(
      try Nestwalk.succeed(["inspect", "all.nwt", "--records", "0..4"], in: folder) == expected)
    // The same four, cut out of a container.
    try Nestwalk.succeed(["import", "all.nwt", "-o", "four.nwt", "--records", "0..4"], in: folder)
    #expect(
      try Nestwalk.succeed(["inspect", "four.nwt", "--records", "0.."], in: folder) == expected)
  }

  @Test("flat16 goes into a container and comes out of it byte for byte")
  func export() throws {
    let folder = try Folder()
    let sample = Shipped.sample("sqlite-probe-500.flat16.zst")
    try Nestwalk.succeed(["import", sample, "-o", "in.nwt"], in: folder)
    try Nestwalk.succeed(["export", "in.nwt", "-o", "out.flat16"], in: folder)
    #expect(try folder.data("out.flat16").count == 500 * 16)
    // Of `zstd -dc sample | sha256sum`.
    #expect(
      value("sha256", in: try Nestwalk.succeed(["inspect", "out.flat16"], in: folder))
        == "d79a069025b3fa6ef76e94fa824498f705085cfbaee1d63da1150c5f98d47f6f")
    // To stdout, it is the same.
    let outcome = try Nestwalk.run(["export", "in.nwt", "-o", "-"], in: folder)
    #expect(outcome.status == 0)
    #expect(outcome.output == (try folder.data("out.flat16")))
    #expect(folder.listing == ["in.nwt", "out.flat16"])
  }

  @Test("a range counts through all parts, and one past their end is refused")
  func ranges() throws {
    let folder = try Folder()
    let sample = Shipped.sample("true-500.lackey.txt.gz")
    try Nestwalk.succeed(["import", sample, "-o", "one.nwt"], in: folder)
    // The sample has 169 records: the last of the first part and the first of the second.
    try Nestwalk.succeed(
      ["import", "one.nwt", "one.nwt", "-o", "seam.nwt", "--records", "168..170"], in: folder)
    func rows(_ file: String, _ range: String) throws -> [Substring] {
      try Nestwalk.succeed(["inspect", file, "--records", range], in: folder)
        .split(separator: "\n").dropFirst().map { $0.drop { $0 != "," } }
    }
    #expect(
      try rows("seam.nwt", "0..") == (try rows("one.nwt", "168..169") + rows("one.nwt", "0..1")))
    // The container names what it was made of, and what that was made of, each once.
    let sources = try Nestwalk.succeed(["inspect", "seam.nwt"], in: folder)
      .split(separator: "\n").filter { $0.hasPrefix("source") }
    #expect(sources.count == 2)
    #expect(sources[0].contains("true-500.lackey.txt.gz (lackey, "))
    #expect(sources[1].contains("one.nwt (nwt, "))
    let outcome = try Nestwalk.run(
      ["import", "one.nwt", "-o", "none.nwt", "--records", "169.."], in: folder)
    #expect(outcome.status == 2)
    #expect(
      outcome.errorLines == [
        "nestwalk: one.nwt: file: has 169 records, and --records begins with 169; "
          + "give a range within them"
      ])
    #expect(folder.listing == ["one.nwt", "seam.nwt"])
  }

  @Test("several inputs are parts of one trace")
  func parts() throws {
    let folder = try Folder()
    let text = try Nestwalk.succeed(
      [
        "import", Shipped.sample("true-500.lackey.txt.gz"), Shipped.sample("true-500.ptrc.gz"),
        "-o", "both.nwt",
      ], in: folder)
    #expect(number(value("records", in: text)) == 169 + 155)
    let inspected = try Nestwalk.succeed(["inspect", "both.nwt"], in: folder)
    #expect(inspected.contains("true-500.lackey.txt.gz (lackey, "))
    #expect(inspected.contains("true-500.ptrc.gz (gem5, "))
  }

  @Test("a container goes to stdout, and everything said about it to stderr")
  func toStandardOutput() throws {
    let folder = try Folder()
    let sample = Shipped.sample("true-500.din.gz")
    try Nestwalk.succeed(["import", sample, "-o", "out.nwt"], in: folder)
    let outcome = try Nestwalk.run(["import", sample, "-o", "-"], in: folder)
    #expect(outcome.status == 0)
    #expect(outcome.output == (try folder.data("out.nwt")))
    #expect(number(value("records", in: outcome.errors)) == 188)
  }

  @Test("what stands before the damage is used only with --salvage")
  func salvage() throws {
    let folder = try Folder()
    let whole = try Shipped.bytes("sqlite-probe-8m.nwt")
    try folder.write(whole.prefix(whole.count / 2), to: "half.nwt")
    let refused = try Nestwalk.run(["verify", "half.nwt"], in: folder)
    #expect(refused.status == 2)
    let usable = try #require(
      refused.errors.firstMatch(of: /; ([0-9,]+) records in ([0-9]+) blocks/))
    let records = try #require(number(String(usable.1)))
    #expect(records > 0 && records < 8_000_000)

    let text = try Nestwalk.succeed(
      ["import", "half.nwt", "--salvage", "-o", "rest.nwt"], in: folder)
    #expect(number(value("records", in: text)) == records)
    #expect(text.contains("Salvaged: the container is not whole"))
    try Nestwalk.succeed(["verify", "rest.nwt"], in: folder)
    try Nestwalk.succeed(
      ["run", "half.nwt", "--salvage", "-m", "reference", "-o", "r.json"], in: folder)
    #expect(try ResultFile.one(try folder.data("r.json")).trace.records == records)
  }
}
