import CLanes

/// From the upper bits of an address to its leaf: a verified direct-mapped table for one stage.
///
/// An entry's key holds the epoch in which it was made, so that forgetting everything is one addition.
struct LeafMemo: ~Copyable {
  /// Where the leaf entry of an address stands, and what led there.
  struct Leaf: BitwiseCopyable {
    /// Nothing where the way down is not plain.
    var entry: UnsafeMutablePointer<UInt64>?
    /// What the entries above the leaf allow together.
    var rights = Rights.all
    /// What the access needs of this stage; kept between passes.
    var needs: Rights = []
    private var levelByte: UInt8 = 0
    /// The second stage lets the leaf's table be written, as setting a flag does.
    var isWritable = false

    @inline(__always)
    var level: Int {
      get { Int(levelByte) }
      set { levelByte = UInt8(truncatingIfNeeded: newValue) }
    }

    @inline(__always)
    var size: PageSize { PageSize(rawValue: UInt8(truncatingIfNeeded: level)) ?? .huge1G }
  }

  private struct Line {
    var key: UInt64
    /// Of a table of level 0, or of the one leaf.
    var base: UnsafeMutablePointer<UInt64>?
    /// 511 for a table, 0 for a leaf.
    var indexMask: UInt16
    var rights: Rights
    var level: UInt8
    var isWritable: Bool
    /// Makes it half a cache line, so that no entry straddles two.
    var padding: UInt64 = 0
  }

  private let lines: UnsafeMutablePointer<Line>
  private let mask: Int
  private var epoch: UInt64 = 1

  init(logEntries: Int) {
    mask = 1 << logEntries - 1
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Line>.stride << logEntries, alignment: 64)
    lines = memory.initializeMemory(
      as: Line.self,
      repeating: Line(
        key: 0, base: nil, indexMask: 0, rights: [], level: 0, isWritable: false),
      count: 1 << logEntries)
  }

  deinit { UnsafeMutableRawPointer(lines).deallocate() }

  /// Everything kept so far is void.
  mutating func invalidate() {
    epoch += 1
    if epoch == 1 << 28 {
      for at in 0...mask { lines[at].key = 0 }
      epoch = 1
    }
  }

  /// Bits 56:21 of an address; bits above are copies of bit 56 or clear.
  @inline(__always)
  private static func prefix(_ address: UInt64) -> UInt64 { (address &<< 7) &>> 28 }

  @inline(__always)
  private func line(of prefix: UInt64) -> UnsafeMutablePointer<Line> {
    lines + Int(truncatingIfNeeded: prefix ^ (prefix &>> 13)) & mask
  }

  /// Asks for what `leaf` will read.
  @inline(__always)
  func prefetch(_ address: UInt64) { lanes_prefetch(line(of: Self.prefix(address))) }

  /// The leaf of an address, where the memo has it.
  @inline(__always)
  func leaf(of address: UInt64) -> Leaf? {
    let prefix = Self.prefix(address)
    let line = line(of: prefix)
    guard line.pointee.key == (epoch &<< 36) | prefix, let base = line.pointee.base else {
      return nil
    }
    var leaf = Leaf()
    let index = UInt16(truncatingIfNeeded: address &>> 12) & line.pointee.indexMask
    leaf.entry = base + Int(index)
    leaf.rights = line.pointee.rights
    leaf.level = Int(line.pointee.level)
    leaf.isWritable = line.pointee.isWritable
    return leaf
  }

  /// Keeps a table of level 0, and gives the address's leaf in it.
  func keep(_ address: UInt64, _ leaf: Leaf, table: UnsafeMutablePointer<UInt64>) -> Leaf {
    keep(address, leaf, table, indexMask: 511)
  }

  /// Keeps the leaf of a large page.
  func keep(_ address: UInt64, _ leaf: Leaf, entry: UnsafeMutablePointer<UInt64>) -> Leaf {
    keep(address, leaf, entry, indexMask: 0)
  }

  private func keep(
    _ address: UInt64, _ leaf: Leaf, _ base: UnsafeMutablePointer<UInt64>, indexMask: UInt16
  ) -> Leaf {
    let prefix = Self.prefix(address)
    line(of: prefix).pointee = Line(
      key: epoch << 36 | prefix, base: base, indexMask: indexMask, rights: leaf.rights,
      level: UInt8(truncatingIfNeeded: leaf.level), isWritable: leaf.isWritable)
    var found = leaf
    found.entry = base + Int(UInt16(truncatingIfNeeded: address >> 12) & indexMask)
    return found
  }
}
