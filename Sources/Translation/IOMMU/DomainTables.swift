/// Frames for tables that a run writes because its trace tells mappings and not tables.
///
/// They stand at the top of the host's address space, where nothing that a trace names is likely.
struct TableFrames: BitwiseCopyable {
  private var next: UInt64
  private var left = 1 << 19

  init(hostBits: Int) { next = 1 << UInt64(hostBits - 12) - 1 << 20 }

  /// An empty frame's address; nothing where the run has used its 2 GiB of tables.
  mutating func allocate(_ memory: inout IOMemory) -> UInt64? {
    guard left > 0, memory.table(in: next) != nil else { return nil }
    left -= 1
    next += 1
    return (next - 1) << 12
  }
}

/// How a map is cut into pages.
struct MapPieces {
  private var address: UInt64
  private var output: UInt64
  private var bytes: UInt64
  private var left: Int
  private let maximumLevel: Int

  /// Pages of one map at most: 4 GiB of the smallest.
  static let maximum = 1 << 20

  init(_ address: UInt64, _ output: UInt64, _ bytes: UInt64, maximumLevel: Int) {
    self.address = address & ~0xfff
    self.output = output & ~0xfff
    let end = (address & 0xfff) &+ bytes
    // Whole pages, as the tables have no others.
    self.bytes = end < bytes || end > .max - 0xfff ? ~0xfff : (end + 0xfff) & ~0xfff
    left = Self.maximum
    self.maximumLevel = maximumLevel
  }

  /// Whether pages were left over.
  var isCut: Bool { bytes > 0 }

  /// The next page, as large as it may be.
  mutating func next() -> (address: UInt64, output: UInt64, level: Int)? {
    guard bytes > 0, left > 0 else { return nil }
    left -= 1
    var level = maximumLevel
    while level > 0 {
      let size: UInt64 = 1 << UInt64(12 + 9 * level)
      if (address | output) & (size - 1) == 0, bytes >= size { break }
      level -= 1
    }
    let size: UInt64 = 1 << UInt64(12 + 9 * level)
    defer {
      address &+= size
      output &+= size
      bytes -= min(size, bytes)
    }
    return (address, output, level)
  }
}
