import Results

/// What the devices' side of a machine counted, and the sums that have to come out.
extension IOReplay where Unit: ~Copyable {
  /// The counters under the names of results.
  func addCounters(to result: inout RunResult) {
    counters.add(to: &result)
    units.add(to: &result)
    interrupts.addCounters(to: &result)
    check.add(to: &result, unmatched: seenRecords - attachedRecords)
    link?.add(to: &result)
    result.notes += notes
    isolation.addFindings(to: &result)
    if let table = costs.table(isolation.names) { result.tables.append(table) }
    guard counters.requests > 0 || interrupts.counters.requests > 0,
      var line = samples.timeLine(of: Self.followed, by: .events)
    else { return }
    // Only what the result counts too, and counts alike.
    line.series.removeAll { result.counters[$0.counter] != $0.values.reduce(0, +) }
    result.timeLines.append(line)
  }

  private var notes: [String] {
    var notes: [String] = []
    if refusedWrites > 0 {
      notes.append(
        "\(refusedWrites) table writes fall outside the 4 GiB of tables that one run keeps "
          + "and were passed over.")
    }
    if counters.cutTransfers > 0 {
      notes.append(
        "\(counters.cutTransfers) transfers name more than \(PageRequests.maximum) pages; the rest "
          + "of each was passed over.")
    }
    return notes
  }

  /// Every sum that must come out.
  func checkLaws() throws(ConservationError) {
    var laws = Conservation()
    counters.checkLaws(&laws)
    units.checkLaws(&laws, counters)
    interrupts.checkLaws(&laws)
    isolation.checkLaws(&laws)
    link?.checkLaws(&laws)
    try laws.check()
  }
}
