import ArgumentParser
import TraceFile

extension RingOptions.Allocator: ExpressibleByArgument {}
extension RingOptions.Invalidation: ExpressibleByArgument {}

extension GenerateCommand {
  struct NICRing: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "nic-ring",
      abstract: "A network card's receive rings, with the driver's mappings and invalidations.",
      discussion: """
        For each packet the card reads a descriptor, writes the packet and writes the descriptor back; \
        the driver unmaps full buffers, invalidates and posts others.

        EXAMPLES:
          nestwalk generate nic-ring -o strict.nwt --packets 100000
          nestwalk generate nic-ring -o lazy.nwt --packets 100000 --invalidation lazy
          nestwalk generate nic-ring -o fast-and-safe.nwt --batch 64 --contiguous \
        --keep-walk-caches --transfer 256
        """)

    @OptionGroup var output: GeneratedOutput

    @Option(help: "Packets received, by all queues.")
    var packets = 100_000

    @Option(help: "Of the random numbers.")
    var seed: UInt64 = 1

    @Option(help: "Receive queues; packets come to them in turn.")
    var queues = 1

    @Option(help: "Buffers that each queue has posted.")
    var ring = 256

    @Option(help: "Bytes of a buffer and of the page that maps it: 4K or 2M.")
    var buffer = ByteSize(4096)

    @Option(help: "Bytes of a packet.")
    var bytes = ByteSize(4096)

    @Option(help: "Bytes of one transfer of the card.")
    var transfer = ByteSize(4096)

    @Option(help: "How the driver chooses addresses: lifo, fifo or random.")
    var allocator = RingOptions.Allocator.lifo

    @Option(help: "Bytes of addresses that it chooses from.")
    var span = ByteSize(1 << 27)

    @Option(
      help: "When unmapped buffers are invalidated: strict, lazy or never (they stay mapped).")
    var invalidation = RingOptions.Invalidation.strict

    @Option(help: "Buffers that are mapped and unmapped together.")
    var batch = 1

    @Flag(help: "A batch has addresses that follow one another, and one invalidation.")
    var contiguous = false

    @Flag(help: "Invalidations say that only leaves changed (VT-d's IH).")
    var keepWalkCaches = false

    @Option(help: "Unmaps that a lazy driver gathers before it invalidates.")
    var flush = 256

    @Option(help: "Packets for each acknowledgement that is sent; 0 for none.")
    var acknowledge = 0

    @Option(help: "Picoseconds from packet to packet.")
    var interval: UInt64 = 327_680

    func run() throws {
      var options = RingOptions()
      options.packets = packets
      options.seed = seed
      options.queues = queues
      options.ring = ring
      options.bufferBytes = buffer.bytes
      options.packetBytes = bytes.bytes
      options.transferBytes = min(transfer.bytes, bytes.bytes)
      options.allocator = allocator
      options.span = span.bytes
      options.invalidation = invalidation
      options.batch = batch
      options.isContiguous = contiguous
      options.keepsWalkCaches = keepWalkCaches
      options.flushEntries = flush
      options.packetsPerAcknowledgement = acknowledge
      options.intervalPicoseconds = interval
      try output.write(.nicRing(options))
    }
  }

  struct DMAWindow: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "dma-window",
      abstract: "A device that reads or writes anywhere in a window, as pcie-bench's does.")

    @OptionGroup var output: GeneratedOutput

    @Option(help: "Requests of the device.")
    var requests = 1_000_000

    @Option(help: "Of the random numbers.")
    var seed: UInt64 = 1

    @Option(help: "Bytes that it reads from.")
    var window = ByteSize(1 << 20)

    @Option(help: "Bytes of a request, a power of two.")
    var bytes = ByteSize(64)

    @Option(help: "Bytes of the pages that map the window: 4K or 2M.")
    var page = ByteSize(4096)

    @Flag(help: "The device writes instead.")
    var write = false

    func run() throws {
      var options = WindowOptions()
      options.requests = requests
      options.seed = seed
      options.window = window.bytes
      options.bytes = bytes.bytes
      options.pageBytes = page.bytes
      options.isWrite = write
      try output.write(.dmaWindow(options))
    }
  }

  struct DMATenants: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "dma-tenants",
      abstract:
        "Many guests' devices in turn: for each packet a descriptor, data and a notification.")

    @OptionGroup var output: GeneratedOutput

    @Option(help: "Devices, each with a domain of its own.")
    var tenants = 8

    @Option(help: "Packets of each.")
    var packets = 4_000

    @Option(help: "Pages that a tenant's packets go to, one after the other.")
    var pages = 64

    @Option(help: "Bytes of a packet.")
    var bytes = ByteSize(1_542)

    @Option(help: "Bytes from one page of data to the next.")
    var stride = ByteSize(4096)

    @Option(help: "Where each tenant's descriptors are.")
    var descriptor = ByteSize(0xfff0_0000)

    @Option(help: "Where each tenant's notifications go.")
    var notification = ByteSize(0xfff0_1000)

    func run() throws {
      var options = TenantOptions()
      options.tenants = tenants
      options.packets = packets
      options.pages = pages
      options.packetBytes = bytes.bytes
      options.stride = stride.bytes
      options.descriptor = descriptor.bytes
      options.notification = notification.bytes
      try output.write(.dmaTenants(options))
    }
  }
}
