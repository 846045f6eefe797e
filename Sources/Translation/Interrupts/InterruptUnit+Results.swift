import Machine
import Results

extension InterruptUnit {
  /// The counters, histograms, tables and notes under the names of results.
  func addCounters(to result: inout RunResult) {
    counters.add(to: &result)
    guard isFitted else {
      if counters.requests > 0 {
        result.notes.append(
          "\(counters.requests) interrupt messages were passed over: the machine does not say how "
            + "its devices interrupt it.")
      }
      return
    }
    if cache.isFitted, machine.mode != .none {
      result.counters["interrupt.entryCache.lookups"] = cache.lookups
      result.counters["interrupt.entryCache.hits"] = cache.hits
      result.counters["interrupt.entryCache.misses"] = cache.lookups - cache.hits
      result.counters["interrupt.entryCache.fills"] = cache.fills
      result.counters["interrupt.entryCache.evictions"] = cache.evictions
      result.counters["interrupt.entryCache.invalidations"] = cache.invalidations
    }
    result.counters["interrupt.delivery.waiting"] = waiting
    check.add(to: &result)
    observed.add(to: &result)
    result.tables += [observedTable, routeTable, moveTable, windowTable].compactMap { $0 }
    guard counters.requests > 0 else { return }
    result.tables += [deviceTable, targetTable, entryTable].compactMap { $0 }
    result.notes += notes
  }

  private var notes: [String] {
    var notes: [String] = []
    if counters.uncheckedSources > 0 {
      notes.append(
        "\(counters.uncheckedSources) messages came from a device that the trace does not name, so "
          + "that no source could be checked.")
    }
    if counters.severalCores > 0 {
      notes.append(
        "Model: \(counters.severalCores) messages name several cores (a logical destination of "
          + "several bits, or a broadcast); whether one of them takes it by lowest priority or all do, "
          + "each counts once, at the lowest-numbered.")
    }
    if observed.untold > 0 {
      notes.append(
        "\(observed.untold) events name interrupts of the kernel beyond the "
          + "\(ObservedInterrupts.maximumRoutes) that one run keeps, and were counted only.")
    }
    if targets.refusals + entries.refusedWrites > 0 {
      notes.append(
        "\(targets.refusals) events name a core or virtual processor beyond those that one run "
          + "keeps, and \(entries.refusedWrites) writes of interrupt entries found no room; all were "
          + "passed over.")
    }
    return notes
  }

  /// Vectors that wait for their virtual processors.
  var waiting: Int {
    var waiting = 0
    for place in 0..<targets.count {
      for word in 0..<4 {
        waiting += targets[place].descriptor.requests[word].nonzeroBitCount
      }
    }
    return waiting
  }

  /// Every sum that must come out.
  func checkLaws(_ laws: inout Conservation) {
    counters.checkLaws(&laws, waiting: waiting)
    if cache.isFitted {
      laws.equal(
        cache.fills, cache.evictions + cache.invalidations + cache.occupied,
        "fills of the interrupt entry cache = evictions, invalidations and entries")
    }
    var rows = 0
    for row in ledger.rows {
      for result in InterruptOutcome.Result.allCases { rows += row.results[Int(result.rawValue)] }
    }
    observed.checkLaws(&laws)
    if isFitted {
      laws.equal(rows, counters.requests, "interrupts by device = interrupt requests")
    }
  }

  // MARK: Tables

  private static let deliveryColumns: [ResultTable.Column] = [
    ResultTable.Column("direct", "without exit"),
    ResultTable.Column("injected", "by exit and injection"),
    ResultTable.Column("pending", "posted, pending"),
    ResultTable.Column("host", "to the host"),
    ResultTable.Column("misdelivered", "misdelivered"),
    ResultTable.Column("blocked", "blocked"),
    ResultTable.Column("unknown", "unknown"),
  ]

  private var deviceTable: ResultTable? {
    ResultTable(
      name: "interrupts.devices", title: "Interrupts by device",
      explanation: "Where the messages of each device ended, and for whom the device works.",
      columns: [
        ResultTable.Column("device", "device"), ResultTable.Column("guest", "guest"),
      ] + Self.deliveryColumns,
      rows: ledger.rows.sorted { $0.device < $1.device }.prefix(1000).map { row in
        let guest = ledger.guest(of: row.device)
        return [
          .text(Self.name(of: row.device)), guest == 0 ? .text("host") : .number(Int(guest)),
        ] + Delivery.Result.allCases.map { .number(row.deliveries[Int($0.rawValue)]) }
      })
  }

  private var targetTable: ResultTable? {
    guard targets.count > 0 else { return nil }
    return ResultTable(
      name: "interrupts.vcpus", title: "Interrupts by virtual processor",
      explanation:
        "Where the interrupts for each virtual processor ended; `waiting` are vectors that it had "
        + "not taken when the trace ended.",
      columns: [
        ResultTable.Column("vcpu", "virtual processor"), ResultTable.Column("guest", "guest"),
      ] + Self.deliveryColumns + [ResultTable.Column("waiting", "waiting")],
      rows: (0..<min(targets.count, 1000)).map { place in
        let target = targets[place]
        var waiting = 0
        for word in 0..<4 { waiting += target.descriptor.requests[word].nonzeroBitCount }
        return [.number(Int(clamping: target.id)), .number(Int(target.guest))]
          + Delivery.Result.allCases.map { .number(target.outcomes[Int($0.rawValue)]) }
          + [.number(waiting)]
      })
  }

  private var moveTable: ResultTable? {
    guard !ledger.moves.isEmpty else { return nil }
    return ResultTable(
      name: "interrupts.moves", title: "Migration of vectors",
      explanation:
        "Entries whose vector or destination changed while they were present, and interrupts "
        + "that the kernel gave another vector or core, in order"
        + (ledger.untoldMoves > 0 ? "; \(ledger.untoldMoves) later ones are not listed." : "."),
      columns: [
        ResultTable.Column("event", "event"), ResultTable.Column("nanoseconds", "time, ns"),
        ResultTable.Column("table", "table"), ResultTable.Column("index", "index"),
        ResultTable.Column("fromVector", "from vector"),
        ResultTable.Column("fromDestination", "from destination"),
        ResultTable.Column("toVector", "to vector"),
        ResultTable.Column("toDestination", "to destination"),
      ],
      rows: ledger.moves.map { move in
        [
          .number(Int(clamping: move.place.event)), .number(Int(clamping: move.place.time)),
          .text(
            move.isInterrupt
              ? "interrupts" : isAMD ? Self.name(of: UInt32(move.tag >> 16)) : "the unit's"),
          .number(Int(clamping: move.isInterrupt ? move.tag : move.tag & 0xffff)),
          .number(Int(move.from.vector)),
          .number(Int(move.from.destination)), .number(Int(move.to.vector)),
          .number(Int(move.to.destination)),
        ]
      })
  }

  /// A device as reports write it.
  static func name(of device: UInt32) -> String {
    guard device < 65_536 else { return "unknown" }
    return hex(UInt64(device >> 8), 2) + ":" + hex(UInt64(device >> 3 & 31), 2)
      + ".\(device & 7)"
  }

  static func hex(_ value: UInt64, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
