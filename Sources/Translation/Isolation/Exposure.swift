/// What the time between unmapping and invalidation left open.
struct Exposure: BitwiseCopyable {
  /// Windows that an invalidation closed.
  private(set) var windows = 0
  /// Windows that nothing closed before their address was mapped anew.
  private(set) var replaced = 0
  /// Windows that are open when the trace ends.
  private(set) var open = 0
  private(set) var bytes: UInt64 = 0
  /// Bytes times nanoseconds.
  private(set) var byteNanoseconds: UInt128 = 0
  private(set) var longestNanoseconds: UInt64 = 0
  /// Requests that used a stale translation.
  var uses = 0

  mutating func count(bytes: UInt64, from start: Moment, until end: Moment?) {
    self.bytes &+= bytes
    guard let end else {
      replaced += 1
      return
    }
    windows += 1
    add(bytes, start, end)
  }

  mutating func countOpen(bytes: UInt64, from start: Moment, until end: Moment) {
    open += 1
    self.bytes &+= bytes
    add(bytes, start, end)
  }

  private mutating func add(_ bytes: UInt64, _ start: Moment, _ end: Moment) {
    // A trace's clocks may run backwards between events of several processors.
    let spent = end.time > start.time ? end.time - start.time : 0
    byteNanoseconds &+= UInt128(bytes) &* UInt128(spent)
    longestNanoseconds = max(longestNanoseconds, spent)
  }

  mutating func add(_ other: Exposure) {
    windows += other.windows
    replaced += other.replaced
    open += other.open
    bytes &+= other.bytes
    byteNanoseconds &+= other.byteNanoseconds
    longestNanoseconds = max(longestNanoseconds, other.longestNanoseconds)
    uses += other.uses
  }

  var isAny: Bool { windows + replaced + open + uses > 0 }

  var byteMicroseconds: Int { Int(clamping: byteNanoseconds / 1000) }
}
