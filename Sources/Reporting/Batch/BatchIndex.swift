import Results

/// A result of a batch, and the page that tells of it.
public struct BatchEntry: Sendable {
  /// Of one trace on one machine.
  public var result: RunResult
  /// The page's name beside the index; letters, digits, points and dashes.
  public var page: String

  /// Creates an entry of its parts.
  public init(_ result: RunResult, page: String) {
    self.result = result
    self.page = page
  }
}

/// A trace of a batch that could not be replayed.
public struct BatchFailure: Sendable {
  /// As the user named it.
  public var file: String
  /// Place, problem and cure.
  public var problem: String

  /// Creates a failure of its parts.
  public init(file: String, problem: String) {
    self.file = file
    self.problem = problem
  }
}

/// The page that leads to every result of a batch, what failed first.
///
/// - Parameters:
///   - entries: in the order of traces and machines.
///   - failures: in the order of traces.
/// - Returns: a page that needs nothing but itself and leads to the pages beside it.
public func batchIndex(_ entries: [BatchEntry], failures: [BatchFailure]) -> String {
  let views = entries.map { ResultView($0.result) }
  let failed = Table(
    "Not replayed", [.text("trace"), .prose("why")], failures.map { [$0.file, $0.problem] })
  let missing: Markup =
    failures.isEmpty ? "" : "<section>\n<h2>\(failed.title)</h2>\n\(failed.markup)</section>\n"
  let table = overview(views).markup { place, name in
    "<a href=\"\(entries[place].page)\">\(name)</a>"
  }
  return htmlPage(
    title: "index of \(counted(entries.count, "result"))", schema: "index of a batch",
    """
    <h1>\(counted(entries.count, "result")), \(counted(failures.count, "trace")) not replayed</h1>
    \(missing)<section>
    <h2>Results</h2>
    \(table)<p class="muted">\(Figure.workNotTime)</p>
    </section>

    """)
}

/// A name that every file system and link takes.
///
/// - Parameters:
///   - number: tells names apart that become the same.
///   - text: whatever a trace and a machine are called.
/// - Returns: letters, digits, points and dashes.
public func pageName(_ number: Int, _ text: String) -> String {
  let digits = String(number)
  let safe = text.unicodeScalars.prefix(80).map { scalar -> Character in
    let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
    return isPlain || scalar == "." || scalar == "-" ? Character(scalar) : "-"
  }
  return String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "-" + String(safe)
}
