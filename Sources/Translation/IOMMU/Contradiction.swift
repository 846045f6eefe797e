import Machine
import Results

/// A recorded outcome that the model does not agree with.
struct Contradiction {
  /// What made the difference.
  struct Cause {
    /// The event that brought the entry; nothing where none is known.
    var filledAt: UInt64?
    var invalidation: IOInvalidation?
    var quirk: IOMMUQuirk?
    var text: String
  }

  var outcome: DMAOutcome
  var what: String
  var recorded: String
  var model: String
  var cause: Cause?

  init(
    _ outcome: DMAOutcome, what: String, recorded: String, model: String, cause: Cause?
  ) {
    self.outcome = outcome
    self.what = what
    self.recorded = recorded
    self.model = model
    self.cause = cause
  }

  /// The table of contradictions in results.
  static func table(_ contradictions: [Contradiction], of count: Int) -> ResultTable {
    var table = ResultTable(
      name: "contradictions", title: "Recorded outcomes that the model contradicts",
      explanation: "\(count) recorded outcomes are not what this machine makes of the same requests"
        + "; the first \(contradictions.count) are listed. Each row names the event of the request, "
        + "what was recorded and what the model says, the event that filled the entry in question, "
        + "and the invalidation that made the difference.",
      columns: [
        .init("event", "Event"), .init("device", "Device"), .init("address", "Address"),
        .init("what", "Compared"), .init("recorded", "Recorded"), .init("model", "Model"),
        .init("leaf", "Cached entry"), .init("filledAt", "Filled at"),
        .init("invalidation", "Invalidation"), .init("quirk", "Quirk"), .init("cause", "Cause"),
      ])
    table.rows = contradictions.map { $0.row }
    return table
  }

  private var row: [ResultTable.Cell] {
    let request = outcome.request
    func event(_ number: UInt64?) -> ResultTable.Cell {
      number.map { .number(Int(truncatingIfNeeded: $0)) } ?? .empty
    }
    return [
      event(request.place.event), .text(deviceName(request.device)),
      .text(hexadecimal(request.address)), .text(what), .text(recorded), .text(model),
      outcome.leaf == 0 ? .empty : .text(hexadecimal(outcome.leaf)), event(cause?.filledAt),
      event(cause?.invalidation?.queued.event),
      cause?.quirk.map { .text($0.rawValue) } ?? .empty,
      cause.map { .text($0.text) } ?? .empty,
    ]
  }
}

/// A requester as people write it: bus, device and function.
func deviceName(_ device: UInt32) -> String {
  func digits(_ value: UInt32) -> String {
    let text = String(value, radix: 16)
    return text.count < 2 ? "0" + text : text
  }
  return digits(device >> 8 & 0xff) + ":" + digits(device >> 3 & 31) + ".\(device & 7)"
}
