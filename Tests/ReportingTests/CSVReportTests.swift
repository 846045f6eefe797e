import Results
import Testing

@testable import Reporting

@Suite("CSV report")
struct CSVReportTests {
  @Test("one number a row, counters first, buckets only for bars")
  func rows() {
    var other = JSONReportTests.small
    other.trace.name = "b, c.nwt"
    other.histograms = [:]
    #expect(
      render([JSONReportTests.small, other], as: .csv) == """
        trace,machine,metric,bucket,value
        a.nwt,tiny,cpu.accesses,,3
        a.nwt,tiny,walk.count,,2
        a.nwt,tiny,walk.references,,8
        a.nwt,tiny,walk.references,4,2
        a.nwt,tiny,finding.V6.high,,3
        "b, c.nwt",tiny,cpu.accesses,,3
        "b, c.nwt",tiny,walk.count,,2
        "b, c.nwt",tiny,walk.references,,8
        "b, c.nwt",tiny,finding.V6.high,,3

        """)
  }

  @Test("no results are a header alone")
  func nothing() {
    #expect(render([], as: .csv) == "trace,machine,metric,bucket,value\n")
  }

  @Test(
    "fields are quoted as RFC 4180 asks and kept from being formulas",
    arguments: [
      ("plain", "plain"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("a\nb", "\"a\nb\""),
      ("a\r\nb", "\"a\r\nb\""), ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@a", "'@a"),
      ("\t=1", "'\t=1"), ("=\"x\",1", "\"'=\"\"x\"\",1\""), ("a=b", "a=b"), ("", ""),
    ])
  func fields(_ text: String, _ expected: String) {
    #expect(csvField(text) == expected)
  }

  @Test("derived ratios stay out: each value is a whole number")
  func wholeNumbers() {
    for row in render([Samples.graph], as: .csv).split(separator: "\n").dropFirst() {
      #expect(Int(row.split(separator: ",").last ?? "") != nil, "\(row)")
    }
  }
}
