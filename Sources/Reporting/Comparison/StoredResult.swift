import Results

/// What a comparison needs of a result that was written as JSON.
struct StoredResult: Equatable {
  var trace: String
  var traceHash: String
  var machine: String
  var machineHash: String
  var tool: String
  var counters: [String: Int]
  /// Each as its pairs were written.
  var histograms: [String: [[Int]]]
  /// How often each finding was made, by rule, severity and subject.
  var findings: [String: Int]

  /// Reads a file of one result or several.
  ///
  /// - Throws: what the file is not.
  static func all(_ text: String) throws(ComparisonError) -> [StoredResult] {
    guard let value = JSONValue(text) else {
      throw ComparisonError(
        "is not JSON", cure: "give what nestwalk run -o FILE.json wrote, whole")
    }
    let values = if case .array(let elements) = value { elements } else { [value] }
    var results: [StoredResult] = []
    for value in values { results.append(try StoredResult(value)) }
    return results
  }

  private init(_ value: JSONValue) throws(ComparisonError) {
    guard let schema = value["schema"]?.text, schema == resultSchema else {
      throw ComparisonError(
        "is not a result of the schema \(resultSchema)",
        cure: "give what nestwalk run -o FILE.json of this version wrote")
    }
    guard let trace = value["trace"]?["name"]?.text, let hash = value["trace"]?["sha256"]?.text,
      let machine = value["machine"]?["name"]?.text,
      let machineHash = value["machine"]?["sha256"]?.text,
      case .object(let counters) = value["counters"],
      case .object(let histograms) = value["histograms"]
    else {
      throw ComparisonError(
        "lacks a trace, a machine, counters or histograms", cure: "write the result anew")
    }
    self.trace = trace
    traceHash = hash
    self.machine = machine
    self.machineHash = machineHash
    tool = value["tool"]?.text ?? ""
    self.counters = [:]
    for (name, value) in counters { self.counters[name] = try Self.number(value, name) }
    self.histograms = [:]
    for (name, bars) in histograms {
      var pairs: [[Int]] = []
      for bar in bars.elements {
        var pair: [Int] = []
        for number in bar.elements { pair.append(try Self.number(number, name)) }
        pairs.append(pair)
      }
      self.histograms[name] = pairs
    }
    findings = [:]
    for finding in value["findings"]?.elements ?? [] {
      guard let rule = finding["rule"]?.text, let severity = finding["severity"]?.text else {
        throw ComparisonError("has a finding without a rule", cure: "write the result anew")
      }
      var name = "finding.\(rule).\(severity)"
      if case .object(let subject) = finding["subject"] {
        let parts = subject.compactMapValues(\.text)
        name += Finding.ordered(parts).map { " \($0.name)=\($0.value)" }.joined()
      }
      let (sum, overflow) = findings[name, default: 0].addingReportingOverflow(
        try Self.number(finding["count"] ?? .null, name))
      findings[name] = overflow ? .max : sum
    }
  }

  private static func number(_ value: JSONValue, _ name: String) throws(ComparisonError) -> Int {
    guard case .number(let text) = value, let number = Int(text) else {
      throw ComparisonError("\(printable(name)) is no whole number", cure: "write the result anew")
    }
    return number
  }
}

/// Results that cannot be compared: what is wrong and what to do.
public struct ComparisonError: Error, Equatable, Sendable {
  /// What was met.
  public var problem: String
  /// What the user can do.
  public var cure: String

  init(_ problem: String, cure: String) {
    self.problem = problem
    self.cure = cure
  }
}
