import ArgumentParser
import TraceFile

extension GenerateCommand {
  struct Interrupts: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "interrupts",
      abstract: "Guests' devices that interrupt virtual processors which take turns on cores.",
      discussion: """
        Each virtual processor has a device with entries of VT-d's table and a descriptor. The trace \
        has the schedule and the messages; what hypervisors write into descriptors is left to the model.

        EXAMPLES:
          nestwalk generate interrupts -o interrupts.nwt --messages 10000000
          nestwalk generate interrupts -o forged.nwt --forged 50 --posted 50
          nestwalk run interrupts.nwt -m reference-interrupts --answer interrupts
        """)

    @OptionGroup var output: GeneratedOutput

    @Option(help: "Messages of all devices.")
    var messages = 1_000_000

    @Option(help: "Of the random numbers.")
    var seed: UInt64 = 1

    @Option(help: "Guests.")
    var guests = 4

    @Option(help: "Virtual processors of each guest, each with a device.")
    var processors = 2

    @Option(help: "Cores that they take turns on.")
    var cores = 4

    @Option(help: "Vectors of each device.")
    var vectors = 4

    @Option(help: "Messages from one change of the schedule to the next; 0 for none.")
    var slice = 1000

    @Option(help: "How many in 100 entries post; the others remap.")
    var posted = 100

    @Option(help: "How many in 1000 messages are forged.")
    var forged = 0

    @Option(help: "Nanoseconds from message to message.")
    var interval: UInt64 = 1000

    func run() throws {
      var options = InterruptOptions()
      options.messages = messages
      options.seed = seed
      options.guests = guests
      options.processors = processors
      options.cores = cores
      options.vectors = vectors
      options.slice = slice
      options.postedPercent = posted
      options.forgedPermille = forged
      options.interval = interval
      try output.write(.interrupts(options))
    }
  }
}
