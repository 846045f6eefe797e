import Machine

/// Every figure is a ratio of things run in turn in this process, after their results were found equal.
@main
struct Main {
  static let usage = """
    Benchmark [--large] [--hits TRACE]... [--misses TRACE]... [--model TRACE]...
        [--import LACKEY]...
      --hits    decode, replay, sweep, and the first level against C
      --misses  replay against one walk after another, and the full model against C
      --model   of those the full model alone
      --import  a lackey trace, not compressed, into columns against reading it in C
      --large   nested walks over 64 GiB too, and not over 2 and 8 alone
    """

  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let isLarge = arguments.contains("--large")
    arguments.removeAll { $0 == "--large" }
    let zen5 = try machine([])
    // No walk caches: 24 references each.
    let reference = try machine([], of: "reference")
    let overEPT = try machine(["secondStage.format=ept:4"])
    // Sixteen ways at most, which C compares by one instruction.
    let sixteen = try machine([
      "secondStage.format=ept:4", "tlbs.L1I.sets=4", "tlbs.L1I.ways=16", "tlbs.L1D.sets=4",
      "tlbs.L1D.ways=16", "tlbs.L2I.ways=16",
      """
      walkCaches=[\(cache("first", 1)), \(cache("first", 2)), \(cache("first", 3)), \
      \(cache("second", 1)), \(cache("second", 2)), \(cache("second", 3)), \
      {stage: 'nested', sets: 1, ways: 16, replacement: 'lru'}]
      """,
    ])
    let isModelAlone =
      !arguments.isEmpty && !arguments.contains { ["--hits", "--misses"].contains($0) }
    while !arguments.isEmpty {
      let option = arguments.removeFirst()
      guard ["--hits", "--misses", "--model", "--import"].contains(option), !arguments.isEmpty
      else {
        print(usage)
        return
      }
      let path = arguments.removeFirst()
      if option == "--import" {
        try imports(path)
        continue
      }
      if option == "--model" {
        try model(path, sixteen)
        continue
      }
      decoding(path, zen5)
      if option == "--hits" {
        try firstLevel(path, overEPT)
        try sweeps(path)
      } else {
        try replays(path, zen5)
        try replays(path, reference)
        try model(path, sixteen)
      }
    }
    if isModelAlone { return }
    for mebibytes in isLarge ? [64, 2 << 10, 8 << 10, 64 << 10] : [64, 2 << 10, 8 << 10] {
      walks(zen5.description, mebibytes: mebibytes)
    }
  }

  static func cache(_ stage: String, _ level: Int) -> String {
    "{stage: '\(stage)', level: \(level), sets: 1, ways: 16, replacement: 'lru'}"
  }

  static func machine(_ settings: [String], of name: String = "zen5") throws -> ResolvedMachine {
    guard let preset = Preset.named(name) else { fatalError("no preset \(name)") }
    return try MachineDescription.load(json: preset.json, file: name, settings: settings)
  }
}
