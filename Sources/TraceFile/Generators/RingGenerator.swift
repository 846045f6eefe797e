/// The receive rings of a network card with the driver's work on its mappings.
///
/// For each packet the card reads the descriptor, writes the packet into its buffer and the descriptor
/// back. When a batch of buffers is full, the driver unmaps it, invalidates as it is told to, and posts a
/// new batch. Model: packets come at a fixed distance and to the queues in turn; the driver works at
/// once.
///
/// Source of the driver's side: Linux 6.12, `drivers/iommu/dma-iommu.c` (strict unmaps wait; the flush
/// queue takes 256 entries and 10 ms) and `drivers/iommu/iova.c` (magazines give back what was freed
/// last).
struct RingGenerator: RecordGenerator {
  /// A queue's posted buffers, the oldest first from `head`.
  private struct Queue {
    var buffers: [UInt64]
    var head = 0
    /// Bytes of the head's buffer that are full.
    var filled: UInt64 = 0
    /// Buffers that are full and still mapped.
    var full = 0
    var packets: UInt64 = 0
    /// Where the run of buffers for acknowledgements begins, and how many of it are used.
    var acknowledgements: (run: UInt64, used: Int)?
  }

  private let options: RingOptions
  private var addresses: AddressPool
  private var frames: BufferFrames
  private var queues: [Queue] = []
  /// Unmapped and not yet invalidated.
  private var waiting: [UInt64] = []
  private var oldestWait: UInt64 = 0
  private var made = 0
  private var picoseconds: UInt64 = 0

  /// Device 01:00.0 and its domain.
  private static let device: UInt64 = 0x100
  private static let domain: UInt64 = 1
  /// The rings themselves stay mapped.
  private static let rings: UInt64 = 1 << 33
  private static let descriptorBytes: UInt64 = 16
  private static let flushNanoseconds: UInt64 = 10_000_000

  init(_ options: RingOptions) throws(GeneratorError) {
    try options.check()
    self.options = options
    let run = options.isContiguous ? UInt64(options.batch) : 1
    addresses = AddressPool(options, run: run)
    frames = BufferFrames(
      count: max(1, UInt64(options.queues * options.ring)), bytes: options.bufferBytes,
      seed: options.seed)
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    if queues.isEmpty { setUp(&block) }
    while made < options.packets, !block.isFull {
      receive(made % options.queues, &block)
      made += 1
      picoseconds += options.intervalPicoseconds
    }
    return made < options.packets
  }

  private mutating func setUp(_ block: inout BlockBuilder) {
    block.append(.attach, Self.device, Self.domain)
    let bytes = UInt64(options.ring) * Self.descriptorBytes
    let pages = (bytes + 4095) >> 12
    for queue in 0..<options.queues {
      for page in 0..<pages {
        let address = Self.rings + (UInt64(queue) * pages + page) << 12
        // Any frame will do that no buffer has.
        block.append(.iommuMap, Self.domain, address, 1 << 24 + address & 0xff_ffff, 4096, 3)
      }
      queues.append(Queue(buffers: [UInt64](repeating: 0, count: options.ring)))
      for first in stride(from: 0, to: options.ring, by: options.batch) {
        post(queue, at: first, &block)
      }
    }
  }

  /// Maps a batch of buffers and puts it into a ring.
  private mutating func post(_ queue: Int, at first: Int, _ block: inout BlockBuilder) {
    var run: UInt64 = 0
    for at in 0..<options.batch {
      let address: UInt64
      if options.isContiguous {
        if at == 0 { run = addresses.take() }
        address = run + UInt64(at) * options.bufferBytes
      } else {
        address = addresses.take()
      }
      block.append(.iommuMap, Self.domain, address, frames.take(), options.bufferBytes, 2)
      queues[queue].buffers[first + at] = address
    }
  }

  private mutating func receive(_ queue: Int, _ block: inout BlockBuilder) {
    block.append(.time, picoseconds / 1000)
    let head = queues[queue].head
    let bytes = UInt64(options.ring) * Self.descriptorBytes
    let pages = (bytes + 4095) >> 12
    let descriptor =
      Self.rings + UInt64(queue) * pages << 12 + UInt64(head) * Self.descriptorBytes
    block.append(.dma, Self.device, descriptor, Self.descriptorBytes, 0)
    let start = queues[queue].buffers[head] + queues[queue].filled
    var done: UInt64 = 0
    while done < options.packetBytes {
      let count = min(options.transferBytes, options.packetBytes - done)
      block.append(.dma, Self.device, start + done, count, 1)
      done += count
    }
    block.append(.dma, Self.device, descriptor, Self.descriptorBytes, 1)
    queues[queue].packets += 1
    acknowledge(queue, &block)
    queues[queue].filled += options.packetBytes
    guard queues[queue].filled + options.packetBytes > options.bufferBytes else { return }
    queues[queue].filled = 0
    queues[queue].head = head + 1 == options.ring ? 0 : head + 1
    queues[queue].full += 1
    guard options.invalidation != .never, queues[queue].full == options.batch else {
      if options.invalidation == .never { queues[queue].full = 0 }
      return
    }
    queues[queue].full = 0
    recycle(queue, at: head + 1 - options.batch, &block)
  }

  /// Unmaps a batch of full buffers and posts another in its place.
  private mutating func recycle(_ queue: Int, at first: Int, _ block: inout BlockBuilder) {
    let buffers = queues[queue].buffers
    if options.isContiguous {
      unmap(buffers[first], UInt64(options.batch), &block)
    } else {
      for at in 0..<options.batch { unmap(buffers[first + at], 1, &block) }
    }
    post(queue, at: first, &block)
  }

  /// Unmaps so many buffers from an address on.
  private mutating func unmap(_ address: UInt64, _ count: UInt64, _ block: inout BlockBuilder) {
    let bytes = count * options.bufferBytes
    block.append(.iommuUnmap, Self.domain, address, bytes)
    if options.invalidation == .strict {
      // 2^mask pages of 4 KiB; batches that go together are powers of two.
      let mask = UInt64((bytes >> 12).trailingZeroBitCount)
      DriverCommand.pages(
        address, mask: mask, domain: Self.domain, leavesOnly: options.keepsWalkCaches, &block)
      DriverCommand.wait(&block)
      addresses.give(address)
      return
    }
    let now = picoseconds / 1000
    if waiting.isEmpty { oldestWait = now }
    waiting.append(address)
    guard waiting.count >= options.flushEntries || now - oldestWait >= Self.flushNanoseconds else {
      return
    }
    DriverCommand.domain(Self.domain, &block)
    DriverCommand.wait(&block)
    for address in waiting { addresses.give(address) }
    waiting.removeAll(keepingCapacity: true)
  }

  /// Sends an acknowledgement of 64 bytes: from a buffer of its own, or from the next one of a run that
  /// is unmapped when all of it was sent.
  private mutating func acknowledge(_ queue: Int, _ block: inout BlockBuilder) {
    let every = UInt64(options.packetsPerAcknowledgement)
    guard every > 0, queues[queue].packets % every == 0, options.invalidation != .never else {
      return
    }
    let count = options.isContiguous ? options.batch : 1
    let (run, first) = queues[queue].acknowledgements ?? (addresses.take(), 0)
    let address = run + UInt64(first) * options.bufferBytes
    block.append(.iommuMap, Self.domain, address, frames.take(), options.bufferBytes, 1)
    block.append(.dma, Self.device, address, 64, 0)
    let used = first + 1
    queues[queue].acknowledgements = (run, used)
    guard used == count else { return }
    queues[queue].acknowledgements = nil
    unmap(run, UInt64(count), &block)
  }
}

/// The free addresses of a device's buffers.
struct AddressPool {
  private var free: [UInt64]
  private var first = 0
  private let allocator: RingOptions.Allocator
  private var random: RandomSequence

  /// Addresses of so many buffers that are taken together.
  init(_ options: RingOptions, run: UInt64) {
    allocator = options.allocator
    random = RandomSequence(seed: options.seed &+ 1)
    let bytes = options.bufferBytes * run
    let count = options.span / bytes
    // Linux hands out the highest address first, so that stands last.
    let base = RingOptions.base - options.span
    free = (0..<count).map { base + $0 * bytes }
  }

  mutating func take() -> UInt64 {
    switch allocator {
    case .lifo: return free.removeLast()
    case .fifo:
      let address = free[first]
      first += 1
      // The front is cut off when it is half of all.
      if first * 2 > free.count {
        free.removeFirst(first)
        first = 0
      }
      return address
    case .random:
      let at = Int(random.below(UInt64(free.count)))
      free.swapAt(at, free.count - 1)
      return free.removeLast()
    }
  }

  mutating func give(_ address: UInt64) { free.append(address) }
}
