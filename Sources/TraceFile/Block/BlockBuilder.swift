/// Turns records into the columns of one block, one record at a time.
///
/// A class of accesses (instructions, data) touches pages in runs. The builder keeps one open run
/// for each class, numbers the distinct pages and record shapes of the block, and writes each record
/// as the number of its shape and the distance of its offset from the last one on its page.
struct BlockBuilder: ~Copyable {
  /// Records in a full block.
  ///
  /// Four times the 64 Ki of the first plan: measured on a database trace, blocks of 64 Ki cost a
  /// third more bytes, because each starts from nothing; a block's transitions still fit a
  /// second-level cache.
  static let capacity = 262_144

  /// The codes of a block's transitions are 16 bits wide, and 0 means a new page.
  static let maximumEntries = 65_534

  private struct Run {
    var page: UInt64 = .max
    var slot: UInt32 = 0
    /// Where in `transitions` the run stands.
    var position = 0
    var writes: RunWrites = .nothing
  }

  private var pages = InternTable(logCells: 17)
  private var shapes = InternTable(logCells: 17)
  private let pageKeys: UnsafeMutablePointer<UInt64>
  private let lastOffsets: UnsafeMutablePointer<UInt16>
  private let shapeWords: UnsafeMutablePointer<UInt64>
  /// A slot shifted left by two, with the run's writes below.
  private let transitions: UnsafeMutablePointer<UInt32>
  private let shapeCodes: UnsafeMutablePointer<UInt16>
  private let offsets: UnsafeMutablePointer<UInt16>
  /// The open run of instructions and that of data.
  private let runs: UnsafeMutablePointer<Run>
  private var counts = BlockCounts()
  private var transitionCount = 0
  private var events = EventBuffer()

  init() {
    pageKeys = .allocate(capacity: Self.maximumEntries + 2)
    lastOffsets = .allocate(capacity: Self.maximumEntries + 2)
    shapeWords = .allocate(capacity: Self.maximumEntries + 2)
    transitions = .allocate(capacity: 2 * Self.capacity)
    shapeCodes = .allocate(capacity: Self.capacity)
    offsets = .allocate(capacity: Self.capacity)
    runs = .allocate(capacity: 2)
    runs.initialize(repeating: Run(), count: 2)
  }

  deinit {
    pageKeys.deallocate()
    lastOffsets.deallocate()
    shapeWords.deallocate()
    transitions.deallocate()
    shapeCodes.deallocate()
    offsets.deallocate()
    runs.deallocate()
  }

  /// No further record may be appended.
  ///
  /// A record adds at most two entries; a page has at most three, by what its runs write.
  @inline(__always)
  var isFull: Bool {
    counts.records == UInt32(Self.capacity)
      || min(transitionCount, 3 * pages.count) > Self.maximumEntries - 6
      || shapes.count == Self.maximumEntries || events.isFull
  }

  var isEmpty: Bool { counts.records == 0 && events.count == 0 }

  /// Appends an event, which happens after the records appended so far.
  ///
  /// `a` to `h` are the event's words in the order of `tag.fields`. A time is kept until another
  /// event follows, so that a block never ends with one. The block must not be full.
  @inline(__always)
  mutating func append(
    _ tag: EventTag, _ a: UInt64 = 0, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0,
    _ e: UInt64 = 0, _ f: UInt64 = 0, _ g: UInt64 = 0, _ h: UInt64 = 0
  ) {
    let words: InlineArray<8, UInt64> = [a, b, c, d, e, f, g, h]
    words.span.withUnsafeBufferPointer {
      events.append(
        tag, at: counts.records, UnsafeBufferPointer(rebasing: $0.prefix(tag.fieldCount)))
    }
  }

  /// Appends another block's event.
  mutating func append(_ event: TraceEvent) {
    append(event.tag, words: (0..<event.count).map { event[$0] })
  }

  /// Appends an event of any number of words.
  mutating func append(_ tag: EventTag, words: [UInt64]) {
    words.withUnsafeBufferPointer { events.append(tag, at: counts.records, $0) }
  }

  /// Names a number.
  mutating func name(_ kind: NamedKind, _ id: UInt64, _ text: String) {
    let bytes = Array(text.utf8.prefix(1024))
    var words = [kind.rawValue, id, UInt64(bytes.count)]
    for start in stride(from: 0, to: bytes.count, by: 8) {
      var word: UInt64 = 0
      for (at, byte) in bytes[start..<min(start + 8, bytes.count)].enumerated() {
        word |= UInt64(byte) << UInt64(8 * at)
      }
      words.append(word)
    }
    append(.name, words: words)
  }

  /// Appends a record.
  ///
  /// - Precondition: the block is not full and `size` is at most `TraceRecord.maximumSize`.
  @inline(__always)
  mutating func append(
    address: UInt64, kind: AccessKind, size: UInt16, thread: UInt16, instructions: UInt32
  ) {
    let page = address >> 12
    let offset = UInt16(truncatingIfNeeded: address & 0xfff)
    let crosses = Int(offset) + max(Int(size), 1) > 4096
    let run = runs + (kind == .fetch ? 0 : 1)
    let writes = kind == .store || kind == .modify
    let opensRun = touch(run, page, writes: writes)
    let slot = run.pointee.slot
    if crosses { _ = touch(run, (page &+ 1) & PageEntry.pageMask, writes: writes) }
    switch kind {
    case .fetch:
      counts.fetches += 1
      counts.fetchTouches += crosses ? 2 : 1
    case .load: counts.loads += 1
    case .store: counts.stores += 1
    case .modify: counts.modifies += 1
    }
    if kind != .fetch { counts.dataTouches += crosses ? 2 : 1 }
    let shape = RecordShape(
      kind: kind, opensRun: opensRun, crosses: crosses, size: size, thread: thread,
      instructions: instructions)
    let (code, isNew) = shapes.intern(shape.packed)
    if isNew { shapeWords[Int(code)] = shape.packed }
    let at = Int(counts.records)
    shapeCodes[at] = UInt16(truncatingIfNeeded: code)
    offsets[at] = (offset &- lastOffsets[Int(slot)]) & 0xfff
    lastOffsets[Int(slot)] = offset
    counts.records += 1
    counts.instructions += UInt64(instructions)
  }

  @inline(__always)
  private mutating func touch(
    _ run: UnsafeMutablePointer<Run>, _ page: UInt64, writes: Bool
  ) -> Bool {
    if run.pointee.page == page {
      if writes && run.pointee.writes == .nothing { run.pointee.writes = .later }
      return false
    }
    close(run)
    let key = page | (run == runs ? 0 : PageEntry.dataBit)
    let (slot, isNew) = pages.intern(key)
    if isNew {
      pageKeys[Int(slot)] = key
      lastOffsets[Int(slot)] = 0
    }
    run.pointee = Run(
      page: page, slot: slot, position: transitionCount, writes: writes ? .first : .nothing)
    transitionCount += 1
    return true
  }

  @inline(__always)
  private func close(_ run: UnsafeMutablePointer<Run>) {
    guard run.pointee.page != .max else { return }
    transitions[run.pointee.position] =
      run.pointee.slot << 2 | UInt32(run.pointee.writes.rawValue)
  }

  /// Moves the records into `block` and starts anew.
  ///
  /// - Parameters:
  ///   - block: what it held is gone.
  ///   - trailingInstructions: retired after the last record of the stream.
  mutating func finish(into block: TraceBlock, trailingInstructions: Int = 0) {
    close(runs)
    close(runs + 1)
    counts.trailingInstructions = UInt64(trailingInstructions)
    counts.transitions = UInt32(transitionCount)
    counts.shapes = UInt32(shapes.count)
    block.begin()
    writeTransitions(to: block)
    writeShapes(to: block)
    block.offsets.resize(to: 2 * Int(counts.records))
    block.offsets.base.copyMemory(from: offsets, byteCount: 2 * Int(counts.records))
    counts.events = UInt32(events.count)
    events.finish(into: &block.events)
    block.counts = counts
    let next = counts.firstRecord + UInt64(counts.records)
    counts = BlockCounts()
    counts.firstRecord = next
    pages.reset()
    shapes.reset()
    transitionCount = 0
    runs.update(repeating: Run(), count: 2)
  }

  /// Codes, 0 for a new entry and otherwise one more than an entry's number, then the entries.
  private mutating func writeTransitions(to block: TraceBlock) {
    let pageCount = pages.count
    // The entry of (slot, writes), once it is known; and each slot's number among the pages in
    // the order of entries, which is not that of slots: runs close in another order than they open.
    var entryOf = [UInt16](repeating: 0, count: 4 * pageCount)
    var pageNumber = [UInt16](repeating: .max, count: pageCount)
    var nextPage: UInt16 = 0
    var entries: UInt32 = 0
    var previousPage: UInt64 = 0
    var dictionary: [UInt8] = []
    dictionary.reserveCapacity(6 * pageCount)
    let codeBytes = 2 * transitionCount
    block.transitions.resize(to: codeBytes + 12 * min(transitionCount, 3 * pageCount))
    let codes = block.transitions.base.assumingMemoryBound(to: UInt16.self)
    for at in 0..<transitionCount {
      let key = transitions[at]
      let known = entryOf[Int(key)]
      if known != 0 {
        codes[at] = known
        continue
      }
      codes[at] = 0
      entries += 1
      entryOf[Int(key)] = UInt16(entries)
      let slot = Int(key >> 2)
      let page = pageKeys[slot] & PageEntry.pageMask
      let isData: UInt8 = pageKeys[slot] & PageEntry.dataBit != 0 ? 4 : 0
      if pageNumber[slot] == .max {
        pageNumber[slot] = nextPage
        nextPage += 1
        dictionary.append(UInt8(key & 3) | isData)
        Varint.append(Varint.zigzag(Int64(bitPattern: page &- previousPage)), to: &dictionary)
        previousPage = page
      } else {
        dictionary.append(UInt8(key & 3) | isData | 8)
        Varint.append(UInt64(pageNumber[slot]), to: &dictionary)
      }
    }
    counts.entries = entries
    dictionary.withUnsafeBytes {
      guard let base = $0.baseAddress else { return }
      (block.transitions.base + codeBytes).copyMemory(from: base, byteCount: $0.count)
    }
    block.transitions.shorten(to: codeBytes + dictionary.count)
  }

  /// The shapes, a byte for each record (255 where its number does not fit), then those numbers.
  private mutating func writeShapes(to block: TraceBlock) {
    let records = Int(counts.records)
    let wordBytes = RecordShape.bytes * shapes.count
    block.shapes.resize(to: wordBytes + 3 * records)
    block.shapes.base.copyMemory(from: shapeWords, byteCount: wordBytes)
    let codes = (block.shapes.base + wordBytes).assumingMemoryBound(to: UInt8.self)
    var wide = wordBytes + records
    for at in 0..<records {
      let code = shapeCodes[at]
      if code < 255 {
        codes[at] = UInt8(truncatingIfNeeded: code)
      } else {
        codes[at] = 255
        block.shapes.base.storeBytes(of: code.littleEndian, toByteOffset: wide, as: UInt16.self)
        wide += 2
      }
    }
    block.shapes.shorten(to: wide)
  }
}
