/// A block's decoded events, in memory that one block after another uses.
struct EventStore: ~Copyable {
  private var heads: UnsafeMutablePointer<EventHead>
  private var words: UnsafeMutablePointer<UInt64>
  private var headCapacity = 1 << 10
  private var wordCapacity = 1 << 12
  private var headCount = 0
  private var wordCount = 0
  private let kinds: UnsafeMutablePointer<Kind>

  /// A tag by its number.
  struct Kind: BitwiseCopyable {
    var tag: EventTag
    /// `unknown` for a number without a tag.
    var fieldCount: UInt8
  }

  static let unknown = UInt8.max
  private static let kindCount = 256

  init() {
    heads = .allocate(capacity: headCapacity)
    words = .allocate(capacity: wordCapacity)
    kinds = .allocate(capacity: Self.kindCount)
    kinds.initialize(
      repeating: Kind(tag: .marker, fieldCount: Self.unknown), count: Self.kindCount)
    for tag in EventTag.allCases {
      kinds[Int(tag.rawValue)] = Kind(tag: tag, fieldCount: UInt8(tag.fields.count))
    }
  }

  deinit {
    heads.deallocate()
    words.deallocate()
    kinds.deallocate()
  }

  var list: EventList {
    EventList(heads: UnsafeBufferPointer(start: heads, count: headCount), words: words)
  }

  mutating func begin() {
    headCount = 0
    wordCount = 0
  }

  @inline(__always)
  func known(_ tag: UInt64) -> Kind {
    tag < UInt64(Self.kindCount) ? kinds[Int(tag)] : Kind(tag: .marker, fieldCount: Self.unknown)
  }

  /// Begins an event, with room for all the words that one may have.
  @inline(__always)
  mutating func start(_ tag: EventTag, record: Int) {
    if headCount == headCapacity || wordCapacity - wordCount < 2 * EventColumn.maximumWords {
      grow()
    }
    heads[headCount] = EventHead(
      tag: tag, count: 0, record: UInt32(truncatingIfNeeded: record), start: wordCount)
  }

  /// Adds a word of the event.
  ///
  /// - Returns: false where it has as many as an event may have.
  @inline(__always)
  mutating func append(_ word: UInt64) -> Bool {
    guard wordCount &- heads[headCount].start < EventColumn.maximumWords else { return false }
    words[wordCount] = word
    wordCount &+= 1
    return true
  }

  /// Ends the event; words that were not written are 0.
  @inline(__always)
  mutating func end(fields: UInt8) {
    let start = heads[headCount].start
    while wordCount &- start < Int(fields) {
      words[wordCount] = 0
      wordCount &+= 1
    }
    heads[headCount].count = UInt16(truncatingIfNeeded: wordCount &- start)
    headCount &+= 1
  }

  /// Turns the distance that the last event, a time, has into a time.
  @inline(__always)
  func addTime(_ time: inout UInt64) {
    let word = words + heads[headCount - 1].start
    time &+= UInt64(bitPattern: Varint.unzigzag(word.pointee))
    word.pointee = time
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<EventHead>.allocate(capacity: 2 * headCapacity)
    larger.update(from: heads, count: headCount)
    heads.deallocate()
    heads = larger
    headCapacity *= 2
    let longer = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * wordCapacity)
    longer.update(from: words, count: wordCount)
    words.deallocate()
    words = longer
    wordCapacity *= 2
  }
}
