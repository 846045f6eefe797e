import Foundation
import Testing

/// What `--experimental-dump-help` says of a command.
private struct CommandHelp: Decodable {
  struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var subcommands: [Command]?
  }

  var command: Command

  static func read() throws -> Command {
    let text = try Nestwalk.succeed(["--experimental-dump-help"], in: try Folder())
    return try JSONDecoder().decode(CommandHelp.self, from: Data(text.utf8)).command
  }
}

@Suite("Help, manual page and completions")
struct HelpTests {
  /// The commands of a help's examples, each on one line.
  private static func examples(_ discussion: String) -> [String] {
    guard let start = discussion.range(of: "EXAMPLES:") else { return [] }
    let lines = discussion[start.upperBound...].replacing("\\\n", with: " ").split(separator: "\n")
    return lines.map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { $0.hasPrefix("nestwalk ") }
  }

  @Test("every command has examples")
  func every() throws {
    for command in try CommandHelp.read().subcommands ?? [] where command.commandName != "help" {
      let own = Self.examples(command.discussion ?? "")
      let inner = (command.subcommands ?? []).flatMap { Self.examples($0.discussion ?? "") }
      #expect(
        !own.isEmpty || !inner.isEmpty || !(command.subcommands ?? []).isEmpty,
        "\(command.commandName)")
    }
  }

  @Test("the examples work as they stand")
  func work() throws {
    let folder = try Self.prepared()
    let command = try CommandHelp.read()
    let all =
      Self.examples(command.discussion ?? "")
      + (command.subcommands ?? []).flatMap { Self.examples($0.discussion ?? "") }
    var tried = 0
    for example in all {
      // As many records as show that it works.
      let small = example.replacing(" 20000000", with: " 20000").replacing(
        " 2000000", with: " 2000"
      )
      .replacing("100000 ", with: "1000 ").replacing("--record 1000000", with: "--record 1000")
      tried += 1
      let outcome = try Running(
        program: "/bin/bash", ["-c", small], in: folder.url,
        environment: ["PATH": folder.path("bin").path + ":/usr/bin:/bin"]
      ).outcome()
      // A gate may say no; wrong usage and refused input are errors of the example.
      #expect([0, 1].contains(outcome.status), "\(example): \(outcome.errors)")
    }
    #expect(tried > 40)
    // What examples promise to write is there.
    for file in ["findings.sarif", "pages.csv", "message.html", "walk.html", "out/index.html"] {
      #expect(folder.listing.contains(file), "\(file)")
    }
    #expect(try folder.text("pages.csv").split(separator: "\n").count == 2)
  }

  /// A folder with a file of every name that examples speak of.
  private static func prepared() throws -> Folder {
    let folder = try Folder()
    try folder.makeFolder("bin")
    try folder.makeFolder("reports")
    try FileManager.default.createSymbolicLink(
      at: folder.path("bin/nestwalk"), withDestinationURL: URL(filePath: Nestwalk.binary))
    try FileManager.default.createSymbolicLink(
      at: folder.path("traces"),
      withDestinationURL: Repository.root.appending(path: "traces"))
    let copies = [
      ("true.nwt", ["app.nwt", "a.nwt", "b.nwt", "long.nwt"]),
      ("samples/true-500.lackey.txt.gz", ["app.lackey.zst", "app.lackey.txt.zst"]),
      (
        "samples/true-500.champsimtrace.xz",
        ["app.champsimtrace.xz", "run.champsimtrace.xz", "b.champsimtrace.xz"]
      ),
      ("isolation/stale-window.txt", ["dma.nwt"]),
    ]
    for (source, names) in copies {
      for name in names {
        try FileManager.default.copyItem(
          at: URL(filePath: Shipped.path(source)), to: folder.path(name))
      }
    }
    try images(in: folder)
    let quiet = ["--quiet"]
    try Nestwalk.succeed(["export", "app.nwt", "-o", "capture.bin"] + quiet, in: folder)
    let mine = try Nestwalk.succeed(["machine", "show", "reference"], in: folder)
    try folder.write(mine, to: "mine.json")
    for name in ["base.json", "new.json", "result.json", "reports/app.json"] {
      try Nestwalk.succeed(["run", "app.nwt", "-m", "reference", "-o", name] + quiet, in: folder)
    }
    try folder.write("walk.cycles<=+1%\n", to: "gates.txt")
    _ = try Nestwalk.run(
      ["history", "add", "history.sqlite", "result.json", "--label", "before"], in: folder)
    return folder
  }

  /// Small memories with tables at every root that examples name.
  private static func images(in folder: Folder) throws {
    // Host tables that lead from a guest's 0x100000 (index 256 of the last level) to the same place.
    let nested = [0: 0x417_6067, 256: 0x10_0067] as [Int: UInt64]
    let sparse = MemoryImage(pages: [
      0x417_6000: nested, 0x10_0000: MemoryImage.loop(0x10_0000, 0, 2), 0x24a_5000: [:],
      0x120_0000: [:],
    ])
    try folder.write(sparse.sparse, to: "tables.nwsp")
    let core = MemoryImage(pages: [
      0x90d_e000: MemoryImage.loop(0x90d_e000, 0), 0x1000: MemoryImage.loop(0x1000, 0),
      0x9000: MemoryImage.loop(0x9000, 0), 0x10_0000: [:], 0x10_1000: [:],
    ])
    for name in ["dump.core", "host.core"] { try folder.write(core.core, to: name) }
    let raw = MemoryImage(pages: [
      0x1a_a000: MemoryImage.loop(0x1a_a000, 0, 1, 254), 0x1000: MemoryImage.loop(0x1000, 0),
      0x10_5000: MemoryImage.loop(0x10_5000, 0),
    ])
    try folder.write(raw.raw(bytes: 1 << 21), to: "dump.raw")
    try folder.write("nestwalk scenario 1\nload 0x0 8\n", to: "dump.nwt")
  }

  @Test("a page names every question about processors that its run was not asked, and no other")
  func questions() throws {
    let folder = try Folder()
    let run = ["run", Shipped.path("true.nwt"), "-m", "zen5", "-o", "p.html", "--quiet"]
    func named(_ extra: [String]) throws -> [String] {
      try Nestwalk.succeed(run + extra, in: folder)
      return try folder.text("p.html").matches(of: /<code>--answer ([a-z-]+)<\/code>:/)
        .map { String($0.1) }
    }
    // Of the questions that help lists, two are about devices.
    let help = try Nestwalk.succeed(["help", "run"], in: folder)
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    let list = try #require(help.firstMatch(of: /table of the result: ([^.]+), all\./))
    let all = list.1.split(separator: ", ").map(String.init)
    #expect(all.count == 10)
    let ofProcessors = Set(all).subtracting(["invalidation", "interrupts"])
    #expect(Set(try named([])) == ofProcessors)
    #expect(
      Set(try named(["--answer", "regions", "--answer", "modes"]))
        == ofProcessors.subtracting(["regions", "modes"]))
    #expect(try named(["--answer", "all"]).isEmpty)
  }

  @Test("completions are shell programs, and the manual page has every command")
  func completions() throws {
    let folder = try Folder()
    for (shell, check) in [("bash", "bash -n"), ("zsh", ""), ("fish", "")] {
      let text = try Nestwalk.succeed(["--generate-completion-script", shell], in: folder)
      #expect(text.contains("nestwalk") && text.contains("compare"))
      guard check != "" else { continue }
      try folder.write(text, to: "completion")
      let outcome = try Running(
        program: "/bin/bash", ["-c", "\(check) completion"], in: folder.url
      ).outcome()
      #expect(outcome.status == 0, "\(outcome.errors)")
    }
    let manual = try Running(
      program: Repository.root.appending(path: ".ci/manual").path, [Nestwalk.binary],
      in: folder.url
    ).outcome()
    #expect(manual.status == 0, "\(manual.errors)")
    for command in try CommandHelp.read().subcommands ?? [] where command.commandName != "help" {
      #expect(
        manual.text.contains(".SH NESTWALK \(command.commandName.uppercased())"),
        "\(command.commandName)")
    }
  }
}
