import Machine
import Results
import TraceFile

/// A unit that translates what devices access, of any architecture.
protocol RemappingUnit: ~Copyable {
  /// A unit; `number` tells it from others of the machine.
  init(_ description: IOMMUDescription, seed: UInt64, number: Int)

  /// Judges a request.
  ///
  /// - Parameters:
  ///   - outcome: new, of a request within one page that is no interrupt message; written: where the
  ///     request goes, or why it does not. It stays in its place, because handing it on costs more than
  ///     all that is looked up.
  ///   - recorded: what the recorder saw of it; a leaf, a context or a fault in it stands for tables
  ///     that the memory does not have as they were then.
  ///   - memory: what tables are read from.
  mutating func translate(
    _ outcome: inout DMAOutcome, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  )

  /// Takes a write of a register.
  mutating func write(register: UInt64, bytes: UInt64, _ value: UInt64, at place: EventPlace)

  /// Takes an entry of the invalidation or command queue.
  mutating func take(command: IOCommand, at place: EventPlace)

  /// Invalidations on their way.
  var queue: InvalidationQueue { get set }

  /// A command takes effect when it is read.
  var invalidatesAtOnce: Bool { get }

  /// An invalidation of pages covers 2^this at most.
  var maximumAddressMask: Int { get }

  /// The unit's number for a domain of the trace that it has tables for.
  func number(ofDomain domain: UInt32) -> UInt32?

  /// Makes an invalidation hold from now on.
  mutating func apply(_ invalidation: IOInvalidation)

  /// Takes an event of software's view of domains: attach, detach, map or unmap.
  mutating func take(
    _ change: DomainChange, _ memory: inout IOMemory, at place: EventPlace)

  /// Judges a device's request for a page, which is blocked or posted to software.
  ///
  /// `group` is the index by which software's response names it.
  mutating func post(
    _ request: DMARequest, group: UInt32, _ memory: borrowing IOMemory
  ) -> DMAOutcome?

  /// Takes a completion by which a device got a translation that it may keep.
  mutating func grant(_ event: TraceEvent)

  /// What software finds of the fault that was recorded last.
  var lastFault: (low: UInt64, high: UInt64)? { get }

  /// Tells software of an interrupt message that was blocked, as of a request.
  mutating func report(_ blocked: InterruptOutcome)

  /// What the caches have at the end, for those who compare it with an image.
  func visitTranslations(_ body: (UInt64, IOTranslation) -> Void)

  /// The unit's own translation of an address by tables alone, which changes nothing.
  func peek(_ device: UInt32, _ address: UInt64, _ memory: borrowing IOMemory) -> TablePeek

  /// Whether an entry that the unit still has would have gone by what the quirk says.
  func explains(
    _ quirk: IOMMUQuirk, _ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation
  ) -> Bool

  /// Whether an invalidation takes a translation.
  func takes(_ invalidation: IOInvalidation, page: UInt64, _ value: IOTranslation) -> Bool

  /// What its caches hold, for those who look at them before and after a request.
  func snapshot() -> [CacheSnapshot.Cache]

  func addCounters(to result: inout RunResult)

  func checkLaws(_ laws: inout Conservation, _ counters: IOCounters)
}

extension RemappingUnit where Self: ~Copyable {
  /// Judges one request.
  ///
  /// - Returns: where it goes, or why it does not.
  mutating func translate(
    _ request: DMARequest, _ recorded: RecordedOutcome, _ memory: borrowing IOMemory
  ) -> DMAOutcome {
    var outcome = DMAOutcome(request, .unresolved)
    translate(&outcome, recorded, memory)
    return outcome
  }
}

// `complete`, `flush` and `drainEffects` are the same for every architecture (`InvalidationQueue`).

/// An entry of an invalidation or command queue, raw.
struct IOCommand: BitwiseCopyable {
  var word0: UInt64
  var word1: UInt64
  var word2: UInt64 = 0
  var word3: UInt64 = 0
}

/// Software's view of what devices may reach.
enum DomainChange: BitwiseCopyable {
  /// `pasid` as in `DMARequest`.
  case attach(device: UInt32, domain: UInt32, pasid: UInt32)
  case detach(device: UInt32, domain: UInt32, pasid: UInt32)
  case map(domain: UInt32, address: UInt64, output: UInt64, bytes: UInt64, rights: Rights)
  case unmap(domain: UInt32, address: UInt64, bytes: UInt64)
}

/// What tables say of an address.
enum TablePeek: Equatable {
  case translated(output: UInt64, leaf: UInt64)
  /// By an entry that is not present or not allowed, or a structure above it.
  case fault(UInt16)
  case unresolved
}

/// How often a cache of device structures was asked.
struct LookupCounter: BitwiseCopyable {
  private(set) var hits = 0
  private(set) var misses = 0

  var lookups: Int { hits + misses }

  @inline(__always)
  mutating func count(hit: Bool) {
    if hit { hits += 1 } else { misses += 1 }
  }

  func add(_ name: String, to result: inout RunResult) {
    result.counters["\(name).lookups"] = lookups
    result.counters["\(name).hits"] = hits
    result.counters["\(name).misses"] = misses
  }
}
