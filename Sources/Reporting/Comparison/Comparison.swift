import Results

/// Two results of one trace beside each other: what moved, and whether that is allowed.
public struct Comparison: Sendable, Equatable {
  /// What became of one number.
  public enum Verdict: String, Sendable {
    /// It moved no further than an allowance lets it.
    case allowed
    /// It moved, and less of it, or more of what is good, costs less.
    case better
    /// It moved, and costs more.
    case worse
    /// It moved, which by itself is neither.
    case changed
    /// It is not in the new result.
    case missing
    /// It is not in the base, and says nothing bad by itself.
    case added
    /// A finding that the base does not have.
    case appeared
    /// A finding of the base that is gone.
    case gone

    /// Whether it does not pass.
    func stops(improvementsPass: Bool) -> Bool {
      switch self {
      case .worse, .changed, .missing, .appeared: true
      case .better: !improvementsPass
      case .allowed, .added, .gone: false
      }
    }
  }

  /// A number that is not the same in both.
  struct Change: Sendable, Equatable {
    var name: String
    var base: Int?
    var new: Int?
    var verdict: Verdict
    /// It does not pass.
    var stops: Bool
  }

  /// What became of all of them.
  public enum Conclusion: String, Sendable {
    /// Nothing moved that may not.
    case equal
    /// What moved costs less.
    case better
    /// Something that moved costs more, or a finding appeared.
    case worse
    /// Something moved, and nothing says whether it is for better or worse.
    case changed
    /// A result or a number of the base is not there any more, or there is no base.
    case missing
  }

  /// A pair of results.
  struct Pair: Sendable, Equatable {
    var trace: String
    var machine: String
    /// The machines' descriptions differ.
    var crossesMachines: Bool
    /// Counters, histograms and findings that were compared.
    var compared: Int
    var changes: [Change]
    /// Both results, for those who draw them.
    var base: StoredResult
    var new: StoredResult
  }

  var pairs: [Pair]
  /// Results of the base without one in the new file, by trace and machine.
  var missing: [String]
  /// Results of the new file without one in the base.
  var added: [String]

  /// Why there is nothing to compare with; nothing where there is.
  var absence: String?

  /// There was a base to compare with.
  public var hasBase: Bool { absence == nil }

  /// Nothing moved further than it may.
  public var passes: Bool {
    absence == nil && missing.isEmpty
      && pairs.allSatisfy { !$0.changes.contains(where: \.stops) }
  }

  /// What became of everything, the worst first.
  public var verdict: Conclusion {
    let moved = pairs.flatMap(\.changes).filter { $0.verdict != .allowed }.map(\.verdict)
    if absence != nil || !missing.isEmpty || moved.contains(.missing) { return .missing }
    if moved.contains(.worse) || moved.contains(.appeared) { return .worse }
    if moved.contains(.changed) && !moved.contains(.better) { return .changed }
    return moved.contains(.better) || moved.contains(.gone) ? .better : .equal
  }

  /// A comparison with a base that does not exist yet.
  ///
  /// - Parameter absence: what is missing, in a sentence.
  public init(withoutBase absence: String) {
    (pairs, missing, added) = ([], [], [])
    self.absence = absence
  }

  /// Compares the texts of two result files.
  ///
  /// - Parameters:
  ///   - base: JSON of one result or several.
  ///   - new: the same; results are paired by trace and machine, two single ones in any case.
  ///   - allowances: how far counters may move; the first one that names a counter and lets it pass
  ///     counts.
  ///   - acrossMachines: whether the machines may differ.
  ///   - improvementsPass: whether what only became better passes.
  /// - Throws: which file is wrong, or why they cannot be compared.
  public init(
    base: String, new: String, allowances: [Allowance] = [], acrossMachines: Bool = false,
    improvementsPass: Bool = false
  ) throws(ComparisonFailure) {
    let old: [StoredResult]
    let fresh: [StoredResult]
    do throws(ComparisonError) { old = try StoredResult.all(base) } catch {
      throw .base(error)
    }
    do throws(ComparisonError) { fresh = try StoredResult.all(new) } catch {
      throw .new(error)
    }
    (pairs, missing, added) = ([], [], [])
    var rest = fresh
    for result in old {
      let isAlone = old.count == 1 && fresh.count == 1
      guard
        let at = rest.firstIndex(where: {
          isAlone || $0.trace == result.trace && $0.machine == result.machine
        })
      else {
        missing.append("\(result.trace) on \(result.machine)")
        continue
      }
      let other = rest.remove(at: at)
      if let problem = Self.incomparable(result, other, acrossMachines) { throw .new(problem) }
      pairs.append(Pair(result, other, allowances, improvementsPass))
    }
    added = rest.map { "\($0.trace) on \($0.machine)" }
  }

  private static func incomparable(
    _ base: StoredResult, _ new: StoredResult, _ acrossMachines: Bool
  ) -> ComparisonError? {
    if base.traceHash != new.traceHash {
      return ComparisonError(
        "is incomparable, of another trace: \(printable(new.trace)) has SHA-256 \(printable(new.traceHash)), "
          + "the base's \(printable(base.trace)) \(printable(base.traceHash))",
        cure: "compare results of one trace")
    }
    if base.machineHash != new.machineHash, !acrossMachines {
      return ComparisonError(
        "is incomparable, of another machine: \(printable(new.machine)) has SHA-256 "
          + "\(printable(new.machineHash)), the base's \(printable(base.machine)) "
          + printable(base.machineHash),
        cure: "replay on one machine, or give --across-machines")
    }
    return nil
  }
}

/// Which of two files cannot be compared.
public enum ComparisonFailure: Error, Equatable, Sendable {
  case base(ComparisonError)
  case new(ComparisonError)
}

extension Comparison.Pair {
  init(
    _ base: StoredResult, _ new: StoredResult, _ allowances: [Allowance], _ improvementsPass: Bool
  ) {
    trace = base.trace
    machine = base.machine == new.machine ? base.machine : "\(base.machine) and \(new.machine)"
    crossesMachines = base.machineHash != new.machineHash
    changes = []
    compared = 0
    self.base = base
    self.new = new
    compare(base.counters, new.counters, allowances, improvementsPass)
    // A histogram is one thing: it is the same, or it has so many bars and is another.
    for name in Set(base.histograms.keys).union(new.histograms.keys).sorted(by: Self.precedes) {
      compared += 1
      let (old, fresh) = (base.histograms[name], new.histograms[name])
      guard old != fresh else { continue }
      let isAllowed = allowances.contains { $0.bound == .any && $0.names(name) }
      let verdict: Comparison.Verdict =
        isAllowed ? .allowed : fresh == nil ? .missing : old == nil ? .added : .changed
      changes.append(
        Comparison.Change(
          name: "\(name) (bars)", base: old?.count, new: fresh?.count, verdict: verdict,
          stops: verdict.stops(improvementsPass: improvementsPass)))
    }
    compare(base.findings, new.findings, allowances, improvementsPass)
    if improvementsPass { passWithImprovements() }
  }

  /// What moves along with an improvement, such as fills and a histogram's bars, is part of it.
  private mutating func passWithImprovements() {
    let verdicts = Set(changes.map(\.verdict))
    guard !verdicts.isDisjoint(with: [.better, .gone]),
      verdicts.isDisjoint(with: [.worse, .appeared, .missing])
    else { return }
    for at in changes.indices where changes[at].verdict == .changed { changes[at].stops = false }
  }

  private static func precedes(_ one: String, _ other: String) -> Bool {
    let places = (Metric.order(of: one), Metric.order(of: other))
    return places.0 == places.1 ? one < other : places.0 < places.1
  }

  private mutating func compare(
    _ base: [String: Int], _ new: [String: Int], _ allowances: [Allowance],
    _ improvementsPass: Bool
  ) {
    for name in Set(base.keys).union(new.keys).sorted(by: Self.precedes) {
      compared += 1
      let (old, fresh) = (base[name], new[name])
      guard old != fresh else { continue }
      let isFinding = name.hasPrefix("finding.")
      let verdict: Comparison.Verdict =
        if allowances.contains(where: { $0.names(name) && $0.allows(old, fresh) }) {
          .allowed
        } else if old == nil {
          isFinding ? .appeared : .added
        } else if fresh == nil {
          isFinding ? .gone : .missing
        } else {
          Direction.of(name).map { ($0 == .cost) == ((fresh ?? 0) > (old ?? 0)) ? .worse : .better }
            ?? .changed
        }
      changes.append(
        Comparison.Change(
          name: name, base: old, new: fresh, verdict: verdict,
          stops: verdict.stops(improvementsPass: improvementsPass)))
    }
  }
}

/// Whether more of a counter is bad, good, or neither by itself.
enum Direction {
  case cost
  case gain

  private static let costs: Set<String> = [
    "misses", "cycles", "references", "evictions", "faults", "contradicted", "misdelivered",
    "blocked", "byteMicroseconds", "memoryReads", "nanoseconds", "firstStage", "secondStage",
  ]
  private static let gains: Set<String> = ["hits", "agreed"]

  /// Nothing where a name says neither.
  static func of(_ counter: String) -> Direction? {
    let parts = counter.split(separator: ".")
    let (first, last) = (parts.first ?? "", parts.last.map(String.init) ?? "")
    if gains.contains(last) { return .gain }
    if last == "lookups" || last == "updates" || first == "frames" { return nil }
    let isCost =
      costs.contains(last) || ["fault", "exit", "finding", "walk", "stale"].contains(first)
    return isCost ? .cost : nil
  }
}
