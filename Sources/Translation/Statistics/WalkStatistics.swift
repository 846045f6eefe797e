/// What walks did, counted once for each walk from its path.
struct WalkStatistics {
  private(set) var walks = 0
  private(set) var references = 0
  private(set) var cycles = 0
  private(set) var splintered = 0
  /// Walks by the number of their references.
  private(set) var byReferences: [Int] = Array(repeating: 0, count: WalkPath.capacity + 1)
  /// References by first-stage step and second-stage step.
  private(set) var grid: [Int] = Array(repeating: 0, count: WalkPath.steps * WalkPath.steps)
  /// Walks by their cycles.
  private(set) var byCycles: [Int: Int] = [:]
  /// Walks that ended in a fault, by the fault's name.
  private(set) var faults: [String: Int] = [:]

  /// Counts one walk.
  mutating func count(_ path: borrowing WalkPath, _ outcome: WalkOutcome, cycles spent: Int) {
    walks += 1
    references += path.count
    cycles += spent
    byReferences[path.count] += 1
    byCycles[spent, default: 0] += 1
    for at in 0..<path.count {
      let reference = path[at]
      grid[Int(reference.firstLevel) * WalkPath.steps + Int(reference.secondLevel)] += 1
    }
    switch outcome {
    case .translated(let found): splintered += found.second < found.first ? 1 : 0
    case .fault(let fault): faults[fault.counter, default: 0] += 1
    }
  }

  /// Counts many walks at once, each reference of one cost.
  mutating func add(
    byReferences counts: [Int], grid steps: [Int], splintered more: Int,
    faults ended: [String: Int], referenceCycles: Int
  ) {
    for (number, count) in counts.enumerated() where count > 0 {
      walks += count
      references += number * count
      cycles += number * count * referenceCycles
      byReferences[number] += count
      byCycles[number * referenceCycles, default: 0] += count
    }
    for (step, count) in steps.enumerated() { grid[step] += count }
    splintered += more
    faults.merge(ended, uniquingKeysWith: +)
  }

  /// First-stage entries among the references.
  var firstStageReferences: Int {
    (0..<WalkPath.steps).reduce(0) { $0 + grid[$1 * WalkPath.steps + Int(WalkPath.entry)] }
  }

  /// The name of a step of either stage in counters.
  static func step(_ step: Int, last: String) -> String {
    step == Int(WalkPath.data) ? last : "L\(step)"
  }
}
