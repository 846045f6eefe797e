import Results

/// Two results of one trace beside each other: what moved, and whether that is allowed.
public struct Comparison: Sendable, Equatable {
  /// What became of one number.
  public enum Verdict: String, Sendable {
    /// It moved no further than an allowance lets it.
    case allowed
    /// It moved.
    case changed
    /// It is not in the new result.
    case missing
    /// It is not in the base, and says nothing bad by itself.
    case added
    /// A finding that the base does not have.
    case appeared
    /// A finding of the base that is gone.
    case gone

    var stops: Bool {
      switch self {
      case .changed, .missing, .appeared: true
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
  }

  var pairs: [Pair]
  /// Results of the base without one in the new file, by trace and machine.
  var missing: [String]
  /// Results of the new file without one in the base.
  var added: [String]

  /// Nothing moved further than it may.
  public var passes: Bool {
    missing.isEmpty && pairs.allSatisfy { !$0.changes.contains { $0.verdict.stops } }
  }

  /// Compares the texts of two result files.
  ///
  /// - Parameters:
  ///   - base: JSON of one result or several.
  ///   - new: the same; results are paired by trace and machine, two single ones in any case.
  ///   - allowances: how far counters may move; the first one that names a counter and lets it pass
  ///     counts.
  ///   - acrossMachines: whether the machines may differ.
  /// - Throws: which file is wrong, or why they cannot be compared.
  public init(
    base: String, new: String, allowances: [Allowance] = [], acrossMachines: Bool = false
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
      pairs.append(Pair(result, other, allowances))
    }
    added = rest.map { "\($0.trace) on \($0.machine)" }
  }

  private static func incomparable(
    _ base: StoredResult, _ new: StoredResult, _ acrossMachines: Bool
  ) -> ComparisonError? {
    if base.traceHash != new.traceHash {
      return ComparisonError(
        "is of another trace: \(printable(new.trace)) has SHA-256 \(printable(new.traceHash)), "
          + "the base's \(printable(base.trace)) \(printable(base.traceHash))",
        cure: "compare results of one trace")
    }
    if base.machineHash != new.machineHash, !acrossMachines {
      return ComparisonError(
        "is of another machine: \(printable(new.machine)) has SHA-256 "
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
  init(_ base: StoredResult, _ new: StoredResult, _ allowances: [Allowance]) {
    trace = base.trace
    machine = base.machine == new.machine ? base.machine : "\(base.machine) and \(new.machine)"
    crossesMachines = base.machineHash != new.machineHash
    changes = []
    compared = 0
    compare(base.counters, new.counters, allowances)
    // A histogram is one thing: it is the same, or it has so many bars and is another.
    for name in Set(base.histograms.keys).union(new.histograms.keys).sorted(by: Self.precedes) {
      compared += 1
      let (old, fresh) = (base.histograms[name], new.histograms[name])
      guard old != fresh else { continue }
      let isAllowed = allowances.contains { $0.bound == .any && $0.names(name) }
      changes.append(
        Comparison.Change(
          name: "\(name) (bars)", base: old?.count, new: fresh?.count,
          verdict: isAllowed ? .allowed : fresh == nil ? .missing : old == nil ? .added : .changed))
    }
    compare(base.findings, new.findings, allowances)
  }

  private static func precedes(_ one: String, _ other: String) -> Bool {
    let places = (Metric.order(of: one), Metric.order(of: other))
    return places.0 == places.1 ? one < other : places.0 < places.1
  }

  private mutating func compare(
    _ base: [String: Int], _ new: [String: Int], _ allowances: [Allowance]
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
          .changed
        }
      changes.append(Comparison.Change(name: name, base: old, new: fresh, verdict: verdict))
    }
  }
}
