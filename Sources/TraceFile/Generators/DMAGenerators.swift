/// VT-d's commands as a driver queues them.
///
/// Source: Intel VT-d specification, revision 4.1, "IOTLB Invalidate Descriptor" and "Invalidation Wait
/// Descriptor".
enum DriverCommand {
  /// Type 2, granularity 3: 2^mask pages of a domain; IH in bit 6 of the second word.
  static func pages(
    _ address: UInt64, mask: UInt64, domain: UInt64, leavesOnly: Bool, _ block: inout BlockBuilder
  ) {
    block.append(
      .iommuCommand, 0, 0x32 | domain << 16, address | (leavesOnly ? 1 << 6 : 0) | mask)
  }

  /// Type 2, granularity 2: all of a domain.
  static func domain(_ domain: UInt64, _ block: inout BlockBuilder) {
    block.append(.iommuCommand, 0, 0x22 | domain << 16)
  }

  /// Type 5 with SW: a status write of 2, for which the driver then looks.
  static func wait(_ block: inout BlockBuilder) {
    block.append(.iommuCommand, 0, 0x25 | 2 << 32, statusAddress)
    block.append(.iommuCompletion, 0)
  }

  private static let statusAddress: UInt64 = 0x105_2004
}

/// Memory for buffers: frames in an order that the seed shuffles, above the first 4 GiB.
struct BufferFrames: BitwiseCopyable {
  private let order: Shuffle
  private let bytes: UInt64
  private let count: UInt64
  private var next: UInt64 = 0

  init(count: UInt64, bytes: UInt64, seed: UInt64) {
    order = Shuffle(count, seed: seed)
    self.bytes = bytes
    self.count = count
  }

  mutating func take() -> UInt64 {
    let frame = order[next]
    next = next + 1 == count ? 0 : next + 1
    return 1 << 32 + frame * bytes
  }
}

/// A device that reads or writes anywhere in a window that is mapped once, as pcie-bench's does.
struct WindowGenerator: RecordGenerator {
  private let options: WindowOptions
  private var random: RandomSequence
  private var frames: BufferFrames
  private var mapped: UInt64 = 0
  private var made = 0

  /// Device 01:00.0 and its domain.
  static let device: UInt64 = 0x100
  static let domain: UInt64 = 1
  private static let base: UInt64 = 0x4000_0000

  init(_ options: WindowOptions) throws(GeneratorError) {
    try options.check()
    self.options = options
    random = RandomSequence(seed: options.seed)
    frames = BufferFrames(
      count: options.window / options.pageBytes, bytes: options.pageBytes, seed: options.seed)
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    if mapped == 0 { block.append(.attach, Self.device, Self.domain) }
    while mapped < options.window, !block.isFull {
      block.append(
        .iommuMap, Self.domain, Self.base + mapped, frames.take(), options.pageBytes, 3)
      mapped += options.pageBytes
    }
    let shift = UInt64(options.bytes.trailingZeroBitCount)
    let places = options.window >> shift
    let kind: UInt64 = options.isWrite ? 1 : 0
    while made < options.requests, !block.isFull {
      let address = Self.base + random.below(places) << shift
      block.append(.dma, Self.device, address, options.bytes, kind)
      made += 1
    }
    return made < options.requests
  }
}

/// Many tenants in turn: for each packet a descriptor, the data and a notification, as HyperSIO's traces
/// have them.
struct TenantGenerator: RecordGenerator {
  private let options: TenantOptions
  private var frames: BufferFrames
  private var tenant = 0
  private var packet = 0
  private var isMapped = false

  init(_ options: TenantOptions) throws(GeneratorError) {
    try options.check()
    self.options = options
    frames = BufferFrames(
      count: UInt64(options.tenants * (options.pages + 2)), bytes: 4096, seed: 1)
  }

  /// Functions from 01:00.0 upwards.
  static func device(_ tenant: Int) -> UInt64 { 0x100 + UInt64(tenant) }
  static func domain(_ tenant: Int) -> UInt64 { 1 + UInt64(tenant) }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    while !isMapped, !block.isFull {
      let domain = Self.domain(tenant)
      block.append(.attach, Self.device(tenant), domain)
      block.append(.iommuMap, domain, options.descriptor, frames.take(), 4096, 3)
      block.append(.iommuMap, domain, options.notification, frames.take(), 4096, 3)
      for page in 0..<options.pages {
        block.append(
          .iommuMap, domain, TenantOptions.data + UInt64(page) * options.stride, frames.take(),
          4096, 3)
      }
      tenant += 1
      isMapped = tenant == options.tenants
      if isMapped { tenant = 0 }
    }
    while packet < options.packets, !block.isFull {
      let device = Self.device(tenant)
      let page = TenantOptions.data + UInt64(packet % options.pages) * options.stride
      block.append(.dma, device, options.descriptor, 16, 0)
      block.append(.dma, device, page, options.packetBytes, 1)
      block.append(.dma, device, options.notification, 4, 1)
      tenant += 1
      if tenant == options.tenants {
        tenant = 0
        packet += 1
      }
    }
    return packet < options.packets
  }
}
