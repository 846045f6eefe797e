import Results
import TraceFile

/// Which frames hold an IOMMU's tables, as far as the trace writes them, and which tables were freed.
///
/// Model: a table that several devices or domains use is known as that of the first; AMD-Vi's tables of
/// guests are written unseen, and so is what becomes of a guest's tables when the second stage moves
/// them; of what one entry led to, 256 tables and 4,096 pages count as unmapped with it.
struct TableDirectory: ~Copyable {
  /// A table that an entry no longer leads to, until an invalidation covers it.
  struct Freed: BitwiseCopyable {
    var space: MappingSpace
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
  /// Places in `tables` of those that were forgotten.
  private var unused: [Int] = []
  private(set) var freed: [Freed] = []

  /// Bounds for hostile traces.
  private static let maximumTables = 1 << 16
  private static let maximumFreed = 1 << 12
  /// What one entry's change looks through: pages, tables for their pages, tables to learn or forget.
  private static let maximumPages = 1 << 12
  private static let maximumSearched = 1 << 8
  private static let maximumChanged = 1 << 12

  var isEmpty: Bool { numbers.count == 0 }

  func table(in frame: UInt64) -> Table? {
    numbers.number(of: frame, 0).map { tables[$0] }
  }

  mutating func removeAll() {
    numbers = PairTable()
    tables.removeAll()
    unused.removeAll()
    freed.removeAll()
  }

  /// Takes in a table with what memory has below it: all of a root's, and as much of another's as one
  /// change may cost.
  mutating func learn(_ frame: UInt64, _ table: Table, _ memory: borrowing IOMemory) {
    let isRoot = table.kind == .root || table.kind == .scalableRoot || table.kind == .devices
    var allowed = isRoot ? Self.maximumTables : Self.maximumChanged
    var left = [(frame, table)]
    while let (frame, table) = left.popLast(), allowed > 0 {
      guard numbers.count < Self.maximumTables, numbers.number(of: frame, 0) == nil else {
        continue
      }
      allowed -= 1
      if let place = unused.popLast() {
        tables[place] = table
        numbers.set(frame, 0, to: place)
      } else {
        numbers.set(frame, 0, to: tables.count)
        tables.append(table)
      }
      guard let words = memory.frames.words(in: frame) else { continue }
      for at in stride(from: 0, to: 512, by: table.stride) {
        if table.kind.translates {
          if case .table(let place, let below) = Self.entry(words[at], at: at, of: table, memory) {
            left.append((place >> 12, below))
          }
        } else {
          for child in Self.children(words + at, at: at, of: table, memory) {
            left.append((child.frame, child.table))
          }
        }
      }
    }
  }

  /// The pages that a table and those below it map.
  ///
  /// - Returns: `maximumPages` at most, of `maximumSearched` tables.
  func pages(
    under frame: UInt64, _ table: Table, _ memory: borrowing IOMemory
  ) -> [Page] {
    var found: [Page] = []
    var left = [(frame, table)]
    var visited = 0
    while let (frame, table) = left.popLast(), visited < Self.maximumSearched {
      visited += 1
      guard found.count < Self.maximumPages, let words = memory.frames.words(in: frame) else {
        continue
      }
      for at in 0..<512 {
        switch Self.entry(words[at], at: at, of: table, memory) {
        case .absent: break
        case .table(let place, let below): left.append((place >> 12, below))
        case .page(let page):
          if found.count < Self.maximumPages { found.append(page) }
        }
      }
    }
    return found
  }

  /// Forgets a table and those below it, whose frames are free for something else.
  mutating func forget(_ frame: UInt64, _ table: Table, _ memory: borrowing IOMemory) {
    var left = [(frame, table)]
    var visited = 0
    while let (frame, table) = left.popLast(), visited < Self.maximumChanged {
      guard let place = numbers.number(of: frame, 0) else { continue }
      visited += 1
      numbers.remove(frame, 0)
      unused.append(place)
      guard table.level > 0, let words = memory.frames.words(in: frame) else { continue }
      for at in 0..<512 {
        if case .table(let place, let below) = Self.entry(words[at], at: at, of: table, memory) {
          left.append((place >> 12, below))
        }
      }
    }
  }

  /// An entry no longer leads to a table, which may be used for something else once no cache has it.
  mutating func free(_ freed: Freed) {
    guard self.freed.count < Self.maximumFreed else { return }
    self.freed.append(freed)
  }

  /// An invalidation takes what it covers, unless it says that only leaves have changed.
  mutating func see(_ invalidation: IOInvalidation) {
    guard !freed.isEmpty else { return }
    for at in freed.indices.reversed() {
      let one = freed[at]
      guard invalidation.comes(after: one.since.event), isOf(one.space, invalidation),
        invalidation.granularity != .pages || covers(invalidation, one)
      else { continue }
      if invalidation.keepsTables {
        freed[at].hint = Moment(invalidation.effective)
      } else {
        freed.remove(at: at)
      }
    }
  }

  private func isOf(_ space: MappingSpace, _ invalidation: IOInvalidation) -> Bool {
    if invalidation.granularity == .global { return true }
    guard invalidation.domain == space.domain else { return false }
    if let pasid = space.pasid { return invalidation.isOfFirstStage(pasid) }
    return invalidation.pasid == DMARequest.noPASID
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

  /// A table that translates in frames of a range, of those that entries still lead to.
  func used(in first: UInt64, _ end: UInt64) -> (frame: UInt64, table: Table)? {
    guard end - first <= UInt64(tables.count) * 4 + 4096 else { return nil }
    var frame = first
    while frame < end {
      if let table = table(in: frame), table.kind.translates { return (frame, table) }
      frame += 1
    }
    return nil
  }
}
