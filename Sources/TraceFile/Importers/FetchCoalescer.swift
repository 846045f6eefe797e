/// Decides which instructions of a trace become fetch records, and counts those that do not.
///
/// An instruction becomes one where the 64-byte line of its first byte is another than that of the
/// instruction before. Only first bytes are compared, so that formats which know no sizes of
/// instructions give the same records as those which do.
struct FetchCoalescer {
  /// Instructions listed since the last record, not yet in any.
  private(set) var pending = 0
  /// Pages that only the tail of an instruction without a record of its own touched.
  private var lostPages = 0
  private var line = UInt64.max
  private var overrunPage = Self.noPage

  private static let noPage = UInt64.max

  init(pending: Int = 0) { self.pending = pending }

  /// Takes the next instruction.
  ///
  /// - Parameters:
  ///   - address: of its first byte.
  ///   - size: 0 where the trace does not know.
  /// - Returns: whether a fetch record is due.
  mutating func enter(_ address: UInt64, size: UInt16) -> Bool {
    pending += 1
    if overrunPage != Self.noPage {
      if address >> 12 != overrunPage { lostPages += 1 }
      overrunPage = Self.noPage
    }
    if address >> 6 != line {
      line = address >> 6
      return true
    }
    if address & 0xfff + UInt64(size) > 0x1000 { overrunPage = (address &+ UInt64(size)) >> 12 }
    return false
  }

  /// The pending instructions, for the record that is written now.
  ///
  /// - Returns: nothing where they are more than a record can count.
  mutating func takeInstructions() -> UInt32? {
    let instructions = UInt32(exactly: pending)
    pending = 0
    return instructions
  }

  /// What the rule leaves out.
  var notes: [String] {
    let lost = lostPages + (overrunPage == Self.noPage ? 0 : 1)
    let rule = "A fetch is recorded where the 64-byte line of the instruction's first byte changes."
    guard lost > 0 else { return [rule] }
    return [
      rule,
      "Instructions without a fetch record whose tail alone touched the next page, a touch that is "
        + "lost: \(lost).",
    ]
  }
}

extension ByteSource {
  /// The error of more instructions than a record can count.
  func instructionOverflow(at place: String) -> TraceError {
    error(
      place, "more than \(UInt32.max) instructions pass without a record",
      "cut the trace before this place")
  }
}
