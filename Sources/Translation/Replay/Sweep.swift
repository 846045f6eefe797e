import Machine
import Results
import TraceFile

/// Replays one trace on many machines from one decode.
///
/// Machines with the same tables share them, and what their first levels share: a touch that hits in
/// all of them costs what it costs in one. Every machine's result is the one that a run of its own
/// gives.
public final class Sweep {
  /// One part of the work on each block.
  ///
  /// A lane takes the blocks in their order, each after the lane that it comes after has; other than
  /// that lanes may run at the same time.
  public struct Lane: Sendable {
    enum Work {
      case prepare(Int)
      case firstLevel(Int)
      /// Every machine of a group from the first on, so many apart.
      case backends(Int, from: Int, by: Int)
      case core(Int)
      /// Of a core alone.
      case coreDevices(Int)
      /// Of a machine in a group.
      case devices(Int)
    }

    /// The lane, by its number, that has to be done with a block before.
    public var after: Int?
    var work: Work
  }

  /// Machines that see each block together.
  private struct Group {
    var places: [Int]
    var replay: NumberedReplay
  }

  private let machines: [ResolvedMachine]
  private let plan: ReplayPlan
  private var groups: [Group] = []
  private var alone: [(place: Int, replay: Replay)] = []
  /// Devices of machines in groups.
  private var devices: [(place: Int, replay: any DeviceReplay)] = []
  private var records = 0
  /// The work on a block; a lane stands behind those that it comes after.
  public private(set) var lanes: [Lane] = []

  /// Builds the machines.
  ///
  /// - Parameters:
  ///   - machines: checked, so that nothing here can fail.
  ///   - plan: what the trace brings.
  ///   - slots: blocks that may be in different lanes at the same time.
  ///   - threads: for which there should be work.
  ///   - checksRecorded: compare what devices' requests become with what the trace recorded of them.
  public init(
    _ machines: [ResolvedMachine], _ plan: ReplayPlan = ReplayPlan(), slots: Int = 1,
    threads: Int = 1, checksRecorded: Bool = false
  ) {
    self.machines = machines
    self.plan = plan
    var shared: [[Int]] = []
    for (place, machine) in machines.enumerated() {
      let description = machine.description
      guard !plan.isGeneral(on: description), MachineAssembly.isNumbered(description) else {
        alone.append((place, Replay(machine, plan, checksRecorded: checksRecorded)))
        continue
      }
      if let io = MachineAssembly.devices(of: description, checksRecorded: checksRecorded) {
        devices.append((place, io))
      }
      let home = shared.firstIndex {
        Self.haveSameTables(machines[$0[0]].description, description)
          && FirstLevelPairs(($0 + [place]).map { machines[$0].description }).different.count
            <= FirstLevel.maximumConfigurations
      }
      if let home { shared[home].append(place) } else { shared.append([place]) }
    }
    groups = shared.map { places in
      Group(
        places: places,
        replay: NumberedReplay(places.map { machines[$0].description }, slots: slots))
    }
    addLanes(threads)
  }

  private func addLanes(_ threads: Int) {
    for (at, group) in groups.enumerated() {
      lanes.append(Lane(after: nil, work: .prepare(at)))
      lanes.append(Lane(after: lanes.count - 1, work: .firstLevel(at)))
      let before = lanes.count - 1
      // Some for each thread, so that they end together.
      let wanted = min(group.places.count, threads == 1 ? 1 : 4 * threads)
      for start in 0..<wanted {
        lanes.append(Lane(after: before, work: .backends(at, from: start, by: wanted)))
      }
    }
    for (at, one) in alone.enumerated() {
      lanes.append(Lane(after: nil, work: .core(at)))
      if one.replay.hasDevices { lanes.append(Lane(after: nil, work: .coreDevices(at))) }
    }
    for at in devices.indices { lanes.append(Lane(after: nil, work: .devices(at))) }
  }

  private static func haveSameTables(_ one: MachineDescription, _ other: MachineDescription) -> Bool
  {
    one.mode == other.mode && one.firstStage == other.firstStage
      && one.secondStage == other.secondStage && one.synthesis == other.synthesis
  }

  /// Adds a page of the image in which memory starts.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and every machine had memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    var isAdded = true
    for one in alone where !one.replay.addPage(at: address, bytes) { isAdded = false }
    for one in devices where !one.replay.addPage(at: address, bytes) { isAdded = false }
    return isAdded
  }

  /// Replays a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    for lane in lanes.indices { try replay(block, lane: lane, slot: 0) }
  }

  /// Does one lane's work on a block.
  ///
  /// - Parameters:
  ///   - block: the next of the trace for this lane.
  ///   - lane: one of `lanes`.
  ///   - slot: of the block, the same in all lanes, and no other's until all are done with it.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock, lane: Int, slot: Int) throws(TraceError) {
    if lane == 0 { records += Int(block.counts.records) }
    switch lanes[lane].work {
    case .prepare(let group): try groups[group].replay.prepare(block, slot: slot)
    case .firstLevel(let group): groups[group].replay.replayFirstLevel(block, slot: slot)
    case .backends(let group, let start, let step):
      let replay = groups[group].replay
      for machine in stride(from: start, to: replay.count, by: step) {
        replay.replayBackend(machine, block, slot: slot)
      }
    case .core(let at): try alone[at].replay.replayCore(block)
    case .coreDevices(let at): try alone[at].replay.replayDevices(block)
    case .devices(let at): if block.counts.events > 0 { try devices[at].replay.replay(block) }
    }
  }

  /// What the blocks replayed so far gave.
  ///
  /// - Parameter trace: its name, hash and notes.
  /// - Returns: one result for each machine, in their order.
  /// - Throws: the laws that are broken, which is a defect of this program.
  public func results(of trace: TraceIdentity) throws(ConservationError) -> [RunResult] {
    var results: [Int: RunResult] = [:]
    for group in groups {
      for (at, place) in group.places.enumerated() {
        let report = group.replay.report(of: at)
        try report.checkLaws()
        var result = Replay.result(on: machines[place], plan, trace, records: records) {
          report.addCounters(to: &$0)
        }
        Replay.add(group.replay.samples(of: at), of: machines[place], to: &result)
        results[place] = result
      }
    }
    for one in devices {
      try one.replay.finish()
      if var result = results[one.place] {
        one.replay.addResults(to: &result)
        results[one.place] = result
      }
    }
    for (place, replay) in alone { results[place] = try replay.result(of: trace) }
    return machines.indices.compactMap { results[$0] }
  }
}
