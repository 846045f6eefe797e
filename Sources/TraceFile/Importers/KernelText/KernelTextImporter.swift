/// Reads what Linux's tracers and its log print: `trace` and `trace_pipe`, `trace-cmd report`, `perf
/// script`, and the fault lines of `dmesg`.
///
/// Lines of tracepoints that become none of our events are counted by their names, other lines
/// together.
struct KernelTextImporter: LogImporter {
  let source: ByteSource
  let names = LineNames(KernelEvent.names)
  var lines = LogLines()

  // What a line leaves for later ones; the files of this folder say what it is.
  var thread: UInt64 = 0
  var core: UInt64 = 0
  var devices = DeviceNumbers()
  var threads = VCPUThreads()
  var interrupts: Set<UInt64> = []
  var fault = PendingSMMUFault()
  var messages = 0
  var mappings = 0

  init(_ source: ByteSource) { self.source = source }

  let trailingInstructions = 0

  mutating func finish(_ block: inout BlockBuilder) throws(TraceError) { try requireEvent() }

  mutating func append(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, to block: inout BlockBuilder
  ) throws(TraceError) -> Int {
    let names = names
    let readers = KernelEventReader.all
    var values = LineValues(repeating: 0)
    var place = start
    while place < end, !block.isFull {
      var cursor = TextCursor(place)
      lines.count += 1
      guard let line = KernelLine(&cursor), let head = Self.takeName(&cursor, names) else {
        passOver(at: place, to: &block)
        place = try self.end(of: place, from: place)
        continue
      }
      guard let event = KernelEvent(rawValue: names.kind(of: head.name)),
        head.subsystem == 0 || head.subsystem == readers[Int(event.rawValue)].subsystem,
        event.isIOMMU(at: cursor)
      else {
        names.skip(head.name)
        place = try self.end(of: place, from: cursor.place)
        continue
      }
      guard let form = readers[Int(event.rawValue)].read(cursor, &values) else {
        place = try refuse(event, at: place, end)
        names.skip(head.name)
        continue
      }
      (thread, core) = (line.thread, line.core)
      if let time = line.time { block.append(.time, time) }
      if !handle(event, values, form, cursor, &block) { names.skip(head.name) }
      place = try self.end(of: place, from: cursor.place)
    }
    return place - start
  }

  /// Reads `NAME: ` or perf's `SUBSYSTEM:NAME: `.
  ///
  /// - Returns: the name's number and the subsystem's hash, 0 for none.
  @inline(__always)
  private static func takeName(
    _ cursor: inout TextCursor, _ names: LineNames
  ) -> (name: Int, subsystem: UInt64)? {
    var attempt = cursor
    guard let hash = LineNames.takeName(&attempt, before: colon), attempt.take(colon) else {
      return nil
    }
    var subsystem: UInt64 = 0
    if !attempt.isAtLineEnd, attempt.next != 0x20 {
      subsystem = hash
      cursor = attempt
    }
    guard let name = names.find(&cursor, before: colon), cursor.take(colon) else { return nil }
    _ = cursor.takeBlanks()
    return (name, subsystem)
  }

  private static let colon = UInt8(ascii: ":")

  /// A line of the kernel's log, of the tracer's own, or of neither.
  private mutating func passOver(at place: UnsafePointer<UInt8>, to block: inout BlockBuilder) {
    let cursor = TextCursor(place)
    if let lost = Self.lostEvents(cursor) {
      block.append(.lost, lost)
    } else if handleMessage(cursor, &block) {
      messages += 1
    } else if cursor.next != UInt8(ascii: "#") {
      lines.countOther()
    }
  }

  /// `CPU:2 [LOST 17 EVENTS]`.
  private static func lostEvents(_ start: TextCursor) -> UInt64? {
    var values = LineValues(repeating: 0)
    var cursor = start
    return lostPattern.match(&cursor, &values) ? values[1] : nil
  }

  nonisolated(unsafe) private static let lostPattern = LinePattern("CPU:%d [LOST %d EVENTS]")

  /// Refuses a line of a known event that does not fit, unless the text ends inside it.
  private mutating func refuse(
    _ event: KernelEvent, at place: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(TraceError) -> UnsafePointer<UInt8> {
    let (next, isTorn) = try passTorn(at: place, end)
    if isTorn { return next }
    let (_, name, shape) = event.line
    let expected: String
    switch shape {
    case .keys(let keys):
      let words = keys.split(separator: " ").filter { $0.last != "?" }
      expected = words.map { $0.split(separator: ":")[0] + "=" }.joined(separator: ", ")
    case .patterns(let patterns): expected = patterns[0]
    }
    var cursor = TextCursor(place)
    _ = KernelLine(&cursor)
    let text = quotedLine(
      UnsafeRawBufferPointer(start: cursor.place, count: next - cursor.place))
    throw source.error(
      "line \(lines.count)", "\(text) is no \(name) line; expected \"\(expected)\"",
      "mend the line or cut it out; if a newer kernel prints it so, this version cannot read it")
  }

  private func requireEvent() throws(TraceError) {
    guard names.lines == names.skipped, messages == 0 else { return }
    throw source.error(
      "line 1", "no line up to line \(lines.count) is a tracepoint or a fault that is used here",
      "record iommu, dma, intel_iommu, irq_vectors, kvm or sched_switch events, or give another "
        + "--format")
  }

  var notes: [String] {
    var notes = lineNotes("neither a tracepoint nor a fault")
    if mappings > 0 {
      notes.append(
        "The kernel's iommu events name neither domain, device nor rights of a mapping (read and "
          + "write are assumed), and no tracepoint "
          + "shows an access by a device.")
    }
    return notes + endNotes
  }

  /// Whether a line is one of a tracer's, or a fault in the kernel's log.
  static func fits(_ start: TextCursor) -> Bool {
    var cursor = start
    if KernelLine(&cursor) != nil, LineNames.takeName(&cursor, before: colon) != nil {
      return cursor.next == colon
    }
    return KernelMessage(start) != nil || lostEvents(start) != nil
  }
}

extension KernelEvent {
  /// Whether a name that other subsystems may use too is followed by what the IOMMU's is.
  @inline(__always)
  fileprivate func isIOMMU(at cursor: TextCursor) -> Bool {
    guard self == .iommuMap || self == .iommuUnmap else { return true }
    return cursor.next == UInt8(ascii: "I") && cursor.place[1] == UInt8(ascii: "O")
  }
}
