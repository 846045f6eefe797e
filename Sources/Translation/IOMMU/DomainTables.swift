/// Frames for tables that a run writes because its trace tells mappings and not tables.
///
/// They stand at the top of the host's address space, where nothing that a trace names is likely.
struct TableFrames: BitwiseCopyable {
  private var next: UInt64
  private var left = 1 << 19

  /// Each unit has 8 GiB of addresses, of which its tables use the upper half.
  init(hostBits: Int, unit: Int) {
    next = 1 << UInt64(hostBits - 12) - UInt64(unit) << 21 - 1 << 20
  }

  /// An empty frame's address; nothing where the run has used its 2 GiB of tables.
  mutating func allocate(_ memory: inout IOMemory) -> UInt64? {
    guard left > 0, memory.table(in: next) != nil else { return nil }
    left -= 1
    next += 1
    return (next - 1) << 12
  }
}

/// The domains that a run has written tables for.
struct IODomains {
  struct Domain: BitwiseCopyable {
    /// Of the trace.
    var id: UInt32
    /// Of the unit, which has 16 bits.
    var number: UInt32
    /// The root of its tables.
    var table: UInt64
  }

  private var domains: [UInt32: Domain] = [:]
  private var used: Set<UInt32> = []
  private var nextNumber: UInt32 = 0xffff
  /// That was asked for last.
  private var last: Domain?

  /// A domain that has tables.
  @inline(__always)
  func known(_ id: UInt32) -> Domain? {
    if let last, last.id == id { return last }
    return domains[id]
  }

  /// A domain, which gets tables where it has none; nothing where there is no room for them.
  @inline(__always)
  mutating func find(
    _ id: UInt32, _ frames: inout TableFrames, _ memory: inout IOMemory
  ) -> Domain? {
    if let last, last.id == id { return last }
    let found = domains[id] ?? add(id, &frames, &memory)
    last = found
    return found
  }

  /// The trace's own number where the unit's 16 bits have room for it, else one from the top.
  private mutating func add(
    _ id: UInt32, _ frames: inout TableFrames, _ memory: inout IOMemory
  ) -> Domain? {
    while id > 0xffff, used.contains(nextNumber), nextNumber > 0 { nextNumber -= 1 }
    let number = id <= 0xffff ? id : nextNumber
    guard used.insert(number).inserted, let table = frames.allocate(&memory) else { return nil }
    let new = Domain(id: id, number: number, table: table)
    domains[id] = new
    return new
  }
}

/// Pages of a domain.
enum DomainPages {
  /// Whether a range that ends somewhere takes less than all of the page that an address is in.
  static func isPart(_ address: UInt64, upTo end: UInt64, of size: UInt64) -> Bool {
    let first = address & ~(size - 1)
    // The page of 4 KiB that the range ends in goes too.
    return address > first || end < first + (size - 0xfff)
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

/// Where the lowest tables of domains stand that were asked for last, so that a driver's maps and unmaps
/// do not walk from the root each time.
///
/// A table that a run has written stays where it is.
struct LowestTables: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var root: UInt64
    /// The address without the 21 bits that the table and its pages translate.
    var prefix: UInt64
    var table: UInt64
  }

  private let slots: UnsafeMutablePointer<Slot>

  private static let count = 16

  init() {
    slots = .allocate(capacity: Self.count)
    slots.initialize(repeating: Slot(root: .max, prefix: .max, table: 0), count: Self.count)
  }

  deinit { slots.deallocate() }

  @inline(__always)
  private static func slot(_ prefix: UInt64, _ root: UInt64) -> Int {
    Int(truncatingIfNeeded: (prefix ^ root >> 12) & 15)
  }

  @inline(__always)
  func find(_ root: UInt64, _ address: UInt64) -> UInt64? {
    let slot = slots[Self.slot(address >> 21, root)]
    return slot.root == root && slot.prefix == address >> 21 ? slot.table : nil
  }

  @inline(__always)
  func keep(_ root: UInt64, _ address: UInt64, _ table: UInt64) {
    slots[Self.slot(address >> 21, root)] = Slot(
      root: root, prefix: address >> 21, table: table)
  }
}
