import ArgumentParser
import Results

@main
struct Nestwalk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nestwalk",
    abstract: "What address translation costs a workload, and whether isolation held.",
    discussion: """
      Replays a trace of memory accesses through a model of the hardware that translates them.

      EXAMPLES:
        nestwalk run traces/sqlite-probe-8m.nwt -m zen5
        nestwalk run app.champsimtrace.xz -m reference -m reference-cached -o report.html
        nestwalk import app.lackey.zst -o app.nwt
        nestwalk machine show reference > mine.json

      Exit codes: 0 done, 1 a gate said no, 2 input refused, 64 wrong usage.
      """,
    version: toolVersion,
    subcommands: [
      RunCommand.self, ImportCommand.self, GenerateCommand.self, InspectCommand.self,
      VerifyCommand.self,
      ExportCommand.self, MachineCommand.self, WalkCommand.self, RulesCommand.self,
      AuditCommand.self,
      CompareCommand.self, ExplainCommand.self, BatchCommand.self, HistoryCommand.self,
      SweepCommand.self,
    ])

  static func main() {
    PartialFiles.installHandlers()
    main(nil)
  }
}
