import Foundation
import Testing

/// What `swift package dump-package` says of the package, as far as the house's rules need it.
private struct Manifest: Decodable {
  struct Target: Decodable {
    struct Dependency: Decodable {
      var name: String

      private enum Kind: String, CodingKey { case byName, target, product }

      /// Each kind is an array that begins with a name.
      init(from decoder: any Decoder) throws {
        let kinds = try decoder.container(keyedBy: Kind.self)
        let kind = try #require(kinds.allKeys.first)
        var parts = try kinds.nestedUnkeyedContainer(forKey: kind)
        name = try parts.decode(String.self)
      }
    }

    struct Setting: Decodable {
      /// An object of one key, the setting's name, with its values.
      var kind: [String: [String: String]]
    }

    var name: String
    var type: String
    var dependencies: [Dependency]
    var settings: [Setting]
  }

  var targets: [Target]

  static func read() throws -> Manifest {
    let folder = try Folder()
    // A scratch path of its own: the build that runs these tests may hold the lock of another.
    let running = try Running(
      program: "/usr/bin/env",
      [
        "swift", "package", "--package-path", Repository.root.path, "--scratch-path",
        folder.path("scratch").path, "dump-package",
      ], in: folder.url)
    let outcome = try running.outcome()
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONDecoder().decode(Manifest.self, from: outcome.output)
  }
}

@Suite("The house's layers")
struct HouseTests {
  /// What each target may use.
  ///
  /// A new edge is a change of plan: it comes with `ARCHITECTURE.md`.
  static let edges: [String: Set<String>] = [
    "nestwalk": [
      "Reporting", "Translation", "Results", "Machine", "TraceFile", "ArgumentParser", "GRDB",
    ],
    "Reporting": ["Results"],
    "Translation": ["Results", "Machine", "TraceFile", "CLanes"],
    "Results": [],
    "Machine": ["CCrypto"],
    "TraceFile": ["CZstd", "CZlib", "CLzma", "CCrypto"],
    "CLanes": [], "CZstd": [], "CZlib": [], "CLzma": [], "CCrypto": [],
    "ReportingTests": ["Reporting", "Results"],
    "TranslationTests": ["Translation", "Results", "Machine", "TraceFile", "CAllocations"],
    "CAllocations": [],
    "ResultsTests": ["Results"],
    "MachineTests": ["Machine"],
    "TraceFileTests": ["TraceFile"],
    "NestwalkTests": ["nestwalk"],
  ]

  /// Modules of the toolchain and the system that any target may use.
  static let system: Set<String> = ["FoundationEssentials", "Glibc", "Musl"]

  @Test("targets use each other as planned, and warnings are errors in each")
  func package() throws {
    let targets = try Manifest.read().targets
    #expect(Set(targets.map(\.name)) == Set(Self.edges.keys))
    for target in targets {
      #expect(
        Set(target.dependencies.map(\.name)) == Self.edges[target.name], "\(target.name)")
      guard target.type != "system" else { continue }
      #expect(
        target.settings.contains { $0.kind["treatAllWarnings"]?.values.contains("error") == true },
        "\(target.name)")
    }
  }

  /// The build alone would let a file import what another target brings along.
  @Test("sources import what their target declares, and the toolchain's small modules")
  func imports() throws {
    for file in Repository.files(under: "Sources", suffixes: [".swift"]) {
      let target = String(file.split(separator: "/")[1])
      var allowed = try #require(Self.edges[target], "\(file) belongs to no target")
        .union(Self.system)
      if target == "nestwalk" { allowed.insert("Foundation") }
      for line in try Repository.text(file).split(separator: "\n") {
        guard
          let module = line.firstMatch(
            of:
              /^\s*(?:@\w+\s+)*(?:public |internal |private )?import (?:(?:struct|class|enum|protocol|func|typealias|let|var) )?(\w+)/
          )
        else { continue }
        #expect(allowed.contains(String(module.1)), "\(file): \(line)")
      }
    }
  }

  @Test("nothing is inlined across targets by attribute")
  func inlining() throws {
    // Not spelled out, so that this file does not hold it.
    let attribute = "@" + "inlinable"
    for folder in ["Sources", "Tests", "Benchmarks"] {
      for file in Repository.files(under: folder, suffixes: [".swift"]) {
        #expect(!(try Repository.text(file).contains(attribute)), "\(file)")
      }
    }
  }

  @Test("no file is longer than its ceiling", arguments: [("Sources", 400), ("Tests", 500)])
  func lengths(_ folder: String, _ ceiling: Int) throws {
    let files = Repository.files(under: folder, suffixes: [".swift", ".c", ".h"])
    #expect(files.count > 10)
    for file in files {
      let lines = try Repository.text(file).split(
        separator: "\n", omittingEmptySubsequences: false
      ).count
      #expect(lines <= ceiling + 1, "\(file) has \(lines - 1) lines")
    }
  }
}
