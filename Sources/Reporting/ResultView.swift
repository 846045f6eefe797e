import Results

/// A result as every readable format shows it.
struct ResultView {
  var result: RunResult
  var machine: MachineSummary
  var figures: [Figure]

  init(_ result: RunResult) {
    self.result = result
    machine = MachineSummary(result.machine)
    let figures = Figure.all(of: result, on: machine)
    // Where devices alone did anything, figures of processors say nothing.
    let hasProcessor = result.counters["cpu.touches"] != 0
    self.figures =
      hasProcessor || !DeviceTable.isAsked(result.counters)
      ? figures
      : figures.map { figure in
        var silent = figure
        silent.value = ""
        return silent
      }
  }

  /// The answer for devices; without values where none asked for anything.
  var deviceFigures: [Figure] { Figure.ofDevices(result) }

  var title: String { result.trace.name + " on " + result.machine.name }

  /// What stands where the walks would, if there were none.
  var absentWalks: String? {
    if hasOnlyDevices { return nil }
    return switch result.counters["walk.count"] {
    case nil:
      result.counters["audit.roots"] == nil ? "This result counts no walks." : nil
    case 0 where result.counters["cpu.touches"] == 0: "No walks: nothing was touched."
    case 0: "No walks: every touch found its translation in a TLB."
    default: nil
    }
  }

  var references: Distribution? {
    result.histograms["walk.references"].map { Distribution(name: "walk.references", bars: $0) }
  }

  /// Every histogram but that of references, by name.
  var otherDistributions: [Distribution] {
    result.histograms.sorted { $0.key < $1.key }.filter { $0.key != "walk.references" }
      .map { Distribution(name: $0.key, bars: $0.value) }
  }

  var grid: ReferenceGrid? { ReferenceGrid(counters: result.counters) }

  var tlbs: Table? {
    let ends = ["lookups", "hits", "misses", "fills", "evictions", "invalidations"]
    let names = self.names("tlb.", ends, first: machine.tlbs.map(\.name))
    guard !names.isEmpty, !hasOnlyDevices else { return nil }
    return Table(
      "TLBs",
      [
        .text("TLB"), .text("sets x ways"), .text("serves", detail: true),
        .text("pages", detail: true), .number("cycles", detail: true), .number("lookups"),
        .number("hits"), .number("misses"), .number("miss rate"), .number("fills", detail: true),
        .number("evictions", detail: true), .number("invalidations", detail: true),
      ],
      names.map { name in
        let shape = machine.tlbs.first { $0.name == name }
        let counts = ends.map { result.counters["tlb.\(name).\($0)"] }
        let cells = counts.map { $0.map(grouped) ?? "" }
        return [
          name, shape?.geometry ?? "", shape?.serves ?? "", shape?.pageSizes ?? "",
          shape?.latencyCycles ?? "",
        ] + cells[..<3] + [Ratio(counts[2], over: counts[0])?.percent ?? ""] + cells[3...]
      })
  }

  var walkCaches: Table? {
    let names = self.names(
      "walkCache.", ["lookups", "hits"], first: machine.walkCaches.map(\.name))
    guard !names.isEmpty else { return nil }
    return Table(
      "Walk caches",
      [
        .text("walk cache"), .text("sets x ways"), .number("lookups"), .number("hits"),
        .number("misses"), .number("hit rate"),
      ],
      names.map { name in
        let lookups = result.counters["walkCache.\(name).lookups"]
        let hits = result.counters["walkCache.\(name).hits"]
        let misses = lookups.flatMap { all in hits.map { all &- $0 } }
        return [
          name, machine.walkCaches.first { $0.name == name }?.geometry ?? "",
          lookups.map(grouped) ?? "", hits.map(grouped) ?? "", misses.map(grouped) ?? "",
          Ratio(hits, over: lookups)?.percent ?? "",
        ]
      })
  }

  var cost: Table? {
    let counters = result.counters
    let parts = [
      ("walks", "walk.cycles"), ("TLB lookups", "tlb.cycles"), ("stall estimate", "stall.cycles"),
    ]
    let rows = parts.compactMap { name, counter -> [String]? in
      guard let cycles = counters[counter] else { return nil }
      func per(_ other: String) -> String {
        Ratio(cycles, over: counters[other])?.decimal ?? ""
      }
      let ofWalks = counter == "walk.cycles"
      return [
        name, grouped(cycles), per("cpu.accesses"), ofWalks ? per("walk.count") : "",
        ofWalks ? per("walk.references") : "",
      ]
    }
    guard !rows.isEmpty else { return nil }
    return Table(
      "Memory cost",
      [
        .text("cycles of"), .number("cycles"), .number("per access"), .number("per walk"),
        .number("per reference"),
      ], rows)
  }

  /// Side effects and sizes that walks leave behind.
  var effects: Table? {
    let names = ["walk.updates", "walk.splintered", "frames.firstStage", "frames.secondStage"]
    let rows = names.compactMap { name in
      result.counters[name].map { [name, grouped($0), Metric.definition(of: name)?.unit ?? ""] }
    }
    guard !rows.isEmpty else { return nil }
    return Table(
      "Page tables and frames", [.text("counter"), .number("count"), .text("unit")], rows)
  }

  /// What devices asked for and got.
  var devices: Table? { DeviceTable.table(of: result.counters) }

  /// Nothing of processors is told where only devices did anything.
  var hasOnlyDevices: Bool { devices != nil && result.counters["cpu.touches"] == 0 }

  var faults: Table? {
    let rows = result.counters.filter { $0.key.hasPrefix("fault.") && $0.value != 0 }
      .sorted { $0.key < $1.key }
      .map { [String($0.key.dropFirst("fault.".count)), grouped($0.value)] }
    guard !rows.isEmpty else { return nil }
    return Table("Faults", [.text("fault"), .number("count")], rows)
  }

  /// A table that answers a question, as readers see it.
  struct Answer {
    /// As it is in the result.
    var source: ResultTable
    var table: Table

    var name: String { source.name }
    var explanation: String { source.explanation }
  }

  /// The answers, each with its explanation.
  var answers: [Answer] {
    result.tables.map { table in
      let columns = table.columns.enumerated().map { place, column in
        let cells = table.rows.compactMap { place < $0.count ? $0[place] : nil }
        return Self.isNumeric(cells) ? Table.Column.number(column.title) : .text(column.title)
      }
      let rows = table.rows.map { row in
        row.map { cell in
          switch cell {
          case .text(let text): text
          case .number(let number): grouped(number)
          case .hundredths(let number): hundredths(number)
          case .empty: ""
          }
        }
      }
      return Answer(source: table, table: Table(table.title, columns, rows))
    }
  }

  /// Whether a column reads as numbers: its texts are numbers too.
  private static func isNumeric(_ cells: [ResultTable.Cell]) -> Bool {
    var isAny = false
    for cell in cells {
      switch cell {
      case .number, .hundredths: isAny = true
      case .text(let text):
        let digits = text.hasPrefix("0x") ? text.dropFirst(2) : Substring(text)
        guard !digits.isEmpty, digits.allSatisfy(\.isHexDigit),
          text.hasPrefix("0x") || digits.allSatisfy(\.isNumber)
        else { return false }
        isAny = true
      case .empty: break
      }
    }
    return isAny
  }

  /// What the trace's import and the run want to be known, without the model's own sentences.
  var notes: [String] {
    result.trace.notes + result.notes.filter { !$0.hasPrefix(Self.modelPrefix) }
  }

  /// The sentences that say what is modelled and how.
  var modelSentences: [String] {
    result.notes.filter { $0.hasPrefix(Self.modelPrefix) }
      .map { note in
        let sentence = note.dropFirst(Self.modelPrefix.count)
        return sentence.prefix(1).uppercased() + sentence.dropFirst()
      }
  }

  private static let modelPrefix = "Model: "

  /// Names between a prefix and an ending: the machine's in its order, then any others sorted.
  private func names(_ prefix: String, _ endings: [String], first: [String]) -> [String] {
    var found: Set<String> = []
    for counter in result.counters.keys where counter.hasPrefix(prefix) {
      let rest = counter.dropFirst(prefix.count)
      for ending in endings where rest.hasSuffix("." + ending) {
        found.insert(String(rest.dropLast(ending.count + 1)))
      }
    }
    var ordered: [String] = []
    for name in first where found.remove(name) != nil { ordered.append(name) }
    return ordered + found.sorted()
  }
}

/// Results beside each other, one row each.
func overview(_ views: [ResultView]) -> Table {
  let headings = views.first?.figures.map(\.heading) ?? []
  let ofDevices = views.first?.deviceFigures.map(\.heading) ?? []
  return Table(
    "Overview",
    [.text("trace"), .text("machine")]
      + headings.enumerated().map { .number($1, detail: $0 >= 3) } + ofDevices.map { .number($0) }
      + [.number("faults", detail: true), .number("findings", detail: true)],
    views.map { view in
      let faults = view.result.counters.filter { $0.key.hasPrefix("fault.") }
      return [view.result.trace.name, view.result.machine.name] + view.figures.map(\.value)
        + view.deviceFigures.map(\.value)
        + [
          faults.isEmpty ? "" : grouped(total(faults.values)),
          view.result.findings.isEmpty ? "" : grouped(view.result.findings.count),
        ]
    })
}
