import Results

/// A number that answers the reader's first question, with what it means.
struct Figure {
  /// A card's heading.
  var title: String
  /// A column's heading.
  var heading: String
  /// Empty where the result does not say, `-` where nothing was there to divide by.
  var value: String
  /// What it was computed from.
  var basis: String
  var definition: String
}

extension Figure {
  /// The figures of a result, the answer first; the same ones in the same order for every result.
  static func all(of result: RunResult, on machine: MachineSummary) -> [Figure] {
    let counters = result.counters
    let walks = counters["walk.count"]
    let references = counters["walk.references"]
    return [
      Figure(
        title: "Touches that walked", heading: "walked",
        value: Ratio(walks, over: counters["cpu.touches"])?.percent ?? "",
        basis: pair(counted(walks, "walk"), "of", counted(counters["cpu.touches"], "touch")),
        definition: "Share of the touched pages that missed every TLB and began a walk: "
          + "walk.count / cpu.touches."),
      Figure(
        title: "Mean references per walk", heading: "refs/walk",
        value: Ratio(references, over: walks)?.decimal ?? "",
        basis: machine.maximumReferences.map { "of a maximum of \($0)" } ?? "",
        definition: "Table entries that one walk reads: walk.references / walk.count."
          + maximum(machine)),
      Figure(
        title: "Walk cycles per access", heading: "cycles/access",
        value: Ratio(counters["walk.cycles"], over: counters["cpu.accesses"])?.decimal ?? "",
        basis: pair(
          counted(counters["walk.cycles"], "cycle"), "for",
          counted(counters["cpu.accesses"], "access")),
        definition: "Latency of walks spread over all accesses: walk.cycles / cpu.accesses. "
          + workNotTime),
      Figure(
        title: "Walks", heading: "walks", value: walks.map(grouped) ?? "", basis: "",
        definition: Metric.definition(of: "walk.count")?.definition ?? ""),
      Figure(
        title: "References", heading: "references", value: references.map(grouped) ?? "",
        basis: pair(
          counters["walk.references.firstStage"].map { grouped($0) + " first-stage" }, "and",
          counters["walk.references.secondStage"].map { grouped($0) + " second-stage" }),
        definition: Metric.definition(of: "walk.references")?.definition ?? ""),
      Figure(
        title: "TLB misses per 1,000 instructions", heading: "MPKI",
        value: Ratio(walks, over: counters["cpu.instructions"].flatMap { $0 == 0 ? nil : $0 })?
          .perThousand ?? "",
        basis: counted(counters["cpu.instructions"], "instruction") ?? "",
        definition: "Misses of the last level, each of which is one walk: "
          + "1,000 x walk.count / cpu.instructions."),
    ]
  }

  /// What devices' requests and interrupts became, where there were any.
  static func ofDevices(_ result: RunResult) -> [Figure] {
    let counters = result.counters
    let requests = counters["iommu.requests"].flatMap { $0 == 0 ? nil : $0 }
    let messages = counters["interrupt.requests"].flatMap { $0 == 0 ? nil : $0 }
    let lost = ["interrupt.blocked", "interrupt.misdelivered"].compactMap { counters[$0] }
    return [
      Figure(
        title: "Requests that missed the IOTLB", heading: "IOTLB misses",
        value: requests.flatMap { Ratio(counters["iotlb.misses"], over: $0)?.percent } ?? "",
        basis: pair(
          counters["iotlb.misses"].map(grouped), "of", counted(requests, "request")),
        definition: "Share of devices' requests, page by page, for which tables were walked or a "
          + "cached entry was missing: iotlb.misses / iommu.requests."),
      Figure(
        title: "Entries read per request", heading: "reads/request",
        value: requests.flatMap { Ratio(counters["iommu.memoryReads"], over: $0)?.decimal } ?? "",
        basis: counted(counters["iommu.memoryReads"], "read") ?? "",
        definition: "Entries of tables and device structures that one request makes the unit read: "
          + "iommu.memoryReads / iommu.requests."),
      Figure(
        title: "Blocked requests", heading: "blocked",
        value: requests.flatMap { _ in counters["iommu.faults"].map(grouped) } ?? "",
        basis: pair(
          counters["iommu.translated"].map(grouped), "translated of",
          counted(requests, "request")),
        definition: Metric.definition(of: "iommu.faults")?.definition ?? ""),
      Figure(
        title: "Interrupts blocked or misdelivered", heading: "lost interrupts",
        value: messages.flatMap { Ratio(total(lost), over: $0)?.percent } ?? "",
        basis: pair(grouped(total(lost)), "of", counted(messages, "message")),
        definition: "Share of interrupt messages that were blocked or reached another than the one "
          + "that they were for: (interrupt.blocked + interrupt.misdelivered) / interrupt.requests."
      ),
    ]
  }

  /// Why cycles of walks are not a program's time.
  static let workNotTime =
    "Walk cycles are work, not time: on real hardware independent misses overlap."

  /// Nothing where one side is missing.
  private static func pair(_ one: String?, _ word: String, _ other: String?) -> String {
    guard let one, let other else { return "" }
    return "\(one) \(word) \(other)"
  }

  private static func counted(_ value: Int?, _ noun: String) -> String? {
    value.map { Reporting.counted($0, noun) }
  }

  private static func maximum(_ machine: MachineSummary) -> String {
    guard let most = machine.maximumReferences, let first = machine.firstLevels else { return "" }
    guard machine.mode == "nested" else { return " One stage of \(first) levels reads \(most)." }
    let second = (most + 1) / (first + 1) - 1
    return " Stages of \(first) and \(second) levels read at most "
      + "(\(first) + 1)(\(second) + 1) - 1 = \(most)."
  }
}
