import Results
import TraceFile

/// Compares what the model makes of messages with what the recorder saw.
///
/// Model: a message whose entry was read and of which nothing further was recorded counts as blocked
/// by the recorder's machine.
struct InterruptCheck: ~Copyable {
  private let isOn: Bool
  private(set) var agreed = 0
  private(set) var contradicted = 0
  /// Messages of which nothing was recorded.
  private(set) var unrecorded = 0
  /// Recorded outcomes that follow no message of theirs.
  var unmatched = 0
  private(set) var blocked = 0
  private(set) var rewrites = 0
  private(set) var rewritesWithoutInvalidation = 0
  private(set) var deliveriesAgreed = 0
  private(set) var deliveriesContradicted = 0
  private(set) var deliveriesUnmatched = 0
  /// The first contradiction, for the report.
  private(set) var first: (event: UInt64, what: String)?
  /// One bit for each of VT-d's entries: it was invalidated since the recorder last read it.
  private let invalidated: UnsafeMutablePointer<UInt64>
  /// What was last judged, until a delivery is compared with it.
  private var last: InterruptRequest?
  /// One bit for each of VT-d's entries: the recorder read it.
  private let observed: UnsafeMutablePointer<UInt64>
  private(set) var imageAgreed = 0
  private(set) var imageRewritten = 0
  private(set) var imageContradicted = 0

  /// - Parameter isOn: the comparison is part of the result.
  init(isOn: Bool) {
    self.isOn = isOn
    invalidated = .allocate(capacity: 1024)
    invalidated.initialize(repeating: 0, count: 1024)
    observed = .allocate(capacity: 1024)
    observed.initialize(repeating: 0, count: 1024)
  }

  deinit {
    invalidated.deallocate()
    observed.deallocate()
  }

  /// A message of which nothing was recorded.
  @inline(__always)
  mutating func pass() {
    unrecorded += 1
    last = nil
  }

  /// Compares a judged message with what was recorded of it.
  @inline(__always)
  mutating func compare(_ outcome: InterruptOutcome, _ pending: PendingMessage) {
    guard pending.hasEntry || pending.hasRequest || pending.isBlocked else { return pass() }
    last = pending.hasRequest ? outcome.request : nil
    if let problem = Self.problem(outcome, pending) {
      contradicted += 1
      if first == nil { first = (outcome.message.place.event, problem) }
    } else {
      agreed += 1
      if !pending.hasRequest { blocked += 1 }
    }
  }

  private static func problem(
    _ outcome: InterruptOutcome, _ pending: PendingMessage
  ) -> String? {
    if pending.hasEntry {
      if outcome.index != pending.entryIndex { return "another index" }
      if outcome.entry != pending.entry { return "another entry" }
    }
    guard pending.hasRequest else {
      return outcome.result == .blocked ? nil : "the recorder blocked it"
    }
    let expected: InterruptOutcome.Result =
      pending.requestIndex == InterruptOutcome.noIndex ? .passedThrough : .remapped
    if outcome.result != expected { return "\(outcome.result) and not \(expected)" }
    if expected == .remapped, outcome.index != pending.requestIndex { return "another index" }
    let (mine, theirs) = (outcome.request, pending.request)
    if mine.vector != theirs.vector { return "another vector" }
    if mine.destination != theirs.destination { return "another destination" }
    if mine.isLogical != theirs.isLogical { return "another destination mode" }
    if mine.deliveryMode != theirs.deliveryMode { return "another delivery mode" }
    return mine.isLevel == theirs.isLevel ? nil : "another trigger mode"
  }

  /// Whether the recorder read an entry before; always for those whose table is a device's.
  func hasObserved(_ tag: UInt64) -> Bool {
    tag >> 16 != 0 || observed[Int(tag >> 6)] & 1 << (tag & 63) != 0
  }

  /// The recorder read an entry.
  mutating func observe(_ tag: UInt64, changed: Bool) {
    guard tag >> 16 == 0 else { return }
    let (word, bit) = (Int(tag >> 6), UInt64(1) << (tag & 63))
    if changed {
      rewrites += 1
      if invalidated[word] & bit == 0 { rewritesWithoutInvalidation += 1 }
    }
    invalidated[word] &= ~bit
    observed[word] |= bit
  }

  /// Compares the entries that the recorder last read with an image of the trace's end.
  ///
  /// One that differs and was invalidated since was rewritten after its last use.
  mutating func compareImage(
    _ entries: borrowing InterruptEntries, _ image: (UInt32) -> InterruptEntry?
  ) {
    guard isOn else { return }
    for index in 0..<UInt32(65_536) {
      let (word, bit) = (Int(index >> 6), UInt64(1) << UInt64(index & 63))
      guard observed[word] & bit != 0, let there = image(index) else { continue }
      if entries.entry(InterruptEntryCache.tag(0, index)) == there {
        imageAgreed += 1
      } else if invalidated[word] & bit != 0 {
        imageRewritten += 1
      } else {
        imageContradicted += 1
      }
    }
  }

  mutating func invalidateAll() {
    invalidated.update(repeating: .max, count: 1024)
  }

  /// AMD-Vi's invalidations are not followed: nothing records its entries with their device.
  mutating func invalidate(table: UInt32) {}

  mutating func invalidate(index: UInt32, mask: Int) {
    let shift = UInt32(min(mask, 16))
    let first = Int((index >> shift) << shift)
    for at in first..<min(first + (1 << Int(shift)), 65_536) {
      invalidated[at >> 6] |= 1 << UInt64(at & 63)
    }
  }

  /// Compares what an interrupt controller took with the message before it.
  mutating func compareDelivery(_ event: TraceEvent) {
    guard let mine = last else {
      deliveriesUnmatched += 1
      return
    }
    last = nil
    let agrees =
      UInt64(mine.vector) == event[1] && UInt64(mine.destination) == event[2]
      && mine.isLogical == (event[3] != 0) && UInt64(mine.deliveryMode.rawValue) == event[4]
      && mine.isLevel == (event[5] != 0)
    if agrees { deliveriesAgreed += 1 } else { deliveriesContradicted += 1 }
  }

  /// The counters, where anything was recorded at all.
  func add(to result: inout RunResult) {
    guard isOn, agreed + contradicted + unmatched > 0 else { return }
    if imageAgreed + imageRewritten + imageContradicted > 0 {
      result.counters["check.interrupts.image.agreed"] = imageAgreed
      result.counters["check.interrupts.image.rewritten"] = imageRewritten
      result.counters["check.interrupts.image.contradicted"] = imageContradicted
    }
    let counters: [String: Int] = [
      "agreed": agreed, "contradicted": contradicted, "unrecorded": unrecorded,
      "unmatched": unmatched, "blocked": blocked, "rewrites": rewrites,
      "rewritesWithoutInvalidation": rewritesWithoutInvalidation,
      "deliveries.agreed": deliveriesAgreed,
      "deliveries.contradicted": deliveriesContradicted,
      "deliveries.unmatched": deliveriesUnmatched,
    ]
    for (name, value) in counters { result.counters["check.interrupts." + name] = value }
    if let first {
      result.notes.append(
        "Interrupt at event \(first.event) contradicts what was recorded: \(first.what).")
    }
  }
}
