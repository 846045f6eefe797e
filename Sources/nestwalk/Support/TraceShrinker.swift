import Machine
import Results
import TraceFile
import Translation

/// Finds a small part of a trace that still shows a finding, by leaving out what can be left out.
///
/// Source: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE
/// Transactions on Software Engineering 28(2), 2002: the `ddmin` algorithm.
struct TraceShrinker {
  let items: TraceItems
  let machine: ResolvedMachine
  let plan: ReplayPlan
  let finding: Finding
  /// Replays that were made.
  private(set) var replays = 0

  /// Replays at most; what is left by then is the result, which shows the finding all the same.
  static let mostReplays = 4_000

  init(_ items: TraceItems, _ machine: ResolvedMachine, _ plan: ReplayPlan, _ finding: Finding) {
    self.items = items
    self.machine = machine
    self.plan = plan
    self.finding = finding
  }

  /// Whether some of the items show a finding of the same rule, severity and subject.
  private mutating func shows(_ places: [Int]) throws -> Bool {
    replays += 1
    let replay = Replay(machine, plan)
    do {
      try items.forEachBlock(of: places) { try replay.replay($0) }
    } catch is TraceError {
      // An event that needs one that was left out.
      return false
    }
    let identity = TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: [])
    let result = try replay.result(of: identity)
    return result.findings.contains {
      $0.identity == finding.identity && $0.severity == finding.severity
    }
  }

  /// The places of the items that are left; each is needed, unless the replays ran out.
  mutating func shrink() throws -> [Int] {
    var kept = Array(items.items.indices)
    let prefix = upToFinding
    if prefix.count < kept.count, try shows(prefix) { kept = prefix }
    let evidence = FindingEvidence(finding)
    let related = kept.filter { isRelated($0, evidence) }
    if related.count < kept.count, try shows(related) { kept = related }
    var parts = 2
    while kept.count > 1, replays < Self.mostReplays {
      let size = (kept.count + parts - 1) / parts
      let starts = Array(stride(from: 0, to: kept.count, by: size))
      var isSmaller = false
      for start in starts {
        guard replays < Self.mostReplays else { break }
        let rest = Array(kept[..<start] + kept[min(start + size, kept.count)...])
        guard try !rest.isEmpty && shows(rest) else { continue }
        kept = rest
        parts = max(parts - 1, 2)
        isSmaller = true
        break
      }
      if isSmaller { continue }
      guard size > 1 else { break }
      parts = min(2 * parts, kept.count)
    }
    return kept
  }

  /// Everything up to the event or record of the finding.
  private var upToFinding: [Int] {
    var (events, records) = (0, 0)
    for (place, item) in items.items.enumerated() {
      switch item {
      case .event:
        if events == finding.first.event { return Array(0...place) }
        events += 1
      case .record:
        if finding.first.event == nil, records == finding.first.record { return Array(0...place) }
        records += 1
      }
    }
    return Array(items.items.indices)
  }

  /// What the finding's device, domain or pages are in, and what says when and who.
  private func isRelated(_ place: Int, _ evidence: FindingEvidence) -> Bool {
    switch items.items[place] {
    case .record(let record): return evidence.role(of: record, number: -1) != nil
    case .event(let tag, let words):
      if tag == .time || tag == .name || tag.isOfProcessor { return true }
      let fields = tag.fields
      return evidence.role(tag, number: -1) { name in
        fields.firstIndex(of: name).map { $0 < words.count ? words[$0] : 0 }
      } != nil
    }
  }
}
