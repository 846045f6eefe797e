import TraceFile

/// A block between the steps of its replay: what each step leaves for those after it.
///
/// One object serves block after block. Each step writes its own part and reads what was written
/// before, so that different blocks may be in different steps at the same time.
final class NumberedBlock {
  /// For each entry of the block what a miss on it is.
  let words = UnsafeMutablePointer<Miss>.allocate(capacity: 1 << 16)
  /// For each entry of the block twice its translation's number, plus one for data.
  let indices = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << 16)
  /// For an entry in a large translation its page's number for the nested TLB, for one that faults
  /// its place in `faulting`; anything for others.
  let details = UnsafeMutablePointer<UInt32>.allocate(capacity: 1 << 16)
  /// Some page of the block faults.
  var faults: Bool { !faulting.isEmpty }
  var faulting: [FaultingWalk] = []
  /// Translations that have numbers.
  var translations = 0
  var known: WalkView
  /// What each configuration of the first level missed.
  let misses: UnsafeMutablePointer<MissList>
  /// Misses of each configuration's TLBs up to the block's end, for instructions and for data.
  let missedSoFar: UnsafeMutablePointer<Int>
  private let configurations: Int

  /// - Parameters:
  ///   - configurations: of the first level.
  ///   - tables: of which the block will know something.
  init(configurations: Int, _ tables: borrowing WalkTables) {
    self.configurations = configurations
    known = WalkView(tables)
    misses = .allocate(capacity: configurations)
    missedSoFar = .allocate(capacity: 2 * configurations)
    missedSoFar.initialize(repeating: 0, count: 2 * configurations)
    for at in 0..<configurations { (misses + at).initialize(to: MissList()) }
  }

  deinit {
    words.deallocate()
    indices.deallocate()
    details.deallocate()
    known.deallocate()
    misses.deinitialize(count: configurations)
    misses.deallocate()
    missedSoFar.deallocate()
  }
}
