import Results

extension Samples {
  /// A run that has something in every part of the page.
  static let busy: RunResult = {
    var result = withFindings(60)
    let ends = (1...200).map { $0 * 20_000 }
    // 1 to 200: together 20,100, which is walk.count.
    result.timeLines = [
      TimeLine(
        unit: .records, ends: ends,
        series: [
          TimeLine.Series(counter: "walk.count", values: Array(1...200)),
          TimeLine.Series(counter: "tlb.L2.misses", values: Array((1...200).reversed())),
          TimeLine.Series(counter: "exit.count", values: Array(repeating: 0, count: 200)),
        ])
    ]
    result.counters["walk.count"] = 20_100
    result.counters["tlb.L2.misses"] = 20_100
    result.counters["iommu.requests"] = 5_000
    result.counters["iotlb.misses"] = 1_250
    result.counters["iommu.memoryReads"] = 7_500
    result.counters["iommu.faults"] = 12
    result.counters["iommu.translated"] = 4_988
    result.tables = [
      ResultTable(
        name: "modes", title: "Modes side by side", explanation: "Of a sample.",
        columns: [
          ResultTable.Column("mode", "mode"), ResultTable.Column("walkCycles", "walk cycles"),
          ResultTable.Column("exitCycles", "exit cycles"),
        ],
        rows: [
          [.text("native"), .number(132_790), .number(0)],
          [.text("nested"), .number(265_776), .number(131_815)],
          [.text("shadow"), .number(133_462), .number(360_255)],
        ]),
      ResultTable(
        name: "pageSizes", title: "Page sizes of both stages", explanation: "Of a sample.",
        columns: [
          ResultTable.Column("pages", "pages"), ResultTable.Column("walks", "walks"),
          ResultTable.Column("references", "references"),
        ],
        rows: [
          [.text("4K on 4K"), .number(5_106), .number(18_984)],
          [.text("4K on 2M"), .number(5_106), .number(18_973)],
          [.text("2M on 4K"), .number(5_106), .number(14_601)],
          [.text("2M on 2M"), .number(501), .number(1_015)],
        ]),
      ResultTable(
        name: "regions", title: "Regions", explanation: "Of a sample.",
        columns: [
          ResultTable.Column("region", "region"), ResultTable.Column("walks", "walks"),
        ],
        rows: (1...12).map { [.text("0x" + String($0 << 21, radix: 16)), .number(100 - $0)] }),
      ResultTable(
        name: "flushes", title: "Walks by what flushed them", explanation: "Of a sample.",
        columns: [ResultTable.Column("event", "event"), ResultTable.Column("walks", "walks")]),
    ]
    return result
  }()

  /// A search with so many findings along its records.
  static func withFindings(_ count: Int) -> RunResult {
    var result = graph
    let rules = ["V1", "V6", "V8", "V12"]
    let severities = Severity.allCases
    result.findings = (0..<count).map { number in
      let detail = [
        "iova": "0x" + String(number << 12, radix: 16), "bytes": "64",
        "access": number % 3 == 0 ? "write" : "read", "frame": "0x205000", "owner": "guest 2",
      ]
      let at = number * (3_999_999 / max(count, 1))
      return Finding(
        rule: rules[number % 4], severity: severities[number * 4 / count], count: number + 1,
        subject: ["device": "00:\(number % 32).0", "domain": "0x\(String(number, radix: 16))"],
        first: Finding.Place(record: at, event: number, time: 0, detail: detail),
        examples: number % 5 == 0
          ? [Finding.Place(record: at + 1, event: number, time: 0, detail: detail)] : [])
    }.sorted { $0.severity > $1.severity }
    return result
  }
}
