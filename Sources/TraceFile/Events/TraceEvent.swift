/// One event of a block; valid until the block is read anew.
public struct TraceEvent {
  /// What happened.
  public let tag: EventTag
  /// Records of the block before it.
  public let record: Int
  private let words: UnsafeBufferPointer<UInt64>
  private let start: Int
  /// Words that the event has: at least its fields.
  public let count: Int

  @inline(__always)
  init(_ head: EventHead, _ words: UnsafeBufferPointer<UInt64>) {
    tag = head.tag
    record = Int(head.record)
    count = Int(head.count)
    start = Int(head.start)
    self.words = words
  }

  /// A word, 0 where the event was written without it.
  ///
  /// - Parameter index: of the field in `tag.fields`.
  @inline(__always)
  public subscript(_ index: Int) -> UInt64 { index < count ? words[start + index] : 0 }

  /// The text of a `name` event.
  public var text: String {
    let first = tag.fieldCount
    let length = Int(min(self[2], UInt64(max(count - first, 0) * 8)))
    return String(
      decoding: (0..<length).map { at in
        UInt8(truncatingIfNeeded: self[first + at / 8] >> UInt64(at % 8 * 8))
      }, as: UTF8.self)
  }
}

/// A decoded event's place among the block's words.
struct EventHead: BitwiseCopyable {
  var tag: EventTag
  var count: UInt16
  var record: UInt32
  var start: UInt32
}

/// The events of a block in order.
public struct EventList: RandomAccessCollection {
  let heads: UnsafeBufferPointer<EventHead>
  let words: UnsafeBufferPointer<UInt64>

  /// 0.
  public var startIndex: Int { 0 }
  /// How many there are.
  public var endIndex: Int { heads.count }

  /// The event at a place.
  @inline(__always)
  public subscript(_ index: Int) -> TraceEvent {
    TraceEvent(heads[index], words)
  }
}

/// What a `name` event names.
public enum NamedKind: UInt64, Sendable, CaseIterable {
  case device = 0
  case domain = 1
  case vcpu = 2
  case guest = 3
  case process = 4
  case interrupt = 5
}
