import Results

extension HTMLArticle {
  /// Everything below the figures, in order.
  var sections: [Section] {
    let notes = section("notes", "Notes", bullets(view.notes))
    // Where devices alone did anything, the findings are the answer, and then what it cost.
    guard !view.hasOnlyDevices else {
      return [
        [findings, section("devices", view.devices)], places, devices, distributions, timeLines,
        modes, sizes, others, [notes],
      ].joined().compactMap(\.self)
    }
    let parts: [[Section?]] = [
      [absent, references, grid], distributions,
      [
        section("tlbs", view.tlbs), section("walk-caches", view.walkCaches, isWide: false),
        section("effects", view.effects, isWide: false), cost,
        section("faults", view.faults, isWide: false),
      ],
      timeLines, places, [unasked], modes, sizes, others,
      [section("devices", view.devices)], devices,
      [findings, notes],
    ]
    return parts.joined().compactMap(\.self)
  }

  private var absent: Section? {
    view.absentWalks.flatMap { section("walks", "Walks", "<p>\($0)</p>\n") }
  }

  private var references: Section? {
    guard let references = view.references, references.count > 0 else { return nil }
    let chart = HistogramChart(distribution: references, marks: maxima).markup
    return histogram("references", references, chart)
  }

  private var grid: Section? {
    guard let grid = view.grid, grid.count > 0 else { return nil }
    return section(
      "grid", "Where references go", isWide: false,
      "<p class=\"muted\">\(ReferenceGrid.explanation)</p>\n\(grid.heatMap)")
  }

  private var distributions: [Section?] {
    view.otherDistributions.filter { $0.count > 0 }.enumerated().map { place, distribution in
      let isPositive = distribution.bars.allSatisfy { $0.value > 0 }
      let chart =
        isPositive && distribution.bars.count > 1
        ? PenaltyChart(distribution: distribution).markup
        : HistogramChart(distribution: distribution, marks: []).markup
      return histogram("distribution-\(place + 1)", distribution, chart)
    }
  }

  private var maxima: [(value: Int, label: String)] {
    guard let most = view.machine.maximumReferences, let first = view.machine.firstLevels else {
      return []
    }
    let native = most == first ? [] : [(value: first, label: "native maximum \(first)")]
    return native + [(most, "\(view.machine.mode) maximum \(most)")]
  }

  private func histogram(
    _ id: String, _ distribution: Distribution, _ chart: Markup
  ) -> Section? {
    section(
      id, distribution.title, isWide: false,
      """
      <p class="muted">\(distribution.quantiles)</p>
      \(scrolling(chart, label: distribution.title))\
      \(folded("As a table", distribution.table.markup))
      """)
  }

  private var cost: Section? {
    guard let cost = view.cost else { return nil }
    let model = view.machine.memory == "" ? "" : "Memory model: \(view.machine.memory). "
    return section(
      "cost", cost.title, isWide: false,
      "<p class=\"muted\">\(model)\(Figure.workNotTime)</p>\n\(cost.markup)")
  }

  private var timeLines: [Section?] {
    view.result.timeLines.enumerated().map { place, line in
      let id = "timeline-\(place + 1)"
      let chart = TimeLineChart(
        line, findings: view.result.findings, id: anchor(id) + "-chart", limit: room.intervals)
      let picture = chart.markup
      guard picture.text != "" else { return nil }
      let table = chart.table
      var start = 0
      let spans = chart.briefEnds.map { end -> (Int, Int) in
        defer { start = end }
        return (start, end)
      }
      let dress = Table.Dress(
        attributes: " data-line=\"\(chart.id)\"",
        row: { " data-span=\"\(spans[$0].0) \(spans[$0].1)\"" })
      let kind = line.unit == .records ? "processors' records" : "events"
      return section(
        id, "Time line of \(kind)",
        """
        <p class="muted">Each picture is a counter's rate in \(counted(line.ends.count, "interval")) \
        of the trace, from its first \(line.unit == .records ? "record" : "event") to its last. With \
        script, drag over a part, or give its numbers, and the tables below tell of that part alone.</p>
        \(picture)\(folded("As a table", table.markup(dress)))
        """)
    }
  }

  private func answers(_ names: Set<String>) -> [ResultView.Answer] {
    view.answers.filter { names.contains($0.name) }
  }

  private static let ofPlaces: Set<String> = ["pages", "regions", "spaces", "devices"]
  private static let ofDevices: Set<String> = [
    "exposure", "contexts", "contradictions", "faultedTransfers",
  ]

  private func plain(_ answer: ResultView.Answer, _ picture: Markup = "") -> Section? {
    section(
      "answer-\(answer.name.replacing(".", with: "-"))", answer.table.title,
      isWide: answer.table.columns.count > 7,
      "<p class=\"muted\">\(answer.explanation)</p>\n\(picture)\(answer.table.markup)")
  }

  /// Pages, regions, address spaces, devices and domains by cost.
  private var places: [Section?] { answers(Self.ofPlaces).map { plain($0) } }

  /// What a reader may look for here and has to ask for.
  private var unasked: Section? {
    let missing = view.unaskedQuestions
    guard !missing.isEmpty else { return nil }
    let items = missing.map { question -> Markup in
      "<li><code>--answer \(question.name)</code>: \(question.tells)</li>\n"
    }
    return section(
      "unasked", "Not asked in this run",
      """
      <p class="muted">Each is a table here, and in the JSON and CSV, once it is asked for: add it to \
      the options of the run, or <code>--answer all</code>.</p>
      <ul class="notes">
      \(items)</ul>
      """)
  }

  private var modes: [Section?] {
    answers(["modes"]).map { answer in plain(answer, answer.source.modeBars ?? "") }
  }

  private var sizes: [Section?] {
    answers(["pageSizes"]).map { answer in
      guard let matrix = answer.source.pageSizeMatrix else { return plain(answer) }
      return section(
        "answer-pageSizes", answer.table.title, isWide: false,
        """
        <p class="muted">\(answer.explanation)</p>
        \(matrix)\(folded("As a table", answer.table.markup))
        """)
    }
  }

  private var others: [Section?] {
    view.answers.filter {
      !Self.ofPlaces.contains($0.name) && !isOfDevices($0.name)
        && $0.name != "modes" && $0.name != "pageSizes"
    }.map { plain($0) }
  }

  private var devices: [Section?] {
    view.answers.filter { isOfDevices($0.name) }.map { plain($0) }
  }

  private func isOfDevices(_ name: String) -> Bool {
    Self.ofDevices.contains(name) || name.hasPrefix("interrupts.")
  }
}
