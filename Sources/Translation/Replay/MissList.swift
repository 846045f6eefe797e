/// A miss of some level: all that the levels behind it have to know.
///
/// One word, so that a list of misses is read without looking anywhere else: index 31:0, entry 47:32,
/// reach 49:48, write 50, fault 51, the page's low bits 63:52.
struct Miss: BitwiseCopyable {
  private var rawValue: UInt64

  @inline(__always)
  init(
    _ numbered: TranslationNumbers.Numbered, entry: Int, page: UInt64, isData: Bool,
    writes: Bool, faults: Bool
  ) {
    rawValue =
      UInt64(numbered.number << 1 | (isData ? 1 : 0))
      | UInt64(truncatingIfNeeded: entry) << 32
      | UInt64(numbered.reach.rawValue) << 48
      | (writes ? 1 << 50 : 0) | (faults ? 1 << 51 : 0)
      | (page >> numbered.reach.logFrames) << 52
  }

  /// Twice the translation's number, plus one for data.
  @inline(__always) var index: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
  @inline(__always) var number: UInt32 { UInt32(truncatingIfNeeded: rawValue) >> 1 }
  @inline(__always) var entry: Int { Int(truncatingIfNeeded: rawValue >> 32 & 0xffff) }
  @inline(__always) var isData: Bool { rawValue & 1 != 0 }
  @inline(__always) var writes: Bool { rawValue & 1 << 50 != 0 }
  @inline(__always) var reach: PageSize {
    PageSize(rawValue: UInt8(truncatingIfNeeded: rawValue >> 48 & 3)) ?? .base4K
  }
  /// The page has no translation.
  @inline(__always) var faults: Bool { rawValue & 1 << 51 != 0 }
  /// The low bits of the page's number, in pages of its reach.
  @inline(__always) var pageBits: UInt64 { rawValue >> 52 }
  /// By class and reach, the place of its chain of TLBs.
  @inline(__always) var chain: Int {
    Int(truncatingIfNeeded: 3 * (rawValue & 1) + rawValue >> 48 & 3)
  }

  /// The same miss of a touch that writes, or not.
  func writing(_ writes: Bool) -> Miss {
    var miss = self
    miss.rawValue = rawValue & ~(1 << 50) | (writes ? 1 << 50 : 0)
    return miss
  }
}

/// What missed in a block, in order; its memory serves block after block.
struct MissList: ~Copyable {
  private(set) var entries: UnsafeMutablePointer<Miss>
  private var capacity = 1 << 12
  var count = 0

  init() { entries = .allocate(capacity: 1 << 12) }

  deinit { entries.deallocate() }

  /// Makes room for so many; what the list held is gone.
  mutating func reserve(_ wanted: Int) {
    count = 0
    guard wanted > capacity else { return }
    entries.deallocate()
    // Blocks differ a little in length, and new memory is paid for page by page.
    capacity = max(wanted, capacity + capacity / 2)
    entries = .allocate(capacity: capacity)
  }

  mutating func append(_ miss: Miss) {
    entries[count] = miss
    count += 1
  }
}

/// The translations of a block that are walked for the first time; memory serves block after block.
struct FirstWalks: ~Copyable {
  private var list: UnsafeMutablePointer<UInt64>
  private(set) var numbers: UnsafeMutablePointer<UInt32>
  private(set) var results: UnsafeMutablePointer<BatchWalk>
  private var capacity = 1 << 8
  private(set) var count = 0

  init() {
    list = .allocate(capacity: 1 << 8)
    numbers = .allocate(capacity: 1 << 8)
    results = .allocate(capacity: 1 << 8)
  }

  deinit {
    list.deallocate()
    numbers.deallocate()
    results.deallocate()
  }

  var addresses: UnsafeBufferPointer<UInt64> { UnsafeBufferPointer(start: list, count: count) }

  mutating func removeAll() { count = 0 }

  mutating func append(_ number: UInt32, address: UInt64) {
    if count == capacity { grow() }
    list[count] = address
    numbers[count] = number
    count += 1
  }

  private mutating func grow() {
    let old = (list, numbers, results)
    capacity *= 4
    list = .allocate(capacity: capacity)
    numbers = .allocate(capacity: capacity)
    results = .allocate(capacity: capacity)
    list.update(from: old.0, count: count)
    numbers.update(from: old.1, count: count)
    old.0.deallocate()
    old.1.deallocate()
    old.2.deallocate()
  }
}
