import ArgumentParser
import TraceFile

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check every checksum and count of a container.",
    discussion: """
      Says what is torn or damaged and how many records before it remain usable; `run --salvage` \
      and `import --salvage` use them.

      EXAMPLES:
        nestwalk verify app.nwt
      """)

  @Argument(help: "A container.")
  var file: String

  @Flag(name: .shortAndLong, help: "Show no progress on the terminal.")
  var quiet = false

  func run() throws {
    try refusing {
      var progress = Progress(file, isQuiet: quiet)
      let found = try Verification(path: file) { bytes, total in
        progress.show(records: 0, bytes: bytes, of: total)
      }
      progress.end()
      for unknown in found.unknown { printError("nestwalk: \(file): passed over: \(unknown)") }
      if var damage = found.damage {
        damage.cure =
          "\(grouped(found.records)) records in \(grouped(found.blocks)) blocks before it are "
          + "usable, with --salvage"
        throw damage
      }
      printResult(
        "whole: \(grouped(found.records)) records in \(grouped(found.blocks)) blocks, "
          + "\(grouped(found.bytes)) bytes\n")
    }
  }
}
