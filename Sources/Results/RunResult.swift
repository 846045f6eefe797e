/// The version of the tool that every result names.
public let toolVersion = "0.1.0"

/// The name and version of the shape of a result.
public let resultSchema = "nestwalk.result/1"

/// What one replay of one trace on one machine found.
///
/// A pure function of the trace, the machine, the options and the version of the tool: it holds no
/// clock, path, locale or thread count.
public struct RunResult: Sendable, Equatable {
  /// What was replayed.
  public var trace: TraceIdentity
  /// What it was replayed on.
  public var machine: MachineIdentity
  /// Flat, dotted names to whole numbers; `Metric.definition(of:)` defines each.
  public var counters: [String: Int]
  /// Distributions, each ascending by value.
  public var histograms: [String: [HistogramBar]]
  /// Isolation rules that fired, most severe first.
  public var findings: [Finding]
  /// What counters did along the trace, of records and of events, where there is more than one interval.
  public var timeLines: [TimeLine]
  /// Answers to questions that were asked.
  public var tables: [ResultTable]
  /// What a reader must know to use the numbers, among them every `Model:` sentence that applies.
  public var notes: [String]

  /// Creates a result of its parts.
  public init(
    trace: TraceIdentity, machine: MachineIdentity, counters: [String: Int] = [:],
    histograms: [String: [HistogramBar]] = [:], findings: [Finding] = [],
    timeLines: [TimeLine] = [], tables: [ResultTable] = [], notes: [String] = []
  ) {
    self.trace = trace
    self.machine = machine
    self.counters = counters
    self.histograms = histograms
    self.findings = findings
    self.timeLines = timeLines
    self.tables = tables
    self.notes = notes
  }
}

extension RunResult {
  /// Recorded outcomes of requests and interrupts that the machine does not give.
  public var contradicted: Int {
    sum(
      "check.contradicted", "check.interrupts.contradicted",
      "check.interrupts.deliveries.contradicted", "check.interrupts.image.contradicted")
  }

  /// Recorded outcomes that it gives too.
  public var agreed: Int {
    sum("check.agreed", "check.interrupts.agreed", "check.interrupts.deliveries.agreed")
  }

  private func sum(_ names: String...) -> Int {
    names.reduce(0) { $0 + counters[$1, default: 0] }
  }
}

/// Which trace was replayed.
public struct TraceIdentity: Sendable, Equatable {
  /// The file's name without its folder.
  public var name: String
  /// Of the file as it was read, 64 lower-case hexadecimal digits.
  public var sha256: String
  /// Records replayed.
  public var records: Int
  /// Where the page tables came from: recorded, or synthesised by a policy and seed.
  public var tables: String
  /// What the trace's format could not say, and what its import left out.
  public var notes: [String]

  /// Creates an identity of its parts.
  public init(name: String, sha256: String, records: Int, tables: String, notes: [String]) {
    self.name = name
    self.sha256 = sha256
    self.records = records
    self.tables = tables
    self.notes = notes
  }
}

/// Which machine a trace was replayed on.
public struct MachineIdentity: Sendable, Equatable {
  /// The name in the description.
  public var name: String
  /// Of the resolved description, 64 lower-case hexadecimal digits.
  public var sha256: String
  /// The whole description after presets and `--set`: a JSON object, keys sorted, two-space
  /// indentation, no newline at its end.
  public var resolvedJSON: String

  /// Creates an identity of its parts.
  public init(name: String, sha256: String, resolvedJSON: String) {
    self.name = name
    self.sha256 = sha256
    self.resolvedJSON = resolvedJSON
  }
}

/// One value of a distribution and how often it was seen.
public struct HistogramBar: Sendable, Equatable {
  /// In the unit of the histogram's definition.
  public var value: Int
  /// How often.
  public var count: Int

  /// Creates a bar of its parts.
  public init(value: Int, count: Int) {
    self.value = value
    self.count = count
  }
}
