/// The counters of a core that a time line follows.
struct CoreProgress {
  /// In the order of `counters`, then the misses of each TLB in the order of the machine.
  var values: [Int]

  static let counters = ["walk.count", "walk.references", "walk.cycles", "exit.count"]

  init(walks: Int, references: Int, cycles: Int, exits: Int, misses: [Int]) {
    values = [walks, references, cycles, exits] + misses
  }

  init(_ walks: WalkStatistics, exits: Int, misses: [Int]) {
    self.init(
      walks: walks.walks, references: walks.references, cycles: walks.cycles, exits: exits,
      misses: misses)
  }

  init(_ report: CoreReport) {
    self.init(report.walks, exits: 0, misses: report.tlbs.map(\.misses))
  }
}
