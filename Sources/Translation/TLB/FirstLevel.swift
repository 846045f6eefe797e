import CLanes
import Machine

/// The first TLBs of a core, one for instructions and one for data, in any number of configurations
/// that see the same touches.
///
/// Exact LRU by the time of last use. That time is the same in every configuration, so a touch writes
/// it once, and one word of bits says in which configurations the translation stands: where it stands
/// in all of them the touch costs one load and one store, whatever the geometry and the number of
/// configurations. Only a miss looks at a configuration's own state.
///
/// A translation's *index* is twice its number, plus one for data: the classes have TLBs of their own.
struct FirstLevel: ~Copyable {
  /// What is known of one index.
  struct Cell {
    /// The time of the last use.
    var recent: UInt32
    /// The configurations in which it stands.
    var resident: UInt32
  }

  /// One configuration's TLB of one class.
  struct Table {
    let sets: Int
    let ways: Int
    /// Any number of sets of few ways.
    let rings: RecencyRings?
    /// One set of many ways.
    var trail: LRUTrail?
    var misses = 0
    var fills = 0
    var evictions = 0

    var occupied: Int { rings?.occupied ?? fills - evictions }
  }

  /// Configurations in one word of bits.
  static let maximumConfigurations = 32
  /// More ways of an only set have a trail, which passes over many uses faster.
  private static let mostInRing = 16

  private var places = LargeArray(of: Cell(recent: 0, resident: 0))
  let configurations: Int
  private let tables: UnsafeMutablePointer<Table>
  /// The time of the next block's first use.
  private var base: UInt32

  /// - Parameters:
  ///   - pairs: for each configuration its TLBs for instructions and for data, both LRU; at most
  ///     `maximumConfigurations`.
  ///   - firstTime: of the first use; tests begin shortly before times are used up.
  init(_ pairs: [(fetch: TLBDescription, data: TLBDescription)], firstTime: UInt32 = 1) {
    precondition(1...Self.maximumConfigurations ~= pairs.count)
    configurations = pairs.count
    base = firstTime
    tables = .allocate(capacity: 2 * pairs.count)
    for (at, pair) in pairs.enumerated() {
      (tables + 2 * at).initialize(to: Self.table(pair.fetch))
      (tables + 2 * at + 1).initialize(to: Self.table(pair.data))
    }
  }

  private static func table(_ description: TLBDescription) -> Table {
    let (sets, ways) = (description.sets, description.ways)
    let hasTrail = sets == 1 && ways > mostInRing
    return Table(
      sets: sets, ways: ways, rings: hasTrail ? nil : RecencyRings(sets: sets, ways: ways),
      trail: hasTrail ? LRUTrail(ways: ways) : nil)
  }

  deinit {
    for at in 0..<(2 * configurations) {
      tables[at].rings?.deallocate()
      tables[at].trail?.deallocate()
    }
    tables.deinitialize(count: 2 * configurations)
    tables.deallocate()
  }

  /// By index.
  @inline(__always)
  var cells: UnsafeMutablePointer<Cell> { places.base }

  /// One word of a bit for each configuration.
  var all: UInt32 { .max >> UInt32(32 - configurations) }

  /// Makes room for the indices of so many translations.
  mutating func reserve(_ translations: Int) {
    places.reserve(2 * translations)
  }

  /// Begins a block of at most so many uses.
  ///
  /// - Returns: the time of its first use.
  mutating func begin(uses: Int) -> UInt32 {
    if UInt64(base) + UInt64(uses) > UInt64(UInt32.max) { renumberTimes() }
    for at in 0..<(2 * configurations) { tables[at].trail?.beginBlock() }
    let first = base
    base += UInt32(uses)
    return first
  }

  /// Replays the runs of a block in the only configuration: the touches of a run after its first find
  /// their translation as the most recent of its set, and change nothing.
  ///
  /// - Parameters:
  ///   - runs: the entry of each.
  ///   - entries: how many there are.
  ///   - indices: of each entry.
  ///   - words: what a miss on each entry is.
  ///   - list: as long as `runs`; gets the misses.
  /// - Returns: how many.
  mutating func replay(
    _ runs: UnsafeBufferPointer<UInt16>, entries: Int, indices: UnsafePointer<UInt32>,
    words: UnsafePointer<Miss>, into list: UnsafeMutablePointer<Miss>
  ) -> Int {
    guard let first = runs.baseAddress else { return 0 }
    let uses = UseLog(
      entries: first, stride: 1, indices: indices, base: begin(uses: runs.count))
    let cells = cells
    var missed = 0
    // Where hardly a run returns to a page of the block, its cell is far away and asked for ahead.
    let ahead = 4 * entries > runs.count ? 24 : Int.max / 2
    for at in 0..<runs.count {
      if at &+ ahead < runs.count { lanes_prefetch(cells + Int(indices[Int(first[at &+ ahead])])) }
      let entry = Int(first[at])
      let index = indices[entry]
      let cell = cells + Int(index)
      cell.pointee.recent = uses.base &+ UInt32(truncatingIfNeeded: at)
      if cell.pointee.resident == 0 {
        let miss = words[entry]
        fill(index, page: miss.pageBits, 0, uses, now: at)
        list[missed] = miss
        missed &+= 1
      }
    }
    return missed
  }

  /// Adds an index that was just used to a configuration in which it does not stand.
  ///
  /// - Parameters:
  ///   - index: its time is set.
  ///   - page: decides the set.
  ///   - configuration: in which it missed.
  ///   - uses: of the block.
  ///   - now: the use that misses.
  func fill(_ index: UInt32, page: UInt64, _ configuration: Int, _ uses: UseLog, now: Int) {
    let table = tables + (2 * configuration + Int(index & 1))
    table.pointee.misses += 1
    let bit: UInt32 = 1 << UInt32(configuration)
    if let rings = table.pointee.rings {
      let set = Int(truncatingIfNeeded: page) & (table.pointee.sets &- 1)
      if let victim = rings.exchange(index, set: set, cells) {
        cells[Int(victim)].resident &= ~bit
        table.pointee.evictions += 1
      }
    } else if table.pointee.trail != nil {
      if table.pointee.occupied == table.pointee.ways,
        let victim = table.pointee.trail?.leastRecent(
          cells, bit, uses, now: now, access: index & 1)
      {
        cells[Int(victim)].resident &= ~bit
        table.pointee.evictions += 1
      }
      table.pointee.trail?.append(index, cells, bit)
    }
    table.pointee.fills += 1
    cells[Int(index)].resident |= bit
  }

  /// Counts a miss that fills nothing.
  func countMiss(_ index: UInt32, _ configuration: Int) {
    tables[2 * configuration + Int(index & 1)].misses += 1
  }

  /// Misses of one configuration's TLB, 0 for instructions and 1 for data.
  func misses(_ configuration: Int, _ access: Int) -> Int {
    tables[2 * configuration + access].misses
  }

  /// Reads the counters of one configuration's TLB, 0 for instructions and 1 for data.
  func counters(
    _ configuration: Int, _ access: Int
  ) -> (misses: Int, fills: Int, evictions: Int, occupied: Int) {
    let table = tables[2 * configuration + access]
    return (table.misses, table.fills, table.evictions, table.occupied)
  }

  /// Gives what stands in some configuration new times in the order of the old, and all else none.
  private mutating func renumberTimes() {
    var keys: [UInt64] = []
    for index in 0..<places.capacity {
      if cells[index].resident != 0 {
        keys.append(UInt64(cells[index].recent) << 32 | UInt64(index))
      }
      cells[index].recent = 0
    }
    keys.sort()
    for (time, key) in keys.enumerated() {
      cells[Int(key & 0xffff_ffff)].recent = UInt32(time + 1)
    }
    base = UInt32(keys.count + 1)
    for at in 0..<(2 * configurations) {
      tables[at].rings?.takeTimes(cells)
      tables[at].trail?.forgetTimes()
    }
  }
}
