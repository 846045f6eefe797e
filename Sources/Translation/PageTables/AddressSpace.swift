import CLanes
import Machine

/// One guest's address space, made page by page as a trace touches it.
///
/// The tables are real: every entry that a walk reads stands in `memory` at the host-physical address
/// where the walk looks for it.
struct AddressSpace<First: PageTableFormat, Second: PageTableFormat>: ~Copyable {
  var memory = PhysicalMemory()
  /// Where walks begin; in native mode a guest-physical address is a host-physical one.
  let roots: WalkContext
  private let policy: SynthesisDescription
  private var guestFrames: FrameAllocator
  private var hostFrames: FrameAllocator
  private var hasRoot = false
  /// The tables of level 0 that were used before: most pages are made where others are.
  private let firstTables = TableMemo()
  private let secondTables = TableMemo()

  /// Tables of this many frames are 4 GiB, more than any machine at hand should spend on them.
  private static var maximumTableFrames: Int { 1 << 20 }

  /// - Parameters:
  ///   - firstLevels: levels of the first stage's tables.
  ///   - secondLevels: of the second stage's; 0 in native mode.
  ///   - policy: sizes, order and seed.
  init(firstLevels: Int, secondLevels: Int, policy: SynthesisDescription) {
    self.policy = policy
    guestFrames = FrameAllocator(policy: policy.frames, seed: policy.seed)
    hostFrames = FrameAllocator(
      policy: policy.frames, seed: policy.seed &* 0x9E37_79B9_7F4A_7C15 &+ 1)
    var roots = WalkContext(firstLevels: firstLevels, secondLevels: secondLevels)
    // The roots come first in their spaces, whatever the policy.
    if secondLevels > 0, let frame = hostFrames.take(.base4K) {
      roots.second = HPA(frame: frame)
      _ = memory.addFrame(frame)
    }
    if let frame = guestFrames.take(.base4K) { roots.first = GPA(frame: frame) }
    self.roots = roots
  }

  /// Frames handed out for tables and pages.
  var firstStageFrames: Int { guestFrames.frameCount }
  /// In native mode the two spaces are one.
  var secondStageFrames: Int {
    roots.secondLevels == 0 ? guestFrames.frameCount : hostFrames.frameCount
  }

  /// Makes an address translate, from the root's frame down.
  ///
  /// - Parameter address: canonical.
  /// - Returns: the reach of its translation, the smaller of the two stages' pages; nothing where
  ///   frames or memory for tables are used up.
  mutating func populate(_ address: GVA) -> PageSize? {
    if !hasRoot {
      guard back(roots.first, isTable: true) != nil else { return nil }
      hasRoot = true
    }
    let size = size(under: policy.firstStagePage, at: address.rawValue, salt: 1)
    if size == .base4K, let leaf = firstTables.entry(of: address.rawValue) {
      return fill(leaf, for: address, size)
    }
    var table = roots.first
    for level in stride(from: roots.firstLevels - 1, to: size.leafLevel, by: -1) {
      guard let entry = entry(in: table, at: address.index(at: level)) else { return nil }
      if entry.pointee == 0 {
        guard let frame = guestFrames.take(.base4K),
          back(GPA(frame: frame), isTable: true) != nil
        else { return nil }
        entry.pointee = First.table(at: frame << 12)
      }
      table = GPA(First.address(in: entry.pointee, leafLevel: 0))
    }
    guard let leaf = entry(in: table, at: address.index(at: size.leafLevel)) else { return nil }
    if size == .base4K {
      firstTables.keep(leaf - Int(address.index(at: 0)), of: address.rawValue)
    }
    return fill(leaf, for: address, size)
  }

  /// Asks for what `populate` of a page will write, where that is known.
  @inline(__always)
  func prefetch(_ address: GVA) {
    if let entry = firstTables.entry(of: address.rawValue) { lanes_prefetch(entry) }
  }

  /// Makes a leaf of the first stage lead to a page that the second stage backs.
  private mutating func fill(
    _ leaf: UnsafeMutablePointer<UInt64>, for address: GVA, _ size: PageSize
  ) -> PageSize? {
    if leaf.pointee == 0 {
      guard let frame = guestFrames.take(size) else { return nil }
      leaf.pointee = First.leaf(at: frame << 12, level: size.leafLevel)
    }
    let page = First.address(in: leaf.pointee, leafLevel: size.leafLevel)
    let offset = address.rawValue & (1 << size.shift - 1)
    guard let backing = back(GPA(page | offset), isTable: false) else { return nil }
    return min(size, backing)
  }

  /// The reach that the policy would give an address, for one that has no translation.
  func intendedReach(of address: GVA) -> PageSize {
    let first = size(under: policy.firstStagePage, at: address.rawValue, salt: 1)
    guard roots.secondLevels > 0 else { return first }
    return min(first, size(under: policy.secondStagePage, at: address.rawValue, salt: 2))
  }

  /// Sets the dirty bits of a populated page in the stages that keep them.
  ///
  /// - Returns: how many were clear.
  mutating func markDirty(_ address: GVA) -> Int {
    var table = roots.first
    for level in stride(from: roots.firstLevels - 1, through: 0, by: -1) {
      guard let entry = entry(in: table, at: address.index(at: level)), entry.pointee != 0
      else { return 0 }
      if First.isLeaf(entry.pointee, level: level) {
        var count = Self.set(First.dirty(roots.firstControls), in: entry)
        let page = First.address(in: entry.pointee, leafLevel: level)
        let offset = address.rawValue & (1 << UInt64(12 + 9 * level) - 1)
        let secondDirty = Second.dirty(roots.secondControls)
        if secondDirty != 0, let leaf = backing(of: GPA(page | offset))?.entry {
          count += Self.set(secondDirty, in: leaf)
        }
        return count
      }
      table = GPA(First.address(in: entry.pointee, leafLevel: 0))
    }
    return 0
  }

  private static func set(_ bits: UInt64, in entry: UnsafeMutablePointer<UInt64>) -> Int {
    let clear = bits & ~entry.pointee
    entry.pointee |= clear
    return clear.nonzeroBitCount
  }

  /// The place of a first-stage entry in memory.
  private func entry(in table: GPA, at index: UInt64) -> UnsafeMutablePointer<UInt64>? {
    guard let host = host(of: table), let words = memory.words(in: host.frame) else { return nil }
    return words + Int(index)
  }

  private func host(of address: GPA) -> HPA? {
    guard roots.secondLevels > 0 else { return HPA(address.rawValue) }
    guard let (entry, level) = backing(of: address) else { return nil }
    let page = Second.address(in: entry.pointee, leafLevel: level)
    return HPA(page | address.rawValue & (1 << UInt64(12 + 9 * level) - 1))
  }

  /// The second stage's leaf for an address.
  private func backing(of address: GPA) -> (entry: UnsafeMutablePointer<UInt64>, level: Int)? {
    var table = roots.second
    for level in stride(from: roots.secondLevels - 1, through: 0, by: -1) {
      guard let words = memory.words(in: table.frame) else { return nil }
      let entry = words + Int(address.index(at: level))
      guard entry.pointee != 0 else { return nil }
      if Second.isLeaf(entry.pointee, level: level) { return (entry, level) }
      table = HPA(Second.address(in: entry.pointee, leafLevel: 0))
    }
    return nil
  }

  /// Backs a guest-physical address in the second stage, from the root down.
  ///
  /// Model: a first-stage page that is larger than the second stage's is backed piece by piece, as
  /// its pieces are touched; hypervisors do the same.
  ///
  /// - Parameters:
  ///   - address: of a first-stage table or of data.
  ///   - isTable: the frame will hold first-stage entries, so memory keeps its contents.
  /// - Returns: the size of the second-stage page; nothing where frames or memory are used up.
  private mutating func back(_ address: GPA, isTable: Bool) -> PageSize? {
    guard roots.secondLevels > 0 else {
      return !isTable || addTable(address.frame) ? .huge1G : nil
    }
    let size = size(under: policy.secondStagePage, at: address.rawValue, salt: 2)
    if size == .base4K, !isTable, let leaf = secondTables.entry(of: address.rawValue) {
      if leaf.pointee == 0 {
        guard let frame = hostFrames.take(size) else { return nil }
        leaf.pointee = Second.leaf(at: frame << 12, level: 0)
      }
      return size
    }
    var table = roots.second
    for level in stride(from: roots.secondLevels - 1, to: size.leafLevel, by: -1) {
      guard let words = memory.words(in: table.frame) else { return nil }
      let entry = words + Int(address.index(at: level))
      if entry.pointee == 0 {
        guard let frame = hostFrames.take(.base4K), addTable(frame) else { return nil }
        entry.pointee = Second.table(at: frame << 12)
      }
      table = HPA(Second.address(in: entry.pointee, leafLevel: 0))
    }
    guard let words = memory.words(in: table.frame) else { return nil }
    let leaf = words + Int(address.index(at: size.leafLevel))
    if size == .base4K { secondTables.keep(words, of: address.rawValue) }
    if leaf.pointee == 0 {
      guard let frame = hostFrames.take(size) else { return nil }
      leaf.pointee = Second.leaf(at: frame << 12, level: size.leafLevel)
    }
    if isTable {
      let page = Second.address(in: leaf.pointee, leafLevel: size.leafLevel) >> 12
      guard addTable(page | address.frame & (1 << size.logFrames - 1)) else { return nil }
    }
    return size
  }

  private mutating func addTable(_ frame: UInt64) -> Bool {
    memory.frameCount < Self.maximumTableFrames && memory.addFrame(frame) != nil
  }

  private func size(under policy: PagePolicy, at address: UInt64, salt: UInt64) -> PageSize {
    switch policy {
    case .always(let name): return PageSize(name)
    case .transparentHuge(let percent):
      // The same region always draws the same size.
      var draw = (address >> 21) &+ salt &* 0x9E37_79B9_7F4A_7C15 &+ self.policy.seed
      draw = (draw ^ draw >> 30) &* 0xBF58_476D_1CE4_E5B9
      draw = (draw ^ draw >> 27) &* 0x94D0_49BB_1331_11EB
      draw ^= draw >> 31
      return draw % 100 < UInt64(percent) ? .large2M : .base4K
    }
  }
}
