/// Where things stand in a record of one of ChampSim's two formats.
///
/// Source: ChampSim, `inc/trace_instruction.h`, `input_instr` and `cloudsuite_instr`.
struct ChampSimLayout {
  let bytes: Int
  let stores: (offset: Int, count: Int)
  let loads: (offset: Int, count: Int)
  /// Of two bytes that tell address spaces apart.
  let space: Int?
  let name: String

  static let standard = ChampSimLayout(
    bytes: 64, stores: (16, 2), loads: (32, 4), space: nil, name: "ChampSim")
  static let cloudSuite = ChampSimLayout(
    bytes: 96, stores: (24, 4), loads: (56, 4), space: 88, name: "ChampSim's CloudSuite format")

  /// Places for an access: the fetch, the loads, the stores.
  var slots: Int { 1 + loads.count + stores.count }
}

/// One instruction of a ChampSim trace.
struct ChampSimRecord {
  let bytes: UnsafeRawBufferPointer
  let offset: Int
  let layout: ChampSimLayout

  var instructionPointer: UInt64 { bytes.number(at: offset, as: UInt64.self) }
  private var isBranch: UInt8 { bytes[offset + 8] }
  private var branchTaken: UInt8 { bytes[offset + 9] }

  /// The address spaces' two bytes; 0 where the layout has none.
  var space: UInt16 {
    layout.space.map { bytes.number(at: offset + $0, as: UInt16.self) } ?? 0
  }

  /// The kind and address in a slot: the fetch first, then loads, then stores.
  ///
  /// An empty slot has address 0.
  func access(_ slot: Int) -> (kind: AccessKind, address: UInt64) {
    if slot == 0 { return (.fetch, instructionPointer) }
    let isLoad = slot <= layout.loads.count
    let place =
      isLoad
      ? layout.loads.offset + 8 * (slot - 1)
      : layout.stores.offset + 8 * (slot - 1 - layout.loads.count)
    return (isLoad ? .load : .store, bytes.number(at: offset + place, as: UInt64.self))
  }

  /// Why this is no record of the format, if it is none.
  var misfit: String? {
    if isBranch > 1 { return "is_branch is \(isBranch); 0 or 1 was expected" }
    if branchTaken > 1 { return "branch_taken is \(branchTaken); 0 or 1 was expected" }
    return instructionPointer == 0 ? "the instruction pointer is zero" : nil
  }

  /// Why this looks like no record of the format, if it does.
  var oddity: String? {
    if let misfit { return misfit }
    for slot in 0..<layout.slots where !isCanonical(access(slot).address) {
      return "\(pointer(access(slot).address)) is no canonical address"
    }
    return nil
  }
}

/// Reads ChampSim's 64-byte records, or the 96-byte ones of its CloudSuite variant.
struct ChampSimImporter: RecordImporter {
  private let source: ByteSource
  private let layout: ChampSimLayout
  private var fetches = FetchCoalescer()
  private var records = 0
  /// The slot of the record at the window's start that comes next.
  private var slot = 0
  private var space: UInt16 = 0
  private var spaceChanges = 0

  init(_ source: ByteSource, _ layout: ChampSimLayout) {
    self.source = source
    self.layout = layout
  }

  mutating func read(into block: inout BlockBuilder) throws(TraceError) -> Bool {
    while !block.isFull {
      let bytes = try source.wholeRecords(of: layout.bytes, from: records + 1)
      guard !bytes.isEmpty else { return false }
      var offset = 0
      while offset < bytes.count, !block.isFull {
        let record = ChampSimRecord(bytes: bytes, offset: offset, layout: layout)
        if slot == 0 { try check(record) }
        guard try append(record, to: &block) else { break }
        offset += layout.bytes
        records += 1
      }
      source.consume(offset)
    }
    return true
  }

  private mutating func check(_ record: ChampSimRecord) throws(TraceError) {
    if let misfit = record.misfit {
      throw source.error(
        "record \(records + 1)", "at byte \(records * layout.bytes) of the trace, \(misfit)",
        "the file is damaged or no \(layout.name) trace: fetch it again or give another --format")
    }
    if record.space != space, records > 0 { spaceChanges += 1 }
    space = record.space
  }

  /// Appends what is left of a record.
  ///
  /// - Returns: whether all of it had room.
  private mutating func append(
    _ record: ChampSimRecord, to block: inout BlockBuilder
  ) throws(TraceError) -> Bool {
    while slot < layout.slots {
      guard !block.isFull else { return false }
      let (kind, address) = record.access(slot)
      slot += 1
      let isDue = kind == .fetch ? fetches.enter(address, size: 0) : address != 0
      guard isDue else { continue }
      guard let instructions = fetches.takeInstructions() else {
        throw source.instructionOverflow(at: "record \(records + 1)")
      }
      block.append(address: address, kind: kind, size: 0, thread: 0, instructions: instructions)
    }
    slot = 0
    return true
  }

  let skipped = 0
  var trailingInstructions: Int { fetches.pending }

  var notes: [String] {
    var notes = fetches.notes
    notes.append("ChampSim gives no sizes: every access counts as one byte.")
    notes.append(
      "ChampSim keeps at most \(layout.loads.count) loads and \(layout.stores.count) stores of an "
        + "instruction, none at address 0, and not their order: loads come first here.")
    if spaceChanges > 0 {
      notes.append(
        "Changes of address space: \(spaceChanges); spaces are not told apart yet.")
    }
    return notes
  }
}
