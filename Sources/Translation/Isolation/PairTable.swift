/// A number for each pair of words, in open addressing.
///
/// Removal moves what comes behind into the hole, so that probes stay short however often pairs come
/// and go.
struct PairTable: ~Copyable {
  private struct Cell: BitwiseCopyable {
    var first: UInt64
    var second: UInt64
    /// One more than the pair's number; 0 for an empty cell.
    var number: UInt64
  }

  private var cells: UnsafeMutablePointer<Cell>
  private var logCells: UInt64 = 6
  // Of 2^logCells cells, kept so that a lookup does not make them anew.
  private var shift: UInt64 = 64 - 6
  private var mask = 1 << 6 - 1
  private(set) var count = 0

  init() {
    cells = .allocate(capacity: 1 << 6)
    cells.initialize(repeating: Cell(first: 0, second: 0, number: 0), count: 1 << 6)
  }

  deinit { cells.deallocate() }

  @inline(__always)
  private func home(_ first: UInt64, _ second: UInt64) -> Int {
    let mixed = (first &* 0x9E37_79B9_7F4A_7C15) ^ (second &* 0xC2B2_AE3D_27D4_EB4F)
    return Int(truncatingIfNeeded: (mixed &* 0x9E37_79B9_7F4A_7C15) &>> shift)
  }

  @inline(__always)
  private func cell(_ first: UInt64, _ second: UInt64) -> Int {
    var at = home(first, second)
    while cells[at].number != 0 && (cells[at].first != first || cells[at].second != second) {
      at = (at &+ 1) & mask
    }
    return at
  }

  /// The number of a pair; nothing where it has none.
  @inline(__always)
  func number(of first: UInt64, _ second: UInt64) -> Int? {
    let number = cells[cell(first, second)].number
    return number == 0 ? nil : Int(truncatingIfNeeded: number &- 1)
  }

  /// Gives a pair its number, or another one.
  mutating func set(_ first: UInt64, _ second: UInt64, to number: Int) {
    _ = exchange(first, second, to: number)
  }

  /// Gives a pair its number, and returns the one that it had.
  @inline(__always)
  mutating func exchange(_ first: UInt64, _ second: UInt64, to number: Int) -> Int? {
    if count > mask >> 1 { grow() }
    let at = cell(first, second)
    let old = cells[at].number
    if old == 0 { count &+= 1 }
    cells[at] = Cell(
      first: first, second: second, number: UInt64(truncatingIfNeeded: number) &+ 1)
    return old == 0 ? nil : Int(truncatingIfNeeded: old &- 1)
  }

  /// Takes a pair out, where it is in.
  mutating func remove(_ first: UInt64, _ second: UInt64) {
    var hole = cell(first, second)
    guard cells[hole].number != 0 else { return }
    count &-= 1
    var at = hole
    while true {
      at = (at &+ 1) & mask
      guard cells[at].number != 0 else { break }
      // What is at home behind the hole, cyclically, cannot move before its home.
      let home = home(cells[at].first, cells[at].second)
      guard (at &- home) & mask >= (at &- hole) & mask else { continue }
      cells[hole] = cells[at]
      hole = at
    }
    cells[hole].number = 0
  }

  /// Every pair and its number, in no order.
  func visit(_ body: (UInt64, UInt64, Int) -> Void) {
    for at in 0..<1 << Int(logCells) where cells[at].number != 0 {
      body(cells[at].first, cells[at].second, Int(cells[at].number - 1))
    }
  }

  private mutating func grow() {
    let (old, oldCount) = (cells, 1 << Int(logCells))
    logCells += 1
    let size = 1 << Int(logCells)
    (shift, mask) = (64 - logCells, size - 1)
    cells = .allocate(capacity: size)
    cells.initialize(repeating: Cell(first: 0, second: 0, number: 0), count: size)
    for at in 0..<oldCount where old[at].number != 0 {
      cells[cell(old[at].first, old[at].second)] = old[at]
    }
    old.deallocate()
  }
}
