import ArgumentParser
import Machine

struct MachineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "List, show and check machine descriptions.",
    subcommands: [List.self, Show.self, Check.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the presets and where their numbers come from.")

    func run() {
      for preset in Preset.all {
        printResult("\(preset.name)\n    \(preset.summary)\n    Source: \(preset.source)\n")
      }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a preset to edit, each number with its source.")

    @Argument(help: "A preset's name.")
    var name: String

    func run() throws {
      try refusing {
        guard let preset = Preset.named(name) else { throw Preset.refusal(of: name) }
        printResult(preset.json.hasSuffix("\n") ? preset.json : preset.json + "\n")
      }
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check a description and print it complete.")

    @Argument(help: "A description's file or a preset's name.")
    var file: String

    @Option(name: .customLong("set"), help: MachineInput.setHelp)
    var settings: [String] = []

    func run() throws {
      try refusing {
        let machine = try MachineInput.load(file, settings: settings)
        printResult("\(machine.canonicalJSON)\n")
      }
    }
  }
}
