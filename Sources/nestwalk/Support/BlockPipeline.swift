import Foundation
import TraceFile

/// Takes the blocks of a trace through lanes of work, several at the same time where there are threads
/// for it.
///
/// Each lane takes the blocks in their order, so what it does cannot depend on how many threads there
/// are. Blocks are read in order, prepared side by side, and stand in slots until every lane is done
/// with them, so that memory is bounded.
final class BlockPipeline: @unchecked Sendable {
  /// Some work on each block.
  struct Lane {
    /// The lane, by its number, that has to be done with a block before; one that stands before this.
    var after: Int?
    var work: (TraceBlock, _ slot: Int) throws -> Void
  }

  /// What a worker may do next.
  private enum Task {
    case read(block: Int)
    case inflate(block: Int)
    case lane(Int, block: Int)

    var block: Int {
      switch self {
      case .read(let block), .inflate(let block), .lane(_, let block): block
      }
    }
  }

  /// How far a lane is.
  private struct Progress {
    var done = 0
    var isBusy = false
  }

  private enum Inflation { case waiting, busy, done }

  private let reader: TraceReader
  private let lanes: [Lane]
  private let prepare: (TraceBlock, _ slot: Int) throws -> Void
  private let threads: Int
  private let blocks: [TraceBlock]
  // All of what follows is guarded by the lock.
  private let lock = NSCondition()
  private var progress: [Progress]
  private var reading = Progress()
  private var inflations: [Inflation]
  private var bytesRead: [Int]
  /// Blocks before this one are replayed: the number of blocks, or the first that failed.
  private var end = Int.max
  private var failure: (block: Int, lane: Int, error: any Error)?
  private var idle = 0
  /// Blocks that every lane is done with, their records, and the bytes of the file up to there.
  private var left = 0
  private var records = 0
  private var bytes = 0

  /// Slots for as many threads.
  static func slots(for threads: Int) -> Int { threads == 1 ? 1 : min(threads, 7) + 1 }

  /// - Parameters:
  ///   - reader: at the trace's first block.
  ///   - lanes: at least one.
  ///   - threads: to use, the caller's among them.
  ///   - slots: for blocks; nothing for what so many threads need.
  ///   - prepare: what comes before a block's lanes, in any order of the blocks.
  init(
    _ reader: TraceReader, _ lanes: [Lane], threads: Int, slots: Int? = nil,
    prepare: @escaping (TraceBlock, _ slot: Int) throws -> Void = { block, _ in
      try block.loadPages()
    }
  ) {
    self.reader = reader
    self.lanes = lanes
    self.prepare = prepare
    self.threads = threads
    let slots = slots ?? Self.slots(for: threads)
    blocks = (0..<slots).map { _ in TraceBlock() }
    progress = lanes.map { _ in Progress() }
    inflations = Array(repeating: .waiting, count: slots)
    bytesRead = Array(repeating: 0, count: slots)
  }

  /// Takes every block through every lane.
  ///
  /// - Parameter show: called now and then with the records that are done with, and the bytes of
  ///   the file up to there.
  /// - Throws: what the first block that failed threw, in its first lane that did; nothing runs then.
  func run(_ show: @escaping (_ records: Int, _ bytes: Int) -> Void) throws {
    guard threads > 1 else { return try runAlone(show) }
    let helpers = (1..<threads).map { _ in
      let ended = DispatchSemaphore(value: 0)
      let thread = Thread { [self] in
        work(nil)
        ended.signal()
      }
      thread.start()
      return ended
    }
    work(show)
    for helper in helpers { helper.wait() }
    if let failure { throw failure.error }
  }

  private func runAlone(_ show: (_ records: Int, _ bytes: Int) -> Void) throws {
    var records = 0
    var slot = 0
    while try reader.next(into: blocks[slot], inflates: false) {
      try prepare(blocks[slot], slot)
      for lane in lanes { try lane.work(blocks[slot], slot) }
      records += Int(blocks[slot].counts.records)
      show(records, reader.bytesRead)
      slot = (slot + 1) % blocks.count
    }
  }

  private func work(_ show: ((_ records: Int, _ bytes: Int) -> Void)?) {
    lock.lock()
    defer { lock.unlock() }
    var known = -1
    while true {
      if let task = next(after: known) {
        known = task.block
        begin(task)
        lock.unlock()
        let result = Result { try perform(task) }
        lock.lock()
        finish(task, result)
        countLeft()
        // Whoever waits may find something to do now.
        if idle > 0 { lock.broadcast() }
        if let show {
          let (records, bytes) = (records, bytes)
          lock.unlock()
          show(records, bytes)
          lock.lock()
        }
      } else if isOver {
        lock.broadcast()
        return
      } else {
        idle += 1
        lock.wait()
        idle -= 1
      }
    }
  }

  /// Every lane is done with every block, and nothing is under way.
  private var isOver: Bool {
    !reading.isBusy && reading.done >= end && !inflations.contains(.busy)
      && progress.allSatisfy { !$0.isBusy && $0.done >= end }
  }

  /// The block that the worker knows first, which its cache holds; then the last lanes, so that slots
  /// become free.
  private func next(after known: Int) -> Task? {
    var found: Task?
    for at in lanes.indices.reversed() where isReady(at) {
      let block = progress[at].done
      if block == known { return .lane(at, block: block) }
      if found == nil { found = .lane(at, block: block) }
    }
    if let found { return found }
    let (least, most) = (leastDone, min(end, reading.done))
    if least < most {
      for block in least..<most where inflations[block % blocks.count] == .waiting {
        return .inflate(block: block)
      }
    }
    guard !reading.isBusy, reading.done < end, reading.done - least < blocks.count
    else { return nil }
    return .read(block: reading.done)
  }

  private func isReady(_ lane: Int) -> Bool {
    let block = progress[lane].done
    return !progress[lane].isBusy && block < min(end, reading.done)
      && inflations[block % blocks.count] == .done
      && lanes[lane].after.map { progress[$0].done > block } ?? true
  }

  /// Blocks that every lane is done with.
  private var leastDone: Int {
    var least = Int.max
    for lane in progress { least = min(least, lane.done) }
    return least
  }

  private func begin(_ task: Task) {
    switch task {
    case .read: reading.isBusy = true
    case .inflate(let block): inflations[block % blocks.count] = .busy
    case .lane(let lane, _): progress[lane].isBusy = true
    }
  }

  /// - Returns: false for reading where no block is left.
  private func perform(_ task: Task) throws -> Bool {
    switch task {
    case .read(let block):
      return try reader.next(into: blocks[block % blocks.count], inflates: false)
    case .inflate(let block): try prepare(blocks[block % blocks.count], block % blocks.count)
    case .lane(let lane, let block):
      try lanes[lane].work(blocks[block % blocks.count], block % blocks.count)
    }
    return true
  }

  private func finish(_ task: Task, _ result: Result<Bool, any Error>) {
    var failed: (block: Int, lane: Int)?
    switch (task, result) {
    case (.read(let block), .success(true)):
      bytesRead[block % blocks.count] = reader.bytesRead
      inflations[block % blocks.count] = .waiting
      reading.done += 1
    case (.read(let block), .success(false)): end = min(end, block)
    case (.read(let block), .failure): failed = (block, -2)
    case (.inflate(let block), .success): inflations[block % blocks.count] = .done
    case (.inflate(let block), .failure): failed = (block, -1)
    case (.lane(let lane, _), .success): progress[lane].done += 1
    case (.lane(let lane, let block), .failure): failed = (block, lane)
    }
    switch task {
    case .read: reading.isBusy = false
    case .inflate(let block):
      if failed != nil { inflations[block % blocks.count] = .waiting }
    case .lane(let lane, _): progress[lane].isBusy = false
    }
    guard let failed, case .failure(let error) = result else { return }
    end = min(end, failed.block)
    if failure.map({ (failed.block, failed.lane) < ($0.block, $0.lane) }) ?? true {
      failure = (failed.block, failed.lane, error)
    }
  }

  /// Counts the blocks that every lane is done with.
  private func countLeft() {
    let done = min(leastDone, reading.done)
    while left < done {
      let slot = left % blocks.count
      records += Int(blocks[slot].counts.records)
      bytes = bytesRead[slot]
      left += 1
    }
  }
}
