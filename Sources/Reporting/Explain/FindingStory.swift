import Results

/// A line of the story that led to a finding.
public struct StoryLine: Sendable, Equatable {
  /// Of the event in the trace.
  public var event: Int
  /// In the trace's unit; 0 where it has none.
  public var time: Int
  /// The event as a scenario says it.
  public var text: String
  /// Why it belongs to the story.
  public var role: String

  /// Creates a line of its parts.
  public init(event: Int, time: Int, text: String, role: String) {
    self.event = event
    self.time = time
    self.text = text
    self.role = role
  }
}

/// A finding with what led to it, for a terminal.
///
/// - Parameters:
///   - finding: of a run.
///   - trace: its name.
///   - lines: in order.
///   - left: events of the story that are not in `lines`.
///   - width: columns to fill.
/// - Returns: lines that end in a newline.
public func findingStory(
  _ finding: Finding, of trace: String, _ lines: [StoryLine], left: Int, width: Int
) -> String {
  let width = max(width, 60)
  let rule = IsolationRule.named(finding.rule)
  var text = [
    printable(
      "\(trace): \(finding.rule) \(finding.severity.rawValue): \(rule?.title ?? "")"
        + (finding.subject.isEmpty ? "" : ", " + sentence(finding.subject))),
    "",
  ]
  text += wrapped(printable(sentence(finding.first.detail)), width: width, indent: "  ")
  if let rule { text += [""] + wrapped(rule.meaning, width: width, indent: "  ") }
  let table = Table(
    "What led to it",
    [.number("event"), .number("time"), .text("what"), .text("why it belongs")],
    lines.map { line in
      [grouped(line.event), line.time == 0 ? "" : grouped(line.time), line.text, line.role]
    })
  text += [
    "", "What led to it" + (left > 0 ? " (\(counted(left, "earlier event")) left out)" : ""),
  ]
  text += table.lines(width: width - 2).map { "  " + $0 }
  if let rule { text += [""] + wrapped("What to do: " + rule.remedy, width: width, indent: "  ") }
  return text.map { $0 + "\n" }.joined()
}
