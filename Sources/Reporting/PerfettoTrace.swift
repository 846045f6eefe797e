import Results

/// A part of a trace, in records or events.
public struct TraceWindow: Sendable, Equatable {
  /// The first place that belongs to it.
  public var first: Int
  /// The first place that does not any more.
  public var end: Int

  /// All of a trace.
  public static let whole = TraceWindow(first: 0, end: .max)

  /// Creates a window of its ends.
  public init(first: Int, end: Int) {
    self.first = first
    self.end = end
  }
}

/// Time lines and findings for ui.perfetto.dev: a counter's track for each series, an instant for each
/// place of a finding.
///
/// A record, or an event, is a microsecond: traces are ordered and need not have a clock. A counter's
/// value is what the interval that begins there added.
///
/// Source: Perfetto, protos/perfetto/trace: `trace.proto`, `trace_packet.proto`,
/// `track_event/track_descriptor.proto`, `track_event/track_event.proto`,
/// `track_event/counter_descriptor.proto`.
///
/// - Parameters:
///   - results: each a track of its own, under which its counters and findings are.
///   - window: what is written; intervals that it cuts are whole.
/// - Returns: a `Trace` message.
public func perfettoTrace(_ results: [RunResult], window: TraceWindow = .whole) -> [UInt8] {
  var trace = PerfettoWriter()
  for result in results {
    let parent = trace.track("\(result.trace.name) on \(result.machine.name)", under: nil)
    for line in result.timeLines {
      for one in line.series where one.values.contains(where: { $0 != 0 }) {
        trace.counter(one, line.ends, under: parent, window)
      }
    }
    trace.findings(result, under: parent, window)
  }
  return trace.bytes
}

private struct PerfettoWriter {
  private(set) var bytes: [UInt8] = []
  private var tracks: UInt64 = 0

  private enum Packet {
    static let timestamp = 8
    static let sequence = 10
    static let trackEvent = 11
    static let trackDescriptor = 60
  }

  private enum Track {
    static let uuid = 1
    static let name = 2
    static let parent = 5
    static let counter = 8
  }

  private enum Event {
    static let type = 9
    static let track = 11
    static let name = 23
    static let counter = 30
    static let instant: UInt64 = 3
    static let count: UInt64 = 4
  }

  mutating func track(_ name: String, under parent: UInt64?, counts: Bool = false) -> UInt64 {
    tracks += 1
    var track = ProtobufMessage()
    track.add(Track.uuid, tracks)
    track.add(Track.name, text: printable(name))
    if let parent { track.add(Track.parent, parent) }
    if counts { track.add(Track.counter, ProtobufMessage()) }
    var packet = ProtobufMessage()
    packet.add(Packet.sequence, 1)
    packet.add(Packet.trackDescriptor, track)
    write(packet)
    return tracks
  }

  mutating func counter(
    _ series: TimeLine.Series, _ ends: [Int], under parent: UInt64, _ window: TraceWindow
  ) {
    let track = track(series.counter, under: parent, counts: true)
    var start = 0
    var last: Int?
    for (end, value) in zip(ends, series.values) {
      defer { start = end }
      guard end > window.first, start < window.end else { continue }
      event(at: start, on: track) { event in
        event.add(Event.type, Event.count)
        event.add(Event.counter, UInt64(bitPattern: Int64(value)))
      }
      last = end
    }
    // The last interval ends somewhere.
    guard let last else { return }
    event(at: last, on: track) { event in
      event.add(Event.type, Event.count)
      event.add(Event.counter, 0)
    }
  }

  mutating func findings(_ result: RunResult, under parent: UInt64, _ window: TraceWindow) {
    let hasEvents = result.timeLines.contains { $0.unit == .events } || result.timeLines.isEmpty
    let places = result.findings.flatMap { finding in
      ([finding.first] + finding.examples).compactMap { place -> (at: Int, finding: Finding)? in
        let at = hasEvents ? place.event ?? place.record : place.record
        return at >= window.first && at < window.end ? (at, finding) : nil
      }
    }.enumerated().sorted { one, other in
      one.element.at != other.element.at
        ? one.element.at < other.element.at : one.offset < other.offset
    }
    guard !places.isEmpty else { return }
    let track = track("findings", under: parent)
    for (_, (at, finding)) in places {
      event(at: at, on: track) { event in
        event.add(Event.type, Event.instant)
        event.add(
          Event.name,
          text: printable(
            "\(finding.rule) \(finding.severity.rawValue) \(sentence(finding.subject))"))
      }
    }
  }

  private mutating func event(
    at place: Int, on track: UInt64, _ fill: (inout ProtobufMessage) -> Void
  ) {
    var event = ProtobufMessage()
    event.add(Event.track, track)
    fill(&event)
    var packet = ProtobufMessage()
    packet.add(Packet.timestamp, UInt64(clamping: place).multipliedReportingOverflow(by: 1_000).0)
    packet.add(Packet.sequence, 1)
    packet.add(Packet.trackEvent, event)
    write(packet)
  }

  private mutating func write(_ packet: ProtobufMessage) {
    var whole = ProtobufMessage()
    whole.add(1, packet)
    bytes += whole.bytes
  }
}

/// A message in Protocol Buffers' wire format.
///
/// Source: Protocol Buffers documentation, "Encoding".
private struct ProtobufMessage {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: Int, _ number: UInt64) {
    varint(UInt64(field) << 3)
    varint(number)
  }

  mutating func add(_ field: Int, text: String) { add(field, Array(text.utf8)) }

  mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.bytes) }

  private mutating func add(_ field: Int, _ content: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  private mutating func varint(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
