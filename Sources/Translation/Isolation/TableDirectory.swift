import Results
import TraceFile

/// Which frames hold an IOMMU's tables, as far as the trace writes them, and which tables were freed.
///
/// Model: a table that several devices or domains use is known as that of the first; of what one entry
/// led to, 256 tables and 4,096 pages count as unmapped with it; a guest's entry that leads where its
/// second stage has nothing yet is known once it is written again.
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
    /// It is a guest's, and its second stage has it elsewhere from now on: a leaf of the second stage
    /// changed, and what caches have of the guest's tables goes with any invalidation that covers it.
    var isMoved = false
    /// An invalidation covered it and said that only leaves have changed.
    var hint: Moment?
  }

  /// A guest's table whose page its second stage does not map now.
  private struct Displaced {
    var domain: UInt32
    /// Guest-physical.
    var page: UInt64
    var table: Table
  }

  private var numbers = PairTable()
  private var tables: [Table] = []
  /// Places in `tables` of those that were forgotten.
  private var unused: [Int] = []
  private(set) var freed: [Freed] = []
  private var displaced: [Displaced] = []
  /// Tables of guests, found through a second stage.
  private(set) var nested = 0

  /// Bounds for hostile traces.
  private static let maximumTables = 1 << 16
  private static let maximumFreed = 1 << 12
  /// What one entry's change looks through: pages, tables for their pages, tables to learn or forget.
  private static let maximumPages = 1 << 12
  private static let maximumSearched = 1 << 8
  private static let maximumChanged = 1 << 12
  /// First stages of a device's guest CR3s, and pages above 2 MiB that a second stage's table had.
  static let maximumLarge = 16

  var isEmpty: Bool { numbers.count == 0 }

  func table(in frame: UInt64) -> Table? {
    numbers.number(of: frame, 0).map { tables[$0] }
  }

  mutating func removeAll() {
    numbers = PairTable()
    tables.removeAll()
    unused.removeAll()
    freed.removeAll()
    displaced.removeAll()
    nested = 0
  }

  /// Takes in a table with what memory has below it: all of a root's, and as much of another's as one
  /// change may cost.
  ///
  /// - Returns: the frames of those that were not known.
  @discardableResult
  mutating func learn(
    _ frame: UInt64, _ table: Table, _ memory: borrowing IOMemory
  ) -> [UInt64] {
    var found: [UInt64] = []
    let isRoot = table.kind == .root || table.kind == .scalableRoot || table.kind == .devices
    var allowed = isRoot ? Self.maximumTables : Self.maximumChanged
    var left = [(frame, table)]
    while let (frame, table) = left.popLast(), allowed > 0 {
      guard numbers.count < Self.maximumTables, numbers.number(of: frame, 0) == nil else {
        continue
      }
      allowed -= 1
      found.append(frame)
      if table.isNested { nested += 1 }
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
    return found
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
  ///
  /// - Returns: first stages among them, by their roots, `maximumLarge` at most.
  @discardableResult
  mutating func forget(
    _ frame: UInt64, _ table: Table, _ memory: borrowing IOMemory
  ) -> [(frame: UInt64, table: Table)] {
    var roots = table.kind == .first ? [(frame: frame, table: table)] : []
    var left = [(frame, table)]
    var visited = 0
    while let (frame, table) = left.popLast(), visited < Self.maximumChanged {
      guard remove(frame) else { continue }
      visited += 1
      guard table.level > 0 || !table.kind.translates, let words = memory.frames.words(in: frame)
      else { continue }
      for at in stride(from: 0, to: 512, by: table.stride) {
        if table.kind.translates {
          if case .table(let place, let below) = Self.entry(words[at], at: at, of: table, memory) {
            left.append((place >> 12, below))
          }
        } else {
          for child in Self.children(words + at, at: at, of: table, memory) {
            left.append((child.frame, child.table))
            if child.table.kind == .first, roots.count < Self.maximumLarge { roots.append(child) }
          }
        }
      }
    }
    return roots
  }

  private mutating func remove(_ frame: UInt64) -> Bool {
    guard let place = numbers.number(of: frame, 0) else { return false }
    numbers.remove(frame, 0)
    unused.append(place)
    if tables[place].isNested { nested -= 1 }
    return true
  }

  // MARK: Tables that a second stage moves

  /// A second stage no longer has a page where it was, or has it elsewhere: a guest's tables in it are
  /// not read there any more, once no cache leads there.
  mutating func displace(_ page: Page, of domain: UInt32, at moment: Moment) {
    guard nested > 0 else { return }
    let first = page.output >> 12
    let found = tables(in: first, first + page.bytes >> 12) {
      $0.isNested && $0.space.domain == domain
    }
    for (frame, table) in found {
      let address = page.address + (frame - first) << 12
      free(
        Freed(
          space: MappingSpace(domain: domain), address: address, shift: 12, frame: frame,
          slot: .max, since: moment, isMoved: true))
      if displaced.count < Self.maximumFreed {
        displaced.append(Displaced(domain: domain, page: address >> 12, table: table))
      }
      _ = remove(frame)
    }
  }

  /// A second stage has a page again, with the guest's tables that it had before.
  ///
  /// - Returns: the frames of those that were not known.
  mutating func restore(
    _ page: Page, of domain: UInt32, _ memory: borrowing IOMemory
  ) -> [UInt64] {
    guard !displaced.isEmpty else { return [] }
    var found: [UInt64] = []
    for at in displaced.indices.reversed() {
      let one = displaced[at]
      let offset = one.page &- page.address >> 12
      guard one.domain == domain, offset < page.bytes >> 12 else { continue }
      displaced.remove(at: at)
      found += learn(page.output >> 12 + offset, one.table, memory)
    }
    return found
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
      if invalidation.keepsTables, !one.isMoved {
        freed[at].hint = Moment(invalidation.effective)
      } else {
        freed.remove(at: at)
      }
    }
  }

  private func isOf(_ space: MappingSpace, _ invalidation: IOInvalidation) -> Bool {
    if invalidation.granularity == .global { return true }
    guard invalidation.domain == space.domain else { return false }
    // Model: of pages of a second stage only translations of first stages go, and not their tables.
    if let pasid = space.pasid {
      return invalidation.isOfFirstStage(pasid) && !invalidation.takesFirstStages
    }
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

  /// Tables in frames of a range that a rule asks for, of those that entries still lead to.
  ///
  /// - Returns: in order, `maximumChanged` at most.
  func tables(
    in first: UInt64, _ end: UInt64, where matches: (Table) -> Bool
  ) -> [(frame: UInt64, table: Table)] {
    var found: [(frame: UInt64, table: Table)] = []
    guard end - first > UInt64(numbers.count) else {
      for frame in first..<end {
        if let table = table(in: frame), matches(table) { found.append((frame, table)) }
        if found.count == Self.maximumChanged { break }
      }
      return found
    }
    // Fewer tables than frames: look at those.
    numbers.visit { frame, _, place in
      if first <= frame, frame < end, found.count < Self.maximumChanged, matches(tables[place]) {
        found.append((frame, tables[place]))
      }
    }
    return found.sorted { $0.frame < $1.frame }
  }
}
