import Results

/// The part of the page that belongs to one result, in the order in which readers ask.
struct HTMLArticle {
  var view: ResultView
  /// Its place among several; nothing where it is the only one.
  var number: Int?
  var room: PageBudget

  var markup: Markup {
    let parts = sections
    let links = parts.map { part -> Markup in
      "<li><a href=\"#\(anchor(part.id))\">\(part.title)</a></li>\n"
    }
    let contents: Markup =
      parts.count > 1
      ? "<nav aria-label=\"Parts of \(view.title)\"><ul>\n\(links)</ul></nav>\n" : ""
    return """
      \(start)
      \(identity)\(cards)\(contents)<div class="parts">
      \(parts.map(\.markup))</div></article>

      """
  }

  /// What is told of a result for which the page has no room.
  var brief: Markup {
    """
    \(start)
    \(identity)\(cards)\
    <p class="muted">The page has no room for the rest of this result: write fewer results into one \
    page, or read the JSON or CSV.</p>
    </article>

    """
  }

  private var start: Markup {
    number.map { "<article id=\"r\($0)\">\n<h2>\($0). \(view.title)</h2>" }
      ?? "<article class=\"only\">\n<h1>\(view.title)</h1>"
  }

  /// One part, with what links lead to it.
  struct Section {
    var id: String
    var title: String
    var markup: Markup
  }

  func anchor(_ id: String) -> String { "\(number.map { "r\($0)-" } ?? "")\(id)" }

  /// A part under its heading; nothing where it has no content.
  ///
  /// A part that is not wide shares its line with the next where the page is wide enough.
  func section(
    _ id: String, _ title: String, isWide: Bool = true, _ body: Markup
  ) -> Section? {
    // Headings go down one level at a time, for those who read by them.
    let level = number == nil ? 2 : 3
    guard body.text != "" else { return nil }
    let kind: Markup = isWide ? " class=\"wide\"" : ""
    return Section(
      id: id, title: title,
      markup: """
        <section id="\(anchor(id))"\(kind)>
        <h\(level)>\(title)</h\(level)>
        \(body)</section>

        """)
  }

  func section(_ id: String, _ table: Table?, isWide: Bool = true) -> Section? {
    table.flatMap { section(id, $0.title, isWide: isWide, $0.markup) }
  }

  func folded(_ title: String, _ body: Markup) -> Markup {
    "<details><summary>\(title)</summary>\n\(body)</details>\n"
  }

  func folded(_ table: Table) -> Markup { folded(table.title, table.markup) }

  private var identity: Markup {
    let trace = view.result.trace
    let machine = view.result.machine
    func facts(_ pairs: [(String, Markup)]) -> Markup {
      let lines = pairs.filter { $0.1.text != "" }.map { name, value -> Markup in
        "<dt>\(name)</dt><dd>\(value)</dd>\n"
      }
      return "<dl class=\"facts\">\n\(lines)</dl>\n"
    }
    let tlbs = view.machine.tlbs.map { tlb -> String in
      let rest = [tlb.serves, tlb.pageSizes].filter { $0 != "" }.joined(separator: "; ")
      return "\(tlb.name) \(tlb.geometry)" + (rest == "" ? "" : " (\(rest))")
    }
    let caches = view.machine.walkCaches.map { "\($0.name) \($0.geometry)" }
    let ofTrace: [(String, Markup)] = [
      ("Trace", "\(trace.name)"), ("SHA-256", digest(trace.sha256)),
      ("Records", "\(grouped(trace.records))"),
    ]
    let ofMachine: [(String, Markup)] = [
      ("Machine", "\(machine.name), \(digest(machine.sha256))")
    ]
    let unit: [(String, Markup)] =
      view.devices == nil
      ? []
      : [
        ("IOMMU", "\(view.machine.iommu)"),
        ("Its caches", "\(view.machine.iommuCaches.joined(separator: ", "))"),
      ]
    // What translates processors' accesses had no part in what devices alone did.
    guard !view.hasOnlyDevices else {
      return "<div class=\"columns even\">\n\(facts(ofTrace))\(facts(ofMachine + unit))</div>\n"
    }
    let left = facts(ofTrace + [("Page tables", "\(trace.tables)")])
    let right = facts(
      ofMachine + [
        ("Translation", "\(view.machine.translation)"),
        ("TLBs", "\(tlbs.joined(separator: ", "))"),
        (
          "Walk caches", "\(view.machine.lacksWalkCaches ? "none" : caches.joined(separator: ", "))"
        ),
        ("Memory", "\(view.machine.memory)"),
      ] + unit)
    return "<div class=\"columns even\">\n\(left)\(right)</div>\n"
  }

  /// The beginning of a digest, the whole of it for whoever points at it.
  private func digest(_ sha256: String) -> Markup {
    sha256 == "" ? "" : "<code title=\"\(sha256)\">\(String(sha256.prefix(12)))</code>"
  }

  private var cards: Markup {
    var cards = (view.figures + view.deviceFigures).filter { $0.value != "" }.map {
      figure -> Markup in
      """
      <li><div class="title">\(figure.title)</div><div class="value">\(figure.value)</div>\
      <div>\(figure.basis)</div><p class="definition">\(figure.definition)</p></li>

      """
    }
    if let findings = findingCard { cards.insert(findings, at: min(3, cards.count)) }
    return cards.isEmpty ? "" : "<ul class=\"cards\">\n\(cards)</ul>\n"
  }

  /// Findings by severity, where any rule could be judged.
  private var findingCard: Markup? {
    guard view.judgedRules != nil || !view.result.findings.isEmpty else { return nil }
    let severities = Severity.allCases.reversed().compactMap { severity -> Markup? in
      let count = view.result.findings.count { $0.severity == severity }
      guard count > 0 else { return nil }
      return
        "<span class=\"severity \(severity.rawValue)\">\(grouped(count)) \(severity.rawValue)</span> "
    }
    return """
      <li><div class="title">Findings</div>\
      <div class="value">\(grouped(view.result.findings.count))</div>\
      <div>\(severities)</div><p class="definition">Isolation rules that fired, one finding for each \
      rule, severity and subject. <a href="#\(anchor("findings"))">Their evidence</a></p></li>

      """
  }
}
