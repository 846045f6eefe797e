/// One 16-byte record of `flat16`.
struct FlatRecord {
  let address: UInt64
  let kind: UInt8
  let size: UInt8
  let thread: UInt16
  let instructions: UInt32

  static let bytes = 16

  init(_ records: UnsafeRawBufferPointer, at offset: Int) {
    address = records.number(at: offset, as: UInt64.self)
    kind = records[offset + 8]
    size = records[offset + 9]
    thread = records.number(at: offset + 10, as: UInt16.self)
    instructions = records.number(at: offset + 12, as: UInt32.self)
  }

  /// Why this is no record of the format, if it is none.
  var misfit: String? {
    kind <= 3 ? nil : "kind is \(kind), but 0 to 3 are known"
  }

  /// Why this looks like no record of the format, if it does.
  var oddity: String? {
    if let misfit { return misfit }
    if size > 64 { return "size is \(size), more than an access usually touches" }
    return isCanonical(address) ? nil : "\(pointer(address)) is no canonical address"
  }
}

/// Reads `flat16`, whose records are those of a container already.
struct FlatImporter: RecordImporter {
  private let source: ByteSource
  private var records = 0
  private var fetches = 0
  private var hasInstructions = false
  private var hasThreads = false

  init(_ source: ByteSource) { self.source = source }

  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool {
    while !block.isFull {
      let bytes = try source.wholeRecords(of: FlatRecord.bytes, from: records + 1)
      guard !bytes.isEmpty else { return false }
      var offset = 0
      while offset < bytes.count, !block.isFull {
        let record = FlatRecord(bytes, at: offset)
        records += 1
        guard let kind = AccessKind(rawValue: record.kind) else {
          throw source.error(
            "record \(records)", record.misfit ?? "has no kind",
            "the file is damaged or no flat16: fetch it again or give another --format")
        }
        if kind == .fetch { fetches += 1 }
        if record.instructions > 0 { hasInstructions = true }
        if record.thread > 0 { hasThreads = true }
        block.append(
          address: record.address, kind: kind, size: UInt16(record.size), thread: record.thread,
          instructions: record.instructions)
        offset += FlatRecord.bytes
      }
      source.consume(offset)
    }
    return true
  }

  let skipped = 0
  let trailingInstructions = 0

  var notes: [String] {
    var notes = [
      fetches > 0
        ? "A fetch is recorded where the 64-byte line changes; flat16 keeps no instructions after "
          + "the last record."
        : "The trace lists no instruction fetches."
    ]
    if !hasInstructions { notes.append("The trace counts no instructions.") }
    if !hasThreads { notes.append("The trace names no threads.") }
    return notes
  }
}

/// Whether bits 63 to 56 are equal, as on machines with 57-bit virtual addresses.
func isCanonical(_ address: UInt64) -> Bool {
  address >> 56 == 0 || address >> 56 == 0xff
}

/// An address as errors show it.
func pointer(_ address: UInt64) -> String { "0x" + String(address, radix: 16) }
