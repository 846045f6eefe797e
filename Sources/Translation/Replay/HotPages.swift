/// What the last touches of a block's pages allow the next ones to skip.
///
/// Who touches a page again, under the same context and with tables that nobody changed, knows its
/// reach, the chain of TLBs and the key, and that what was allowed then is allowed now, so that the
/// TLBs alone are asked. Contexts have numbers, and what was known under another context is not used.
struct HotPages: ~Copyable {
  struct Page: BitwiseCopyable {
    var key = TLBKey(rawValue: 0)
    /// Where the first TLB of the chain had it last.
    var slot: Int32 = -1
    /// The context under which all this holds; 0 for none.
    var context: UInt32 = 0
    var chain: UInt8 = 0
    /// Bit by kind of touch: allowed, with every bit set in the tables that it sets.
    var kinds: UInt8 = 0
    /// What a walk will find.
    var reach = PageSize.base4K
  }

  /// By the entry of the block.
  private let pages: UnsafeMutablePointer<Page>
  /// Contexts with a number, of which there are few: what virtual processors run in turn.
  private var contexts: [(running: RunningContext, number: UInt32)] = []
  /// Of the context of the moment.
  private var current: UInt32 = 0
  private var lastNumber: UInt32 = 0

  private static var maximumContexts: Int { 32 }

  init() {
    pages = .allocate(capacity: 1 << 16)
    pages.initialize(repeating: Page(), count: 1 << 16)
  }

  deinit { pages.deallocate() }

  /// Forgets everything: another block, whose entries are other pages.
  mutating func forget(under running: RunningContext) {
    contexts.removeAll(keepingCapacity: true)
    enter(running)
  }

  /// Goes on under a context.
  mutating func enter(_ running: RunningContext) {
    if let known = contexts.first(where: { $0.running == running }) {
      current = known.number
      return
    }
    if contexts.count == Self.maximumContexts { contexts.removeAll(keepingCapacity: true) }
    if lastNumber == .max {
      pages.update(repeating: Page(), count: 1 << 16)
      lastNumber = 0
    }
    lastNumber += 1
    current = lastNumber
    contexts.append((running, current))
  }

  /// What is known of an entry for a kind of touch; nothing where it has to be found out.
  @inline(__always)
  func known(_ entry: Int, _ kind: Int) -> UnsafeMutablePointer<Page>? {
    let page = pages + entry
    guard page.pointee.context == current, page.pointee.kinds >> UInt8(kind) & 1 != 0 else {
      return nil
    }
    return page
  }

  /// Keeps what a touch has found out.
  @inline(__always)
  mutating func keep(_ entry: Int, kinds: UInt8, _ chain: Int, _ key: TLBKey, _ reach: PageSize) {
    let page = pages + entry
    if page.pointee.context != current || page.pointee.key != key {
      page.pointee = Page(
        key: key, context: current, chain: UInt8(truncatingIfNeeded: chain), reach: reach)
    }
    page.pointee.kinds |= kinds
  }
}
