import ArgumentParser
import Reporting
import Results

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What `run` writes to a file.
enum RunOutput {
  case report(ReportFormat)
  /// A time line for ui.perfetto.dev.
  case perfetto

  static let perfettoSuffix = "pftrace"
  static let suffixes = ReportFormat.all.map(\.suffix) + [perfettoSuffix]

  /// The output that a file's suffix asks for; `-` is JSON.
  init?(path: String) {
    if suffix(of: path).lowercased() == Self.perfettoSuffix {
      self = .perfetto
    } else if let format = ReportFormat(path: path) {
      self = .report(format)
    } else {
      return nil
    }
  }

  func bytes(
    of results: [RunResult], gates: [Gate], window: TraceWindow, traceFolder: String
  ) -> [UInt8] {
    switch self {
    case .report(let format):
      Array(render(results, as: format, gates: gates, traceFolder: traceFolder).utf8)
    case .perfetto: perfettoTrace(results, window: window)
    }
  }
}

extension ReportFormat {
  /// The format that a file's suffix asks for; `-` is JSON.
  init?(path: String) {
    if path == "-" {
      self = .json
    } else {
      self.init(suffix: nestwalk.suffix(of: path))
    }
  }
}

/// The file to which a step of GitHub Actions appends what its page shows.
struct StepSummary: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Append the Markdown report to the file that GITHUB_STEP_SUMMARY names, as GitHub Actions set "
        + "it."))
  var stepSummary = false

  /// The most that GitHub takes for a step.
  private static let mostBytes = 1 << 20

  func validate() throws {
    guard !stepSummary || Self.path != nil else {
      throw ValidationError("--step-summary: GITHUB_STEP_SUMMARY names no file here")
    }
  }

  private static var path: String? {
    guard let text = getenv("GITHUB_STEP_SUMMARY").map({ String(cString: $0) }), text != "" else {
      return nil
    }
    return text
  }

  /// Appends a text, where that is asked for.
  func append(_ markdown: String) throws(FileError) {
    guard stepSummary, let path = Self.path else { return }
    let cure = "let GITHUB_STEP_SUMMARY name a file that can be written"
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
    guard file >= 0 else {
      throw FileError(path, "cannot be opened (\(systemReason()))", cure: cure)
    }
    defer { close(file) }
    var status = stat()
    let used = fstat(file, &status) == 0 ? Int(status.st_size) : 0
    guard used + markdown.utf8.count <= Self.mostBytes else {
      let note = "nestwalk: the report has no room in this summary; keep it as an artifact.\n"
      return try writeAll(Array(note.utf8), to: file, file: path)
    }
    try writeAll(Array(markdown.utf8), to: file, file: path)
  }
}
