import Results

/// Results as one page that needs no network, no script and no other file.
func htmlReport(_ results: [RunResult]) -> String {
  let views = results.map(ResultView.init)
  let isAlone = views.count == 1
  let title = isAlone ? views[0].title : "\(views.count) replays"
  let articles = views.indices.map {
    HTMLArticle(view: views[$0], number: isAlone ? nil : $0 + 1).markup
  }
  return htmlPage(
    title: title,
    """
    \(isAlone ? "" : comparison(views))\(articles)\
    \(counterSection(results))\(modelSection(views))\(machineSection(results))
    """)
}

/// A whole page of its parts.
func htmlPage(title: String, schema: String = resultSchema, _ body: Markup) -> String {
  let page: Markup = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
    style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Nestwalk: \(title)</title>
    <style>
    \(htmlStyle)</style>
    </head>
    <body>
    <main>
    \(body)\
    <footer>nestwalk \(toolVersion), \(schema)</footer>
    </main>
    </body>
    </html>

    """
  return page.text
}

/// Results beside each other, each row leading to its part of the page.
private func comparison(_ views: [ResultView]) -> Markup {
  let title: Markup = "<h1>\(views.count) replays</h1>\n"
  guard !views.isEmpty else { return "\(title)<p>There is no result here.</p>\n" }
  let table = overview(views).markup { place, name in
    "<a href=\"#r\(place + 1)\">\(place + 1). \(name)</a>"
  }
  return "\(title)\(table)<p class=\"muted\">\(Figure.workNotTime)</p>\n"
}

/// The part of the page that belongs to one result.
struct HTMLArticle {
  var view: ResultView
  /// Its place among several; nothing where it is the only one.
  var number: Int?

  var markup: Markup {
    let start: Markup =
      number.map { "<article id=\"r\($0)\">\n<h2>\($0). \(view.title)</h2>" }
      ?? "<article class=\"only\">\n<h1>\(view.title)</h1>"
    // What went wrong stands before what it cost.
    return """
      \(start)
      \(identity)\(cards)\(findings)\(section(view.devices))\(section(view.faults))\(answers)\(walks)\
      \(section(view.tlbs))\(costs)\(section("Notes", bullets(view.notes)))</article>

      """
  }

  private var findings: Markup {
    let examples = view.findingExamples.map { folded($0) } ?? ""
    let judged = view.judgedRules.map { folded($0) } ?? ""
    guard let table = view.findings else {
      return judged.text == "" ? "" : section("Findings", "<p>None.</p>\n\(judged)")
    }
    let meanings = view.firedRules.map { folded($0) } ?? ""
    let marked = table.markup(column: 1) { row, severity in
      "<span class=\"severity \(view.result.findings[row].severity.rawValue)\">\(severity)</span>"
    }
    return section(table.title, "\(marked)\(meanings)\(examples)\(judged)")
  }

  private func folded(_ table: Table) -> Markup {
    "<details><summary>\(table.title)</summary>\n\(table.markup)</details>\n"
  }

  private var answers: Markup {
    let sections = view.answers.map { answer in
      section(
        answer.table.title,
        "<p class=\"muted\">\(answer.explanation)</p>\n\(answer.table.markup)")
    }
    return "\(sections)"
  }

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
    let left = facts([
      ("Trace", "\(trace.name)"), ("SHA-256", digest(trace.sha256)),
      ("Records", "\(grouped(trace.records))"), ("Page tables", "\(trace.tables)"),
    ])
    let right = facts([
      ("Machine", "\(machine.name), \(digest(machine.sha256))"),
      ("Translation", "\(view.machine.translation)"),
      ("TLBs", "\(tlbs.joined(separator: ", "))"),
      ("Walk caches", "\(view.machine.lacksWalkCaches ? "none" : caches.joined(separator: ", "))"),
      ("Memory", "\(view.machine.memory)"),
    ])
    return "<div class=\"columns even\">\n\(left)\(right)</div>\n"
  }

  /// The beginning of a digest, the whole of it for whoever points at it.
  private func digest(_ sha256: String) -> Markup {
    sha256 == "" ? "" : "<code title=\"\(sha256)\">\(String(sha256.prefix(12)))</code>"
  }

  private var cards: Markup {
    let cards = view.figures.filter { $0.value != "" }.map { figure -> Markup in
      """
      <li><div class="title">\(figure.title)</div><div class="value">\(figure.value)</div>\
      <div>\(figure.basis)</div><p class="definition">\(figure.definition)</p></li>

      """
    }
    return cards.isEmpty ? "" : "<ul class=\"cards\">\n\(cards)</ul>\n"
  }

  private var walks: Markup {
    var parts: [Markup] = []
    if let absent = view.absentWalks { parts.append(section("Walks", "<p>\(absent)</p>\n")) }
    if let references = view.references, references.count > 0 {
      parts.append(histogram(references, marks: maxima))
    }
    if let grid = view.grid, grid.count > 0 {
      parts.append(
        section(
          "Where references go",
          "<p class=\"muted\">\(ReferenceGrid.explanation)</p>\n\(grid.heatMap)"))
    }
    for distribution in view.otherDistributions where distribution.count > 0 {
      parts.append(histogram(distribution, marks: []))
    }
    parts.append(section(view.walkCaches))
    return "<div class=\"columns\">\n\(parts)</div>\n"
  }

  private var maxima: [(value: Int, label: String)] {
    guard let most = view.machine.maximumReferences, let first = view.machine.firstLevels else {
      return []
    }
    let native = most == first ? [] : [(value: first, label: "native maximum \(first)")]
    return native + [(most, "\(view.machine.mode) maximum \(most)")]
  }

  private func histogram(
    _ distribution: Distribution, marks: [(value: Int, label: String)]
  ) -> Markup {
    let chart = HistogramChart(distribution: distribution, marks: marks).markup
    return section(
      distribution.title,
      """
      <p class="muted">\(distribution.quantiles)</p>
      \(scrolling(chart, label: distribution.title))\
      <details><summary>As a table</summary>
      \(distribution.table.markup)</details>

      """)
  }

  private var costs: Markup {
    let model = view.machine.memory == "" ? "" : "Memory model: \(view.machine.memory). "
    let lead: Markup = "<p class=\"muted\">\(model)\(Figure.workNotTime)</p>\n"
    let cost: Markup = view.cost.map { section($0.title, "\(lead)\($0.markup)") } ?? ""
    return "<div class=\"columns even\">\n\(cost)\(section(view.effects))</div>\n"
  }

  private func section(_ table: Table?) -> Markup {
    table.map { section($0.title, $0.markup) } ?? ""
  }

  private func section(_ title: String, _ body: Markup) -> Markup {
    // Headings go down one level at a time, for those who read by them.
    let level = number == nil ? 2 : 3
    return body.text == ""
      ? "" : "<section>\n<h\(level)>\(title)</h\(level)>\n\(body)</section>\n"
  }
}

/// Sentences, one a line.
func bullets(_ lines: [String]) -> Markup {
  lines.isEmpty
    ? "" : "<ul class=\"notes\">\n\(lines.map { "<li>\($0)</li>\n" as Markup })</ul>\n"
}
