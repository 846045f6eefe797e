import Results
import Testing

@testable import Reporting

@Suite("Terminal summary")
struct SummaryTests {
  @Test("the answer, the TLBs, the caches, the histogram, the notes")
  func sections() {
    let text = summary([Samples.graph], color: false, width: 80)
    for line in [
      "graph-bfs.flat16.zst on reference-cached\n",
      "   8.20 %  Touches that walked       327,939 walks of 4,000,000 touches\n",
      "     2.12  Mean references per walk  of a maximum of 24\n",
      "           Walk cycles are work, not time: on real hardware independent misses\n",
      "           overlap.\n",
      "  TLB  sets x ways    lookups       hits     misses  miss rate\n",
      "  L1I  16 x 4               0          0          0          -\n",
      "  L1D  16 x 4       4,000,000  2,927,015  1,072,985    26.82 %\n",
      "  firstStage.L1   1 x 32       327,939  310,606   17,333   94.71 %\n",
      "References per walk (maximum 24)\n",
      "  - Model: the nested TLB serves table pages and data pages alike.\n",
    ] {
      #expect(text.contains(line), "\(line)")
    }
  }

  @Test("no line is wider than the terminal", arguments: [60, 80, 132])
  func width(_ width: Int) {
    let text = summary(Samples.all, color: false, width: width)
    for line in text.split(separator: "\n") {
      #expect(line.count <= width, "\(line)")
    }
  }

  @Test("colour only where it is asked for, and none from files")
  func color() {
    #expect(!summary(Samples.all, color: false, width: 80).contains("\u{1b}"))
    let colored = summary([Samples.hostile], color: true, width: 80)
    #expect(colored.contains("\u{1b}[1m"))
    #expect(!colored.contains("\u{1b}[31m"))
  }

  @Test("nothing to divide by prints a dash, nothing counted prints nothing")
  func empty() {
    let text = summary([Samples.nothing], color: false, width: 80)
    #expect(text.contains("  -  Touches that walked"))
    #expect(text.contains("No walks"))
    #expect(!text.contains("1,000 instructions"))
    #expect(summary([], color: false, width: 80) == "No results.\n")
  }

  @Test("several results are compared before each is told")
  func several() {
    let text = summary(
      [Samples.graph, Samples.graphUncached, Samples.database], color: false, width: 80)
    #expect(
      text.hasPrefix(
        """
        3 replays
          trace                    machine            walked  refs/walk  cycles/access
          graph-bfs.flat16.zst     reference-cached   8.20 %       2.12           6.94
          graph-bfs.flat16.zst     reference          8.20 %      24.00          78.71
          sqlite-probe.flat16.zst  reference-cached  0.062 %       3.77          0.093

        """))
  }

  @Test("faults and findings stand before the tables")
  func alarms() throws {
    let text = summary([Samples.hostile], color: false, width: 80)
    #expect(text.contains("  V6 high, 3 times: DMA through a stale translation\n"))
    #expect(text.contains("     first at record 17; device 00:1f.2'><; domain 7\n"))
    #expect(text.contains("  <b>        2\n"))
  }

  @Test("bars are as long as their share, dots are less than half a mark")
  func bars() {
    let distribution = Distribution(
      name: "walk.references",
      bars: [(1, 100), (2, 50), (12, 1)].map { HistogramBar(value: $0.0, count: $0.1) })
    // 36 columns: two for values, three for counts, seven for shares, six between: 18 for bars.
    #expect(
      distribution.lines(width: 36) == [
        " 1  ##################  100  66.23 %",
        " 2  #########            50  33.11 %",
        "12  .                     1   0.66 %",
      ])
  }
}

@Suite("Markdown report")
struct MarkdownReportTests {
  @Test("tables have a head, a rule and rows")
  func tables() {
    let text = render([Samples.graph], as: .markdown)
    #expect(text.hasPrefix("# graph-bfs.flat16.zst on reference-cached\n\n- Trace: "))
    #expect(
      text.contains(
        """
        | walk cache | sets x ways | lookups | hits | misses | hit rate |
        | --- | --- | ---: | ---: | ---: | ---: |
        | firstStage.L1 | 1 x 32 | 327,939 | 310,606 | 17,333 | 94.71 % |

        """))
    #expect(text.contains("| data address | 0 | 0 | 2,528 | 327,934 |  | 330,462 |"))
    #expect(text.hasSuffix("\nnestwalk \(toolVersion), nestwalk.result/1\n"))
  }

  @Test(
    "text from files stays text on one line",
    arguments: [
      ("a|b", #"a\|b"#), ("<b>&", "&lt;b&gt;&amp;"), ("*_`#[]~", ##"\*\_\`\#\[\]\~"##),
      ("a\r\nb", "a  b"), ("\u{1b}[0m", "\u{fffd}\\[0m"),
    ])
  func escapes(_ text: String, _ expected: String) {
    #expect(markdown(text) == expected)
  }
}

@Suite("Explanations")
struct ExplanationTests {
  @Test("a counter is explained by name or by pattern")
  func known() {
    #expect(
      explain("tlb.L2.hits")
        == "tlb.L2.hits (one of tlb.NAME.hits), in touches: "
        + "Lookups that found their translation in this TLB.")
    #expect(
      explain("walk.count")
        == "walk.count, in walks: Walks begun, one for each miss of the last level.")
    #expect(explain("walk.grid.data.L0") != nil)
  }

  @Test(
    "an unknown name has near ones",
    arguments: [
      ("walk.cont", "walk.count"), ("walk.refernces", "walk.references"),
      ("tlb.L2.mises", "tlb.NAME.misses"), ("tlb.L2.miss", "tlb.NAME.misses"),
      ("Walk.Cycles", "walk.cycles"), ("cpu.acesses", "cpu.accesses"),
      ("walk.refs", "walk.references"),
    ])
  func near(_ name: String, _ expected: String) {
    #expect(explain(name) == nil)
    #expect(nearNames(name).first == expected)
  }

  @Test("what is near nothing gets no suggestion")
  func far() {
    #expect(nearNames("zzzzzzzz").isEmpty)
    #expect(nearNames(String(repeating: "walk.", count: 1_000)).isEmpty)
  }
}

@Suite("Report formats")
struct ReportFormatTests {
  @Test(
    "suffixes pick formats",
    arguments: [
      ("json", ReportFormat.json), (".csv", .csv), ("HTML", .html), (".md", .markdown),
    ])
  func suffixes(_ suffix: String, _ format: ReportFormat) {
    #expect(ReportFormat(suffix: suffix) == format)
  }

  @Test("other suffixes pick none", arguments: ["", ".", "txt", "json5", "markdown", "..md"])
  func unknown(_ suffix: String) {
    #expect(ReportFormat(suffix: suffix) == nil)
  }
}
