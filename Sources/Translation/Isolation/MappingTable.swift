/// What devices may reach by the maps and unmaps that the trace shows, and what they may still reach
/// because no invalidation came.
///
/// Model: a range is kept in pages of 2 MiB where address and frame are aligned so, else of 4 KiB,
/// whatever the tables use.
struct MappingTable: ~Copyable {
  /// What a new mapping met in its place.
  struct Conflict: BitwiseCopyable {
    var old: Mapping
    var page: UInt64
    var frame: UInt64
  }

  /// Stale mappings of a space, and what they exposed.
  struct SpaceState {
    var space: MappingSpace
    var firstStale = Mapping.none
    var stale = 0
    var exposure = Exposure()
  }

  private(set) var pool: UnsafeMutablePointer<Mapping>
  private var capacity = 1 << 10
  private(set) var used = 0
  private var free: [Int32] = []
  private var pages = PairTable()
  private var frames = PairTable()
  private var spaceNumbers = PairTable()
  private(set) var spaces: [SpaceState] = []
  /// Spaces with a stale mapping.
  private(set) var staleSpaces = 0
  /// That was asked for last.
  private var lastState = 0
  private(set) var history = MappingHistory()
  /// Mappings of 4 KiB and of 2 MiB.
  private(set) var counts: InlineArray<2, Int> = .init(repeating: 0)
  /// Pages that found no place, because the table or one event's range was full.
  private(set) var dropped = 0
  /// Anything was ever mapped in a domain without a number, or for a device alone.
  private(set) var hasUnknownDomains = false
  private(set) var hasDevices = false
  private(set) var hasFirstStages = false
  /// What the last `map` met.
  private(set) var conflicts: [Conflict] = []

  /// So that a trace of any size needs a bounded memory: 128 MiB.
  static let maximumMappings = 1 << 20
  /// Mappings that one event makes at most: 128 GiB in pages of 2 MiB.
  static let maximumPieces = 1 << 16

  init() { pool = .allocate(capacity: capacity) }

  deinit { pool.deallocate() }

  var isEmpty: Bool { counts[0] == 0 && counts[1] == 0 }

  @inline(__always)
  private static func key(_ page: UInt64, _ size: Int) -> UInt64 { page << 2 | UInt64(size) }

  /// The mapping that an address is in; nothing where there is none.
  @inline(__always)
  func find(_ space: MappingSpace, _ page: UInt64) -> Int? {
    if counts[0] > 0, let found = pages.number(of: space.word, Self.key(page, 0)) { return found }
    guard counts[1] > 0 else { return nil }
    return pages.number(of: space.word, Self.key(page & ~511, 1))
  }

  /// The first mapping of a frame; `nextAlias` leads to the others.
  func alias(of frame: UInt64, size: Int) -> Int? {
    frames.number(of: size == 0 ? frame : frame & ~511, UInt64(size))
  }

  /// The state of a space.
  mutating func state(of space: MappingSpace) -> Int {
    if lastState < spaces.count, spaces[lastState].space == space { return lastState }
    lastState = findState(of: space)
    return lastState
  }

  private mutating func findState(of space: MappingSpace) -> Int {
    if let number = spaceNumbers.number(of: space.word, 0) { return number }
    spaceNumbers.set(space.word, 0, to: spaces.count)
    spaces.append(SpaceState(space: space))
    return spaces.count - 1
  }

  func knownState(of space: MappingSpace) -> Int? { spaceNumbers.number(of: space.word, 0) }

  // MARK: Mapping

  /// Maps a range; `conflicts` then has what was in its place.
  ///
  /// Pages of which the range has a part are mapped. Of the rights, bit 0 is reading, bit 1 writing.
  mutating func map(
    _ space: MappingSpace, _ address: UInt64, bytes: UInt64, to output: UInt64, rights: UInt8,
    guest: UInt32, at moment: Moment
  ) {
    conflicts.removeAll(keepingCapacity: true)
    guard bytes > 0 else { return }
    if space.device != nil { hasDevices = true }
    if space == .unknown { hasUnknownDomains = true }
    if space.pasid != nil { hasFirstStages = true }
    var (page, frame) = (address >> 12, output >> 12)
    let last = (address &+ (bytes - 1)) >> 12
    guard last >= page else { return }
    var pieces = 0
    while page <= last {
      let isLarge = (page | frame) & 511 == 0 && last - page >= 511
      guard pieces < Self.maximumPieces, let at = insert() else {
        dropped = dropped &+ Int(clamping: last - page + 1)
        return
      }
      pieces += 1
      clear(space, page, isLarge ? 512 : 1, for: frame, rights)
      let start = max(address, page << 12)
      let end = min(address &+ (bytes - 1), (page << 12) | (isLarge ? 0x1f_ffff : 0xfff))
      (pool + at).initialize(
        to: Mapping(
          space: space, page: page, frame: frame, bytes: UInt32(end - start + 1),
          size: isLarge ? 1 : 0, rights: rights, guest: guest, mapped: moment))
      enter(at)
      let count: UInt64 = isLarge ? 512 : 1
      let (next, overflow) = page.addingReportingOverflow(count)
      if overflow { return }
      page = next
      frame = frame &+ count
    }
  }

  private mutating func insert() -> Int? {
    if let reused = free.popLast() { return Int(reused) }
    guard used < Self.maximumMappings else { return nil }
    if used == capacity {
      let larger = UnsafeMutablePointer<Mapping>.allocate(capacity: 2 * capacity)
      larger.update(from: pool, count: used)
      pool.deallocate()
      pool = larger
      capacity *= 2
    }
    used += 1
    return used - 1
  }

  /// Puts a mapping in place where nothing is.
  private mutating func enter(_ at: Int) {
    let mapping = pool + at
    let size = Int(mapping.pointee.size)
    let frame = mapping.pointee.frame
    pages.set(mapping.pointee.space.word, Self.key(mapping.pointee.page, size), to: at)
    counts[size] += 1
    let head = frames.exchange(frame, UInt64(size), to: at)
    mapping.pointee.nextAlias = head.map { Int32(truncatingIfNeeded: $0) } ?? Mapping.none
    if let head { pool[head].previousAlias = Int32(truncatingIfNeeded: at) }
  }

  /// Takes a mapping out of every list.
  private mutating func leave(_ at: Int) {
    let mapping = pool + at
    let size = Int(mapping.pointee.size)
    let frame = mapping.pointee.frame
    let (next, previous) = (mapping.pointee.nextAlias, mapping.pointee.previousAlias)
    pages.remove(mapping.pointee.space.word, Self.key(mapping.pointee.page, size))
    counts[size] -= 1
    if next >= 0 { pool[Int(next)].previousAlias = previous }
    if previous >= 0 {
      pool[Int(previous)].nextAlias = next
    } else if next >= 0 {
      frames.set(frame, UInt64(size), to: Int(next))
    } else {
      frames.remove(frame, UInt64(size))
    }
    if mapping.pointee.isStale { unlinkStale(at) }
    free.append(Int32(truncatingIfNeeded: at))
  }

  /// Removes what stands in a new mapping's place, and notes what leads elsewhere.
  private mutating func clear(
    _ space: MappingSpace, _ page: UInt64, _ count: UInt64, for frame: UInt64, _ rights: UInt8
  ) {
    // A mapping of one page within a large one leaves the rest of it.
    if count == 1, counts[1] > 0,
      let at = pages.number(of: space.word, Self.key(page & ~511, 1))
    {
      split(at)
    }
    if count == 512, let at = pages.number(of: space.word, Self.key(page, 1)) {
      replace(at, page, frame, rights)
    }
    guard counts[0] > 0 else { return }
    for offset in 0..<count {
      guard let at = pages.number(of: space.word, Self.key(page + offset, 0)) else { continue }
      replace(at, page + offset, frame + offset, rights)
    }
  }

  private mutating func replace(_ at: Int, _ page: UInt64, _ frame: UInt64, _ rights: UInt8) {
    let old = pool[at]
    // The same frame with the same rights is no change that anybody could see.
    if old.frame != frame || old.rights != rights {
      conflicts.append(Conflict(old: old, page: page, frame: frame))
    }
    if old.isStale { expose(at, until: nil) }
    remember(old, Moment())
    leave(at)
  }

  /// Turns a mapping of 2 MiB into 512 of 4 KiB with the same past.
  private mutating func split(_ at: Int) {
    let large = pool[at]
    leave(at)
    for offset in 0..<UInt64(512) {
      guard let piece = insert() else {
        dropped += 512 - Int(offset)
        return
      }
      var small = large
      small.page += offset
      small.frame += offset
      small.size = 0
      small.bytes = 4096
      small.isStale = false
      (small.nextStale, small.previousStale) = (Mapping.none, Mapping.none)
      (small.nextAlias, small.previousAlias) = (Mapping.none, Mapping.none)
      (pool + piece).initialize(to: small)
      enter(piece)
      if large.isStale { linkStale(piece) }
    }
  }

  // MARK: Unmapping

  /// Unmaps a range: what is in it is stale until an invalidation covers it.
  ///
  /// - Returns: mappings that became stale.
  @discardableResult
  mutating func unmap(
    _ space: MappingSpace, _ address: UInt64, bytes: UInt64, at moment: Moment
  ) -> Int {
    guard bytes > 0, !isEmpty else { return 0 }
    let first = address >> 12
    let last = max(first, (address &+ (bytes - 1)) >> 12)
    var found = 0
    if last - first > UInt64(used) {
      // Fewer mappings than pages: look at those.
      for at in 0..<used where isInUse(at) && pool[at].space == space && !pool[at].isStale {
        guard pool[at].page <= last, pool[at].page + (pool[at].pageCount - 1) >= first else {
          continue
        }
        markStale(at, moment)
        found += 1
      }
      return found
    }
    var page = first
    while page <= last {
      guard let at = find(space, page) else {
        page += 1
        continue
      }
      let mapping = pool[at]
      let isWhole = mapping.page >= first && mapping.page + (mapping.pageCount - 1) <= last
      guard mapping.size == 0 || isWhole else {
        split(at)
        // Without room for its pieces the whole of it is gone.
        if find(space, page) == nil { page = (page | 511) + 1 }
        continue
      }
      if !mapping.isStale {
        markStale(at, moment)
        found += 1
      }
      page = mapping.page + mapping.pageCount
    }
    return found
  }

  /// Whether a cell of the pool holds a mapping: only then its page leads back to it.
  func isInUse(_ at: Int) -> Bool {
    pages.number(of: pool[at].space.word, Self.key(pool[at].page, Int(pool[at].size))) == at
  }

  private mutating func markStale(_ at: Int, _ moment: Moment) {
    pool[at].unmapped = moment
    (pool[at].told, pool[at].awaitsDevices) = (0, false)
    linkStale(at)
  }

  private mutating func linkStale(_ at: Int) {
    let state = state(of: pool[at].space)
    let head = spaces[state].firstStale
    pool[at].isStale = true
    pool[at].nextStale = head
    pool[at].previousStale = Mapping.none
    if head >= 0 { pool[Int(head)].previousStale = Int32(at) }
    spaces[state].firstStale = Int32(at)
    if spaces[state].stale == 0 { staleSpaces += 1 }
    spaces[state].stale += 1
  }

  private mutating func unlinkStale(_ at: Int) {
    let state = state(of: pool[at].space)
    let (next, previous) = (pool[at].nextStale, pool[at].previousStale)
    if next >= 0 { pool[Int(next)].previousStale = previous }
    if previous >= 0 {
      pool[Int(previous)].nextStale = next
    } else {
      spaces[state].firstStale = next
    }
    spaces[state].stale -= 1
    if spaces[state].stale == 0 { staleSpaces -= 1 }
    pool[at].isStale = false
  }

  // MARK: Ends

  private mutating func remember(_ mapping: Mapping, _ invalidated: Moment) {
    history.add(
      PastMapping(
        space: mapping.space, page: mapping.page, pageCount: mapping.pageCount,
        frame: mapping.frame, mapped: mapping.mapped, unmapped: mapping.unmapped,
        invalidated: invalidated))
  }

  /// Counts what a stale mapping exposed up to a moment; nothing stands for one that never ends.
  private mutating func expose(_ at: Int, until moment: Moment?) {
    let state = state(of: pool[at].space)
    let bytes = pool[at].pageCount << 12
    spaces[state].exposure.count(bytes: bytes, from: pool[at].unmapped, until: moment)
  }

  /// Takes a mapping out that its space still has, because what it stands on is gone.
  mutating func drop(_ at: Int) {
    remember(pool[at], Moment())
    leave(at)
  }

  /// Ends a stale mapping by an invalidation.
  mutating func close(_ at: Int, _ invalidated: Moment) {
    expose(at, until: invalidated)
    remember(pool[at], invalidated)
    leave(at)
  }

  /// Counts the windows that are open when the trace ends.
  mutating func closeAll(at moment: Moment) {
    for state in spaces.indices {
      var at = spaces[state].firstStale
      while at >= 0 {
        let mapping = pool[Int(at)]
        spaces[state].exposure.countOpen(
          bytes: mapping.pageCount << 12, from: mapping.unmapped, until: moment)
        at = mapping.nextStale
      }
    }
  }

  /// Counts a request that used a stale translation.
  mutating func countUse(of space: MappingSpace) {
    let state = state(of: space)
    spaces[state].exposure.uses += 1
  }

  mutating func setTold(_ at: Int, _ units: UInt8) { pool[at].told = units }

  mutating func setAwaiting(_ at: Int) { pool[at].awaitsDevices = true }

  /// Ends the pages of a large stale mapping that an invalidation covers.
  mutating func splitStale(_ at: Int) { split(at) }
}
