import Results

/// The counters of all cores under the names of results, filled in once at the end of a run.
extension GuestReplay {
  func addCounters(to result: inout RunResult) {
    cpu.add(to: &result)
    result.counters["cpu.pages"] = pages.count
    addTLBs(to: &result)
    walks.add(to: &result, levels: (tables.firstLevels, running.context.secondLevels))
    var updates = dirtied
    for core in 0..<machine.cores {
      updates += cores[core].walker.updates
      for cache in cores[core].walker.cacheCounters() {
        result.counters["walkCache.\(cache.name).lookups", default: 0] += cache.lookups
        result.counters["walkCache.\(cache.name).hits", default: 0] += cache.hits
      }
    }
    result.counters["walk.updates"] = updates
    result.counters["frames.firstStage"] = tables.firstStageFrames
    result.counters["frames.secondStage"] = tables.secondStageFrames
    addExits(to: &result)
    addInvalidations(to: &result)
    if let table = spaceTable { result.tables.append(table) }
  }

  /// Walks of each address space; nothing where there is one alone.
  private var spaceTable: ResultTable? {
    guard spaceWalks.filter({ $0.walks > 0 }).count > 1 else { return nil }
    var names: [Int: (guest: String, root: String)] = [:]
    for (name, space) in spaceNumbers {
      let guest = guestNumbers.first { $0.value == name.guest }?.key
      names[space] = (guest.map(String.init) ?? "first", "0x" + String(name.root, radix: 16))
    }
    let ranked = spaceWalks.enumerated().filter { $0.element.walks > 0 }.sorted { one, other in
      one.element.references != other.element.references
        ? one.element.references > other.element.references : one.offset < other.offset
    }
    return ResultTable(
      name: "spaces", title: "Address spaces by cost",
      explanation: "Walks of each guest's address spaces, as CR3 names them; the first "
        + "\(min(ranked.count, 50)) of \(ranked.count).",
      columns: [
        ResultTable.Column("space", "guest, root"), ResultTable.Column("walks", "walks"),
        ResultTable.Column("references", "references"),
        ResultTable.Column("referencesPerWalk", "per walk"),
        ResultTable.Column("sharePercent", "share, %"),
      ],
      rows: ranked.prefix(50).map { number, space in
        let name = names[number].map { "guest \($0.guest), \($0.root)" } ?? "number \(number)"
        return [
          .text(name), .number(space.walks), .number(space.references),
          .ratio(space.references, over: space.walks),
          .ratio(space.references * 100, over: walks.references),
        ]
      })
  }

  /// What it counted so far, for a time line.
  var progress: CoreProgress {
    var misses = Array(repeating: 0, count: machine.tlbs.count)
    for core in 0..<machine.cores {
      for index in 0..<cores[core].tlbs.count {
        misses[index] += cores[core].tlbs.withTLB(index) { $0.misses }
      }
    }
    return CoreProgress(walks, exits: ledger.total, misses: misses)
  }

  private func addTLBs(to result: inout RunResult) {
    var cycles = 0
    for core in 0..<machine.cores {
      for index in 0..<cores[core].tlbs.count {
        cores[core].tlbs.withTLB(index) { tlb in
          for (name, count) in [
            ("lookups", tlb.lookups), ("hits", tlb.hits), ("misses", tlb.misses),
            ("fills", tlb.fills), ("evictions", tlb.evictions),
            ("invalidations", tlb.invalidations),
          ] { result.counters["tlb.\(tlb.name).\(name)", default: 0] += count }
          cycles += tlb.lookups * tlb.latencyCycles
        }
      }
    }
    result.counters["tlb.cycles"] = cycles
  }

  private func addExits(to result: inout RunResult) {
    guard derivesExits || ledger.total > 0 else { return }
    result.counters["exit.count"] = ledger.total
    for (name, count) in ledger.byReason { result.counters["exit.\(name)"] = count }
    if machine.exits != nil {
      result.counters["exit.cycles"] = ledger.cycles
      result.counters["exit.userSpace"] = ledger.userSpace
    }
    if recordedExits > 0 { result.counters["exit.recorded"] = recordedExits }
    guard derivesExits else { return }
    for (name, count) in [
      ("guestFaults", derived.guestFaults), ("hiddenFaults", derived.hiddenFaults),
      ("tableWrites", derived.tableWrites), ("dirtyFaults", derived.dirtyFaults),
      ("backed", derived.backed), ("spaceChanges", derived.spaceChanges),
      ("pageInvalidations", derived.pageInvalidations), ("others", derived.others),
    ] where count > 0 { result.counters["exit.because.\(name)"] = count }
  }

  private func addInvalidations(to result: inout RunResult) {
    for row in flushes.rows {
      result.counters["invalidation.\(row.name).events"] = row.events
      result.counters["invalidation.\(row.name).entries"] = row.entries
      result.counters["invalidation.\(row.name).walks"] = row.walks
    }
    if rewalks > 0 { result.counters["walk.permission"] = rewalks }
    if strayWrites > 0 { result.counters["tables.strayWrites"] = strayWrites }
    if !changes.isEmpty { result.counters["tables.changes"] = Int(changes.epoch) }
    guard stale.count > 0 else { return }
    result.counters["stale.uses"] = stale.count
    for (rule, severity, count, examples) in [
      ("C1", Severity.medium, stale.firstStageCount, stale.firstStage),
      ("C2", .critical, stale.secondStageCount, stale.secondStage),
    ] {
      let places = examples.map { example in
        var detail = [
          "address": "0x" + String(example.page, radix: 16), "missing": example.missing,
        ]
        if let change = example.change {
          detail["change"] = "\(change.name) before record \(change.record)"
        }
        return Finding.Place(record: example.record, time: 0, detail: detail)
      }
      guard let first = places.first else { continue }
      result.findings.append(
        Finding(
          rule: rule, severity: severity, count: count, first: first,
          examples: Array(places.dropFirst())))
    }
  }

  /// Every sum that must come out.
  func checkLaws() throws(ConservationError) {
    var laws = Conservation()
    var hits = 0
    var entries = 0
    for core in 0..<machine.cores {
      for index in 0..<cores[core].tlbs.count {
        cores[core].tlbs.withTLB(index) { tlb in
          hits += tlb.hits
          entries += tlb.invalidations
          laws.equal(
            tlb.fills, tlb.evictions + tlb.invalidations + tlb.occupied,
            "fills of \(tlb.name) = its evictions, invalidations and entries")
        }
      }
    }
    laws.equal(
      cpu.touches + rewalks, hits + walks.walks, "touches and permission walks = hits and walks")
    walks.check(&laws)
    laws.equal(
      walks.walks, spaceWalks.reduce(0) { $0 + $1.walks }, "walks = walks of every address space")
    let attributed = flushes.rows.reduce(0) { $0 + $1.entries }
    laws.equal(
      entries, attributed + replaced, "entries removed = those of each event and of each rewalk")
    checkExits(&laws)
    try laws.check()
  }

  /// What each mode's exits are made of.
  private func checkExits(_ laws: inout Conservation) {
    let sum =
      derived.guestFaults + derived.hiddenFaults + derived.tableWrites + derived.dirtyFaults
      + derived.backed + derived.spaceChanges + derived.pageInvalidations + derived.others
    laws.equal(ledger.total, sum + recordedExits, "exits = those recorded and those derived")
    switch machine.mode {
    case .native: laws.equal(sum, 0, "derived exits of a native run = 0")
    case .nested:
      laws.equal(
        derived.hiddenFaults + derived.tableWrites + derived.dirtyFaults, 0,
        "exits for shadow tables in nested mode = 0")
    case .shadow:
      laws.equal(derived.backed, 0, "second-stage exits in shadow mode = 0")
      laws.equal(
        derived.guestFaults + derived.hiddenFaults + derived.tableWrites + derived.dirtyFaults
          <= ledger[.exception] ? 0 : 1, 0, "faults of shadow mode are exceptions")
    case .agile: break
    }
  }
}
