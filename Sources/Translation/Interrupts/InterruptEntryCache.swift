import Machine

/// The interrupt entry cache: entries as the unit saw them when it last read them.
///
/// A tag is the table (a unit for VT-d, a device for AMD-Vi) in the bits above 15, and the index.
///
/// Model: only present entries are cached; an invalidation holds from when software queues it.
struct InterruptEntryCache: ~Copyable {
  private let table: AssociativeTable<InterruptEntry>
  /// Without ways the unit has no such cache, and nothing is counted.
  let isFitted: Bool
  private(set) var lookups = 0
  private(set) var hits = 0
  private(set) var fills = 0
  private(set) var evictions = 0
  private(set) var invalidations = 0

  init(_ description: InterruptCacheDescription, seed: UInt64) {
    isFitted = description.ways > 0
    table = AssociativeTable(
      sets: isFitted ? description.sets : 1, ways: max(description.ways, 1),
      policy: isFitted ? description.replacement : .lru, seed: seed, initial: InterruptEntry())
  }

  @inline(__always)
  static func tag(_ table: UInt32, _ index: UInt32) -> UInt64 {
    UInt64(table) << 16 | UInt64(index)
  }

  /// The entry of a tag, where it is cached; it becomes the most recent of its set.
  @inline(__always)
  mutating func find(_ tag: UInt64) -> InterruptEntry? {
    guard isFitted else { return nil }
    lookups += 1
    guard let entry = table.find(tag) else { return nil }
    hits += 1
    return entry.pointee
  }

  /// Keeps an entry that a lookup just missed.
  @inline(__always)
  mutating func insert(_ tag: UInt64, _ entry: InterruptEntry) {
    guard isFitted else { return }
    fills += 1
    if table.insert(tag, entry) { evictions += 1 }
  }

  /// Drops every entry.
  mutating func invalidateAll() {
    guard isFitted else { return }
    invalidations += table.remove { _, _ in true }
  }

  /// Drops every entry of a table.
  mutating func invalidate(table owner: UInt32) {
    guard isFitted else { return }
    invalidations += table.remove { tag, _ in tag >> 16 == UInt64(owner) }
  }

  /// Drops 2^`mask` entries of a table, from `index` cut to a multiple of as many.
  mutating func invalidate(table owner: UInt32, index: UInt32, mask: Int) {
    guard isFitted else { return }
    if mask == 0 {
      invalidations += table.remove(Self.tag(owner, index)) ? 1 : 0
      return
    }
    let shift = UInt64(min(mask, 16))
    invalidations += table.remove { tag, _ in
      tag >> 16 == UInt64(owner) && (tag & 0xffff) >> shift == UInt64(index) >> shift
    }
  }

  /// Gives every entry with its tag.
  func visit(_ body: (UInt64, InterruptEntry) -> Void) {
    guard isFitted else { return }
    _ = table.remove { tag, entry in
      body(tag, entry)
      return false
    }
  }

  /// Valid entries.
  var occupied: Int { isFitted ? table.occupied : 0 }
}
