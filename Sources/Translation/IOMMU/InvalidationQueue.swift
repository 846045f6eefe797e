/// Invalidations on their way: queued until the wait behind them completes, then told to whoever
/// watches.
struct InvalidationQueue: ~Copyable {
  private(set) var queued: [IOInvalidation] = []
  private(set) var effects: [IOInvalidation] = []
  /// Entries of the queue by what they are.
  private(set) var commands = 0
  private(set) var waits = 0
  private(set) var illegal = 0
  private(set) var global = 0
  private(set) var domain = 0
  private(set) var pages = 0
  private(set) var other = 0

  /// So many wait at most; a queue of VT-d has 32,768 entries, one of AMD-Vi as many.
  private static let capacity = 1 << 16

  mutating func countCommand() { commands += 1 }
  mutating func countWait() { waits += 1 }
  mutating func countIllegal() { illegal += 1 }

  mutating func count(_ invalidation: IOInvalidation) {
    switch (invalidation.cache, invalidation.granularity) {
    case (.iotlb, .global): global += 1
    case (.iotlb, .domain): domain += 1
    case (.iotlb, .pages), (.iotlb, .pasid): pages += 1
    default: other += 1
    }
  }

  /// Queues an invalidation.
  ///
  /// - Returns: one that takes effect now, because too many wait.
  mutating func add(_ invalidation: IOInvalidation) -> IOInvalidation? {
    queued.append(invalidation)
    return queued.count > Self.capacity ? queued.removeFirst() : nil
  }

  /// Takes everything that is queued, in order.
  mutating func takeAll() -> [IOInvalidation] {
    let all = queued
    queued.removeAll(keepingCapacity: true)
    return all
  }

  mutating func tell(_ effect: IOInvalidation) {
    // Nobody may be watching.
    if effects.count >= Self.capacity { effects.removeAll(keepingCapacity: true) }
    effects.append(effect)
  }

  @inline(__always)
  mutating func drain(_ body: (IOInvalidation) -> Void) {
    guard !effects.isEmpty else { return }
    for effect in effects { body(effect) }
    effects.removeAll(keepingCapacity: true)
  }
}
