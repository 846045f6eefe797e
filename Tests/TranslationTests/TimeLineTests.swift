import Machine
import Results
import Testing

@testable import Translation

@Suite("Time lines")
struct TimeLineTests {
  @Test(
    "intervals add up to the last sum, however many samples were folded",
    arguments: [
      1, 2, 511, 512, 513, 5_000, 100_000,
    ])
  func sums(_ samples: Int) throws {
    var series = SampleSeries(step: 1)
    for at in 1...samples where series.isDue(at: at * 10) || at == samples {
      // The sum of 1 to n.
      series.take([at * (at + 1) / 2, at], at: at * 10)
    }
    let line = series.timeLine(of: ["a", "b"], by: .records)
    guard samples > 1 else {
      #expect(line == nil, "one interval shows no course")
      return
    }
    let found = try #require(line)
    #expect(found.ends.count <= SampleSeries.most && found.ends.count * 4 >= min(samples, 512))
    #expect(found.ends.last == samples * 10)
    #expect(found.series[0].values.reduce(0, +) == samples * (samples + 1) / 2)
    #expect(found.series[1].values.reduce(0, +) == samples)
    #expect(zip(found.ends, found.ends.dropFirst()).allSatisfy { $0 < $1 })
    // One each ten records: as many as the interval is long.
    for (at, end) in found.ends.enumerated() {
      #expect(found.series[1].values[at] == (end - (at == 0 ? 0 : found.ends[at - 1])) / 10)
    }
  }

  @Test("a later sample of one place takes the earlier one's")
  func samePlace() throws {
    var series = SampleSeries(step: 1)
    for (sum, place) in [(1, 5), (3, 9), (4, 9)] { series.take([sum], at: place) }
    let line = try #require(series.timeLine(of: ["a"], by: .events))
    #expect(line.ends == [5, 9] && line.series[0].values == [1, 3])
  }

  @Test(
    "the general replay samples by records, wherever blocks end", arguments: [700, 1_311, 9_000])
  func general(_ blockRecords: Int) throws {
    let records = DifferentialTests.records(seed: 5, count: 9_000, faults: false)
    let preset = try #require(Preset.named("reference-cached"))
    let machine = try MachineDescription.load(
      json: preset.json, file: "reference-cached", settings: ["virtualization.mode=shadow"])
    let result = try replay(records, on: machine, blockRecords: blockRecords)
    let line = try #require(result.timeLines.first)
    // Every 256 records, and what is left: 9,000 = 35 * 256 + 40.
    #expect(line.ends == (1...35).map { $0 * 256 } + [9_000])
    for one in line.series {
      #expect(one.values.reduce(0, +) == result.counters[one.counter], "\(one.counter)")
    }
    let other = try replay(records, on: machine, blockRecords: 2_000)
    #expect(result == other)
  }
}
