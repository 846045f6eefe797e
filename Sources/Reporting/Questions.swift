import Results

/// A question that a run answers where it is asked, with the table that answers it.
struct Question {
  /// As `--answer` takes it.
  var name: String
  /// The name of its first table in results.
  var table: String
  /// What the answer tells, for a list.
  var tells: String

  /// Those about processors, in the order of readers' interest.
  static let ofProcessors = [
    Question(
      name: "regions", table: "regions",
      tells: "pages, 2 MiB regions and address spaces by cost, and what a large page would save"),
    Question(
      name: "modes", table: "modes",
      tells: "native, nested, shadow and agile paging side by side, with exits; it takes longest"),
    Question(
      name: "page-sizes", table: "pageSizes",
      tells: "every page size in either stage, with splintered fills"),
    Question(
      name: "levels", table: "levels", tells: "a fifth level in guest, host or both"),
    Question(name: "tags", table: "tags", tells: "PCID and VPID switched off"),
    Question(
      name: "flushes", table: "flushes", tells: "walks by the invalidation that caused them"),
    Question(
      name: "conflicts", table: "conflicts",
      tells: "misses lost to sets, and the busiest sets"),
    Question(
      name: "hypervisors", table: "hypervisors", tells: "kinds of hypervisor, by their exits"),
  ]
}

extension ResultView {
  /// Questions about a processor that walked, whose answers this result does not have.
  var unaskedQuestions: [Question] {
    guard result.counters["walk.count", default: 0] > 0 else { return [] }
    // Tables of an image answer fewer; a reader is not sent after what will be refused.
    guard result.trace.tables.hasPrefix("synthesised") else { return [] }
    let known = Set(result.tables.map(\.name))
    return Question.ofProcessors.filter { !known.contains($0.table) }
  }
}
