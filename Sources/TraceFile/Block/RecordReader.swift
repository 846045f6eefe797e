/// Joins a block's shapes with its runs: which entry each record touches, in order.
struct RecordReader {
  /// One record: its shape, the entry of its page, and of its second page where it crosses.
  struct Step {
    var shape: RecordShape
    var entry: UInt16
    var secondEntry: UInt16
  }

  private let block: TraceBlock
  private let shapeCount: Int
  private let records: Int
  private var at = 0
  private var wide: Int
  private var run = 0
  private var instructionEntry: UInt16?
  private var dataEntry: UInt16?

  /// - Precondition: the block's pages are loaded.
  init(_ block: TraceBlock) throws(TraceError) {
    self.block = block
    try block.loadShapes()
    shapeCount = Int(block.counts.shapes)
    records = Int(block.counts.records)
    wide = RecordShape.bytes * shapeCount + records
  }

  /// The next record, or nothing after the last.
  @inline(__always)
  mutating func next() throws(TraceError) -> Step? {
    let bytes = block.shapes.bytes
    guard at < records else {
      guard run == block.runs.count, wide == bytes.count else {
        throw block.place.damaged("its records end before its runs or shapes do")
      }
      return nil
    }
    var code = Int(bytes[RecordShape.bytes * shapeCount + at])
    if code == 255 {
      guard wide + 2 <= bytes.count else {
        throw block.place.damaged("record \(at) has no shape")
      }
      code = Int(
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: wide, as: UInt16.self)))
      wide += 2
    }
    guard code < shapeCount else {
      throw block.place.damaged("record \(at) has shape \(code) of \(shapeCount)")
    }
    let word = bytes.loadUnaligned(fromByteOffset: RecordShape.bytes * code, as: UInt64.self)
    let shape = RecordShape(packed: UInt64(littleEndian: word))
    at += 1
    if shape.kind == .fetch {
      let pages = try pages(of: shape, isData: false, current: instructionEntry)
      instructionEntry = pages.last
      return Step(shape: shape, entry: pages.first, secondEntry: pages.last)
    }
    let pages = try pages(of: shape, isData: true, current: dataEntry)
    dataEntry = pages.last
    return Step(shape: shape, entry: pages.first, secondEntry: pages.last)
  }

  @inline(__always)
  private mutating func pages(
    of shape: RecordShape, isData: Bool, current: UInt16?
  ) throws(TraceError) -> (first: UInt16, last: UInt16) {
    var first = current
    if shape.opensRun { first = try openRun(isData: isData) }
    guard let first else {
      throw block.place.damaged("record \(at - 1) goes on with a run that nothing opened")
    }
    return (first, shape.crosses ? try openRun(isData: isData) : first)
  }

  @inline(__always)
  private mutating func openRun(isData: Bool) throws(TraceError) -> UInt16 {
    let runs = block.runs
    guard run < runs.count else {
      throw block.place.damaged("record \(at - 1) opens a run that is not there")
    }
    let entry = runs[run]
    run += 1
    guard block.entries[Int(entry)].isData == isData else {
      throw block.place.damaged("run \(run - 1) is of the other class than its record")
    }
    return entry
  }
}
