import Foundation
import Testing

@Suite("traces/README.md says what the shipped traces are")
struct TraceTableTests {
  @Test("every shipped file has one row")
  func complete() throws {
    let files = Repository.files(under: "traces", suffixes: [""]).filter {
      var isFolder: ObjCBool = false
      let path = Repository.root.appending(path: $0).path
      return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        && !isFolder.boolValue && $0 != "traces/README.md"
    }
    #expect(Shipped.table.map { "traces/\($0.file)" }.sorted() == files)
  }

  @Test("records and SHA-256 are those of the file", arguments: Shipped.table)
  func row(_ row: Shipped.Row) throws {
    let text = try Nestwalk.succeed(["inspect", Shipped.path(row.file)], in: try Folder())
    #expect(number(value("records", in: text)) == row.records)
    #expect(value("sha256", in: text) == row.sha256)
    guard row.file.hasSuffix(".nwt") else { return }
    let source = try #require(value("source", in: text)).split(separator: " ")[0]
    #expect(row.command.hasPrefix("nestwalk import \(source) -o \(row.file) "))
    #expect(row.command.contains("--records") == text.contains("note           Cut: records 0"))
  }

  @Test(
    "containers are whole", arguments: Shipped.table.map(\.file).filter { $0.hasSuffix(".nwt") })
  func whole(_ file: String) throws {
    let text = try Nestwalk.succeed(["verify", Shipped.path(file)], in: try Folder())
    #expect(text.hasPrefix("whole: "))
  }

  @Test("all of them fit in 2 MiB")
  func small() throws {
    let bytes = try Shipped.table.reduce(0) { try $0 + Shipped.bytes($1.file).count }
    #expect(bytes < 2 << 20)
  }
}
