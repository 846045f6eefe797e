import Machine
import Results
import TraceFile

/// Replays one trace on many machines from one decode.
///
/// Machines with the same tables share them, and what their first levels share: a touch that hits in
/// all of them costs what it costs in one. Every machine's result is the one that a run of its own
/// gives.
public final class Sweep {
  /// Some machines that see each block together.
  private final class Group {
    let places: [Int]
    let cores: any NumberedCores
    /// Of each machine, for its time line.
    private(set) var samples: [SampleSeries]
    private var records = 0

    init(_ places: [Int], _ machines: [ResolvedMachine]) {
      self.places = places
      samples = places.map { _ in SampleSeries(step: 1) }
      cores = MachineAssembly.numberedCores(of: places.map { machines[$0].description })
    }

    func replay(_ block: TraceBlock) throws(TraceError) {
      try cores.replay(block)
      records += Int(block.counts.records)
      guard block.counts.records > 0, samples.first?.isDue(at: records) == true else { return }
      sample()
    }

    private func sample() {
      for at in samples.indices {
        samples[at].take(cores.progress(of: at).values, at: records)
      }
    }

    /// Takes the last sample.
    func finish() { if records > 0 { sample() } }
  }

  private let machines: [ResolvedMachine]
  private let plan: ReplayPlan
  private var groups: [Group] = []
  private var alone: [(place: Int, replay: Replay)] = []
  private var records = 0

  /// Builds the machines.
  ///
  /// - Parameters:
  ///   - machines: checked, so that nothing here can fail.
  ///   - plan: what the trace brings.
  ///   - wanted: parts to make of machines that could share all of their work, so that as many
  ///     threads have some; each part numbers pages and makes tables of its own.
  public init(
    _ machines: [ResolvedMachine], _ plan: ReplayPlan = ReplayPlan(), parts wanted: Int = 1
  ) {
    let most = max(1, (machines.count + wanted - 1) / max(wanted, 1))
    self.machines = machines
    self.plan = plan
    var shared: [[Int]] = []
    for (place, machine) in machines.enumerated() {
      let description = machine.description
      guard !plan.isGeneral(on: description), MachineAssembly.isNumbered(description),
        description.iommu == nil
      else {
        alone.append((place, Replay(machine, plan)))
        continue
      }
      let home = shared.firstIndex {
        $0.count < most
          && Self.haveSameTables(machines[$0[0]].description, description)
          && FirstLevelPairs(($0 + [place]).map { machines[$0].description }).different.count
            <= FirstLevel.maximumConfigurations
      }
      if let home { shared[home].append(place) } else { shared.append([place]) }
    }
    groups = shared.map { Group($0, machines) }
  }

  private static func haveSameTables(_ one: MachineDescription, _ other: MachineDescription) -> Bool
  {
    one.mode == other.mode && one.firstStage == other.firstStage
      && one.secondStage == other.secondStage && one.synthesis == other.synthesis
  }

  /// Independent parts of the work on a block.
  public var parts: Int { groups.count + alone.count }

  /// Replays a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    for part in 0..<parts { try replay(block, part: part) }
    finish(block)
  }

  /// Replays a block in one part of the machines.
  ///
  /// Parts may be done at the same time.
  ///
  /// - Parameters:
  ///   - block: of the trace, in order for each part.
  ///   - part: below `parts`.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock, part: Int) throws(TraceError) {
    if part < groups.count {
      try groups[part].replay(block)
    } else {
      try alone[part - groups.count].replay.replay(block)
    }
  }

  /// Counts a block that every part has replayed.
  ///
  /// - Parameter block: the one that they replayed.
  public func finish(_ block: TraceBlock) { records += Int(block.counts.records) }

  /// What the blocks replayed so far gave.
  ///
  /// - Parameter trace: its name, hash and notes.
  /// - Returns: one result for each machine, in their order.
  /// - Throws: the laws that are broken, which is a defect of this program.
  public func results(of trace: TraceIdentity) throws(ConservationError) -> [RunResult] {
    var results: [Int: RunResult] = [:]
    for group in groups {
      group.finish()
      for (at, place) in group.places.enumerated() {
        let report = group.cores.report(of: at)
        try report.checkLaws()
        var result = Replay.result(on: machines[place], plan, trace, records: records) {
          report.addCounters(to: &$0)
        }
        Replay.add(group.samples[at], of: machines[place], to: &result)
        results[place] = result
      }
    }
    for (place, replay) in alone { results[place] = try replay.result(of: trace) }
    return machines.indices.compactMap { results[$0] }
  }
}
