import Results
import TraceFile

/// Which frames hold VT-d's tables, as far as the trace writes them, and which tables were freed.
///
/// Model: tables of legacy mode alone; those of scalable mode and of AMD-Vi are written unseen.
struct TableDirectory: ~Copyable {
  /// What a frame holds.
  enum Kind: UInt8 {
    case root
    /// The contexts of a bus.
    case contexts
    /// Second-stage entries of `level`.
    case entries
  }

  struct Table: BitwiseCopyable {
    var kind: Kind
    var level: UInt8 = 0
    /// Of second-stage tables.
    var domain: UInt32 = DMAOutcome.noDomain
    /// The first address that it translates; of contexts the first device.
    var first: UInt64 = 0
  }

  /// A table that an entry no longer leads to, until an invalidation covers it.
  struct Freed: BitwiseCopyable {
    var domain: UInt32
    var address: UInt64
    /// Of what the entry translated: 2^`shift` bytes.
    var shift: UInt8
    /// The table's frame, and where the entry stands.
    var frame: UInt64
    var slot: UInt64
    var since: Moment
    /// An invalidation covered it and said that only leaves have changed.
    var hint: Moment?
  }

  private var numbers = PairTable()
  private var tables: [Table] = []
  private(set) var freed: [Freed] = []

  /// Bounds for hostile traces.
  private static let maximumTables = 1 << 16
  private static let maximumFreed = 1 << 12

  var isEmpty: Bool { tables.isEmpty }

  func table(in frame: UInt64) -> Table? {
    numbers.number(of: frame, 0).map { tables[$0] }
  }

  mutating func removeAll() {
    numbers = PairTable()
    tables.removeAll()
    freed.removeAll()
  }

  /// Takes in a table with all that memory has below it.
  mutating func learn(_ frame: UInt64, _ table: Table, _ memory: borrowing IOMemory) {
    var left = [(frame, table)]
    while let (frame, table) = left.popLast() {
      guard tables.count < Self.maximumTables, numbers.number(of: frame, 0) == nil else { continue }
      numbers.set(frame, 0, to: tables.count)
      tables.append(table)
      guard let words = memory.frames.words(in: frame) else { continue }
      for at in 0..<512 {
        if let child = Self.child(of: table, at, words[at], words[at | 1]) { left.append(child) }
      }
    }
  }

  /// The table that an entry leads to.
  ///
  /// `next` is the word behind it, of a context.
  static func child(
    of table: Table, _ at: Int, _ word: UInt64, _ next: UInt64
  ) -> (UInt64, Table)? {
    switch table.kind {
    case .root:
      guard at & 1 == 0, word.has(VTdRootEntryLow.present) else { return nil }
      let contexts = Table(kind: .contexts, first: UInt64(at / 2) << 8)
      return (word[VTdRootEntryLow.table], contexts)
    case .contexts:
      let width = next[VTdContextHigh.width]
      guard at & 1 == 0, word.has(VTdContextLow.present), word[VTdContextLow.type] != 2,
        1...3 ~= width
      else { return nil }
      let domain = UInt32(next[VTdContextHigh.domain])
      return (
        word[VTdContextLow.table],
        Table(kind: .entries, level: UInt8(width) + 1, domain: domain, first: 0)
      )
    case .entries:
      guard table.level > 0, isTable(word, table) else { return nil }
      let first = table.first &+ UInt64(at) << UInt64(12 + 9 * table.level)
      return (
        word[VTdSecondStageEntry.frame],
        Table(kind: .entries, level: table.level - 1, domain: table.domain, first: first)
      )
    }
  }

  static func isTable(_ word: UInt64, _ table: Table) -> Bool {
    VTdSecondStage.isPresent(word, .standard)
      && !VTdSecondStage.isLeaf(word, level: Int(table.level))
  }

  /// An entry no longer leads to a table, which may be used for something else once no cache has it.
  mutating func free(_ freed: Freed) {
    guard self.freed.count < Self.maximumFreed else { return }
    self.freed.append(freed)
  }

  /// An invalidation takes what it covers, unless it says that only leaves have changed.
  mutating func see(_ invalidation: IOInvalidation) {
    guard !freed.isEmpty, invalidation.pasid == DMARequest.noPASID else { return }
    for at in freed.indices.reversed() {
      let one = freed[at]
      guard invalidation.comes(after: one.since.event),
        invalidation.granularity == .global || invalidation.domain == one.domain,
        invalidation.granularity != .pages || covers(invalidation, one)
      else { continue }
      if invalidation.keepsTables {
        freed[at].hint = Moment(invalidation.effective)
      } else {
        freed.remove(at: at)
      }
    }
  }

  /// A cached entry for the lowest tables goes with any of its pages, higher ones are several.
  private func covers(_ invalidation: IOInvalidation, _ one: Freed) -> Bool {
    guard one.shift > 21 else { return invalidation.covers(one.address, shift: one.shift) }
    guard invalidation.pages > 0 else { return true }
    let last = one.address &+ ((1 << UInt64(one.shift)) &- 1)
    return invalidation.address <= one.address
      && invalidation.address &+ ((invalidation.pages << 12) &- 1) >= last
  }

  /// Takes freed tables that a rule picks off the list.
  mutating func take(where isTaken: (Freed) -> Bool) -> [Freed] {
    guard !freed.isEmpty else { return [] }
    let taken = freed.filter(isTaken)
    if !taken.isEmpty { freed.removeAll(where: isTaken) }
    return taken
  }
}

/// Rules about writes of tables: V7 where a table is used again before caches forget it, V27 where an
/// entry changes while hardware may be reading it.
extension IsolationMonitor {
  /// Sees the root table from SRTP on.
  mutating func seeRoot(_ event: TraceEvent, _ memory: borrowing IOMemory) {
    guard isVTd else { return }
    if event[1] == 0x20 || event[1] == 0x24 {
      rootAddress = VTdRegisters.merge(
        rootAddress, event[1], from: 0x20, bytes: event[2], event[3])
    } else if event[1] == 0x18, event[3] & (1 << 30) != 0 {
      tables.removeAll()
      guard VTdRegisters.mode(of: rootAddress) == 0 else { return }
      tables.learn(rootAddress >> 12, TableDirectory.Table(kind: .root), memory)
    }
  }

  /// Sees a word of memory before it is written.
  mutating func seeTableWrite(
    _ address: UInt64, _ value: UInt64, _ memory: borrowing IOMemory, at place: EventPlace
  ) {
    guard isVTd, !tables.isEmpty, let table = tables.table(in: address >> 12) else { return }
    let old = memory.read(address) ?? 0
    guard old != value else { return }
    let at = Int(address >> 3 & 511)
    let beside = memory.read(address ^ 8) ?? 0
    judged[27] += 1
    switch table.kind {
    case .root: break
    case .contexts:
      let isPresent = (at & 1 == 0 ? old & value : beside).has(VTdContextLow.present)
      if isPresent {
        let device = UInt32(table.first) | UInt32(at / 2)
        tellRace(
          FindingLog.Subject(device: device), address, old, value,
          "a context changed while present",
          at: place)
      }
    case .entries:
      judge(table, address, at, old, value, place)
    }
    // A context's second word may come after its first.
    let (low, high) = at & 1 == 0 ? (value, beside) : (beside, value)
    let child =
      table.kind == .contexts
      ? TableDirectory.child(of: table, at & ~1, low, high)
      : TableDirectory.child(of: table, at, value, 0)
    if let (frame, below) = child { tables.learn(frame, below, memory) }
  }

  private mutating func judge(
    _ table: TableDirectory.Table, _ address: UInt64, _ at: Int, _ old: UInt64, _ value: UInt64,
    _ place: EventPlace
  ) {
    let level = Int(table.level)
    let first = table.first &+ UInt64(at) << UInt64(12 + 9 * level)
    let wasPresent = VTdSecondStage.isPresent(old, .standard)
    let isPresent = VTdSecondStage.isPresent(value, .standard)
    let hasMoved = old[VTdSecondStageEntry.frame] != value[VTdSecondStageEntry.frame]
    if isPresent {
      judged[7] += 1
      tellFreed(tables.take { $0.slot == address }, "its entry leads elsewhere", at: place)
    }
    guard wasPresent, !isPresent || hasMoved else { return }
    if TableDirectory.isTable(old, table) {
      tables.free(
        TableDirectory.Freed(
          domain: table.domain, address: first, shift: UInt8(12 + 9 * level),
          frame: old[VTdSecondStageEntry.frame], slot: address, since: now))
      if isPresent {
        tellFreed(tables.take { $0.slot == address }, "its entry leads elsewhere", at: place)
      }
    } else if isPresent {
      tellRace(
        FindingLog.Subject(domain: table.domain), address, old, value,
        "a page's entry changed while present, for \(hex(first))", at: place)
    }
  }

  /// V7 for tables whose frames are given to somebody while caches may still lead there.
  mutating func judgeFreed(_ first: UInt64, _ end: UInt64, at place: EventPlace) {
    tellFreed(
      tables.take { first <= $0.frame && $0.frame < end }, "its frame is used for something else",
      at: place)
  }

  private mutating func tellFreed(
    _ freed: [TableDirectory.Freed], _ next: String, at place: EventPlace
  ) {
    for one in freed {
      find(7, .critical, FindingLog.Subject(domain: one.domain), at: place) { monitor in
        [
          "iova": hex(one.address), "table": hex(one.frame << 12), "freed": one.since.text,
          "invalidated": one.hint.map { "leaves only, \($0.text)" } ?? "not since",
          "next": next + " at \(monitor.now.text)",
        ]
      }
    }
  }

  private mutating func tellRace(
    _ subject: FindingLog.Subject, _ address: UInt64, _ old: UInt64, _ value: UInt64,
    _ what: String,
    at place: EventPlace
  ) {
    find(27, .medium, subject, at: place) { _ in
      ["entry": hex(address), "before": hex(old), "value": hex(value), "change": what]
    }
  }
}
