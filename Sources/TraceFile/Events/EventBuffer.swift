/// The events of a block that is being built.
struct EventBuffer: ~Copyable {
  private var bytes: UnsafeMutablePointer<UInt8>
  private var capacity = 1 << 16
  private(set) var byteCount = 0
  private(set) var count = 0
  /// Records before the last event.
  private var lastRecord: UInt32 = 0
  /// The last time written in this block; a block begins from 0.
  private var writtenTime: UInt64 = 0
  /// The time that holds, which the next block's first event repeats.
  private var time: UInt64?

  init() { bytes = .allocate(capacity: capacity) }

  deinit { bytes.deallocate() }

  /// A block holds about so many bytes of events: few enough that what they decode to stays in the
  /// processor's cache until it was replayed.
  static let fullBytes = 1 << 19

  var isFull: Bool { byteCount >= Self.fullBytes }

  /// Appends an event.
  ///
  /// - Parameters:
  ///   - tag: of the event.
  ///   - records: of the block before it.
  ///   - words: at most `EventColumn.maximumWords`, in the order of `tag.fields`.
  mutating func append(_ tag: EventTag, at records: UInt32, _ words: UnsafeBufferPointer<UInt64>) {
    precondition(words.count <= EventColumn.maximumWords, "an event of too many words")
    if tag == .time {
      time = words[0]
      return
    }
    if let time, count == 0 || time != writtenTime {
      let distance = Varint.zigzag(Int64(bitPattern: time &- writtenTime))
      writtenTime = time
      withUnsafePointer(to: distance) {
        write(.time, at: records, UnsafeBufferPointer(start: $0, count: 1))
      }
    }
    write(tag, at: records, words)
  }

  private mutating func write(
    _ tag: EventTag, at records: UInt32, _ words: UnsafeBufferPointer<UInt64>
  ) {
    var used = words.count
    while used > 0, words[used - 1] == 0 { used -= 1 }
    reserve(10 * used + 16)
    put(UInt64(records - lastRecord))
    lastRecord = records
    put(UInt64(tag.rawValue))
    var length = 0
    for at in 0..<used { length += Self.size(of: words[at]) }
    put(UInt64(length))
    for at in 0..<used { put(words[at]) }
    count += 1
  }

  @inline(__always)
  private static func size(of word: UInt64) -> Int {
    max(1, (70 - word.leadingZeroBitCount) / 7)
  }

  private mutating func reserve(_ more: Int) {
    guard byteCount + more > capacity else { return }
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * capacity + more)
    larger.update(from: bytes, count: byteCount)
    bytes.deallocate()
    bytes = larger
    capacity = 2 * capacity + more
  }

  @inline(__always)
  private mutating func put(_ value: UInt64) {
    var rest = value
    while rest > 0x7f {
      bytes[byteCount] = UInt8(truncatingIfNeeded: rest) | 0x80
      byteCount += 1
      rest >>= 7
    }
    bytes[byteCount] = UInt8(truncatingIfNeeded: rest)
    byteCount += 1
  }

  /// Moves the events into a column and starts the next block's.
  mutating func finish(into column: inout ColumnBuffer) {
    column.resize(to: byteCount)
    column.base.copyMemory(from: bytes, byteCount: byteCount)
    byteCount = 0
    count = 0
    lastRecord = 0
    writtenTime = 0
  }
}
