import Machine

/// The invalidations of a trace, to find the one that made a difference.
struct RecordedInvalidations: ~Copyable {
  private var invalidations: [IOInvalidation] = []
  /// When a device's page was filled last, by device and page.
  private var fills: [UInt64: UInt64] = [:]

  /// So many are kept; the oldest half goes first.
  private static let capacity = 1 << 17

  mutating func append(_ invalidation: IOInvalidation) {
    if invalidations.count >= Self.capacity {
      invalidations.removeFirst(Self.capacity / 2)
    }
    invalidations.append(invalidation)
  }

  mutating func remember(_ outcome: DMAOutcome) {
    guard outcome.result == .translated, outcome.iotlb == .miss else { return }
    if fills.count >= Self.capacity { fills.removeAll(keepingCapacity: true) }
    fills[Self.key(outcome)] = outcome.request.place.event
  }

  private static func key(_ outcome: DMAOutcome) -> UInt64 {
    UInt64(outcome.request.device & 0xffff) << 48 | outcome.request.address >> 12 & (1 << 48 - 1)
  }

  /// Why a lookup of a translation went otherwise than it was recorded.
  func cause<Unit: RemappingUnit & ~Copyable>(
    of outcome: DMAOutcome, _ recorded: RecordedOutcome.Translation, _ unit: borrowing Unit
  ) -> Contradiction.Cause? {
    let shift = outcome.pageShift
    let page = outcome.request.address & ~(1 << UInt64(shift) - 1)
    var value = IOTranslation.none
    value.domain = outcome.domain
    value.device = outcome.request.device
    value.shift = shift
    value.kind = .second
    if outcome.iotlb == .hit {
      let later = invalidations.reversed().prefix { $0.effective.event > outcome.filledAt }
      for quirk in IOMMUQuirk.allCases {
        for one in later where unit.explains(quirk, one, page: page, value) {
          return Contradiction.Cause(
            filledAt: outcome.filledAt, invalidation: one, quirk: quirk,
            text: "the recorder's \(Self.text(one)) takes the entry only by \(quirk.rawValue): "
              + quirk.reason)
        }
      }
      let last = later.first { $0.cache == .iotlb && $0.domain == outcome.domain }
      return Contradiction.Cause(
        filledAt: outcome.filledAt, invalidation: last, quirk: nil,
        text: last.map { "the last \(Self.text($0)) does not cover it" }
          ?? "no invalidation of its domain has come since it was filled")
    }
    let filled = fills[Self.key(outcome)]
    let taken = invalidations.reversed().first { unit.takes($0, page: page, value) }
    if let taken, filled.map({ taken.effective.event >= $0 }) ?? true {
      return Contradiction.Cause(
        filledAt: filled, invalidation: taken, quirk: nil,
        text: "the model's entry went by the \(Self.text(taken)), and the recorder's did not")
    }
    return Contradiction.Cause(
      filledAt: filled, invalidation: nil, quirk: nil,
      text: filled == nil
        ? "the trace does not show how the recorder got the entry"
        : "the model's entry was displaced, or emptied with a full cache")
  }

  /// Why a lookup of a context went otherwise than it was recorded.
  func cause(ofContext outcome: DMAOutcome, recordedHit: Bool) -> Contradiction.Cause? {
    let last = invalidations.reversed().first { $0.cache == .context }
    return Contradiction.Cause(
      filledAt: nil, invalidation: last, quirk: nil,
      text: last.map {
        recordedHit
          ? "the model's entry went by the last \(Self.text($0))"
          : "the last \(Self.text($0)) left the model's entry"
      } ?? "no invalidation of contexts has come")
  }

  /// An invalidation in words.
  static func text(_ one: IOInvalidation) -> String {
    let place = "at event \(one.queued.event)"
    switch (one.cache, one.granularity) {
    case (.iotlb, .global): return "global IOTLB invalidation \(place)"
    case (.iotlb, .domain): return "IOTLB invalidation of domain \(one.domain) \(place)"
    case (.iotlb, _):
      let pages = one.pages == 0 ? "all pages" : "\(one.pages) pages"
      return "IOTLB invalidation of domain \(one.domain), \(pages) from "
        + "\(hexadecimal(one.address)), \(place)"
    case (.context, .device):
      return "context invalidation of device \(hexadecimal(UInt64(one.device))) \(place)"
    case (.context, _): return "context invalidation \(place)"
    default: return "invalidation \(place)"
    }
  }
}

extension IOMMUQuirk {
  /// What the quirk does, for explanations.
  var reason: String {
    switch self {
    case .pageMask8Bits:
      "it compares page numbers in bits 7 down to its address mask and no others"
    case .pagesTakeDomain: "it takes all of the domain, whatever the pages"
    default: "see the machine's quirks"
    }
  }
}
