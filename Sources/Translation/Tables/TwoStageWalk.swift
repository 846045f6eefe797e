/// What `ImageTables` needs of walks, whatever their formats.
protocol StageWalk {
  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool
  func walk(_ address: GVA, _ access: Rights, _ path: inout WalkPath) -> WalkOutcome
  func forEachLeaf(_ body: (LeafReport) -> Void) throws(TableError) -> LeafSummary
}

/// An image with the walker of its formats.
final class TwoStageWalk<First: PageTableFormat, Second: PageTableFormat>: StageWalk {
  private var memory = PhysicalMemory()
  private var walker: Walker<First, Second>
  private let roots: WalkContext

  init(_ first: TableRoot, _ second: TableRoot?) {
    roots = WalkContext(
      firstLevels: first.levels, secondLevels: second?.levels ?? 0, first: GPA(first.address),
      second: HPA(second?.address ?? 0))
    walker = Walker(caches: WalkCacheSet([], hasSecondStage: false), setsBits: false)
  }

  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == 4096, memory.words(in: frame) == nil,
      let words = memory.addFrame(frame)
    else { return false }
    for at in 0..<512 {
      words[at] = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * at, as: UInt64.self))
    }
    return true
  }

  func walk(_ address: GVA, _ access: Rights, _ path: inout WalkPath) -> WalkOutcome {
    walker.walk(address, access, in: roots, memory, path: &path)
  }

  /// Tables read and pages given while enumerating, at most; 2^27 pages of 4 KiB are 512 GiB.
  private static var maximumSteps: Int { 1 << 27 }

  private struct Enumeration {
    var summary = LeafSummary()
    var steps = 0
  }

  func forEachLeaf(_ body: (LeafReport) -> Void) throws(TableError) -> LeafSummary {
    var state = Enumeration()
    guard let root = backing(of: roots.first) else {
      state.summary.absentTables = 1
      return state.summary
    }
    try visit(root.host, roots.firstLevels - 1, 0, .all, &state, body)
    return state.summary
  }

  /// Visits a first-stage table and what is below it; as deep as there are levels.
  private func visit(
    _ table: HPA, _ level: Int, _ base: UInt64, _ rights: Rights, _ state: inout Enumeration,
    _ body: (LeafReport) -> Void
  ) throws(TableError) {
    try step(&state)
    guard let words = memory.words(in: table.frame) else {
      state.summary.absentTables += 1
      return
    }
    for index in 0..<512 {
      let entry = words[index]
      guard First.isPresent(entry, roots.firstControls) else { continue }
      guard !First.isMalformed(entry, level: level, roots.firstControls) else {
        state.summary.malformed += 1
        continue
      }
      let below = rights.intersection(First.rights(entry, roots.firstControls))
      let address = signExtended(base | UInt64(index) << UInt64(12 + 9 * level))
      guard First.isLeaf(entry, level: level) else {
        guard let next = backing(of: GPA(First.address(in: entry, leafLevel: 0))) else {
          state.summary.unbacked += 1
          continue
        }
        try visit(next.host, level - 1, address, below, &state, body)
        continue
      }
      try give(entry, level, address, below, &state, body)
    }
  }

  /// Gives a first-stage page, in as many pieces as the second stage maps it by.
  private func give(
    _ entry: UInt64, _ level: Int, _ address: UInt64, _ rights: Rights,
    _ state: inout Enumeration, _ body: (LeafReport) -> Void
  ) throws(TableError) {
    let page = First.address(in: entry, leafLevel: level)
    let size: UInt64 = 1 << UInt64(12 + 9 * level)
    var offset: UInt64 = 0
    while offset < size {
      try step(&state)
      guard let backing = backing(of: GPA(page | offset)) else {
        state.summary.unbacked += 1
        offset += 4096
        continue
      }
      let bytes = min(size, roots.secondLevels > 0 ? 1 << backing.size.shift : size)
      state.summary.leaves += 1
      body(
        LeafReport(
          address: address | offset, output: backing.host.rawValue, bytes: bytes, entry: entry,
          effective: rights.intersection(backing.rights.union(.user)).text))
      offset += bytes
    }
  }

  private func step(_ state: inout Enumeration) throws(TableError) {
    state.steps += 1
    guard state.steps <= Self.maximumSteps else {
      throw TableError(
        problem: "the tables lead to more than \(Self.maximumSteps) tables and pages",
        cure: "look at single addresses: tables that contain themselves have no end")
    }
  }

  private func signExtended(_ address: UInt64) -> UInt64 {
    guard !First.accepts(address, levels: roots.firstLevels) else { return address }
    return address | ~0 << UInt64(12 + 9 * roots.firstLevels)
  }

  /// The second stage without a path: where an address lies, in a page of what size.
  private func backing(of address: GPA) -> (host: HPA, size: PageSize, rights: Rights)? {
    guard roots.secondLevels > 0 else { return (HPA(address.rawValue), .huge1G, .all) }
    guard Second.accepts(address.rawValue, levels: roots.secondLevels) else { return nil }
    var table = roots.second
    var rights = Rights.all
    for level in stride(from: roots.secondLevels - 1, through: 0, by: -1) {
      guard let words = memory.words(in: table.frame) else { return nil }
      let entry = words[Int(address.index(at: level))]
      guard Second.isPresent(entry, roots.secondControls),
        !Second.isMalformed(entry, level: level, roots.secondControls)
      else { return nil }
      rights.formIntersection(Second.rights(entry, roots.secondControls))
      if Second.isLeaf(entry, level: level) {
        let page = Second.address(in: entry, leafLevel: level)
        let host = page | address.rawValue & (1 << UInt64(12 + 9 * level) - 1)
        return (HPA(host), PageSize(rawValue: UInt8(level)) ?? .huge1G, rights)
      }
      table = HPA(Second.address(in: entry, leafLevel: 0))
    }
    return nil
  }
}
