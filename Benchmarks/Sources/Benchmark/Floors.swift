import CFloor
import Machine
import TraceFile
import Translation

/// The first level in Swift and in C: the same algorithm over the same arrays.
func firstLevel(_ path: String, _ machine: ResolvedMachine) throws {
  let held = try blocks(of: path)
  guard let trial = try ReplayTrial(machine.description, held) else { return }
  let ways = machine.description.tlbs.prefix(2).map { UInt32($0.ways) }
  func replayInC() -> Int {
    let count = 2 * trial.translations
    var tlbs = floor_tlbs()
    tlbs.recent = .allocate(capacity: count)
    tlbs.resident = .allocate(capacity: count)
    tlbs.recent.initialize(repeating: 0, count: count)
    tlbs.resident.initialize(repeating: 0, count: count)
    tlbs.ways = (ways[0], ways[1])
    tlbs.members = (.allocate(capacity: Int(ways[0])), .allocate(capacity: Int(ways[1])))
    tlbs.now = 1
    for block in trial.blocks {
      floor_replay(&tlbs, block.runs.baseAddress, block.runs.count, block.indices)
    }
    tlbs.recent.deallocate()
    tlbs.resident.deallocate()
    tlbs.members.0?.deallocate()
    tlbs.members.1?.deallocate()
    return Int(tlbs.misses.0 + tlbs.misses.1)
  }
  require(replayInC() == trial.replayFirstLevel().firstMisses, "misses of C and Swift")
  let timings = Measure.inTurn(
    15,
    [("Swift", { _ = trial.replayFirstLevel() }), ("C", { _ = replayInC() })])
  let records = held.reduce(0) { $0 + Int($1.counts.records) }
  print(
    """
    \(name(path)), first level alone, decoded: Swift \(millions(records, timings[0])), C \
    \(millions(records, timings[1])) M records/s; Swift's time / C's \
    \(hundredths(timings[0].median / timings[1].median))
    """)
}

/// All TLBs and walk caches in Swift, without processor flags, and in C by AVX-512.
func model(_ path: String, _ machine: ResolvedMachine) throws {
  let held = try blocks(of: path)
  guard WalkTrial.hasGather, let trial = try ReplayTrial(machine.description, held) else { return }
  let tlbs = machine.description.tlbs
  func replayInC() -> ReplayTrial.Counts {
    func sets(_ count: Int) -> floor_sets { floor_sets_make(UInt32(count)) }
    let root = trial.root
    var model = floor_model()
    model.first = (sets(tlbs[0].sets), sets(tlbs[1].sets))
    model.second = (sets(tlbs[2].sets), sets(tlbs[3].sets))
    model.first_caches = (sets(1), sets(1), sets(1), sets(1))
    model.second_caches = (sets(1), sets(1), sets(1), sets(1))
    model.nested = sets(1)
    model.records = trial.records.assumingMemoryBound(to: floor_record.self)
    func nodes(_ isFirst: Bool, _ level: Int) -> UnsafePointer<floor_node> {
      trial.nodes(isFirstStage: isFirst, level: level).assumingMemoryBound(to: floor_node.self)
    }
    model.first_nodes = (nodes(true, 0), nodes(true, 1), nodes(true, 2), nodes(true, 3))
    model.second_nodes = (nodes(false, 0), nodes(false, 1), nodes(false, 2), nodes(false, 3))
    model.root = floor_node(
      parent: 0, frame: root.frame, nested: root.nested, node: root.node, leaf: Int64(root.leaf))
    for block in trial.blocks {
      floor_model_replay(
        &model, block.runs.baseAddress, block.runs.count, block.indices, block.words)
    }
    for made in [
      model.first.0, model.first.1, model.second.0, model.second.1, model.first_caches.0,
      model.first_caches.1, model.first_caches.2, model.first_caches.3, model.second_caches.0,
      model.second_caches.1, model.second_caches.2, model.second_caches.3, model.nested,
    ] { floor_sets_free(made) }
    return ReplayTrial.Counts(
      firstMisses: Int(model.first_misses), walks: Int(model.walks),
      references: Int(model.references))
  }
  let counted = trial.replayModel()
  require(replayInC() == counted, "misses, walks and references of C and Swift")
  let timings = Measure.inTurn(
    9, [("Swift", { _ = trial.replayModel() }), ("C", { _ = replayInC() })])
  let records = held.reduce(0) { $0 + Int($1.counts.records) }
  print(
    """
    \(name(path)), full model, \(counted.walks) walks of \(records) records: Swift \
    \(hundredths(timings[0].median / Double(records) * 1e9)) ns, C with AVX-512 \
    \(hundredths(timings[1].median / Double(records) * 1e9)) ns a record; Swift's time / C's \
    \(hundredths(timings[0].median / timings[1].median))
    """)
}
