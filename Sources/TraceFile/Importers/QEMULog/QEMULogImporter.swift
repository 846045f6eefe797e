/// Reads QEMU's trace log: what its IOMMUs, devices and interrupt controllers did, in order.
///
/// Lines of events that become none of ours are counted by their names; lines that are no trace
/// event, such as the program's warnings, are counted together.
struct QEMULogImporter: LogImporter {
  let source: ByteSource
  let names = LineNames(QEMUEvent.names)
  var lines = LogLines()

  // What a line leaves for later ones; the files of this folder say what it is.
  var thread: UInt64 = 0
  var translations = PendingTranslations()
  var context = PendingTranslation()
  var hasContext = false
  var buffers = AnnouncedBuffers()
  var nvmeKind: UInt64 = 3
  var interrupt = PendingInterrupt()
  /// The type of the last raw invalidation, until an event of another kind; 0 for none.
  var rawInvalidation: UInt64 = 0
  var hasRegisterWrites = false
  var amdFaultAddress: UInt64?
  var isAMD = false
  var accesses = 0
  var knownAccesses = 0

  init(_ source: ByteSource) { self.source = source }

  let trailingInstructions = 0

  mutating func finish(_ block: inout BlockBuilder) throws(TraceError) {
    flush(to: &block)
    try requireEvent()
  }

  mutating func append(
    _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, to block: inout BlockBuilder
  ) throws(TraceError) -> Int {
    let names = names
    var values = LineValues(repeating: 0)
    var place = start
    while place < end, !block.isFull {
      var cursor = TextCursor(place)
      lines.count += 1
      let prefix = QEMULogPrefix(&cursor)
      guard let name = names.find(&cursor) else {
        place = try passOver(at: place)
        continue
      }
      guard let event = QEMUEvent(rawValue: names.kind(of: name)) else {
        names.skip(name)
        place = try self.end(of: place, from: cursor.place)
        continue
      }
      if !cursor.isAtLineEnd { cursor.step() }
      guard event.match(&cursor, &values) else {
        place = try refuse(event, at: place, end)
        names.skip(name)
        continue
      }
      thread = prefix.thread
      if let time = prefix.time { block.append(.time, time) }
      if !handle(event, values, &block) { names.skip(name) }
      place = try self.end(of: place, from: cursor.place)
    }
    return place - start
  }

  private mutating func passOver(
    at place: UnsafePointer<UInt8>
  ) throws(TraceError) -> UnsafePointer<UInt8> {
    lines.countOther()
    return try end(of: place, from: place)
  }

  /// Refuses a line of a known event that does not fit, unless the text ends inside it.
  private mutating func refuse(
    _ event: QEMUEvent, at place: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(TraceError) -> UnsafePointer<UInt8> {
    let (next, isTorn) = try passTorn(at: place, end)
    if isTorn { return next }
    let text = quotedLine(UnsafeRawBufferPointer(start: place, count: next - place))
    let (name, patterns) = event.line
    throw source.error(
      "line \(lines.count)", "\(text) is no \(name) line; expected \"\(name) \(patterns[0])\"",
      "mend the line or cut it out")
  }

  private func requireEvent() throws(TraceError) {
    guard names.lines == names.skipped else { return }
    throw source.error(
      "line 1", "no line up to line \(lines.count) is a trace event that is used here",
      "record with -trace 'vtd_*', 'amdvi_*' or 'virtio_iommu_*', or give another --format")
  }

  var notes: [String] {
    var notes = lineNotes("no trace event")
    if accesses > 0 {
      notes.append(
        "The emulator logs translations, not accesses: length and direction are known for "
          + "\(knownAccesses) of \(accesses), from the devices' own events, and what a device does "
          + "through a translation that it keeps is missing.")
    }
    if isAMD {
      notes.append(
        "AMD-Vi lines give no page table entries and no addresses of invalidations (the emulator "
          + "drops the whole domain), and cut the requester of an interrupt to 8 bits: bus 0 is "
          + "assumed.")
    }
    return notes + endNotes
  }

  /// Whether a line begins as a trace event does that is known here.
  static func fits(_ start: TextCursor) -> Bool {
    var cursor = start
    let hasPrefix = QEMULogPrefix(&cursor).time != nil
    let name = cursor
    guard LineNames.takeName(&cursor) != nil else { return false }
    if hasPrefix { return true }
    let text = UnsafeRawBufferPointer(start: name.place, count: cursor.place - name.place)
    return families.contains { text.starts(with: $0) }
  }

  /// How the names begin by which a log without prefixes is recognised.
  private static let families: [[UInt8]] = [
    "vtd_", "amdvi_", "virtio_iommu_", "apic_deliver_irq", "pci_nvme_", "e1000e_", "virtqueue_",
    "smmu_", "smmuv3_", "gicv3_", "memory_region_ops_",
  ].map { Array($0.utf8) }
}
