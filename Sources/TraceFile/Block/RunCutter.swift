/// A run, or what one stretch of records has of it: touches of one page by one class.
public struct CutRun: BitwiseCopyable {
  /// Of the block.
  public var entry: UInt16
  /// The kind of its first touch, as in a record.
  public var kind: UInt8
  /// A touch after the first stores.
  public var storesLater: Bool
  /// Its touches, at least 1.
  public var touches: UInt32
}

/// Cuts a block's runs where stretches of its records end, at places that are known on the way.
///
/// A stretch needs no touches in their order: those of a run that follow its first differ in nothing
/// but whether one of them stores.
public struct RunCutter: ~Copyable {
  /// A class of touches: its last run, and what the stretch has of it.
  private struct Side {
    /// The entry of the last touch; negative before the first.
    var entry = -1
    /// The place of its cut run; negative where the stretch has none yet.
    var cut = -1
    /// The class's touches before that run.
    var before = 0
  }

  /// What a shape means here: kind 1:0, opens a run 2, crosses 3, stores 4, is data 5, fetches 6,
  /// stands in no byte 7.
  private struct Form: OptionSet {
    let rawValue: UInt8
    static let opens = Form(rawValue: 1 << 2)
    static let crosses = Form(rawValue: 1 << 3)
    static let stores = Form(rawValue: 1 << 4)
    static let isData = Form(rawValue: 1 << 5)
    static let fetches = Form(rawValue: 1 << 6)
    static let isUnknown = Form(rawValue: 1 << 7)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ shape: RecordShape) {
      var form = Form(rawValue: UInt8(truncatingIfNeeded: shape.packed & 0xf))
      form.insert(shape.kind == .fetch ? .fetches : .isData)
      if shape.kind == .store || shape.kind == .modify { form.insert(.stores) }
      self = form
    }

    var kind: UInt8 { rawValue & 3 }
  }

  private let block: TraceBlock
  private let runs: UnsafeBufferPointer<UInt16>
  private let entries: UnsafeBufferPointer<PageEntry>
  /// Shapes, codes of a byte for each record, and codes of two bytes.
  private let shapes: UnsafeRawBufferPointer
  private let firstCode: Int
  private let cut: UnsafeMutablePointer<CutRun>
  private let forms: UnsafeMutablePointer<Form>
  private var count = 0
  private var wide: Int
  private var nextRun = 0
  /// Of fetches and of data.
  private let sides: UnsafeMutablePointer<Side>
  /// Touches by data, and touches of all that are a record's second.
  private var dataTouches = 0
  private var secondTouches = 0
  /// A touch of the last data run after its first stores.
  private var stores = false
  /// The next record.
  public private(set) var record = 0

  /// The most records of a stretch.
  public static let longest = 2048

  /// - Throws: a `TraceError` where a column is damaged.
  public init(_ block: TraceBlock) throws(TraceError) {
    try block.loadShapes()
    self.block = block
    runs = block.runs
    entries = block.entries
    shapes = block.shapes.bytes
    firstCode = RecordShape.bytes * Int(block.counts.shapes)
    wide = firstCode + Int(block.counts.records)
    // Both touches of a record may begin a run.
    cut = .allocate(capacity: 2 * Self.longest)
    sides = .allocate(capacity: 2)
    sides.initialize(repeating: Side(), count: 2)
    forms = .allocate(capacity: 256)
    forms.initialize(repeating: .isUnknown, count: 256)
    for code in 0..<min(Int(block.counts.shapes), 255) { forms[code] = form(code) }
  }

  deinit {
    cut.deallocate()
    sides.deallocate()
    forms.deallocate()
  }

  private func form(_ code: Int) -> Form {
    let word = shapes.loadUnaligned(fromByteOffset: RecordShape.bytes * code, as: UInt64.self)
    return Form(RecordShape(packed: UInt64(littleEndian: word)))
  }

  /// Touches of the records up to now.
  public var touches: Int { record + secondTouches }

  /// Goes on to a record, which the stretch does not hold.
  ///
  /// - Parameter end: at most `longest` after `record`, and at most the block's records.
  /// - Returns: the stretch's runs in the order in which they begin, until the next call.
  /// - Throws: a `TraceError` where a column is damaged.
  public mutating func advance(to end: Int) throws(TraceError) -> UnsafeBufferPointer<CutRun> {
    count = 0
    (sides[0].cut, sides[1].cut) = (-1, -1)
    // The first touch of each class begins a cut run, whether its run began before or not.
    var beginning: Form = [.opens, .crosses, .isUnknown, .fetches, .isData]
    let codes = shapes.baseAddress.map { $0 + firstCode }
    while record < end, let codes {
      let form = forms[Int(codes.load(fromByteOffset: record, as: UInt8.self))]
      if form.isDisjoint(with: beginning) {
        dataTouches &+= Int(form.rawValue >> 5 & 1)
        stores = stores || form.contains(.stores)
      } else {
        let isData = try begin(form)
        beginning.remove(isData ? .isData : .fetches)
      }
      record &+= 1
    }
    complete(0)
    complete(1)
    if record == Int(block.counts.records) { try checkEnd() }
    return UnsafeBufferPointer(start: cut, count: count)
  }

  /// A record that may begin a cut run.
  ///
  /// - Returns: whether it is of data.
  @inline(__always)
  private mutating func begin(_ short: Form) throws(TraceError) -> Bool {
    let form = short.contains(.isUnknown) ? try wideForm() : short
    let side = Int(form.rawValue >> 5 & 1)
    if form.contains(.opens) {
      try open(side, form)
    } else if sides[side].cut < 0 {
      guard sides[side].entry >= 0 else {
        throw block.place.damaged("record \(record) goes on with a run that nothing opened")
      }
      add(side, form)
    } else {
      stores = stores || form.contains(.stores)
    }
    dataTouches &+= side
    if form.contains(.crosses) {
      secondTouches &+= 1
      try open(side, form)
      dataTouches &+= side
    }
    return side == 1
  }

  @inline(never)
  private mutating func wideForm() throws(TraceError) -> Form {
    var code = Int(shapes[firstCode + record])
    if code == 255 {
      guard wide + 2 <= shapes.count else {
        throw block.place.damaged("record \(record) has no shape")
      }
      code = Int(
        UInt16(littleEndian: shapes.loadUnaligned(fromByteOffset: wide, as: UInt16.self)))
      wide += 2
    }
    guard code < Int(block.counts.shapes) else {
      throw block.place.damaged(
        "record \(record) has shape \(code) of \(block.counts.shapes)")
    }
    return form(code)
  }

  @inline(__always)
  private mutating func open(_ side: Int, _ form: Form) throws(TraceError) {
    guard nextRun < runs.count else {
      throw block.place.damaged("record \(record) opens a run that is not there")
    }
    let entry = Int(runs[nextRun])
    nextRun &+= 1
    guard entries[entry].isData == (side == 1) else {
      throw block.place.damaged("run \(nextRun - 1) is of the other class than its record")
    }
    sides[side].entry = entry
    add(side, form)
  }

  @inline(__always)
  private mutating func add(_ side: Int, _ form: Form) {
    complete(side)
    sides[side].cut = count
    sides[side].before = touches(of: side)
    cut[count] = CutRun(
      entry: UInt16(truncatingIfNeeded: sides[side].entry), kind: form.kind, storesLater: false,
      touches: 0)
    count &+= 1
  }

  /// Touches of a class up to the one at hand, without it.
  @inline(__always)
  private func touches(of side: Int) -> Int {
    side == 1 ? dataTouches : record &+ secondTouches &- dataTouches
  }

  /// Completes the cut run of a class, if it has one.
  @inline(__always)
  private mutating func complete(_ side: Int) {
    let last = sides[side].cut
    guard last >= 0 else { return }
    cut[last].touches = UInt32(truncatingIfNeeded: touches(of: side) &- sides[side].before)
    if side == 1 {
      cut[last].storesLater = stores
      stores = false
    }
  }

  private func checkEnd() throws(TraceError) {
    guard nextRun == runs.count, wide == shapes.count else {
      throw block.place.damaged("its records end before its runs or shapes do")
    }
    let counts = block.counts
    guard touches(of: 0) == Int(counts.fetchTouches), dataTouches == Int(counts.dataTouches) else {
      throw block.place.damaged(
        "it has \(touches) touches and its header says "
          + "\(Int(counts.fetchTouches) + Int(counts.dataTouches))")
    }
  }
}
