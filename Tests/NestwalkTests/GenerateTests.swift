import Foundation
import Testing

@Suite("nestwalk generate")
struct GenerateTests {
  @Test("two runs write the same bytes, and what they wrote is whole and can be read")
  func sameBytes() throws {
    let folder = try Folder()
    for name in ["a.nwt", "b.nwt"] {
      try Nestwalk.succeed(
        ["generate", "zipf", "-o", name, "--records", "20000", "--footprint", "16M"], in: folder)
    }
    let first = try Data(contentsOf: folder.path("a.nwt"))
    #expect(try Data(contentsOf: folder.path("b.nwt")) == first)
    #expect(try Nestwalk.succeed(["verify", "a.nwt"], in: folder).hasPrefix("whole: "))
    let text = try Nestwalk.succeed(["inspect", "a.nwt"], in: folder)
    #expect(text.contains("Generated, and not a recording: zipf"))
    #expect(text.contains("records        20,000"))
  }

  @Test("a size that cannot be is wrong usage, and leaves no file")
  func refused() throws {
    let folder = try Folder()
    let outcome = try Nestwalk.run(
      ["generate", "nic-ring", "-o", "a.nwt", "--span", "1M"], in: folder)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("--span is 1048576; expected a multiple of"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
  }
}
