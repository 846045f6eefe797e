/// One event of a block; valid until the block is read anew.
///
/// Four words, so that it is handed on in registers.
public struct TraceEvent: BitwiseCopyable {
  /// What happened.
  public let tag: EventTag
  private let wordCount: UInt16
  private let recordsBefore: UInt32
  private let words: UnsafePointer<UInt64>

  @inline(__always)
  init(_ tag: EventTag, count: Int, record: Int, _ words: UnsafePointer<UInt64>) {
    self.tag = tag
    wordCount = UInt16(truncatingIfNeeded: count)
    recordsBefore = UInt32(truncatingIfNeeded: record)
    self.words = words
  }

  /// The event where its words were moved.
  func moved(by distance: Int) -> TraceEvent {
    TraceEvent(
      tag, count: count, record: record,
      UnsafeRawPointer(words).advanced(by: distance)
        .assumingMemoryBound(to: UInt64.self))
  }

  /// Records of the block before it.
  public var record: Int { Int(recordsBefore) }

  /// Words that the event has: at least its fields.
  public var count: Int { Int(wordCount) }

  /// A word, 0 where the event was written without it.
  ///
  /// - Parameter index: of the field in `tag.fields`.
  @inline(__always)
  public subscript(_ index: Int) -> UInt64 { index < Int(wordCount) ? words[index] : 0 }

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

/// The events of a block in order; a buffer, so that readers in other modules ask it without a call.
public typealias EventList = UnsafeBufferPointer<TraceEvent>

/// What a `name` event names.
public enum NamedKind: UInt64, Sendable, CaseIterable {
  case device = 0
  case domain = 1
  case vcpu = 2
  case guest = 3
  case process = 4
  case interrupt = 5
}
