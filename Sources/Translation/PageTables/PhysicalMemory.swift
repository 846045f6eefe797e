import CLanes

/// Host-physical memory of which only the frames that hold tables exist.
///
/// A hash table leads from a frame's number to its 4 KiB; a frame that was never added reads as
/// nothing, never as zero.
struct PhysicalMemory: ~Copyable {
  private typealias Cell = lockstep_cell

  private var cells: UnsafeMutablePointer<Cell>
  private var logCells: UInt64 = 12
  // Of 2^logCells cells, kept so that a lookup does not make them anew.
  private var shift: UInt64 = 64 - 12
  private var mask = 1 << 12 - 1
  private(set) var frameCount = 0
  private var slabs: [UnsafeMutableRawPointer] = []
  private var freeInSlab = 0

  /// Frames that one slab holds: those of a large page.
  private static let slabFrames = 512
  private static let frameBytes = 4096

  init() {
    cells = .allocate(capacity: 1 << 12)
    cells.initialize(repeating: Cell(key: 0, words: nil), count: 1 << 12)
  }

  deinit {
    cells.deallocate()
    for slab in slabs { LargePages.unmap(slab, LargePages.bytes) }
  }

  @inline(__always)
  private func cell(of frame: UInt64) -> UnsafeMutablePointer<Cell> {
    var at = Int(truncatingIfNeeded: (frame &* 0x9E37_79B9_7F4A_7C15) &>> shift)
    while true {
      let cell = cells + at
      if cell.pointee.key == frame &+ 1 || cell.pointee.key == 0 { return cell }
      at = (at &+ 1) & mask
    }
  }

  /// The 512 entries of a frame's table; nothing where no such frame exists.
  @inline(__always)
  func words(in frame: UInt64) -> UnsafeMutablePointer<UInt64>? { cell(of: frame).pointee.words }

  /// The hash table as kernels in C read it, until a frame is added.
  var lockstepView: lockstep_memory {
    lockstep_memory(cells: cells, log: UInt32(truncatingIfNeeded: logCells))
  }

  /// Adds a frame of zeros, which must not exist yet.
  ///
  /// - Returns: its entries; nothing where the system has no memory left.
  mutating func addFrame(_ frame: UInt64) -> UnsafeMutablePointer<UInt64>? {
    if freeInSlab == 0 {
      // The first on small pages, so that little tables take little memory.
      guard let slab = LargePages.map(LargePages.bytes, isSmall: slabs.isEmpty) else { return nil }
      slabs.append(slab)
      freeInSlab = Self.slabFrames
    }
    guard let slab = slabs.last else { return nil }
    let words = (slab + (Self.slabFrames - freeInSlab) * Self.frameBytes)
      .assumingMemoryBound(to: UInt64.self)
    freeInSlab -= 1
    if 2 * frameCount >= 1 << logCells { grow() }
    cell(of: frame).pointee = Cell(key: frame + 1, words: words)
    frameCount += 1
    return words
  }

  /// Adds a frame, which must not exist yet, with the words of another; nobody may write them.
  mutating func addFrame(_ frame: UInt64, sharing words: UnsafeMutablePointer<UInt64>) {
    if 2 * frameCount >= 1 << logCells { grow() }
    cell(of: frame).pointee = Cell(key: frame + 1, words: words)
    frameCount += 1
  }

  private mutating func grow() {
    let old = cells
    let oldCount = 1 << logCells
    logCells += 1
    shift = 64 - logCells
    mask = 1 << logCells - 1
    cells = .allocate(capacity: 1 << logCells)
    cells.initialize(repeating: Cell(key: 0, words: nil), count: 1 << logCells)
    for at in 0..<oldCount where old[at].key != 0 {
      cell(of: old[at].key - 1).pointee = old[at]
    }
    old.deallocate()
  }
}
