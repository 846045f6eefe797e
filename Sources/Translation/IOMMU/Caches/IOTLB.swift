import Machine

/// One translation that an IOMMU or a device keeps.
struct IOTranslation: BitwiseCopyable {
  /// The page's first byte, host-physical.
  var output: UInt64
  /// The leaf entry, as the table or the recorder had it.
  var leaf: UInt64
  /// The event whose request brought it.
  var filledAt: UInt64
  /// The untranslated page, in a device's TLB, which finds its entries by where they lead.
  var input: UInt64 = 0
  var domain: UInt32
  /// Whose request brought it.
  var device: UInt32
  var pasid: UInt32
  /// Of an entry that was absent or not valid, which caching mode keeps: the fault's code.
  var fault: UInt8 = 0
  /// Of the input page: 2^`shift` bytes.
  var shift: UInt8
  var rights: Rights
  var kind: Kind

  /// Of a fault that is kept, in the place of the leaf that it has not.
  var cause: DMAOutcome.Cause {
    get {
      fault == 0
        ? .unsaid : DMAOutcome.Cause(rawValue: UInt8(truncatingIfNeeded: leaf)) ?? .unsaid
    }
    set { leaf = UInt64(newValue.rawValue) }
  }

  /// The tables that gave it.
  enum Kind: UInt8 {
    case second
    case first
    /// A first stage over a second.
    case nested
  }

  static let none = IOTranslation(
    output: 0, leaf: 0, filledAt: 0, domain: 0, device: 0, pasid: 0, shift: 0, rights: [],
    kind: .second)
}

/// Translations by space and page, pages of any size that is a power of two.
struct IOTLB: ~Copyable {
  private(set) var cache: IOCache<IOTranslation>
  /// Valid entries with pages of each size, and a bit for each size that has one.
  private var counts: InlineArray<64, Int32> = .init(repeating: 0)
  private var sizes: UInt64 = 0
  /// Valid entries in which a first stage took part.
  private(set) var firstStages = 0
  private(set) var hits = 0
  private(set) var misses = 0

  init(_ description: IOCacheDescription, seed: UInt64) {
    cache = IOCache(description, seed: seed, initial: .none)
  }

  var lookups: Int { hits + misses }

  /// The tag of a page: its number, and its size where no page number reaches.
  @inline(__always)
  private static func key(_ address: UInt64, _ shift: UInt8) -> UInt64 {
    address &>> UInt64(shift) | UInt64(shift) &<< 58
  }

  /// Looks an address up, the smallest pages first, and counts.
  @inline(__always)
  mutating func lookup(
    _ space: UInt64, _ address: UInt64
  ) -> UnsafeMutablePointer<IOTranslation>? {
    if let found = find(space, address) {
      hits += 1
      return found
    }
    misses += 1
    return nil
  }

  /// Looks an address up without counting.
  @inline(__always)
  func find(_ space: UInt64, _ address: UInt64) -> UnsafeMutablePointer<IOTranslation>? {
    var rest = sizes
    while rest != 0 {
      let shift = UInt8(truncatingIfNeeded: rest.trailingZeroBitCount)
      if let found = cache.find(space, Self.key(address, shift)) { return found }
      rest &= rest &- 1
    }
    return nil
  }

  /// Keeps a translation.
  mutating func fill(_ space: UInt64, _ address: UInt64, _ value: IOTranslation) {
    guard cache.exists else { return }
    let clears = cache.clears
    let displaced = cache.insert(space, Self.key(address, value.shift), value)
    if cache.clears != clears { forget() }
    count(value)
    if let displaced { uncount(displaced) }
  }

  @inline(__always)
  private mutating func count(_ value: IOTranslation) {
    counts[Int(value.shift & 63)] += 1
    sizes |= 1 << UInt64(value.shift & 63)
    if value.kind != .second { firstStages += 1 }
  }

  @inline(__always)
  private mutating func uncount(_ value: IOTranslation) {
    counts[Int(value.shift & 63)] -= 1
    if counts[Int(value.shift & 63)] == 0 { sizes &= ~(1 << UInt64(value.shift & 63)) }
    if value.kind != .second { firstStages -= 1 }
  }

  private mutating func forget() {
    counts = .init(repeating: 0)
    sizes = 0
    firstStages = 0
  }

  private static func page(_ key: UInt64, _ shift: UInt8) -> UInt64 {
    // The size stands above every page number: an address of 64 bits has 52 of them at most.
    (key & (1 << 58 - 1)) << UInt64(shift)
  }

  mutating func removeAll() {
    cache.removeAll()
    forget()
  }

  /// Removes a domain's pages in a range by asking for each of them.
  ///
  /// - Parameters:
  ///   - spaces: whose entries of the domain in the range go, whatever else they are.
  ///   - domain: that entries have to be of.
  ///   - address: of the first page of the range.
  ///   - pages: of 4 KiB; 0 for all that there are.
  /// - Returns: false, and nothing is removed, where it is less work to look at every entry, or where
  ///   the order of removal would show.
  @inline(__always)
  mutating func removePages(
    _ spaces: borrowing IOSpaces, of domain: UInt32, _ address: UInt64, pages: UInt64
  ) -> Bool {
    guard cache.occupied > 0 else { return true }
    guard pages > 0, pages <= 64, cache.allowsAnyOrder else { return false }
    let last = address &+ ((pages << 12) &- 1)
    guard last >= address else { return false }
    var probes = 0
    var rest = sizes
    while rest != 0 {
      let shift = UInt64(rest.trailingZeroBitCount)
      probes &+= Int(truncatingIfNeeded: last >> shift &- address >> shift &+ 1)
      rest &= rest &- 1
    }
    guard probes * spaces.count <= cache.occupied else { return false }
    rest = sizes
    while rest != 0 {
      let shift = UInt8(truncatingIfNeeded: rest.trailingZeroBitCount)
      for page in (address >> UInt64(shift))...(last >> UInt64(shift)) {
        for at in 0..<spaces.count {
          let gone = cache.remove(spaces[at], page | UInt64(shift) << 58) { $0.domain == domain }
          if let gone { uncount(gone) }
        }
      }
      rest &= rest &- 1
    }
    return true
  }

  /// Removes what a rule picks by the page's address and the translation.
  mutating func remove(where isGone: (UInt64, IOTranslation) -> Bool) {
    var kept: InlineArray<64, Int32> = .init(repeating: 0)
    var keptFirst = 0
    cache.remove { _, key, value in
      let gone = isGone(Self.page(key, value.shift), value)
      if !gone {
        kept[Int(value.shift & 63)] += 1
        if value.kind != .second { keptFirst += 1 }
      }
      return gone
    }
    counts = kept
    firstStages = keptFirst
    sizes = 0
    for shift in 0..<64 where counts[shift] > 0 { sizes |= 1 << UInt64(shift) }
  }

  /// Gives every translation with its page.
  func visit(_ body: (UInt64, IOTranslation) -> Void) {
    cache.visit { _, key, value in body(Self.page(key, value.shift), value) }
  }

  func checkLaws(_ laws: inout Conservation, _ name: String) { cache.checkLaws(&laws, name) }
}

/// The spaces whose tags a domain's translations may have.
struct IOSpaces: BitwiseCopyable {
  /// One of each device where devices tag translations; more than these are not kept.
  static let capacity = 16

  private var words: InlineArray<16, UInt64> = .init(repeating: 0)
  private(set) var count = 0
  /// There are more.
  private(set) var isFull = false

  init() {}

  init(_ space: UInt64) {
    words[0] = space
    count = 1
  }

  @inline(__always)
  subscript(_ index: Int) -> UInt64 { words[index] }

  @inline(__always)
  mutating func add(_ space: UInt64) {
    for at in 0..<count where words[at] == space { return }
    guard count < Self.capacity else {
      isFull = true
      return
    }
    words[count] = space
    count += 1
  }
}
