/// What the general replay knows of each page that a trace touched, space by space.
///
/// Open addressing; a page's reach holds until tables change, which a number tells and not a sweep.
struct PageStates: ~Copyable {
  private struct Cell: BitwiseCopyable {
    /// One more than the key; 0 for an empty cell.
    var key: UInt64
    var epoch: UInt32
    var reach: PageSize
    var isFaulting: Bool
    /// Of the epoch of shadows in which the page's shadow was seen to be there.
    var shadowEpoch: UInt32 = 0
    var shadowTakesWrites = false
  }

  /// What holds of a page.
  enum State {
    /// Nothing: it is new, or tables changed since.
    case unknown
    case mapped(PageSize)
    /// It has no translation, because frames are used up.
    case faulting
  }

  private var cells: UnsafeMutablePointer<Cell>
  private var logCells: UInt64 = 12
  /// Distinct pages of all spaces.
  private(set) var count = 0
  private var epoch: UInt32 = 1
  private var shadowEpoch: UInt32 = 1

  private static let empty = Cell(key: 0, epoch: 0, reach: .base4K, isFaulting: false)

  init() {
    cells = .allocate(capacity: 1 << 12)
    cells.initialize(repeating: Self.empty, count: 1 << 12)
  }

  deinit { cells.deallocate() }

  /// Marks the keys of pages that no address space has, whose numbers are longer.
  static let outside: UInt64 = 1 << 63

  /// A page of a space in one word.
  @inline(__always)
  static func key(_ page: UInt64, _ space: Int) -> UInt64 {
    page & (1 << 45 - 1) | UInt64(truncatingIfNeeded: space) << 45
  }

  @inline(__always)
  private func cell(of key: UInt64) -> UnsafeMutablePointer<Cell> {
    let mask = 1 << logCells - 1
    var at = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> (64 - logCells))
    while cells[at].key != key &+ 1, cells[at].key != 0 { at = (at + 1) & mask }
    return cells + at
  }

  /// What holds of a page, which is counted where it is new.
  @inline(__always)
  mutating func state(of key: UInt64) -> State {
    if 2 * count >= 1 << logCells { grow() }
    let cell = cell(of: key)
    if cell.pointee.key == 0 {
      cell.pointee.key = key &+ 1
      count += 1
      return .unknown
    }
    guard cell.pointee.epoch == epoch else { return .unknown }
    return cell.pointee.isFaulting ? .faulting : .mapped(cell.pointee.reach)
  }

  /// Says what holds of a page that was looked up; nothing for one without a translation.
  mutating func set(_ reach: PageSize?, for key: UInt64) {
    let cell = cell(of: key)
    cell.pointee.epoch = epoch
    cell.pointee.reach = reach ?? .base4K
    cell.pointee.isFaulting = reach == nil
  }

  /// Whether a page's shadow is as the tables ask for, for reads or for writes too.
  @inline(__always)
  func hasShadow(_ key: UInt64, isWrite: Bool) -> Bool {
    let cell = cell(of: key)
    return cell.pointee.shadowEpoch == shadowEpoch && (cell.pointee.shadowTakesWrites || !isWrite)
  }

  /// A page that was looked up has its shadow now.
  mutating func setShadow(_ key: UInt64, isWrite: Bool) {
    let cell = cell(of: key)
    if cell.pointee.shadowEpoch != shadowEpoch { cell.pointee.shadowTakesWrites = false }
    cell.pointee.shadowEpoch = shadowEpoch
    if isWrite { cell.pointee.shadowTakesWrites = true }
  }

  /// Shadows were emptied, or what they are made of changed.
  mutating func forgetShadows() { shadowEpoch += 1 }

  /// Tables changed: nothing holds any more.
  mutating func forget() {
    epoch += 1
    forgetShadows()
  }

  private mutating func grow() {
    let (old, oldCount) = (cells, 1 << logCells)
    logCells += 1
    cells = .allocate(capacity: 1 << logCells)
    cells.initialize(repeating: Self.empty, count: 1 << logCells)
    for at in 0..<oldCount where old[at].key != 0 {
      cell(of: old[at].key &- 1).pointee = old[at]
    }
    old.deallocate()
  }
}
