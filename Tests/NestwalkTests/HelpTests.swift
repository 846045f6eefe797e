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
  /// Examples that need the image of a machine's memory, which is too large for the repository.
  private static let ofImages = ["nestwalk walk ", "nestwalk audit "]

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
    for example in all where !Self.ofImages.contains(where: example.hasPrefix) {
      // As many records as show that it works.
      let small = example.replacing("20000000", with: "20000").replacing("2000000", with: "2000")
        .replacing("100000 ", with: "1000 ").replacing("--record 1000000", with: "--record 1000")
      tried += 1
      let outcome = try Running(
        program: "/bin/bash", ["-c", small], in: folder.url,
        environment: ["PATH": folder.path("bin").path + ":/usr/bin:/bin"]
      ).outcome()
      // A gate may say no; wrong usage and refused input are errors of the example.
      #expect([0, 1].contains(outcome.status), "\(example): \(outcome.errors)")
    }
    #expect(tried > 25)
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
