import Results

/// A form in which results are written to a file.
public enum ReportFormat: String, Sendable, CaseIterable {
  /// The whole result, `nestwalk.result/1`.
  case json
  /// Counters and histograms, one number a row.
  case csv
  /// One page that needs nothing but itself.
  case html
  /// Tables for a pull request or a job's summary.
  case markdown
  /// Findings for code scanning, SARIF 2.1.0.
  case sarif
  /// Rules and gates for a build server, JUnit XML.
  case junit

  /// Every format.
  public static let all = allCases

  /// The format that a file's suffix asks for.
  ///
  /// - Parameter suffix: with or without its dot, in any case.
  public init?(suffix: String) {
    let wanted = suffix.lowercased()
    guard
      let format = Self.all.first(where: { wanted == $0.suffix || wanted == "." + $0.suffix })
    else { return nil }
    self = format
  }

  /// The suffix of its files, without a dot.
  public var suffix: String {
    switch self {
    case .markdown: "md"
    case .junit: "xml"
    case .json, .csv, .html, .sarif: rawValue
    }
  }
}

/// Writes results in a format.
///
/// - Parameters:
///   - results: in the order in which the user named them.
///   - format: of the whole text.
///   - gates: whose verdicts a JUnit report tells.
///   - traceFolder: where the traces lie in a repository, which SARIF puts before their names.
/// - Returns: text that ends in a newline and depends on nothing but the results.
public func render(
  _ results: [RunResult], as format: ReportFormat, gates: [Gate] = [], traceFolder: String = ""
) -> String {
  switch format {
  case .json: jsonReport(results)
  case .csv: csvReport(results)
  case .html: htmlReport(results)
  case .markdown: markdownReport(results)
  case .sarif: sarifReport(results, traceFolder: traceFolder)
  case .junit: junitReport(results, gates: gates)
  }
}
