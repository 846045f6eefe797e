import Results

/// What the recorder saw of interrupts besides messages: where software binds them, who takes them,
/// and how that fits what the model has.
struct ObservedInterrupts: ~Copyable {
  /// A kind of event, by the name of its counter.
  enum Kind: UInt8, CaseIterable {
    case deliveries, routes, injections, accepts, vectorUpdates, vectorConfigs, handlers, wakes
    case guestLogs, software

    /// The model has an interrupt to which such an event belongs, or has not.
    var isMatched: Bool {
      switch self {
      case .injections, .accepts, .handlers, .wakes, .guestLogs: true
      case .deliveries, .routes, .vectorUpdates, .vectorConfigs, .software: false
      }
    }
  }

  /// An interrupt of the host's kernel, by its number there.
  struct Route: BitwiseCopyable {
    var interrupt: UInt64
    var vector: UInt8 = 0
    var core = Delivery.noCore
    /// The entry that it had before it was posted, and where; `noEntry` where it is not known.
    var tag = noEntry
    var entry = InterruptEntry()
    /// Whom it is posted to; -1 for nobody.
    var processor: Int32 = -1
    var guestVector: UInt8 = 0
    var descriptor: UInt64 = 0
    var handled = 0
    var moves = 0

    static let noEntry = UInt64.max
    var isKnown: Bool { core != Delivery.noCore }
  }

  private var counts: InlineArray<10, Int> = .init(repeating: 0)
  private var matches: InlineArray<10, Int> = .init(repeating: 0)
  private(set) var routes: [Route] = []
  private var numbers = IdentifierTable(limit: maximumRoutes)
  /// Events of interrupts beyond those that are kept.
  private(set) var untold = 0
  /// From a message to its handler's or injection's event.
  private(set) var latency = LatencyHistogram()
  /// When the oldest message that no handler has answered reached a core with a vector; kept from the
  /// first event on that says which vector an interrupt has.
  private var arrivals: UnsafeMutablePointer<UInt64>?
  private let cores: Int
  /// Tags of guest log entries that no event has told of, in a ring.
  private var logged: InlineArray<64, UInt64> = .init(repeating: noTag)
  private var nextLogged = 0

  static let maximumRoutes = 4096
  private static let noTag = UInt64.max

  init(cores: Int) { self.cores = cores }

  deinit { arrivals?.deallocate() }

  mutating func count(_ kind: Kind) { counts[Int(kind.rawValue)] += 1 }
  mutating func match(_ kind: Kind) { matches[Int(kind.rawValue)] += 1 }
  func count(of kind: Kind) -> Int { counts[Int(kind.rawValue)] }
  func matches(of kind: Kind) -> Int { matches[Int(kind.rawValue)] }

  /// The place of an interrupt's route; nothing where there are too many.
  mutating func route(of interrupt: UInt64) -> Int? {
    let known = numbers.count
    let at = numbers.insert(interrupt)
    guard at >= 0 else {
      untold += 1
      return nil
    }
    if at == known { routes.append(Route(interrupt: interrupt)) }
    return at
  }

  mutating func update(_ at: Int, _ change: (inout Route) -> Void) { change(&routes[at]) }

  /// From now on messages' arrivals are kept.
  mutating func keepArrivals() {
    guard arrivals == nil else { return }
    let cells = UnsafeMutablePointer<UInt64>.allocate(capacity: cores * 256)
    cells.initialize(repeating: 0, count: cores * 256)
    arrivals = cells
  }

  /// A message interrupts a core of the host.
  @inline(__always)
  func arrive(_ vector: UInt8, on core: UInt32, at time: UInt64) {
    guard let arrivals, Int(core) < cores else { return }
    let at = Int(core) &* 256 &+ Int(vector)
    if arrivals[at] == 0 { arrivals[at] = time }
  }

  /// A handler runs for a vector.
  ///
  /// - Returns: whether a message had arrived.
  mutating func handle(_ vector: UInt8, on core: UInt64, at time: UInt64) -> Bool {
    guard let arrivals, core < UInt64(cores) else { return false }
    let at = Int(core) * 256 + Int(vector)
    guard arrivals[at] != 0, arrivals[at] <= time else { return false }
    latency.add(time - arrivals[at])
    arrivals[at] = 0
    return true
  }

  /// A waiting vector is injected.
  mutating func inject(after nanoseconds: UInt64) { latency.add(nanoseconds) }

  /// The model wrote a tag into the guest log.
  @inline(__always)
  mutating func log(_ tag: UInt64) {
    logged[nextLogged] = tag
    nextLogged = (nextLogged &+ 1) & 63
  }

  /// The recorder's guest log has a virtual processor's entry.
  ///
  /// Source: Linux arch/x86/kvm/svm/avic.c, `__AVIC_GATAG`: the machine's number stands above the
  /// virtual processor's, which has 8 bits before Linux 5.19 and 9 since (recalled).
  ///
  /// - Returns: whether the model had one.
  mutating func takeLogged(guest: UInt64, vcpu: UInt64) -> Bool {
    for at in 0..<64
    where logged[at] == guest << 9 | vcpu || logged[at] == guest << 8 | vcpu {
      logged[at] = Self.noTag
      return true
    }
    return false
  }

  func add(to result: inout RunResult) {
    guard Kind.allCases.contains(where: { count(of: $0) > 0 }) else { return }
    for kind in Kind.allCases {
      result.counters["interrupt.observed.\(kind)"] = count(of: kind)
      if kind.isMatched {
        result.counters["interrupt.observed.\(kind).matched"] = matches(of: kind)
      }
    }
    if !latency.isEmpty { result.histograms["interrupt.observedLatency"] = latency.bars }
  }

  func checkLaws(_ laws: inout Conservation) {
    for kind in Kind.allCases {
      laws.nonnegative(
        count(of: kind) - matches(of: kind), "observed \(kind) that the model has nothing for")
    }
    laws.equal(
      latency.count, matches(of: .handlers) + matches(of: .injections),
      "observed latencies = handlers and injections that belong to a message")
  }
}

/// How often something happened, in up to 64 windows that double when time outgrows them.
struct TimeWindows {
  private(set) var counts: [Int] = Array(repeating: 0, count: 64)
  private(set) var first: UInt64?
  private(set) var width: UInt64 = 1024

  mutating func add(at time: UInt64) {
    let start = first ?? time
    first = start
    // What comes before the first belongs to it.
    let offset = time &- min(start, time)
    while offset / width >= 64 {
      for at in 0..<32 { counts[at] = counts[2 * at] + counts[2 * at + 1] }
      for at in 32..<64 { counts[at] = 0 }
      width &*= 2
    }
    counts[Int(offset / width)] += 1
  }
}
