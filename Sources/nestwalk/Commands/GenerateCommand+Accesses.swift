import ArgumentParser
import TraceFile

/// The options of the patterns of a processor's accesses.
struct AccessArguments: ParsableArguments {
  @Option(help: "Records to make.")
  var records = 1_000_000

  @Option(help: "Of the random numbers.")
  var seed: UInt64 = 1

  @Option(help: "Bytes that are touched.")
  var footprint = ByteSize(1 << 30)

  @Option(help: "The first of their addresses.")
  var base = ByteSize(0x10_0000_0000)

  @Option(help: "How many records in a hundred are stores, where the pattern leaves it open.")
  var stores = 0

  @Option(help: "Instructions retired with each record.")
  var instructions = 1

  var options: AccessOptions {
    var options = AccessOptions()
    options.records = records
    options.seed = seed
    options.footprint = footprint.bytes
    options.base = base.bytes
    options.storePercent = stores
    options.instructions = instructions
    return options
  }
}

extension GenerateCommand {
  struct Uniform: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "uniform",
      abstract: "Any 64-byte line of the footprint with equal probability.")

    @OptionGroup var output: GeneratedOutput
    @OptionGroup var accesses: AccessArguments

    func run() throws { try output.write(.uniform(accesses.options)) }
  }

  struct Zipf: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "zipf",
      abstract: "Pages by Zipf's law, in an order that the seed shuffles.")

    @OptionGroup var output: GeneratedOutput
    @OptionGroup var accesses: AccessArguments

    @Option(help: "The exponent: the page of rank i has a weight of i to the power of minus this.")
    var theta = 0.99

    func run() throws {
      let thousandths = (theta * 1000).rounded()
      guard (1...10_000).contains(thousandths) else {
        throw ValidationError("--theta is \(theta); expected 0.001 to 10.")
      }
      try output.write(.zipf(accesses.options, theta: Int(thousandths)))
    }
  }

  struct Chase: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "chase",
      abstract: "From node to node: each of them once, in random order, then again.")

    @OptionGroup var output: GeneratedOutput
    @OptionGroup var accesses: AccessArguments

    @Option(help: "Bytes of a node, a power of two.")
    var node = ByteSize(64)

    func run() throws { try output.write(.chase(accesses.options, node: node.bytes)) }
  }

  struct Stride: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "stride", abstract: "Every so many bytes, from the start again at the end.")

    @OptionGroup var output: GeneratedOutput
    @OptionGroup var accesses: AccessArguments

    @Option(help: "Bytes from one access to the next.")
    var stride = ByteSize(64)

    func run() throws { try output.write(.stride(accesses.options, stride: stride.bytes)) }
  }

  struct Stream: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "stream",
      abstract: "Arrays side by side, element by element: loads of all but the last, a store there."
    )

    @OptionGroup var output: GeneratedOutput
    @OptionGroup var accesses: AccessArguments

    @Option(help: "Arrays that the footprint is divided into.")
    var arrays = 3

    func run() throws { try output.write(.stream(accesses.options, arrays: arrays)) }
  }

  struct HashJoin: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "hashjoin",
      abstract: "One relation is read and stored by hash, then another is read and looked up.",
      discussion: """
        Half of the footprint is the hash table, a quarter each relation with tuples of 16 bytes.
        """)

    @OptionGroup var output: GeneratedOutput
    @OptionGroup var accesses: AccessArguments

    @Option(help: "Buckets looked up for each tuple of the second relation.")
    var probes = 1

    func run() throws { try output.write(.hashJoin(accesses.options, probes: probes)) }
  }
}
