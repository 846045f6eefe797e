import Results

/// The last translation of every page, beside the tables of an image, which are the trace's last.
///
/// A page that the image's tables still map has to lead where its last translation did; one that they
/// do not map was unmapped afterwards.
///
/// Model: a page that was unmapped and mapped elsewhere after its last access contradicts the image.
struct ImageComparison: ~Copyable {
  private struct Last: BitwiseCopyable {
    var output: UInt64
    var leaf: UInt64
    var event: UInt64
    var device: UInt32
    var shift: UInt8
  }

  private var last: [UInt64: Last] = [:]
  private(set) var agreed = 0
  private(set) var contradicted = 0
  private(set) var unmapped = 0
  private(set) var unresolved = 0
  private(set) var listed: [Contradiction] = []

  /// Pages that are remembered; those of further ones are not compared.
  private static let capacity = 1 << 20

  mutating func remember(_ outcome: DMAOutcome) {
    let request = outcome.request
    let key = UInt64(request.device & 0xffff) << 48 | request.address >> 12 & (1 << 48 - 1)
    guard last.count < Self.capacity || last[key] != nil else { return }
    last[key] = Last(
      output: outcome.output, leaf: outcome.leaf, event: request.place.event,
      device: request.device, shift: outcome.pageShift)
  }

  /// Walks the image for each page, by the tables of its device's unit.
  mutating func finish(_ peek: (_ device: UInt32, _ page: UInt64) -> TablePeek) {
    for (key, one) in last.sorted(by: { $0.key < $1.key }) {
      let page = (key & (1 << 48 - 1)) << 12
      switch peek(one.device, page) {
      case .unresolved: unresolved += 1
      case .fault: unmapped += 1
      case .translated(let output, let leaf):
        if output & ~0xfff == one.output & ~0xfff {
          agreed += 1
        } else {
          contradict(page, one, leaf)
        }
      }
    }
  }

  private mutating func contradict(_ page: UInt64, _ one: Last, _ leaf: UInt64) {
    contradicted += 1
    guard listed.count < 100 else { return }
    let place = EventPlace(event: one.event)
    var outcome = DMAOutcome(
      DMARequest(device: one.device, address: page, bytes: 0, kind: .unknown, place: place),
      .translated)
    outcome.leaf = one.leaf
    listed.append(
      Contradiction(
        outcome, what: "image", recorded: hexadecimal(leaf), model: hexadecimal(one.leaf),
        cause: .init(
          filledAt: nil, invalidation: nil, quirk: nil,
          text: "the image's tables map the page elsewhere")))
  }

  func add(to result: inout RunResult) {
    result.counters["check.image.agreed"] = agreed
    result.counters["check.image.contradicted"] = contradicted
    result.counters["check.image.unmapped"] = unmapped
    result.counters["check.image.unresolved"] = unresolved
  }
}
