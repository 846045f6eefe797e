/// What the generator of receive rings takes.
public struct RingOptions: Sendable, Equatable {
  /// How a driver chooses the next address for a buffer.
  public enum Allocator: String, Sendable, CaseIterable {
    /// What was freed last, as Linux's magazines give it: addresses are used again at once.
    case lifo
    /// What was freed first: every address of the span in turn.
    case fifo
    /// Any free one.
    case random
  }

  /// When a driver invalidates what it unmaps.
  public enum Invalidation: String, Sendable, CaseIterable {
    /// At once, and it waits.
    case strict
    /// When so many unmaps have gathered or the oldest is 10 ms old, all of the domain's.
    case lazy
    /// Buffers stay mapped.
    case never
  }

  /// Packets received, by all queues.
  public var packets = 100_000
  /// Of the random numbers.
  public var seed: UInt64 = 1
  /// Receive queues, each with a core of its own; packets come to them in turn.
  public var queues = 1
  /// Buffers that each queue has posted.
  public var ring = 256
  /// Bytes of a buffer: 4096 or 2 MiB, which is also the size of the page that maps it.
  public var bufferBytes: UInt64 = 4096
  /// Bytes of a packet.
  public var packetBytes: UInt64 = 4096
  /// Bytes of one transfer of the device.
  public var transferBytes: UInt64 = 4096
  /// How addresses are chosen.
  public var allocator = Allocator.lifo
  /// Bytes of addresses that the driver chooses from.
  public var span: UInt64 = 1 << 27
  /// When mappings are invalidated.
  public var invalidation = Invalidation.strict
  /// Buffers that are mapped and unmapped together.
  public var batch = 1
  /// Such a batch has addresses that follow one another, and one invalidation.
  public var isContiguous = false
  /// Invalidations say that only leaves changed (VT-d's IH), so that walk caches are kept.
  public var keepsWalkCaches = false
  /// Unmaps that a lazy driver gathers.
  public var flushEntries = 256
  /// Packets for each acknowledgement, which is mapped, read by the device and unmapped; 0 for none.
  public var packetsPerAcknowledgement = 0
  /// Picoseconds from packet to packet, by all queues.
  public var intervalPicoseconds: UInt64 = 327_680

  /// The options' defaults.
  public init() {}

  /// Addresses that one generator can keep.
  static let maximumBuffers: UInt64 = 1 << 24

  func check() throws(GeneratorError) {
    func require(
      _ isGood: Bool, _ option: String, _ value: some Any, _ expected: String
    )
      throws(GeneratorError)
    {
      if !isGood {
        throw GeneratorError(option: option, problem: "is \(value)", expected: expected)
      }
    }
    try require(
      1...1_000_000_000_000 ~= packets, "--packets", packets, "1 to 1,000,000,000,000")
    try require(1...256 ~= queues, "--queues", queues, "1 to 256")
    try require(1...65_536 ~= ring, "--ring", ring, "1 to 65,536")
    try require(
      bufferBytes == 4096 || bufferBytes == 2 << 20, "--buffer", bufferBytes, "4K or 2M")
    try require(
      1...bufferBytes ~= packetBytes, "--bytes", packetBytes, "1 to a buffer's \(bufferBytes)")
    try require(
      1...packetBytes ~= transferBytes || transferBytes == 4096, "--transfer", transferBytes,
      "1 to a packet's \(packetBytes)")
    try require(1...4096 ~= batch, "--batch", batch, "1 to 4096")
    try require(ring % batch == 0, "--batch", batch, "a divisor of the ring's \(ring)")
    try require(
      !isContiguous || batch.nonzeroBitCount == 1, "--batch", batch,
      "a power of two with --contiguous, which one invalidation covers")
    try require(1...1_000_000 ~= flushEntries, "--flush", flushEntries, "1 to 1,000,000")
    try require(
      0...1_000_000 ~= packetsPerAcknowledgement, "--acknowledge", packetsPerAcknowledgement,
      "0 to 1,000,000")
    try require(
      intervalPicoseconds <= 1_000_000_000_000, "--interval", intervalPicoseconds,
      "at most a second")
    let count = span / bufferBytes
    // Lazily freed addresses come back only when the queue is flushed.
    let needed =
      UInt64(queues) * UInt64(ring + 2 * batch) + UInt64(flushEntries + 1) * UInt64(batch) + 1
    try require(
      span % bufferBytes == 0 && span <= Self.base && needed...Self.maximumBuffers ~= count,
      "--span", span,
      "a multiple of the buffer's \(bufferBytes), from \(needed) buffers (all rings, what waits "
        + "for its invalidation, an acknowledgement) to \(Self.maximumBuffers)")
  }

  /// Where the addresses of buffers end, as Linux chooses them for devices of 32 bits.
  static let base: UInt64 = 1 << 32

  var text: String {
    "packets \(packets), seed \(seed), queues \(queues), ring \(ring), buffer \(bufferBytes) bytes, "
      + "packet \(packetBytes) bytes, transfer \(transferBytes) bytes, allocator "
      + "\(allocator.rawValue), span \(span) bytes, invalidation \(invalidation.rawValue), batch "
      + "\(batch)\(isContiguous ? " contiguous" : ""), \(keepsWalkCaches ? "leaves only" : "all") "
      + "invalidated, flush \(flushEntries), acknowledgement every \(packetsPerAcknowledgement), "
      + "interval \(intervalPicoseconds) ps"
  }
}

/// What the generator of a device that reads anywhere in a window takes.
public struct WindowOptions: Sendable, Equatable {
  /// Requests of the device.
  public var requests = 1_000_000
  /// Of the random numbers.
  public var seed: UInt64 = 1
  /// Bytes that it reads from.
  public var window: UInt64 = 1 << 20
  /// Bytes of a request, at a multiple of them.
  public var bytes: UInt64 = 64
  /// Bytes of the pages that map the window.
  public var pageBytes: UInt64 = 4096
  /// It writes instead.
  public var isWrite = false

  /// The options' defaults.
  public init() {}

  func check() throws(GeneratorError) {
    guard 1...1_000_000_000_000 ~= requests else {
      throw GeneratorError(
        option: "--requests", problem: "is \(requests)", expected: "1 to 1,000,000,000,000")
    }
    guard pageBytes == 4096 || pageBytes == 2 << 20 else {
      throw GeneratorError(option: "--page", problem: "is \(pageBytes)", expected: "4K or 2M")
    }
    guard window % pageBytes == 0, pageBytes...1 << 36 ~= window else {
      throw GeneratorError(
        option: "--window", problem: "is \(window)",
        expected: "a multiple of the page's \(pageBytes), up to 64G")
    }
    guard 1...4096 ~= bytes, bytes.nonzeroBitCount == 1 else {
      throw GeneratorError(
        option: "--bytes", problem: "is \(bytes)", expected: "a power of two up to 4096")
    }
  }

  var text: String {
    "requests \(requests), seed \(seed), window \(window) bytes in pages of \(pageBytes), "
      + "\(isWrite ? "writes" : "reads") of \(bytes) bytes"
  }
}

/// What the generator of many guests' devices takes.
public struct TenantOptions: Sendable, Equatable {
  /// Devices, each with a domain of its own.
  public var tenants = 8
  /// Packets of each; the tenants take turns.
  public var packets = 4_000
  /// Pages that a tenant's packets go to, one after the other.
  public var pages = 64
  /// Bytes of a packet.
  public var packetBytes: UInt64 = 1_542
  /// Bytes from one page of data to the next.
  public var stride: UInt64 = 4096
  /// Where each tenant's descriptors are.
  public var descriptor: UInt64 = 0xfff0_0000
  /// Where each tenant's notifications go.
  public var notification: UInt64 = 0xfff0_1000

  /// The options' defaults.
  public init() {}

  func check() throws(GeneratorError) {
    guard 1...4096 ~= tenants else {
      throw GeneratorError(option: "--tenants", problem: "is \(tenants)", expected: "1 to 4096")
    }
    guard 1...1_000_000_000 ~= packets else {
      throw GeneratorError(
        option: "--packets", problem: "is \(packets)", expected: "1 to 1,000,000,000")
    }
    guard 1...4096 ~= pages else {
      throw GeneratorError(option: "--pages", problem: "is \(pages)", expected: "1 to 4096")
    }
    guard 1...4096 ~= packetBytes else {
      throw GeneratorError(option: "--bytes", problem: "is \(packetBytes)", expected: "1 to 4096")
    }
    try checkPlaces()
  }

  /// Where the data begin.
  static let data: UInt64 = 0xff00_0000

  private func checkPlaces() throws(GeneratorError) {
    let dataBytes = stride * UInt64(pages)
    guard stride % 4096 == 0, 4096...0xf0_0000 ~= stride, dataBytes <= 0xf0_0000 else {
      throw GeneratorError(
        option: "--stride", problem: "is \(stride)",
        expected: "a multiple of 4096 with which \(pages) pages take at most 15 MiB")
    }
    for (option, address) in [("--descriptor", descriptor), ("--notification", notification)] {
      guard address % 4096 == 0, 0xfff0_0000...0xffff_f000 ~= address else {
        throw GeneratorError(
          option: option, problem: "is 0x" + String(address, radix: 16),
          expected: "a page from 0xfff00000 to 0xfffff000")
      }
    }
    guard descriptor != notification else {
      throw GeneratorError(
        option: "--notification", problem: "is that of --descriptor", expected: "another page")
    }
  }

  var text: String {
    "tenants \(tenants), packets \(packets) of each, \(pages) pages of data, packet \(packetBytes) "
      + "bytes, stride \(stride), descriptors at 0x\(String(descriptor, radix: 16)), "
      + "notifications at 0x\(String(notification, radix: 16))"
  }
}
