import Results
import Testing

@testable import Reporting

@Suite("HTML report")
struct HTMLReportTests {
  @Test(
    "the page asks for nothing beyond itself",
    arguments: [[Samples.graph], [Samples.graph, Samples.database, Samples.nothing], []])
  func isOffline(_ results: [RunResult]) {
    let page = render(results, as: .html)
    #expect(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'"))
    #expect(page.contains("script-src '\(htmlScriptDigest)'"), "no script but the page's own")
    let rest = Self.withoutScript(page)
    for outside in ["http:", "https:", "//", "<script>", "src=", "url(", "@import", "<link"] {
      #expect(!rest.contains(outside), "\(outside)")
    }
    for request in [
      "fetch(", "XMLHttpRequest", "import(", "WebSocket", "localStorage", "innerHTML",
    ] {
      #expect(!htmlScript.text.contains(request), "\(request)")
    }
    for link in page.ranges(of: "href=\"") {
      #expect(page[link.upperBound] == "#")
    }
  }

  /// The page without the script that its policy knows.
  static func withoutScript(_ page: String) -> String {
    page.replacing("<script>\n" + htmlScript.text + "</script>", with: "")
  }

  @Test("nothing from a file becomes markup")
  func escapes() {
    let page = Self.withoutScript(render([Samples.hostile], as: .html))
    for tag in ["<script", "<img", "<b>", "<u>", "<i>", "\u{1b}", "00:1f.2'"] {
      #expect(!page.contains(tag), "\(tag)")
    }
    #expect(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"))
    #expect(page.contains("title=\"&quot;&gt;&lt;img src=x&gt;\""))
  }

  @Test("each counter stands in the table of counters under its definition, said once")
  func definitions() throws {
    let page = render([Samples.graph], as: .html)
    let start = try #require(page.range(of: "id=\"counters\""))
    let table = page[start.upperBound...]
    for name in Samples.graph.counters.keys {
      #expect(table.ranges(of: "<code>\(name)</code>").count == 1, "\(name)")
      let metric = try #require(Metric.definition(of: name), "\(name)")
      #expect(table.ranges(of: ">\(escaped(metric.definition)) <span>").count == 1)
    }
  }

  @Test("the answer, with what it was computed from")
  func figures() {
    let page = render([Samples.graph], as: .html)
    // 327,939 / 4,000,000 = 8.198 %; 694,375 / 327,939 = 2.117; 27,775,000 / 4,000,000 = 6.944
    for text in [
      "8.20 %", "327,939 walks of 4,000,000 touches", "2.12", "of a maximum of 24", "6.94",
      "native maximum 4", "nested maximum 24", "not time",
    ] {
      #expect(page.contains(text), "\(text)")
    }
    #expect(!page.contains("1,000 instructions"), "this trace counts no instructions")
    #expect(render([Samples.database], as: .html).contains("<div class=\"value\">0.39</div>"))
  }

  @Test("every walk of 24 references fills every cell of the grid alike")
  func grid() throws {
    let grid = try #require(ReferenceGrid(counters: Samples.graphUncached.counters))
    #expect(grid.rows == ["L3", "L2", "L1", "L0", "data"])
    #expect(grid.columns == ["L3", "L2", "L1", "L0", "entry"])
    // Four rows of five cells and the data address's four.
    #expect(grid.cells.joined().compactMap { $0 } == .init(repeating: 327_939, count: 24))
    #expect(grid.cells[4][4] == nil)
    #expect(grid.count == 24 * 327_939)
    // 1 / 24 = 4.17 %
    #expect(grid.heatMap.text.ranges(of: "328 k<span>4.17 %</span>").count == 24)
    #expect(grid.heatMap.text.contains("<td></td>"))
  }

  @Test("the grid of our sample adds up to its references")
  func gridSum() {
    for sample in [Samples.graph, Samples.graphUncached, Samples.database] {
      let grid = ReferenceGrid(counters: sample.counters)
      #expect(grid?.count == sample.counters["walk.references"])
    }
  }

  @Test("the ends of the number range can be drawn")
  func extremes() {
    let bars = [Int.min, 0, .max].map { HistogramBar(value: $0, count: .max) }
    let distribution = Distribution(name: "x", bars: bars)
    let chart = HistogramChart(distribution: distribution, marks: [(24, "mark")]).markup.text
    #expect(chart.ranges(of: "class=\"bar\"").count == 3)
  }

  @Test("a native machine has one column and one maximum")
  func native() throws {
    var result = Samples.graph
    result.machine.resolvedJSON = result.machine.resolvedJSON.replacing("nested", with: "native")
    result.counters = result.counters.filter {
      !$0.key.hasPrefix("walk.grid.") || $0.key.hasSuffix(".entry")
    }
    let page = render([result], as: .html)
    #expect(page.contains(">native maximum 4</text>"))
    #expect(!page.contains("nested maximum") && !page.contains("second-stage table</th>"))
    #expect(try #require(ReferenceGrid(counters: result.counters)).columns == ["entry"])
  }

  @Test("no walks are said, not divided by")
  func noWalks() {
    let page = render([Samples.nothing], as: .html)
    #expect(page.contains("No walks"))
    #expect(page.contains("<div class=\"value\">-</div>"))
    #expect(!page.contains("<svg"))
    let rest = Self.withoutScript(page)
    #expect(!rest.contains("NaN") && !rest.contains("nan"))
  }

  @Test("pictures have a name and a description, tables heads with a scope")
  func accessibility() {
    let page = render(Samples.all, as: .html)
    let pictures = page.ranges(of: "<svg ").count
    #expect(pictures > 0)
    #expect(page.ranges(of: "role=\"img\"").count == pictures)
    #expect(page.ranges(of: "<desc>").count == pictures)
    #expect(page.ranges(of: "<th>").isEmpty)
    #expect(page.contains("<html lang=\"en\">"))
  }

  @Test("several results are compared first and each is linked to")
  func several() throws {
    let page = render(Samples.all, as: .html)
    for number in 1...Samples.all.count {
      #expect(page.contains("href=\"#r\(number)\""))
      #expect(page.ranges(of: "id=\"r\(number)\"").count == 1)
    }
    let overview = try #require(page.range(of: "<h1>5 replays</h1>"))
    let first = try #require(page.range(of: "<article"))
    #expect(overview.lowerBound < first.lowerBound)
    // Three of the five share this sentence, so it says whose it is.
    #expect(page.contains("data pages alike. (1, 2, 3)"))
  }

  @Test("the page of one result is small and always the same")
  func size() {
    let page = render([Samples.graph], as: .html)
    #expect(page.utf8.count < 100_000)
    #expect(page == render([Samples.graph], as: .html))
  }
}
