import Machine
import Results
import TraceFile

/// Replays a trace up to one record and tells how the machine serves that record.
///
/// The general replay serves it, whose counters equal those of every faster one, and what its caches
/// did is the difference of their contents and counters before and after.
public final class AccessExplainer {
  private let machine: ResolvedMachine
  private let record: Int
  private let core: any ExplainableCore
  private let observer = WalkObserver()
  private var found: TraceRecord?
  private var seen = 0

  /// Builds the machine.
  ///
  /// - Parameters:
  ///   - machine: checked.
  ///   - plan: what the trace brings.
  ///   - record: counted from 0.
  public init(_ machine: ResolvedMachine, _ plan: ReplayPlan, record: Int) {
    self.machine = machine
    self.record = record
    var plan = plan
    plan.observer = observer
    core = MachineAssembly.explainableCore(of: machine.description, plan)
  }

  /// Adds a page of the image in which memory starts.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    core.addPage(address >> 12, bytes)
  }

  /// The record was reached: nothing after it is needed.
  public var isDone: Bool { seen > record }

  /// Takes a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    guard !isDone else { return }
    let start = seen
    seen += Int(block.counts.records)
    if seen <= record { return try core.replay(block) }
    // Only the last block has to be cut: those before it were replayed as they are.
    let inside = RecordCutter(0, record - start)
    let one = RecordCutter(record - start, record - start + 1)
    try inside.take(block) { (part) throws(TraceError) in try core.replay(part) }
    try inside.finish { (part) throws(TraceError) in try core.replay(part) }
    let earlier = core.snapshot()
    observer.kept = []
    try one.take(block) { (part) throws(TraceError) in try core.replay(part) }
    try one.finish { (part) throws(TraceError) in try core.replay(part) }
    var at = start
    try block.forEachRecord { record in
      if at == self.record { found = record }
      at += 1
    }
    story = found.map { tell($0, earlier, core.snapshot()) }
  }

  private var story: AccessStory?

  /// What was found; nothing where the trace has no such record.
  ///
  /// - Parameter trace: its name.
  /// - Returns: the record's story.
  public func story(of trace: String) -> AccessStory? {
    var named = story
    named?.trace = trace
    return named
  }

  private func tell(
    _ record: TraceRecord, _ earlier: CacheSnapshot, _ later: CacheSnapshot
  ) -> AccessStory {
    var story = AccessStory(
      trace: "", machine: machine.description.name, record: self.record, kind: "\(record.kind)",
      address: record.address, size: Int(record.size))
    story.levels = core.levels
    for (old, new) in zip(earlier.caches, later.caches) {
      story.lookupCycles += (new.lookups - old.lookups) * new.latencyCycles
    }
    story.caches = CacheSnapshot.changes(earlier.caches, later.caches)
    let cost = machine.description.memory.referenceCycles
    story.walks = (observer.kept ?? []).map { walk in
      AccessStory.Walk(
        address: walk.address.rawValue,
        references: walk.references.map { reference in
          AccessStory.Reference(
            first: WalkStatistics.step(Int(reference.firstLevel), last: "data"),
            second: WalkStatistics.step(Int(reference.secondLevel), last: "entry"),
            address: reference.address.rawValue, value: reference.value, cycles: cost)
        })
    }
    let access: Rights =
      record.kind == .fetch ? .execute : record.kind == .load ? .read : .write
    story.outcomes = [core.place(of: record.address, access)]
    let last = record.address &+ UInt64(max(record.size, 1)) &- 1
    if last >> 12 != record.address >> 12 {
      story.outcomes.append(core.place(of: last & ~0xfff, access))
    }
    story.exits = later.exits.compactMap { name, count in
      let more = count - earlier.exits[name, default: 0]
      return more > 0 ? "\(more) \(name)" : nil
    }.sorted()
    return story
  }
}
