import Machine
import Results

/// Interrupts of one trace without remapping, remapped and injected, and posted.
struct InterruptTable: AnswerTable {
  let variants: [Variant]
  private let clock: Int?

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    clock = machine.interrupts?.clockMegahertz
    // A machine that does not say how its devices interrupt it has no alternatives.
    variants =
      machine.interrupts == nil
      ? []
      : InterruptMode.allCases.map { mode in
        Variant(devices: Self.name(of: mode), machine.with { $0.interrupts?.mode = mode })
      }
  }

  private static func name(of mode: InterruptMode) -> String {
    switch mode {
    case .none: "no remapping"
    case .remapped: "remapped, injected"
    case .posted: "posted"
    }
  }

  /// Outcomes that partition the messages, by counter and heading.
  private static let outcomes: [(counter: String, title: String)] = [
    ("delivery.direct", "without exit"), ("delivery.injected", "injected"),
    ("delivery.pending", "pending"), ("delivery.host", "to the host"),
    ("misdelivered", "misdelivered"), ("blocked", "blocked"), ("delivery.unknown", "unknown"),
  ]

  var tables: [ResultTable] {
    guard variants.contains(where: { $0["interrupt.requests"] > 0 }) else { return [] }
    var columns = [
      ResultTable.Column("alternative", "alternative"),
      ResultTable.Column("messages", "messages"),
    ]
    columns += Self.outcomes.map { ResultTable.Column($0.counter, $0.title) }
    columns += [
      ResultTable.Column("exits", "exits"),
      ResultTable.Column("exitsPerMessage", "per message"),
      ResultTable.Column("medianNanoseconds", "median latency, ns"),
      ResultTable.Column("tailNanoseconds", "99 % within, ns"),
      ResultTable.Column("hostNanoseconds", "host's work, ns"),
    ]
    if clock != nil { columns.append(ResultTable.Column("hostCycles", "cycles")) }
    columns.append(ResultTable.Column("critical", "critical findings"))
    return [
      ResultTable(
        name: "interrupts", title: "Alternatives for interrupts",
        explanation:
          "The same messages where nothing checks them, where entries are checked and the host takes "
          + "and injects what is for guests, and where entries post to virtual processors. Latency is "
          + "that of interrupts that were taken, with the time that vectors waited; the host's work is "
          + "exits, injections and forwarding, by the machine's costs.",
        columns: columns, rows: variants.map { row(of: $0) })
    ]
  }

  private func row(of variant: Variant) -> [ResultTable.Cell] {
    let latency = variant.result.histograms["interrupt.latency"] ?? []
    let work = variant["interrupt.hostNanoseconds"]
    let critical = variant.result.findings.reduce(0) {
      $1.severity == .critical ? $0 + $1.count : $0
    }
    var cells: [ResultTable.Cell] = [.text(variant.name), .number(variant["interrupt.requests"])]
    for outcome in Self.outcomes { cells.append(.number(variant["interrupt." + outcome.counter])) }
    cells += [
      .number(variant["interrupt.exits"]),
      .ratio(variant["interrupt.exits"], over: variant["interrupt.requests"]),
      Self.quantile(latency, percent: 50), Self.quantile(latency, percent: 99), .number(work),
    ]
    if let clock {
      let (cycles, isTooMany) = work.multipliedReportingOverflow(by: clock)
      cells.append(isTooMany ? .empty : .number(cycles / 1000))
    }
    cells.append(.number(critical))
    return cells
  }

  /// The lowest value that so many of a hundred do not exceed; nothing without values.
  private static func quantile(_ bars: [HistogramBar], percent: Int) -> ResultTable.Cell {
    let count = bars.reduce(0) { $0 + $1.count }
    guard count > 0 else { return .empty }
    // Rounded up: of one value, half is one.
    let wanted = (count / 100) * percent + ((count % 100) * percent + 99) / 100
    var seen = 0
    for bar in bars {
      seen += bar.count
      if seen >= wanted { return .number(bar.value) }
    }
    return .empty
  }
}
