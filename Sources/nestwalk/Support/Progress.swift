#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// A line on the terminal about long work (share done, rate, time left); elsewhere a plain line for
/// each half minute.
struct Progress {
  private let label: String
  private let isShown: Bool
  /// A terminal's line is drawn anew, a log's is one more.
  private let isDrawn: Bool
  private let start = Progress.seconds()
  private var last = 0.0
  private var wasDrawn = false

  /// - Parameters:
  ///   - label: what is being worked on.
  ///   - isQuiet: show nothing even on a terminal.
  init(_ label: String, isQuiet: Bool = false) {
    self.label = label
    isShown = !isQuiet
    isDrawn = isatty(STDERR_FILENO) == 1
    last = isDrawn ? 0 : start
  }

  private static func seconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
  }

  /// Draws the line anew, ten times a second at most.
  mutating func show(records: Int, bytes: Int, of total: Int?) {
    guard isShown else { return }
    let now = Self.seconds()
    guard now - last > (isDrawn ? 0.1 : 30) else { return }
    last = now
    wasDrawn = isDrawn
    let spent = max(now - start, 0.001)
    var line = "\(label): \(Self.millions(records)) records, "
    line += "\(Self.millions(Int(Double(records) / spent))) a second"
    if let total, total > 0, bytes > 0 {
      let share = min(Double(bytes) / Double(total), 1)
      line += ", \(Int(100 * share)) %, \(Int(spent / share - spent) + 1) s left"
    }
    guard isDrawn else { return printError("nestwalk: \(line)") }
    try? writeAll(Array("\r\u{1b}[K\(line)".utf8), to: STDERR_FILENO, file: "-")
  }

  /// Takes the line off the terminal.
  func end() {
    if wasDrawn { try? writeAll(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO, file: "-") }
  }

  private static func millions(_ count: Int) -> String {
    count < 1_000_000 ? "\(count)" : "\(count / 1_000_000).\(count / 100_000 % 10) M"
  }
}
