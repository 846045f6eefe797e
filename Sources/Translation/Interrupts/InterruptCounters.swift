import Results

/// What became of messages; the rows by device and by virtual processor add up to these.
struct InterruptCounters: ~Copyable {
  private(set) var requests = 0
  private(set) var results: InlineArray<5, Int> = .init(repeating: 0)
  private(set) var deliveries: InlineArray<7, Int> = .init(repeating: 0)
  private(set) var defects: InlineArray<5, Int> = .init(repeating: 0)
  private(set) var faults: InlineArray<64, Int> = .init(repeating: 0)
  private(set) var silentFaults = 0
  private(set) var uncheckedSources = 0
  private(set) var exits = 0
  private(set) var forwarded = 0
  private(set) var logged = 0
  private(set) var merged = 0
  /// Waiting vectors that their virtual processor took at last.
  private(set) var resumed = 0
  private var waited = 0
  private var absorbed = 0
  private(set) var nanoseconds = 0
  private(set) var hostNanoseconds = 0
  /// Messages that several cores could take.
  var severalCores = 0
  private(set) var waitedNanoseconds = 0
  var exitNanoseconds = 0
  /// Entries that got another vector or destination.
  var moves = 0
  /// Interrupts of the kernel that got another vector or core.
  var vectorMoves = 0
  private(set) var latency = LatencyHistogram()

  @inline(__always)
  mutating func count(_ outcome: InterruptOutcome, _ delivery: Delivery) {
    requests += 1
    results[Int(outcome.result.rawValue)] += 1
    deliveries[Int(delivery.result.rawValue)] += 1
    if outcome.result == .blocked {
      faults[Int(outcome.fault & 63)] += 1
      if outcome.isFaultSilent { silentFaults += 1 }
    }
    if outcome.isSourceUnchecked { uncheckedSources += 1 }
    if delivery.defect != .none { defects[Int(delivery.defect.rawValue)] += 1 }
    exits += delivery.exits
    if delivery.isForwarded { forwarded += 1 }
    if delivery.isMerged { merged += 1 }
    if delivery.isLogged { logged += 1 }
    nanoseconds += delivery.nanoseconds
    hostNanoseconds += delivery.hostNanoseconds
    switch delivery.result {
    case .direct, .injected, .host: latency.add(UInt64(delivery.nanoseconds))
    default: break
    }
  }

  /// Counts a vector that begins to wait.
  @inline(__always)
  mutating func beginWaiting() { waited += 1 }

  /// Counts a vector that software begins to have wait.
  mutating func addSoftwarePost() { waited += 1 }

  /// Counts a waiting vector that a later message of the same vector took along.
  @inline(__always)
  mutating func absorb() { absorbed += 1 }

  /// Counts a defect that no message showed.
  mutating func count(_ defect: Delivery.Defect) { defects[Int(defect.rawValue)] += 1 }

  /// Counts a waiting vector that is taken.
  @inline(__always)
  mutating func resume(after nanoseconds: UInt64) {
    resumed += 1
    waitedNanoseconds &+= Int(truncatingIfNeeded: nanoseconds)
    latency.add(nanoseconds)
  }

  func count(of result: InterruptOutcome.Result) -> Int { results[Int(result.rawValue)] }
  func count(of result: Delivery.Result) -> Int { deliveries[Int(result.rawValue)] }
  func count(of defect: Delivery.Defect) -> Int { defects[Int(defect.rawValue)] }

  func add(to result: inout RunResult) {
    var counters: [String: Int] = [
      "requests": requests,
      "remapped": count(of: .remapped),
      "posted": count(of: .posted),
      "passedThrough": count(of: .passedThrough),
      "blocked": count(of: InterruptOutcome.Result.blocked),
      "unresolved": count(of: .unresolved),
      "misdelivered": count(of: .misdelivered),
      "delivery.direct": count(of: .direct),
      "delivery.injected": count(of: .injected),
      "delivery.pending": count(of: .pending),
      "delivery.host": count(of: .host),
      "delivery.unknown": count(of: .unknown),
      "delivery.merged": merged,
      "delivery.resumed": resumed,
      "delivery.forwarded": forwarded,
      "guestLog.entries": logged,
      "wrongCore": count(of: .wrongCore),
      "lostNotifications": count(of: .lostNotification),
      "spuriousNotifications": count(of: .spuriousNotification),
      "forged": count(of: .forged),
      "exits": exits,
      "nanoseconds": nanoseconds,
      "hostNanoseconds": hostNanoseconds,
      "waitedNanoseconds": waitedNanoseconds,
      "severalCores": severalCores,
      "exitNanoseconds": exitNanoseconds,
      "moves": moves,
      "vectorMoves": vectorMoves,
      "uncheckedSources": uncheckedSources,
      "silentFaults": silentFaults,
    ]
    for code in 0..<64 where faults[code] > 0 {
      counters["fault." + Self.name(of: code)] = faults[code]
    }
    for (name, value) in counters { result.counters["interrupt." + name] = value }
    if !latency.isEmpty { result.histograms["interrupt.latency"] = latency.bars }
  }

  /// VT-d's fault reasons as the specification writes them; AMD-Vi's by the event that is logged.
  static func name(of code: Int) -> String {
    switch code {
    case Int(AMDViInterrupts.Fault.deviceEntry): "ILLEGAL_DEV_TABLE_ENTRY"
    case Int(AMDViInterrupts.Fault.interrupt): "IO_PAGE_FAULT"
    case Int(AMDViInterrupts.Fault.abort): "TARGET_ABORT"
    default: String(code, radix: 16, uppercase: true) + "h"
    }
  }

  /// Every sum that must come out, with the vectors that wait at the end.
  func checkLaws(_ laws: inout Conservation, waiting: Int) {
    var judged = 0
    for result in InterruptOutcome.Result.allCases { judged += count(of: result) }
    laws.equal(
      requests, judged, "interrupt requests = remapped, posted, passed, blocked and unresolved")
    var ended = 0
    for result in Delivery.Result.allCases { ended += count(of: result) }
    laws.equal(requests, ended, "interrupt requests = deliveries by result")
    laws.equal(
      count(of: InterruptOutcome.Result.blocked), count(of: Delivery.Result.blocked),
      "blocked interrupts are delivered nowhere")
    var faulted = 0
    for code in 0..<64 { faulted += faults[code] }
    laws.equal(
      count(of: InterruptOutcome.Result.blocked), faulted, "blocked interrupts = interrupt faults")
    laws.equal(
      latency.count, count(of: .direct) + count(of: .injected) + count(of: .host) + resumed,
      "latencies = interrupts that were taken")
    laws.nonnegative(
      nanoseconds - hostNanoseconds, "modelled latency beyond the host's work")
    laws.nonnegative(
      hostNanoseconds - exitNanoseconds, "the host's work beyond exits")
    laws.nonnegative(
      count(of: .posted) - logged, "posted interrupts that are not in the guest log")
    laws.equal(
      waited, resumed + absorbed + waiting, "vectors that waited = taken, absorbed and waiting")
  }
}

/// A distribution of times, each cut to its five highest bits, so that it has a bounded size.
struct LatencyHistogram: ~Copyable {
  /// 16 bars for each power of two from 16 up; below that each value has its own.
  private let bars16: UnsafeMutablePointer<Int>
  private static let size = 64 * 16
  private(set) var count = 0

  init() {
    bars16 = .allocate(capacity: Self.size)
    bars16.initialize(repeating: 0, count: Self.size)
  }

  deinit { bars16.deallocate() }

  var isEmpty: Bool { count == 0 }

  @inline(__always)
  mutating func add(_ value: UInt64) {
    count += 1
    let value = min(value, UInt64(Int.max))
    let shift = max(0, 59 - value.leadingZeroBitCount)
    bars16[shift &* 16 &+ Int(value >> UInt64(shift))] += 1
  }

  var bars: [HistogramBar] {
    var bars: [HistogramBar] = []
    for at in 0..<Self.size where bars16[at] > 0 {
      let shift = at < 32 ? 0 : at / 16 - 1
      let value = (at - shift * 16) << shift
      bars.append(HistogramBar(value: value, count: bars16[at]))
    }
    return bars
  }
}
