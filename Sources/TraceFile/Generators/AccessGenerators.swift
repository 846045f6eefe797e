/// What all generators of accesses share: how many records are left, and which are stores.
struct AccessCursor: BitwiseCopyable {
  let base: UInt64
  let pages: UInt64
  private let instructions: UInt32
  private let stores: UInt64
  private var left: Int
  private(set) var made = 0
  var random: RandomSequence

  init(_ options: AccessOptions, atLeast bytes: UInt64 = 4096) throws(GeneratorError) {
    try options.check(atLeast: bytes)
    base = options.base
    pages = options.footprint >> 12
    instructions = UInt32(options.instructions)
    stores = UInt64(options.storePercent) * 65_536 / 100
    left = options.records
    random = RandomSequence(seed: options.seed)
  }

  var goesOn: Bool { left > 0 }

  /// Appends a record of eight bytes, a load or a store by chance.
  @inline(__always)
  mutating func append(_ address: UInt64, to block: inout BlockBuilder) {
    let isStore = stores > 0 && random.isOne(of65536: stores)
    append(address, isStore ? .store : .load, to: &block)
  }

  @inline(__always)
  mutating func append(_ address: UInt64, _ kind: AccessKind, to block: inout BlockBuilder) {
    block.append(
      address: base &+ address, kind: kind, size: 8, thread: 0, instructions: instructions)
    left -= 1
    made += 1
  }
}

struct UniformGenerator: RecordGenerator {
  private var cursor: AccessCursor

  init(_ options: AccessOptions) throws(GeneratorError) { cursor = try AccessCursor(options) }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    var cursor = cursor
    while cursor.goesOn, !block.isFull {
      let page = cursor.random.below(cursor.pages)
      cursor.append(page << 12 | (cursor.random.next() >> 58) << 6, to: &block)
    }
    self.cursor = cursor
    return cursor.goesOn
  }
}

struct ZipfGenerator: RecordGenerator {
  private var cursor: AccessCursor
  private let ranks: ZipfDistribution
  private let order: Shuffle

  init(_ options: AccessOptions, theta: Int) throws(GeneratorError) {
    cursor = try AccessCursor(options)
    guard 1...10_000 ~= theta else {
      throw GeneratorError(
        option: "--theta", problem: "is \(theta) thousandths", expected: "0.001 to 10")
    }
    guard cursor.pages <= UInt64(ZipfDistribution.maximumRanks) else {
      throw GeneratorError(
        option: "--footprint", problem: "has \(cursor.pages) pages",
        expected: "at most \(ZipfDistribution.maximumRanks) pages with zipf, which keeps a table")
    }
    ranks = ZipfDistribution(ranks: Int(cursor.pages), theta: Double(theta) / 1000)
    order = Shuffle(cursor.pages, seed: options.seed)
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    var cursor = cursor
    while cursor.goesOn, !block.isFull {
      let page = order[ranks.draw(&cursor.random)]
      cursor.append(page << 12 | (cursor.random.next() >> 58) << 6, to: &block)
    }
    self.cursor = cursor
    return cursor.goesOn
  }
}

struct ChaseGenerator: RecordGenerator {
  private var cursor: AccessCursor
  private let nodes: UInt64
  private let node: UInt64
  private let order: Shuffle
  private var at: UInt64 = 0

  init(_ options: AccessOptions, node: UInt64) throws(GeneratorError) {
    cursor = try AccessCursor(options)
    guard node >= 8, node <= options.footprint, node.nonzeroBitCount == 1 else {
      throw GeneratorError(
        option: "--node", problem: "is \(node)",
        expected: "a power of two from 8 to the footprint")
    }
    self.node = node
    nodes = options.footprint / node
    order = Shuffle(nodes, seed: options.seed)
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    var cursor = cursor
    var at = at
    while cursor.goesOn, !block.isFull {
      cursor.append(order[at] &* node, to: &block)
      at += 1
      if at == nodes { at = 0 }
    }
    (self.cursor, self.at) = (cursor, at)
    return cursor.goesOn
  }
}

struct StrideGenerator: RecordGenerator {
  private var cursor: AccessCursor
  private let bytes: UInt64
  private let stride: UInt64
  private var at: UInt64 = 0

  init(_ options: AccessOptions, stride: UInt64) throws(GeneratorError) {
    cursor = try AccessCursor(options)
    guard stride >= 1, stride <= options.footprint else {
      throw GeneratorError(
        option: "--stride", problem: "is \(stride)", expected: "1 byte to the footprint")
    }
    bytes = options.footprint
    self.stride = stride
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    var cursor = cursor
    var at = at
    while cursor.goesOn, !block.isFull {
      // An access of eight bytes at the last address would leave the footprint.
      cursor.append(min(at, bytes - 8), to: &block)
      at += stride
      if at >= bytes { at -= bytes }
    }
    (self.cursor, self.at) = (cursor, at)
    return cursor.goesOn
  }
}

struct StreamGenerator: RecordGenerator {
  private var cursor: AccessCursor
  private let arrays: UInt64
  /// Of one array.
  private let bytes: UInt64
  private var element: UInt64 = 0
  private var array: UInt64 = 0

  init(_ options: AccessOptions, arrays: Int) throws(GeneratorError) {
    guard 1...64 ~= arrays else {
      throw GeneratorError(option: "--arrays", problem: "is \(arrays)", expected: "1 to 64")
    }
    cursor = try AccessCursor(options, atLeast: 4096 * UInt64(arrays))
    self.arrays = UInt64(arrays)
    bytes = (cursor.pages / UInt64(arrays)) << 12
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    var cursor = cursor
    var (element, array) = (element, array)
    while cursor.goesOn, !block.isFull {
      let isLast = array + 1 == arrays
      cursor.append(array &* bytes &+ element, isLast ? .store : .load, to: &block)
      array = isLast ? 0 : array + 1
      if isLast {
        element += 8
        if element == bytes { element = 0 }
      }
    }
    (self.cursor, self.element, self.array) = (cursor, element, array)
    return cursor.goesOn
  }
}

struct HashJoinGenerator: RecordGenerator {
  /// The join's steps: read a tuple of the one relation and store it by its hash; then read one of
  /// the other and look it up.
  private enum Step {
    case readBuild
    case store
    case readProbe
    case lookUp
  }

  private var cursor: AccessCursor
  private let tableBytes: UInt64
  /// Of each relation.
  private let tuples: UInt64
  private let probes: Int
  private var step = Step.readBuild
  private var tuple: UInt64 = 0
  private var probe = 0

  /// Half of the footprint is the table, a quarter the first relation and a quarter the second.
  init(_ options: AccessOptions, probes: Int) throws(GeneratorError) {
    guard 1...1000 ~= probes else {
      throw GeneratorError(option: "--probes", problem: "is \(probes)", expected: "1 to 1000")
    }
    cursor = try AccessCursor(options, atLeast: 4 * 4096)
    tableBytes = (cursor.pages / 2) << 12
    tuples = (cursor.pages / 4) << 8
    self.probes = probes
  }

  mutating func fill(_ block: inout BlockBuilder) -> Bool {
    while cursor.goesOn, !block.isFull {
      switch step {
      case .readBuild:
        cursor.append(tableBytes + tuple << 4, .load, to: &block)
        step = .store
      case .store:
        cursor.append(bucket(), .store, to: &block)
        step = advance() ? .readProbe : .readBuild
      case .readProbe:
        cursor.append(tableBytes + (tuples + tuple) << 4, .load, to: &block)
        step = .lookUp
      case .lookUp:
        cursor.append(bucket(), .load, to: &block)
        probe += 1
        guard probe == probes else { continue }
        probe = 0
        step = advance() ? .readBuild : .readProbe
      }
    }
    return cursor.goesOn
  }

  /// A bucket is a line of 64 bytes.
  @inline(__always)
  private mutating func bucket() -> UInt64 { cursor.random.below(tableBytes >> 6) << 6 }

  /// - Returns: whether the relation has been read to its end.
  private mutating func advance() -> Bool {
    tuple += 1
    guard tuple == tuples else { return false }
    tuple = 0
    return true
  }
}

/// An order of the numbers below a count in which each comes once, without a table.
///
/// A bijection of the next power of two (odd multiplications and shifts, each of which can be undone) is
/// applied until the result is below the count, which takes two rounds at most on average.
struct Shuffle: BitwiseCopyable {
  private let count: UInt64
  private let mask: UInt64
  private let shift: UInt64
  private let key: UInt64

  init(_ count: UInt64, seed: UInt64) {
    self.count = count
    let bits = count <= 1 ? 1 : 64 - (count - 1).leadingZeroBitCount
    mask = bits == 64 ? .max : 1 << UInt64(bits) - 1
    shift = UInt64(max(1, bits / 2))
    var random = RandomSequence(seed: seed ^ 0x5eed)
    key = random.next()
  }

  @inline(__always)
  subscript(_ index: UInt64) -> UInt64 {
    guard count > 1 else { return 0 }
    var value = index
    repeat {
      value = (value ^ key) & mask
      value = value &* 0x9e37_79b9_7f4a_7c15 & mask
      value ^= value >> shift
      value = value &* 0xbf58_476d_1ce4_e5b9 & mask
      value ^= value >> shift
      value = value &* 0x94d0_49bb_1331_11eb & mask
      value ^= value >> shift
    } while value >= count
    return value
  }
}
