import Machine
import Results

/// Compares what a recorder saw with what the model makes of the same requests.
///
/// Every recorded translation, fault, context and fault record is one comparison. What contradicts is
/// explained by the entry that the model has and by the invalidation that made the difference.
struct IOCheck: ~Copyable {
  let isOn: Bool
  /// The run starts with an image, whose tables are the trace's last.
  var hasImage = false
  private(set) var agreed = 0
  private(set) var contradicted = 0
  private(set) var explained = 0
  private var resets = 0
  private var image = ImageComparison()
  private var retries = FaultRetries()
  private var history = RecordedInvalidations()
  private var contradictions: [Contradiction] = []

  /// Contradictions that the result lists.
  private static let listed = 1000

  init(isOn: Bool) { self.isOn = isOn }

  /// Takes an invalidation from the moment at which it holds.
  mutating func note(_ invalidation: IOInvalidation) {
    if isOn { history.append(invalidation) }
  }

  /// The recorder emptied a cache for a reason of its own.
  mutating func countReset(_ cache: UInt64) { if cache == 0 { resets += 1 } }

  /// Compares everything that was recorded of a request.
  mutating func compare<Unit: RemappingUnit & ~Copyable>(
    _ recorded: RecordedOutcome, _ outcome: DMAOutcome, _ unit: borrowing Unit
  ) {
    if let context = recorded.context, context.lookup != .unsaid, outcome.context != .none {
      let isHit = context.lookup == .hit
      let agrees = (outcome.context == .hit) == isHit
      let contradiction =
        agrees
        ? nil
        : Contradiction(
          outcome, what: "context", recorded: isHit ? "hit" : "miss",
          model: outcome.context == .hit ? "hit" : "miss",
          cause: history.cause(ofContext: outcome, recordedHit: isHit))
      settle(contradiction)
    }
    if let translation = recorded.translation { compare(translation, outcome, unit) }
    if let fault = recorded.fault { compare(fault, outcome) }
    history.remember(outcome)
    if hasImage, outcome.result == .translated { image.remember(outcome) }
  }

  private mutating func compare<Unit: RemappingUnit & ~Copyable>(
    _ recorded: RecordedOutcome.Translation, _ outcome: DMAOutcome, _ unit: borrowing Unit
  ) {
    guard outcome.result == .translated || recorded.lookup != .unsaid else {
      // No lookup was recorded: the request passed as it was.
      let passes = outcome.result == .passedThrough || outcome.result == .untranslated
      let contradiction =
        passes
        ? nil
        : Contradiction(
          outcome, what: "outcome", recorded: "passed", model: "\(outcome.result)", cause: nil)
      settle(contradiction)
      return
    }
    var model = outcome.result == .translated ? "" : "\(outcome.result)"
    if outcome.result == .translated { model = outcome.iotlb == .hit ? "hit" : "miss" }
    let seen =
      recorded.lookup == .unsaid ? model : recorded.lookup == .hit ? "hit" : "miss"
    guard model == seen else {
      let cause = history.cause(of: outcome, recorded, unit)
      settle(
        Contradiction(outcome, what: "IOTLB", recorded: seen, model: model, cause: cause))
      return
    }
    let offset: UInt64 = recorded.mask == 0 ? 0xfff : recorded.mask
    let differs: (what: String, recorded: UInt64, model: UInt64)? =
      recorded.output != 0 && recorded.output & ~offset != outcome.output & ~offset
      ? ("output", recorded.output & ~offset, outcome.output & ~offset)
      : recorded.entry != 0 && outcome.leaf != 0 && recorded.entry != outcome.leaf
        ? ("leaf", recorded.entry, outcome.leaf)
        : recorded.domain != DMAOutcome.noDomain && recorded.domain != outcome.domain
          ? ("domain", UInt64(recorded.domain), UInt64(outcome.domain))
          : recorded.mask != 0 && recorded.mask != 1 << UInt64(outcome.pageShift) - 1
            ? ("page size", recorded.mask + 1, 1 << UInt64(outcome.pageShift)) : nil
    guard let differs else { return settle(nil) }
    let cause = history.cause(of: outcome, recorded, unit)
    settle(
      Contradiction(
        outcome, what: differs.what, recorded: hexadecimal(differs.recorded),
        model: hexadecimal(differs.model), cause: cause))
  }

  private mutating func compare(_ recorded: RecordedOutcome.Fault, _ outcome: DMAOutcome) {
    retries.note(recorded, outcome.request)
    let agrees = outcome.result == .fault && outcome.fault == recorded.code
    let contradiction =
      agrees
      ? nil
      : Contradiction(
        outcome, what: "fault", recorded: hexadecimal(UInt64(recorded.code)),
        model: outcome.result == .fault
          ? hexadecimal(UInt64(outcome.fault)) : "\(outcome.result)", cause: nil)
    settle(contradiction)
  }

  /// Compares a fault that went into a register with the last that the model recorded.
  mutating func compare(
    _ model: (low: UInt64, high: UInt64)?, low: UInt64, high: UInt64, at place: EventPlace
  ) {
    guard isOn else { return }
    // Type, reason and source; a PASID that is none differs between recorders.
    let fields: UInt64 = 1 << 62 | 0xff << 32 | 0xffff
    let agrees = model.map { $0.low == low && $0.high & fields == high & fields } ?? false
    let request = DMARequest(
      device: UInt32(high & 0xffff), address: low, bytes: 0, kind: .unknown, place: place)
    let contradiction =
      agrees
      ? nil
      : Contradiction(
        DMAOutcome(request, .fault), what: "fault record", recorded: hexadecimal(high & fields),
        model: hexadecimal((model?.high ?? 0) & fields), cause: nil)
    settle(contradiction)
  }

  /// Counts a comparison; nothing contradicts where both agree.
  private mutating func settle(_ contradiction: Contradiction?) {
    guard let contradiction else {
      agreed += 1
      return
    }
    contradicted += 1
    if contradiction.cause != nil { explained += 1 }
    if contradictions.count < Self.listed { contradictions.append(contradiction) }
  }

  /// Compares the last translation of every page with what the image's tables say of it.
  ///
  /// - Parameter peek: what the tables of a device's unit say of an address.
  mutating func finish(_ peek: (_ device: UInt32, _ page: UInt64) -> TablePeek) {
    guard isOn, hasImage else { return }
    image.finish(peek)
    contradicted += image.contradicted
    contradictions += image.listed
  }

  func add(to result: inout RunResult, unmatched: Int) {
    guard isOn else { return }
    result.counters["check.agreed"] = agreed
    result.counters["check.contradicted"] = contradicted
    result.counters["check.explained"] = explained
    result.counters["check.unmatched"] = unmatched
    result.counters["check.resets"] = resets
    retries.add(to: &result)
    if hasImage { image.add(to: &result) }
    if !contradictions.isEmpty {
      result.tables.append(Contradiction.table(contradictions, of: contradicted))
    }
  }
}

func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
