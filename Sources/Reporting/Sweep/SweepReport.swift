import Results

/// What a sweep found, for its reports.
public struct SweepResults: Sendable {
  /// The paths that vary, in the order of the command line.
  public var paths: [String]
  /// One replay for each trace and each combination of values.
  public var runs: [Run]
  /// Each trace's curves, by its name.
  public var curves: [(trace: String, curves: [MissCurve])]

  /// One replay with its place in the sweep.
  public struct Run: Sendable {
    /// A value for each path.
    public var values: [String]
    /// What the replay gave.
    public var result: RunResult

    /// Creates a run.
    ///
    /// - Parameters:
    ///   - values: one for each path.
    ///   - result: of the replay.
    public init(values: [String], result: RunResult) {
      self.values = values
      self.result = result
    }
  }

  /// Creates the results.
  ///
  /// - Parameters:
  ///   - paths: that vary.
  ///   - runs: of every trace and combination.
  ///   - curves: of each trace.
  public init(paths: [String], runs: [Run], curves: [(trace: String, curves: [MissCurve])]) {
    self.paths = paths
    self.runs = runs
    self.curves = curves
  }

  /// One row for each replay: trace, machine, the varied values, then every counter but the grid of
  /// walk steps.
  public var csv: String {
    let names = Set(runs.flatMap { $0.result.counters.keys })
      .filter { !$0.hasPrefix("walk.grid.") }.sorted()
    let head = (["trace", "machine"] + paths + names).map(csvField).joined(separator: ",")
    let rows = runs.map { run -> String in
      let cells =
        [run.result.trace.name, run.result.machine.name] + run.values
        + names.map { name in run.result.counters[name].map { String($0) } ?? "" }
      return cells.map(csvField).joined(separator: ",")
    }
    return ([head] + rows).joined(separator: "\n") + "\n"
  }

  /// One row for each point of each curve at which the misses change, and for its last.
  public var curvesCSV: String {
    var rows = ["trace,accesses,page_size,sets,ways,entries,touches,pages,misses"]
    for (trace, curves) in curves {
      for curve in curves {
        let start = "\(csvField(trace)),\(curve.accesses),\(curve.pageSize),"
        for (at, misses) in curve.misses.enumerated() {
          let isFlat = at > 0 && curve.misses[at - 1] == misses && at + 1 < curve.misses.count
          if isFlat && curve.sets == nil { continue }
          let entries = (at + 1) * (curve.sets ?? 1)
          rows.append(
            "\(start)\(curve.sets ?? 1),\(at + 1),\(entries),\(curve.touches),\(curve.pages),\(misses)"
          )
        }
      }
    }
    return rows.joined(separator: "\n") + "\n"
  }

  /// One page that needs nothing but itself.
  public var html: String {
    let traces = curves.map(\.trace)
    let title =
      "\(counted(runs.count, "replay")) of " + traces.joined(separator: ", ")
    let charts = curves.map { trace, curves in self.charts(of: trace, curves) }
    return htmlPage(
      title: title,
      """
      <h1>\(title)</h1>
      <p class="muted">Every row is the result that a run of that machine alone gives. \
      \(Figure.workNotTime)</p>
      \(table.markup)\(charts)
      """)
  }

  /// The varied values and what changes with them.
  private var table: Table {
    // Which trace it is stands above, where there is one; a TLB that never misses says nothing.
    let isAlone = curves.count == 1 && !paths.isEmpty
    let tlbs = Set(runs.flatMap { $0.result.counters.filter { $0.value != 0 }.keys })
      .filter { $0.hasPrefix("tlb.") && $0.hasSuffix(".misses") }.sorted()
    let counters = tlbs + ["walk.count", "walk.references", "walk.cycles"]
    let columns =
      (isAlone ? [] : [Table.Column.text("trace")]) + paths.map { Table.Column.text($0) }
      + counters.map { Table.Column.number($0) }
    let rows = runs.map { run in
      (isAlone ? [] : [run.result.trace.name]) + run.values
        + counters.map { name in run.result.counters[name].map(grouped) ?? "" }
    }
    return Table("Replays", columns, rows)
  }

  private func charts(of trace: String, _ curves: [MissCurve]) -> Markup {
    let shapes = Set(curves.map { $0.sets ?? 0 }).sorted()
    let parts = ["instructions", "data"].flatMap { accesses in
      shapes.compactMap { sets -> Markup? in
        let chosen = curves.filter { $0.accesses == accesses && ($0.sets ?? 0) == sets }
        guard !chosen.isEmpty else { return nil }
        let shape =
          sets == 0 ? "fully associative, by entries" : "\(counted(sets, "set")), by ways"
        let chart = CurveChart(
          title: "Misses of \(accesses): \(shape)",
          axis: sets == 0 ? "entries" : "ways in each of \(counted(sets, "set"))",
          lines: chosen.map { CurveChart.Line(name: $0.pageSize, misses: $0.misses) })
        return
          "<section><h3>\(chart.title)</h3>\n<div class=\"scroll\">\(chart.markup)</div></section>\n"
      }
    }
    guard !parts.isEmpty else { return "" }
    return """
      <section>
      <h2>Curves of \(trace)</h2>
      <p class="muted">Exact LRU misses of a first-level TLB of every size, from one pass. Each line \
      takes all pages to have one size; a first touch of a page misses in every TLB.</p>
      <div class="parts">
      \(parts)</div></section>

      """
  }
}
