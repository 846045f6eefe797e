import Results

/// Rules about frames: V20, V21, V22, V24, V27.
extension TableAudit {
  func subject(_ at: Int) -> FindingLog.Subject {
    FindingLog.Subject(
      device: subjects[at].device ?? FindingLog.Subject.none,
      domain: subjects[at].domain ?? FindingLog.Subject.none,
      other: subjects[at].device == nil ? UInt32(at) : FindingLog.Subject.none)
  }

  func find(
    _ rule: Int, _ severity: Severity, _ subject: FindingLog.Subject, _ detail: [String: String]
  ) {
    guard let number = log.count(rule, severity, subject) else { return }
    log.tell(number, detail)
  }

  private func detail(_ run: FrameRun, _ first: UInt64, _ end: UInt64) -> [String: String] {
    [
      "gpa": hex((run.page + (first - run.first)) << 12), "frame": hex(first << 12),
      "bytes": String((end - first) << 12), "access": run.rights.text,
    ]
  }

  /// Ranges in order without overlap.
  private static func merged(
    _ ranges: [(first: UInt64, end: UInt64, what: String)]
  )
    -> [(first: UInt64, end: UInt64, what: String)]
  {
    var merged: [(first: UInt64, end: UInt64, what: String)] = []
    for range in ranges.sorted(by: { ($0.first, $0.end) < ($1.first, $1.end) }) {
      guard let last = merged.last, range.first <= last.end, range.what == last.what else {
        merged.append(range)
        continue
      }
      merged[merged.count - 1].end = max(last.end, range.end)
    }
    return merged
  }

  private func isShared(_ frame: UInt64) -> Bool {
    options.shared.contains { $0.first <= frame && frame < $0.end }
  }

  /// Memory that no guest may reach, in order: tables of anybody, what the user protects.
  var hostRanges: [(first: UInt64, end: UInt64, what: String)] {
    var ranges: [(first: UInt64, end: UInt64, what: String)] = []
    for (subject, sweep) in zip(subjects, sweeps) {
      let what = "a table of \(subject.name)"
      ranges += sweep.tables.map { ($0, $0 + 1, what) }
    }
    ranges += structures.map { ($0, $0 + 1, "a structure of the IOMMU") }
    ranges += options.protected.map { ($0.first, $0.end, "a protected range") }
    ranges += options.owners.filter { $0.name == "host" }
      .map { ($0.first, $0.end, "the host's memory") }
    return Self.merged(ranges)
  }

  // MARK: V21

  /// Guests reach nothing of the host's: tables of anybody, ranges that the user protects.
  func judgeProtected() {
    let protected = hostRanges
    for (at, sweep) in sweeps.enumerated() where subjects[at].isGuest {
      judged[21] += sweep.runs.count
      for run in sweep.runs {
        var place = protected.partitioningIndex { $0.end > run.first }
        while place < protected.count, protected[place].first < run.end {
          let range = protected[place]
          place += 1
          let (first, end) = (max(range.first, run.first), min(range.end, run.end))
          guard first < end, !isShared(first) else { continue }
          var detail = detail(run, first, end)
          detail["owner"] = range.what
          let isWritable = run.rights.contains(.write)
          find(21, isWritable ? .critical : .high, subject(at), detail)
        }
      }
    }
  }

  // MARK: V20

  /// No frame is reached by two guests, and none by another guest than its owner.
  func judgeShared() {
    judgeOwners()
    guard Set(subjects.filter(\.isGuest).map(\.name)).count > 1 else { return }
    var runs = sweeps.indices.filter { subjects[$0].isGuest }.flatMap { sweeps[$0].runs }
    judged[20] += runs.count
    runs.sort { ($0.first, $0.subject) < ($1.first, $1.subject) }
    // Of each guest the run that reaches furthest: where any overlaps, that one does.
    var open: [FrameRun] = []
    for run in runs {
      open.removeAll { $0.end <= run.first }
      let name = subjects[Int(run.subject)].name
      for other in open where subjects[Int(other.subject)].name != name {
        let end = min(run.end, other.end)
        guard !isShared(run.first) else { continue }
        var detail = detail(run, run.first, end)
        detail["otherGuest"] = subjects[Int(other.subject)].name
        detail["otherGpa"] = hex((other.page + (run.first - other.first)) << 12)
        detail["otherAccess"] = other.rights.text
        let isWritable = run.rights.union(other.rights).contains(.write)
        find(20, isWritable ? .critical : .low, subject(Int(run.subject)), detail)
      }
      if let twin = open.firstIndex(where: { subjects[Int($0.subject)].name == name }) {
        if open[twin].end < run.end { open[twin] = run }
      } else {
        open.append(run)
      }
    }
  }

  private func judgeOwners() {
    let owned = options.owners.filter { $0.name != "host" }
    guard !owned.isEmpty else { return }
    for (at, sweep) in sweeps.enumerated() where subjects[at].isGuest {
      judged[20] += sweep.runs.count
      for run in sweep.runs {
        for range in owned where range.name != subjects[at].name {
          let (first, end) = (max(range.first, run.first), min(range.end, run.end))
          guard first < end, !isShared(first) else { continue }
          var detail = detail(run, first, end)
          detail["owner"] = range.name
          find(20, run.rights.contains(.write) ? .critical : .low, subject(at), detail)
        }
      }
    }
  }

  // MARK: V22

  func judgeCode() {
    for (at, sweep) in sweeps.enumerated() where subjects[at].isGuest && subjects[at].device == nil
    {
      judged[22] += sweep.runs.count
      for run in sweep.runs where run.rights.isSuperset(of: [.write, .execute]) {
        find(22, .medium, subject(at), detail(run, run.first, run.end))
      }
    }
  }

  // MARK: V24

  /// A guest's first stage leads to tables that its second stage holds, outside of the host's memory.
  ///
  /// A table whose frame the second stage does not have is low: memory may be given on demand.
  func judgePointers(_ own: TableSweep, of subject: Int, _ second: [FrameRun]) {
    judged[24] += own.pointers.count
    let hosts = hostRanges
    for pointer in own.pointers {
      var detail = [
        "gpa": hex(pointer.value), "entry": hex(pointer.entry), "level": String(pointer.level),
        "address": hex(pointer.address),
      ]
      guard let frame = second.frame(of: pointer.value >> 12) else {
        find(24, .low, self.subject(subject), detail)
        continue
      }
      let at = hosts.partitioningIndex { $0.end > frame }
      guard at < hosts.count, hosts[at].first <= frame, !isShared(frame) else { continue }
      detail["frame"] = hex(frame << 12)
      detail["owner"] = hosts[at].what
      find(24, .high, self.subject(subject), detail)
    }
  }

  // MARK: V27

  func judgeMalformed() {
    for (at, sweep) in sweeps.enumerated() {
      judged[27] += sweep.tables.count
      tellMalformed(sweep, subject(at), nil)
    }
  }

  func judgeMalformed(_ sweep: TableSweep, as subject: Int, _ name: String) {
    judged[27] += sweep.tables.count
    tellMalformed(sweep, self.subject(subject), name)
  }

  private func tellMalformed(
    _ sweep: TableSweep, _ subject: FindingLog.Subject, _ name: String?
  ) {
    for at in 0..<sweep.malformed {
      guard let number = log.count(27, .medium, subject), at < sweep.malformedPlaces.count else {
        continue
      }
      let place = sweep.malformedPlaces[at]
      var detail = [
        "entry": hex(place.entry), "value": hex(place.value), "level": String(place.level),
        "address": hex(place.address), "change": "reserved bits are set",
      ]
      if let name { detail["of"] = name }
      log.tell(number, detail)
    }
  }
}

extension Array {
  /// The first place from which on the predicate holds, in an array that it splits in two.
  func partitioningIndex(_ holds: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if holds(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
