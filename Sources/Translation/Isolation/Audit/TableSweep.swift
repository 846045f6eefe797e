/// Consecutive frames that tables map alike.
struct FrameRun: BitwiseCopyable {
  var first: UInt64
  var end: UInt64
  /// Page of the first frame in the address space of the tables.
  var page: UInt64
  var rights: Rights
  /// Whose tables.
  var subject: Int32
}

/// Something in a table that an audit tells.
struct EntryPlace: BitwiseCopyable {
  /// Host-physical, of the entry.
  var entry: UInt64
  var value: UInt64
  var level: Int
  /// The address that it translates.
  var address: UInt64
}

/// Everything that a set of tables leads to, in runs.
struct TableSweep {
  var runs: [FrameRun] = []
  /// Frames of tables.
  var tables: [UInt64] = []
  var leaves: InlineArray<3, Int> = .init(repeating: 0)
  /// Present entries that the architecture forbids, and the first of them.
  var malformed = 0
  var malformedPlaces: [EntryPlace] = []
  /// Tables that the image does not hold.
  var absentTables = 0
  /// Present entries that lead to tables, of a first stage.
  var pointers: [EntryPlace] = []
  private var visited = 0
  private var levels = 0
  private let keepsPointers: Bool
  private let subject: Int32

  /// Tables of one set at most, enough for 4 TiB of small pages; those that contain themselves exceed
  /// it.
  static let maximumTables = 1 << 21
  /// Runs of one set at most: 160 MiB of them.
  static let maximumRuns = 1 << 22
  /// Places of one kind that are told.
  static let maximumPlaces = 5

  init(subject: Int, keepsPointers: Bool = false) {
    self.subject = Int32(subject)
    self.keepsPointers = keepsPointers
  }

  /// Visits tables from a root on.
  ///
  /// `place` says where in the image a table's address is; nothing where it is nowhere.
  ///
  /// - Throws: an error where the tables have no end.
  mutating func visit<Format: PageTableFormat>(
    _ format: Format.Type, root: UInt64, levels: Int, in memory: borrowing PhysicalMemory,
    place: (UInt64) -> UInt64? = { $0 }
  ) throws(TableError) {
    self.levels = levels
    try visit(format, root, levels - 1, 0, .all, memory, place)
  }

  private mutating func visit<Format: PageTableFormat>(
    _ format: Format.Type, _ table: UInt64, _ level: Int, _ base: UInt64, _ rights: Rights,
    _ memory: borrowing PhysicalMemory, _ place: (UInt64) -> UInt64?
  ) throws(TableError) {
    try step()
    guard let host = place(table), let words = memory.words(in: host >> 12) else {
      absentTables += 1
      return
    }
    tables.append(host >> 12)
    let controls = PagingControls.standard
    for index in 0..<512 {
      let entry = words[index]
      guard Format.isPresent(entry, controls) else { continue }
      let address = base | UInt64(index) << UInt64(12 + 9 * level)
      let at = EntryPlace(
        entry: host + UInt64(8 * index), value: entry, level: level, address: address)
      guard !Format.isMalformed(entry, level: level, controls) else {
        malformed += 1
        if malformedPlaces.count < Self.maximumPlaces { malformedPlaces.append(at) }
        continue
      }
      let below = rights.intersection(Format.rights(entry, controls))
      guard Format.isLeaf(entry, level: level) else {
        let next = Format.address(in: entry, leafLevel: 0)
        if keepsPointers, pointers.count < Self.maximumRuns {
          pointers.append(EntryPlace(entry: at.entry, value: next, level: level, address: address))
        }
        try visit(format, next, level - 1, address, below, memory, place)
        continue
      }
      leaves[min(level, 2)] += 1
      // Upper halves of virtual address spaces are sign-extended.
      let isCanonical = Format.accepts(address, levels: levels)
      let full = isCanonical ? address : address | ~0 << UInt64(12 + 9 * levels)
      try add(
        Format.address(in: entry, leafLevel: level) >> 12, 1 << UInt64(9 * level), full >> 12,
        below)
    }
  }

  mutating func add(
    _ frame: UInt64, _ count: UInt64, _ page: UInt64, _ rights: Rights
  ) throws(TableError) {
    if let last = runs.last, last.end == frame, last.rights == rights,
      last.page + (last.end - last.first) == page
    {
      runs[runs.count - 1].end = frame + count
      return
    }
    guard runs.count < Self.maximumRuns else {
      throw TableError(
        problem: "the tables map more than \(Self.maximumRuns) separate ranges",
        cure: "audit fewer tables at a time")
    }
    runs.append(
      FrameRun(first: frame, end: frame + count, page: page, rights: rights, subject: subject))
  }

  mutating func step() throws(TableError) {
    visited += 1
    guard visited <= Self.maximumTables else {
      throw TableError(
        problem: "the tables lead to more than \(Self.maximumTables) tables",
        cure: "look at single addresses with nestwalk walk: tables that contain themselves have "
          + "no end")
    }
  }

  /// Bytes that are mapped, and of those the ones with all of some rights.
  func bytes(with rights: Rights = []) -> Int {
    runs.reduce(0) {
      $0 + ($1.rights.isSuperset(of: rights) ? Int(clamping: ($1.end - $1.first) << 12) : 0)
    }
  }

  /// The runs in order of page, to look addresses up in.
  var byPage: [FrameRun] { runs.sorted { $0.page < $1.page } }
}

extension [FrameRun] {
  /// The frame that a page leads to, in runs in order of page.
  func frame(of page: UInt64) -> UInt64? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle].page <= page { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return nil }
    let run = self[low - 1]
    let offset = page - run.page
    return offset < run.end - run.first ? run.first + offset : nil
  }
}
