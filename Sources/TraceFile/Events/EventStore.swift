/// A block's decoded events, in memory that one block after another uses.
struct EventStore: ~Copyable {
  private var events: UnsafeMutablePointer<TraceEvent>
  private var words: UnsafeMutablePointer<UInt64>
  private var eventCapacity = 1 << 10
  private var wordCapacity = 1 << 12
  private var eventCount = 0
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
    events = .allocate(capacity: eventCapacity)
    words = .allocate(capacity: wordCapacity)
    kinds = .allocate(capacity: Self.kindCount)
    kinds.initialize(
      repeating: Kind(tag: .marker, fieldCount: Self.unknown), count: Self.kindCount)
    for tag in EventTag.allCases {
      kinds[Int(tag.rawValue)] = Kind(tag: tag, fieldCount: UInt8(tag.fields.count))
    }
  }

  deinit {
    events.deallocate()
    words.deallocate()
    kinds.deallocate()
  }

  var list: EventList { EventList(start: events, count: eventCount) }

  mutating func begin() {
    eventCount = 0
    wordCount = 0
  }

  @inline(__always)
  func known(_ tag: UInt64) -> Kind {
    tag < UInt64(Self.kindCount) ? kinds[Int(tag)] : Kind(tag: .marker, fieldCount: Self.unknown)
  }

  /// Where the next event's words go: there is room for all that one may have, and those of its fields
  /// are 0.
  @inline(__always)
  mutating func room(for kind: Kind) -> UnsafeMutablePointer<UInt64> {
    if eventCount == eventCapacity || wordCapacity &- wordCount < 2 * EventColumn.maximumWords {
      grow()
    }
    let room = words + wordCount
    // Eight at once, which are all that any event has: a loop of so few costs a call.
    UnsafeMutableRawPointer(room).storeBytes(of: .zero, as: SIMD8<UInt64>.self)
    var at = 8
    while at < Int(kind.fieldCount) {
      room[at] = 0
      at &+= 1
    }
    return room
  }

  /// Adds the event of which so many words were written into `room(for:)`.
  @inline(__always)
  mutating func append(_ kind: Kind, record: Int, count: Int) {
    let used = max(count, Int(kind.fieldCount))
    events[eventCount] = TraceEvent(kind.tag, count: used, record: record, words + wordCount)
    eventCount &+= 1
    wordCount &+= used
  }

  /// Turns the distance that the last event, a time, has into a time.
  @inline(__always)
  func addTime(_ time: inout UInt64) {
    let word = words + (wordCount &- events[eventCount &- 1].count)
    time &+= UInt64(bitPattern: Varint.unzigzag(word.pointee))
    word.pointee = time
  }

  @inline(never)
  private mutating func grow() {
    let longer = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * wordCapacity)
    longer.update(from: words, count: wordCount)
    let distance = UnsafeRawPointer(longer) - UnsafeRawPointer(words)
    let larger = UnsafeMutablePointer<TraceEvent>.allocate(capacity: 2 * eventCapacity)
    for at in 0..<eventCount { (larger + at).initialize(to: events[at].moved(by: distance)) }
    events.deallocate()
    words.deallocate()
    (events, words) = (larger, longer)
    eventCapacity *= 2
    wordCapacity *= 2
  }
}
