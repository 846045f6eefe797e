/// Reads gem5's packet traces.
///
/// Source: gem5, `src/proto/packet.proto` and `src/proto/protoio.cc`.
struct Gem5Importer: RecordImporter {
  private let source: ByteSource
  private var hasHeader = false
  private var packets = 0
  private var records = 0
  private(set) var skipped = 0

  static let magic = Array("gem5".utf8)
  /// The longest message: packets have tens of bytes.
  private static let maximumMessageBytes = 1 << 16

  init(_ source: ByteSource) { self.source = source }

  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool {
    if !hasHeader { try readHeader() }
    while !block.isFull {
      guard let message = try nextMessage() else {
        guard records > 0 else {
          throw source.error(
            place, "holds no read or write request before its end",
            "give a trace that has accesses")
        }
        return false
      }
      packets += 1
      try append(message, to: &block)
      source.consume(message.count)
    }
    return true
  }

  private var place: String { packets == 0 && !hasHeader ? "header" : "packet \(packets + 1)" }

  private func refusal(_ problem: String) -> TraceError {
    source.error(
      place, "at byte \(source.position) of the trace, \(problem)",
      "the file is damaged or no gem5 packet trace: fetch it again or give another --format")
  }

  private mutating func readHeader() throws(TraceError) {
    guard try source.ensure(4), source.window.starts(with: Self.magic) else {
      throw refusal("the magic number gem5 is missing")
    }
    source.consume(4)
    guard let message = try nextMessage() else { throw refusal("the header is missing") }
    var fields = ProtobufFields(message)
    while true {
      switch fields.next() {
      case .field(4, .number):
        throw source.error(
          place, "is an elastic (instruction dependency) trace, not a packet trace",
          "record with a CommMonitor and its MemTraceProbe")
      case .field: continue
      case .end:
        source.consume(message.count)
        hasHeader = true
        return
      case .malformed: throw refusal("the header is malformed")
      }
    }
  }

  /// Moves the window's start to the next message and makes all of it available.
  ///
  /// - Returns: nothing at the end of the data.
  private func nextMessage() throws(TraceError) -> UnsafeRawBufferPointer? {
    // A length up to the limit has at most three bytes.
    _ = try source.ensure(3)
    guard !source.window.isEmpty else { return nil }
    var head = ProtobufFields(UnsafeRawBufferPointer(rebasing: source.window.prefix(3)))
    guard let length = head.takeVarint(), length <= Self.maximumMessageBytes else {
      throw refusal("the length of a message is cut or more than \(Self.maximumMessageBytes)")
    }
    source.consume(head.consumed)
    guard try source.ensure(Int(length)) else {
      throw refusal("a message of \(length) bytes ends after \(source.window.count)")
    }
    return UnsafeRawBufferPointer(rebasing: source.window.prefix(Int(length)))
  }

  private mutating func append(
    _ message: UnsafeRawBufferPointer, to block: inout BlockBuilder
  ) throws(TraceError) {
    var command: UInt64?
    var address: UInt64?
    var size: UInt64 = 0
    var fields = ProtobufFields(message)
    scan: while true {
      switch fields.next() {
      case .field(2, .number(let number)): command = number
      case .field(3, .number(let number)): address = number
      case .field(4, .number(let number)): size = number
      case .field: continue
      case .end: break scan
      case .malformed: throw malformed("is malformed")
      }
    }
    guard let command else { throw malformed("has no command") }
    let kind: AccessKind
    switch command {
    case 1: kind = .load  // MemCmd::ReadReq
    case 4: kind = .store  // MemCmd::WriteReq
    default:
      skipped += 1
      return
    }
    guard let address else { throw malformed("has no address") }
    guard let size = UInt16(exactly: size), size <= TraceRecord.maximumSize else {
      throw malformed("has \(size) bytes, more than \(TraceRecord.maximumSize)")
    }
    records += 1
    block.append(address: address, kind: kind, size: size, thread: 0, instructions: 0)
  }

  private func malformed(_ problem: String) -> TraceError {
    source.error(
      "packet \(packets)", "the message at byte \(source.position) of the trace \(problem)",
      "the file is damaged or no gem5 packet trace: fetch it again or give another --format")
  }

  let trailingInstructions = 0

  var notes: [String] {
    var notes = [
      "gem5 does not record whether addresses are virtual or physical: they are taken as virtual.",
      "gem5 packets count no instructions and tell no fetches from loads.",
    ]
    if skipped > 0 {
      notes.append("Packets other than ReadReq (1) and WriteReq (4), skipped: \(skipped).")
    }
    return notes
  }
}
