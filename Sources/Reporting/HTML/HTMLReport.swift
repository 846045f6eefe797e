import Results

/// Results as one page that needs no network and no other file, and tells everything without script.
func htmlReport(_ results: [RunResult]) -> String {
  let views = results.map(ResultView.init)
  let isAlone = views.count == 1
  let title = isAlone ? views[0].title : "\(views.count) replays"
  // What is told of all results, so that articles know how much room is left.
  let tail: Markup = "\(counterSection(results))\(modelSection(views))\(machineSection(results))"
  var room = PageBudget(used: tail.text.utf8.count, results: views.count)
  let articles = views.indices.map { place -> Markup in
    let article = HTMLArticle(view: views[place], number: isAlone ? nil : place + 1, room: room)
    let whole = article.markup
    let told = room.takes(whole) ? whole : article.brief
    room.used += told.text.utf8.count
    return told
  }
  return htmlPage(
    title: title,
    "\(isAlone ? "" : comparison(views))\(articles)\(tail)")
}

/// How much a page may hold: one that no longer opens tells nothing.
struct PageBudget {
  /// Bytes of the page so far.
  var used: Int
  /// Results that share the page.
  var results: Int

  /// Less than 1 MiB with the page's style and script.
  static let most = 960_000

  /// Whether a part still fits.
  func takes(_ part: Markup) -> Bool { used + part.text.utf8.count <= Self.most }

  /// Rows of findings that a result may show, and as many examples.
  var findingRows: Int { max(20, 800 / max(results, 1)) }

  /// Intervals of a time line.
  var intervals: Int { max(64, min(512, 1_024 / max(results, 1))) }
}

/// A whole page of its parts.
func htmlPage(title: String, schema: String = resultSchema, _ body: Markup) -> String {
  let page: Markup = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
    style-src 'unsafe-inline'; script-src '\(htmlScriptDigest)'; base-uri 'none'; \
    form-action 'none'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Nestwalk: \(title)</title>
    <style>
    \(htmlStyle)</style>
    </head>
    <body>
    <a class="skip" href="#main">Skip to the report</a>
    <main id="main">
    \(body)\
    <footer>nestwalk \(toolVersion), \(schema)</footer>
    </main>
    <script>
    \(htmlScript)</script>
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

/// Sentences, one a line.
func bullets(_ lines: [String]) -> Markup {
  lines.isEmpty
    ? "" : "<ul class=\"notes\">\n\(lines.map { "<li>\($0)</li>\n" as Markup })</ul>\n"
}
