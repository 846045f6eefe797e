import ArgumentParser
import Results

@main
struct Nestwalk: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nestwalk",
    abstract: "What address translation costs a workload, and whether isolation held.",
    version: toolVersion)
}
