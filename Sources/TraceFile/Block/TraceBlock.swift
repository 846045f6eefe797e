/// One block of records in columns, inflated as far as its reader needs.
///
/// Page transitions come first and alone; the touches in their order need the shapes too, and whole
/// records need the offsets. One object serves a whole run: each block replaces the last.
public final class TraceBlock {
  /// How much of everything the block holds.
  public internal(set) var counts = BlockCounts()
  /// The file and the block's place in it, for errors.
  var place = BlockPlace()

  var transitions = ColumnBuffer()
  var shapes = ColumnBuffer()
  var offsets = ColumnBuffer()
  var events = ColumnBuffer()
  private var eventStore = EventStore()
  private var hasEvents = false
  /// Events whose tags this version does not know, by tag; complete after `loadEvents`.
  private(set) var unknownEvents: [UInt64: Int] = [:]
  /// The columns as they stand in the file, until something asks for them.
  var packed = PackedColumns()

  private var entryWords = ColumnBuffer()
  private var slots = ColumnBuffer()
  private var touchWords = ColumnBuffer()
  private var slotCount = 0
  /// Several machines may ask for the same columns at the same time.
  private let lock = LoadLock()
  private var hasPages = false
  private var hasTouches = false

  /// Creates a block without records.
  public init() {}

  /// Forgets what the block held.
  func begin() {
    counts = BlockCounts()
    hasPages = false
    hasTouches = false
    hasEvents = false
    packed.clear()
    transitions.resize(to: 0)
    shapes.resize(to: 0)
    offsets.resize(to: 0)
    events.resize(to: 0)
  }

  /// The distinct pages of the block's runs, in order of first use; complete after `loadPages`.
  public var entries: UnsafeBufferPointer<PageEntry> {
    entryWords.elements()
  }

  /// For each run in order the index of its entry; complete after `loadPages`.
  public var runs: UnsafeBufferPointer<UInt16> {
    UnsafeBufferPointer(rebasing: transitions.elements().prefix(Int(counts.transitions)))
  }

  /// Every touch in order: its entry in bits 15:0, its kind in 17:16, and bit 18 for the second
  /// page of a record; complete after `loadTouches`.
  public var touches: UnsafeBufferPointer<UInt32> {
    touchWords.elements()
  }

  /// The bit of a touch that is a record's second page.
  public static let secondPage: UInt32 = 1 << 18

  /// Makes `entries` and `runs` available.
  ///
  /// - Throws: a `TraceError` where the column is damaged.
  public func loadPages() throws(TraceError) {
    lock.lock()
    defer { lock.unlock() }
    guard !hasPages else { return }
    try packed.inflate(.transitions, into: &transitions, place)
    let codeCount = Int(counts.transitions)
    let entryCount = Int(counts.entries)
    guard transitions.count >= 2 * codeCount, entryCount <= codeCount, entryCount < 65_536 else {
      throw place.damaged("its page transitions are shorter than its header says")
    }
    // Codes become indices in place: nothing after this reads a code.
    let codes = transitions.base.assumingMemoryBound(to: UInt16.self)
    var next = 0
    for start in stride(from: 0, to: codeCount, by: Self.stretch) {
      let end = min(start + Self.stretch, codeCount)
      // Most stretches bring no new page; then the highest index says that all are known.
      if Int(Self.decrement(codes, start..<end)) < next { continue }
      for at in start..<end {
        if codes[at] == .max {
          codes[at] = UInt16(truncatingIfNeeded: next)
          next += 1
        }
        guard codes[at] < next, next <= entryCount else {
          throw place.damaged("run \(at) names page \(codes[at]) of \(min(next, entryCount))")
        }
      }
    }
    guard next == entryCount else {
      throw place.damaged("its runs use \(next) pages and its header says \(entryCount)")
    }
    try readEntries(from: 2 * codeCount, count: entryCount)
    hasPages = true
  }

  /// Codes that are looked at together.
  private static var stretch: Int { 128 }

  /// Turns codes into indices, and the code of a new page, 0, into the highest of all.
  ///
  /// - Returns: the highest.
  @inline(__always)
  private static func decrement(
    _ codes: UnsafeMutablePointer<UInt16>, _ range: Range<Int>
  ) -> UInt16 {
    var highest: UInt16 = 0
    for at in range {
      let index = UInt16(littleEndian: codes[at]) &- 1
      codes[at] = index
      highest = max(highest, index)
    }
    return highest
  }

  private func readEntries(from start: Int, count: Int) throws(TraceError) {
    entryWords.resize(to: 8 * count)
    slots.resize(to: 2 * count)
    let words = entryWords.base.assumingMemoryBound(to: UInt64.self)
    let slotOf = slots.base.assumingMemoryBound(to: UInt16.self)
    let bytes = transitions.bytes
    // Where each slot's page was first named.
    var firstEntry: [UInt16] = []
    var at = start
    var previous: UInt64 = 0
    for index in 0..<count {
      guard at < bytes.count, bytes[at] < 16, let writes = RunWrites(rawValue: bytes[at] & 3) else {
        throw place.damaged("page \(index) has an unknown form")
      }
      let head = bytes[at]
      at += 1
      guard let value = Varint.read(bytes, at: &at) else {
        throw place.damaged("page \(index) is cut off")
      }
      let page: UInt64
      if head & 8 == 0 {
        page = (previous &+ UInt64(bitPattern: Varint.unzigzag(value))) & PageEntry.pageMask
        previous = page
        slotOf[index] = UInt16(truncatingIfNeeded: firstEntry.count)
        firstEntry.append(UInt16(truncatingIfNeeded: index))
      } else {
        guard value < UInt64(firstEntry.count) else {
          throw place.damaged("page \(index) repeats page \(value) of \(firstEntry.count)")
        }
        slotOf[index] = UInt16(truncatingIfNeeded: value)
        page = words[Int(firstEntry[Int(value)])] & PageEntry.pageMask
      }
      words[index] = PageEntry(page: page, isData: head & 4 != 0, writes: writes).rawValue
    }
    guard at == bytes.count else {
      throw place.damaged("\(bytes.count - at) bytes follow its last page")
    }
    slotCount = firstEntry.count
  }

  /// Makes the shapes and runs available, for those who read records.
  func loadShapes() throws(TraceError) {
    lock.lock()
    defer { lock.unlock() }
    try loadPages()
    try packed.inflate(.shapes, into: &shapes, place)
    guard shapes.count >= RecordShape.bytes * Int(counts.shapes) + Int(counts.records) else {
      throw place.damaged("its record shapes are shorter than its header says")
    }
  }

  /// Makes `touches` available, and with it `entries` and `runs`.
  ///
  /// - Throws: a `TraceError` where a column is damaged.
  public func loadTouches() throws(TraceError) {
    lock.lock()
    defer { lock.unlock() }
    guard !hasTouches else { return }
    try loadPages()
    var reader = try RecordReader(self)
    touchWords.resize(to: 4 * Int(counts.fetchTouches) + 4 * Int(counts.dataTouches))
    let words = touchWords.base.assumingMemoryBound(to: UInt32.self)
    let capacity = touchWords.count / 4
    var count = 0
    while let step = try reader.next() {
      let kind = UInt32(step.shape.kind.rawValue) << 16
      guard count + (step.shape.crosses ? 2 : 1) <= capacity else {
        throw place.damaged("it has more touches than its header says")
      }
      words[count] = UInt32(step.entry) | kind
      count += 1
      if step.shape.crosses {
        words[count] = UInt32(step.secondEntry) | kind | Self.secondPage
        count += 1
      }
    }
    guard count == capacity else {
      throw place.damaged("it has \(count) touches and its header says \(capacity)")
    }
    hasTouches = true
  }

  /// Every record in order.
  ///
  /// - Parameter body: called once a record.
  /// - Throws: a `TraceError` where a column is damaged.
  public func forEachRecord(_ body: (TraceRecord) -> Void) throws(TraceError) {
    try loadPages()
    try packed.inflate(.offsets, into: &offsets, place)
    guard offsets.count == 2 * Int(counts.records) else {
      throw place.damaged("its offsets are \(offsets.count) bytes for \(counts.records) records")
    }
    var reader = try RecordReader(self)
    let distances = offsets.base.assumingMemoryBound(to: UInt16.self)
    let slotOf = slots.base.assumingMemoryBound(to: UInt16.self)
    var lastOffsets = [UInt16](repeating: 0, count: slotCount)
    var at = 0
    while let step = try reader.next() {
      let slot = Int(slotOf[Int(step.entry)])
      let offset = (lastOffsets[slot] &+ UInt16(littleEndian: distances[at])) & 0xfff
      lastOffsets[slot] = offset
      at += 1
      let page = entries[Int(step.entry)].page
      body(
        TraceRecord(
          address: page << 12 | UInt64(offset), kind: step.shape.kind, size: step.shape.size,
          thread: step.shape.thread, instructions: step.shape.instructions))
    }
  }

  /// The error for an event that asks for what cannot be.
  ///
  /// - Parameters:
  ///   - event: of this block.
  ///   - problem: what it asks for.
  ///   - expected: what would do.
  /// - Returns: an error that names the block and the record after the event.
  public func refusal(
    of event: TraceEvent, _ problem: String, _ expected: String
  ) -> TraceError {
    TraceError(
      file: place.file,
      place: "\(event.tag) before record \(counts.firstRecord + UInt64(event.record))",
      problem: problem, cure: "expected \(expected)")
  }

  /// Makes the block's events available to `withEvents`.
  ///
  /// - Throws: a `TraceError` where the column is damaged.
  public func loadEvents() throws(TraceError) {
    lock.lock()
    defer { lock.unlock() }
    guard !hasEvents else { return }
    try packed.inflate(.events, into: &events, place)
    unknownEvents = try EventColumn.decode(
      events.bytes, count: Int(counts.events), records: Int(counts.records), into: &eventStore,
      place)
    hasEvents = true
  }

  /// Gives the block's events, in order; complete after `loadEvents`.
  ///
  /// - Parameter body: must not keep the list.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  public func withEvents<Result, Failure: Error>(
    _ body: (EventList) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(eventStore.list)
  }
}
