/// What the replay knows of each base page that the trace has touched.
///
/// Open addressing; one byte of knowledge a page.
struct TouchedPages: ~Copyable {
  /// The reach of the page's translation, or that it has none, and whether it was written.
  struct State: BitwiseCopyable, Equatable {
    var bits: UInt8

    static let unknown = State(bits: 0)

    init(bits: UInt8) { self.bits = bits }
    init(reach: PageSize) { bits = 1 + reach.rawValue }
    /// A walk of the page faults.
    static let faulting = State(bits: 7)

    var isFaulting: Bool { bits & 7 == 7 }
    var reach: PageSize { PageSize(rawValue: (bits & 7) &- 1) ?? .base4K }
    var isWritten: Bool {
      get { bits & 8 != 0 }
      set { bits = newValue ? bits | 8 : bits & ~8 }
    }
  }

  private var pages: UnsafeMutablePointer<UInt64>
  private var states: UnsafeMutablePointer<State>
  private var logCells: UInt64 = 12
  private(set) var count = 0

  init() {
    pages = .allocate(capacity: 1 << 12)
    states = .allocate(capacity: 1 << 12)
    pages.initialize(repeating: 0, count: 1 << 12)
    states.initialize(repeating: .unknown, count: 1 << 12)
  }

  deinit {
    pages.deallocate()
    states.deallocate()
  }

  /// The state of a page, `unknown` where it is new; valid until the next call.
  @inline(__always)
  mutating func state(of page: UInt64) -> UnsafeMutablePointer<State> {
    if 2 * count >= 1 << logCells { grow() }
    let cell = cell(of: page)
    if states[cell] == .unknown {
      pages[cell] = page
      count += 1
    }
    return states + cell
  }

  @inline(__always)
  private func cell(of page: UInt64) -> Int {
    let mask = 1 << logCells - 1
    var at = Int(truncatingIfNeeded: (page &* 0x9E37_79B9_7F4A_7C15) >> (64 - logCells))
    while states[at] != .unknown && pages[at] != page { at = (at + 1) & mask }
    return at
  }

  private mutating func grow() {
    let (oldPages, oldStates, oldCount) = (pages, states, 1 << logCells)
    logCells += 1
    pages = .allocate(capacity: 1 << logCells)
    states = .allocate(capacity: 1 << logCells)
    pages.initialize(repeating: 0, count: 1 << logCells)
    states.initialize(repeating: .unknown, count: 1 << logCells)
    for at in 0..<oldCount where oldStates[at] != .unknown {
      let cell = cell(of: oldPages[at])
      pages[cell] = oldPages[at]
      states[cell] = oldStates[at]
    }
    oldPages.deallocate()
    oldStates.deallocate()
  }
}
