import Results
import Testing

@testable import Reporting

@Suite("Numbers in reports")
struct NumbersTests {
  @Test(
    "thousands are separated",
    arguments: [
      (0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567"),
      (Int.max, "9,223,372,036,854,775,807"), (Int.min, "-9,223,372,036,854,775,808"),
    ])
  func separated(_ value: Int, _ expected: String) {
    #expect(grouped(value) == expected)
  }

  @Test(
    "large counts keep three digits, rounded half up",
    arguments: [
      (0, "0"), (9_999, "9,999"), (10_000, "10 k"), (17_333, "17.3 k"), (17_350, "17.4 k"),
      (327_939, "328 k"), (999_499, "999 k"), (999_500, "1 M"), (3_100_000, "3.1 M"),
      (7_870_536, "7.87 M"), (-27_775_000, "-27.8 M"), (Int.max, "9.22 E"),
    ])
  func short(_ value: Int, _ expected: String) {
    #expect(compact(value) == expected)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    var part: Int
    var whole: Int
    var decimal: String
    var percent: String
    var share: String
    var testDescription: String { "\(part)/\(whole)" }
  }

  static let ratios = [
    Row(part: 0, whole: 0, decimal: "-", percent: "-", share: "-"),
    Row(part: 5, whole: 0, decimal: "-", percent: "-", share: "-"),
    Row(part: 0, whole: 7, decimal: "0.00", percent: "0.00 %", share: "0.00 %"),
    Row(part: 1, whole: 2, decimal: "0.50", percent: "50.00 %", share: "50.00 %"),
    Row(part: 1, whole: 8, decimal: "0.13", percent: "12.50 %", share: "12.50 %"),
    Row(part: 7, whole: 7, decimal: "1.00", percent: "100.00 %", share: "100.00 %"),
    Row(part: 2, whole: 3, decimal: "0.67", percent: "66.67 %", share: "66.67 %"),
    // 694,375 = 2 x 327,939 + 38,497 and 38,497 / 327,939 = 0.117...
    Row(part: 694_375, whole: 327_939, decimal: "2.12", percent: "211.74 %", share: "211.74 %"),
    // Two significant digits where two places would hide the number.
    Row(part: 5, whole: 345_275, decimal: "0.000014", percent: "0.0014 %", share: "<0.01 %"),
    // One miss in 345,270 does not make all of them hits.
    Row(part: 345_269, whole: 345_270, decimal: "1.00", percent: ">99.99 %", share: ">99.99 %"),
    Row(
      part: 1_234_567, whole: 1, decimal: "1,234,567.00", percent: "123,456,700.00 %",
      share: "123,456,700.00 %"),
    Row(part: -1, whole: 4, decimal: "-0.25", percent: "-25.00 %", share: "-25.00 %"),
    Row(
      part: .max, whole: 1, decimal: "9,223,372,036,854,775,807.00",
      percent: "922,337,203,685,477,580,700.00 %", share: "922,337,203,685,477,580,700.00 %"),
  ]

  @Test("ratios", arguments: ratios)
  func ratio(_ row: Row) throws {
    let ratio = try #require(Ratio(row.part, over: row.whole))
    #expect(ratio.decimal == row.decimal)
    #expect(ratio.percent == row.percent)
    #expect(ratio.share == row.share)
  }

  @Test("a ratio of what is missing is missing")
  func missing() {
    #expect(Ratio(nil, over: 3) == nil)
    #expect(Ratio(3, over: nil) == nil)
  }

  @Test("32,679 misses in 82,787,700 instructions are 0.39 in a thousand")
  func perThousand() {
    #expect(Ratio(32_679, over: 82_787_700)?.perThousand == "0.39")
  }

  @Test(
    "steps of axes are 1, 2 and 5 times powers of ten",
    arguments: [(-3, 1), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (2_100, 5_000)])
  func steps(_ value: Int, _ expected: Int) {
    #expect(niceStep(atLeast: value) == expected)
    #expect(niceStep(atLeast: .max) > 0)
  }

  @Test("sums stop at the largest number")
  func sums() {
    #expect(total([1, 2, 3]) == 6)
    #expect(total([.max, 1]) == .max)
    #expect(total([.min, -1]) == .min)
  }

  @Test("logarithms are good to a three-thousandth")
  func logarithms() {
    for (value, expected) in [
      (0, 0), (1, 0), (10, 1), (1_000, 3), (2, 0.30103), (308_088, 5.48867),
    ] {
      #expect((decimalLogarithm(value) - expected).magnitude < 1 / 3_000)
    }
  }
}

@Suite("Distributions")
struct DistributionTests {
  @Test("quantiles are nearest ranks")
  func quantiles() {
    let bars = [(1, 50), (2, 40), (3, 9), (9, 1)].map { HistogramBar(value: $0.0, count: $0.1) }
    let distribution = Distribution(name: "walk.references", bars: bars)
    #expect(distribution.count == 100)
    // Of a hundred: the 50th is the last 1, the 90th the last 2, the 99th the last 3.
    #expect([50, 51, 90, 99, 100].map { distribution.quantile(percent: $0) } == [1, 2, 2, 3, 9])
    #expect(distribution.quantiles == "Median 1, 90th percentile 2, 99th 3, largest 9.")
  }

  @Test("few values keep a bin each, many share bins of a nice width")
  func bins() {
    let few = Distribution(
      name: "x", bars: [HistogramBar(value: 2, count: 3), HistogramBar(value: 24, count: 1)])
    #expect(few.bins(limit: 48).map(\.label) == ["2", "24"])
    // 0 to 990 in at most 48 bins needs a width of 21, so 50: 0-49, 450-499, 950-999.
    let many = Distribution(
      name: "x", bars: [0, 40, 490, 990].map { HistogramBar(value: $0, count: 1) })
    #expect(many.bins(limit: 48).map(\.label) == ["0 to 49", "450 to 499", "950 to 999"])
    #expect(many.bins(limit: 48).map(\.count) == [2, 1, 1])
  }

  @Test("the ends of the number range neither trap nor vanish")
  func extremes() {
    let bars = [Int.min, 0, .max].map { HistogramBar(value: $0, count: .max) }
    let distribution = Distribution(name: "x", bars: bars)
    #expect(distribution.count == .max)
    #expect(distribution.bins(limit: 48).count == 3)
    #expect(distribution.lines(width: 80).count == 3)
  }
}
