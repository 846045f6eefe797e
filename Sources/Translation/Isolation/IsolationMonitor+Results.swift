import Results

extension IsolationMonitor {
  /// Adds what it found.
  func addFindings(to result: inout RunResult) {
    result.findings += log.findings { subject in
      var detail: [String: String] = [:]
      if subject.device != FindingLog.Subject.none {
        detail["device"] = names.device(subject.device)
      }
      if subject.domain != FindingLog.Subject.none {
        detail["domain"] = names.domain(subject.domain)
      }
      if subject.other != FindingLog.Subject.none { detail["index"] = String(subject.other) }
      return detail
    }
    for rule in 1...27 where judged[rule] > 0 {
      result.counters["isolation.judged.V\(rule)"] = judged[rule]
    }
    for rule in 1...27 {
      let count = log.count(of: rule)
      if count > 0 { result.counters["isolation.findings.V\(rule)"] = count }
    }
    addExposure(to: &result)
    result.notes += notes
  }

  private func addExposure(to result: inout RunResult) {
    guard mappings.spaces.contains(where: { $0.exposure.isAny }) else { return }
    var total = Exposure()
    for space in mappings.spaces { total.add(space.exposure) }
    let name = "isolation.exposure."
    result.counters[name + "windows"] = total.windows
    result.counters[name + "replaced"] = total.replaced
    result.counters[name + "open"] = total.open
    result.counters[name + "bytes"] = Int(clamping: total.bytes)
    result.counters[name + "byteMicroseconds"] = total.byteMicroseconds
    result.counters[name + "longestNanoseconds"] = Int(clamping: total.longestNanoseconds)
    result.counters[name + "uses"] = total.uses
    result.tables.append(exposureTable)
  }

  /// Bytes and time between unmap and invalidation, for each domain and device.
  private var exposureTable: ResultTable {
    let rows = mappings.spaces.filter { $0.exposure.isAny }
      .sorted { $0.exposure.byteNanoseconds > $1.exposure.byteNanoseconds }
      .prefix(Self.exposureRows)
      .map { space -> [ResultTable.Cell] in
        let exposure = space.exposure
        return [
          .text(text(of: space.space)), .number(exposure.windows), .number(exposure.replaced),
          .number(exposure.open), .number(Int(clamping: exposure.bytes)),
          .number(exposure.byteMicroseconds), .number(Int(clamping: exposure.longestNanoseconds)),
          .number(exposure.uses),
        ]
      }
    return ResultTable(
      name: "exposure", title: "Exposure between unmap and invalidation",
      explanation: "A device may use an address that was unmapped until an invalidation covers it. "
        + "Bytes times microseconds is how much was open for how long; strict invalidation keeps it "
        + "small, deferred invalidation pays for speed with it.",
      columns: [
        .init("of", "of"), .init("windows", "windows"), .init("replaced", "mapped anew first"),
        .init("open", "open at the end"), .init("bytes", "bytes"),
        .init("byteMicroseconds", "bytes x us"), .init("longestNanoseconds", "longest ns"),
        .init("uses", "stale requests"),
      ], rows: Array(rows))
  }

  private static var exposureRows: Int { 64 }

  private var notes: [String] {
    var notes: [String] = []
    if mappings.dropped > 0 {
      notes.append(
        "\(mappings.dropped) mapped pages found no place among the \(MappingTable.maximumMappings) "
          + "mappings that one run keeps; rules did not judge them.")
    }
    if mappings.history.dropped > 0 {
      notes.append(
        "Evidence looks back \(MappingHistory.capacity) mappings; \(mappings.history.dropped) older "
          + "ones are forgotten.")
    }
    if log.untold > 0 {
      notes.append(
        "\(log.untold) findings are not told: more than \(FindingLog.maximumEntries) subjects.")
    }
    let lost = owners.dropped + devices.dropped
    if lost > 0 {
      notes.append("\(lost) owners, devices or regions beyond the limits were passed over.")
    }
    return notes
  }

  /// Every sum that must come out.
  func checkLaws(_ laws: inout Conservation) {
    var stale = 0
    var (live, counted) = (0, 0)
    for space in mappings.spaces {
      stale += space.stale
      laws.nonnegative(space.stale, "stale mappings of a space")
      counted += space.exposure.windows + space.exposure.replaced
    }
    live = mappings.counts[0] + mappings.counts[1]
    laws.nonnegative(live - stale, "mappings that are not stale")
    laws.nonnegative(mappings.history.count - counted, "ends of mappings that were not exposed")
  }
}
