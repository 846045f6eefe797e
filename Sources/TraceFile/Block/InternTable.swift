/// Numbers distinct keys in order of first appearance, one block at a time.
///
/// Open addressing over a power of two of cells; `reset` is a generation number and not a sweep, so
/// that a block of few keys costs little whatever the table's size.
struct InternTable: ~Copyable {
  private struct Cell {
    var key: UInt64
    var generation: UInt32
    var number: UInt32
  }

  private let cells: UnsafeMutablePointer<Cell>
  private let shift: UInt64
  private let mask: Int
  private var generation: UInt32 = 1
  private(set) var count = 0

  /// - Parameter logCells: the table holds at most half of 2^logCells keys.
  init(logCells: Int) {
    let size = 1 << logCells
    cells = .allocate(capacity: size)
    cells.initialize(repeating: Cell(key: 0, generation: 0, number: 0), count: size)
    shift = UInt64(64 - logCells)
    mask = size - 1
  }

  deinit { cells.deallocate() }

  mutating func reset() {
    count = 0
    generation &+= 1
    if generation == 0 {
      // Cells of the first generations must not come alive again.
      cells.update(repeating: Cell(key: 0, generation: 0, number: 0), count: mask + 1)
      generation = 1
    }
  }

  /// The key's number, and whether it was given just now.
  @inline(__always)
  mutating func intern(_ key: UInt64) -> (number: UInt32, isNew: Bool) {
    var at = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
    while true {
      let cell = cells + at
      if cell.pointee.generation != generation {
        let number = UInt32(truncatingIfNeeded: count)
        cell.pointee = Cell(key: key, generation: generation, number: number)
        count += 1
        return (number, true)
      }
      if cell.pointee.key == key { return (cell.pointee.number, false) }
      at = (at + 1) & mask
    }
  }
}
