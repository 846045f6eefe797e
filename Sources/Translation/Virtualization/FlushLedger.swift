/// Which walks there were only because an invalidation had removed the translation.
///
/// A key that an invalidation removes is remembered with the event's name until it is walked again or
/// an eviction would have to be known of; a walk of it is then the event's.
struct FlushLedger {
  private var removed: [TLBKey: UInt8] = [:]
  private var names: [String] = []
  /// Events, entries that they removed, and walks that they caused, by name.
  private(set) var events: [Int] = []
  private(set) var entries: [Int] = []
  private(set) var walks: [Int] = []

  /// Keys remembered at most; what is removed beyond is not attributed.
  private static let capacity = 1 << 20

  /// The number of an event's name.
  mutating func cause(_ name: String) -> UInt8 {
    if let index = names.firstIndex(of: name) { return UInt8(index) }
    names.append(name)
    events.append(0)
    entries.append(0)
    walks.append(0)
    return UInt8(names.count - 1)
  }

  mutating func countEvent(_ cause: UInt8) { events[Int(cause)] += 1 }

  /// Remembers a translation that an event removed from a last-level TLB or from every TLB.
  mutating func remove(_ key: TLBKey, by cause: UInt8) {
    entries[Int(cause)] += 1
    if removed.count < Self.capacity { removed[key] = cause }
  }

  /// Attributes a walk to the event that removed its translation, where one did.
  mutating func walk(_ key: TLBKey) {
    guard !removed.isEmpty, let cause = removed.removeValue(forKey: key) else { return }
    walks[Int(cause)] += 1
  }

  /// Each event that occurred, with its counts.
  var rows: [(name: String, events: Int, entries: Int, walks: Int)] {
    names.indices.map { (names[$0], events[$0], entries[$0], walks[$0]) }
  }
}
