/// Invalidations on their way: queued until the wait behind them completes, then told to whoever
/// watches.
struct InvalidationQueue {
  private(set) var queued = InvalidationList()
  private(set) var effects = InvalidationList()
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

  /// Everything that was queued has taken effect.
  mutating func removeQueued() { queued.removeAll() }

  mutating func tell(_ effect: IOInvalidation) {
    // Nobody may be watching.
    if effects.count >= Self.capacity { effects.removeAll() }
    effects.append(effect)
  }

  @inline(__always)
  mutating func drain(_ body: (inout IOInvalidation) -> Void) {
    guard effects.count > 0 else { return }
    for at in 0..<effects.count { body(&effects[at]) }
    effects.removeAll()
  }
}

/// Invalidations in an array that keeps its length, so that a list of one is taken and given back
/// without a call.
struct InvalidationList {
  private var cells: [IOInvalidation] = []
  private(set) var count = 0

  @inline(__always)
  mutating func append(_ invalidation: IOInvalidation) {
    if count < cells.count {
      cells[count] = invalidation
    } else {
      cells.append(invalidation)
    }
    count &+= 1
  }

  @inline(__always)
  subscript(_ index: Int) -> IOInvalidation {
    get { cells[index] }
    _modify { yield &cells[index] }
  }

  /// Takes the oldest; there has to be one.
  mutating func removeFirst() -> IOInvalidation {
    count -= 1
    return cells.removeFirst()
  }

  @inline(__always)
  mutating func removeAll() { count = 0 }
}

/// From the queue to the caches, whatever an architecture's commands look like.
extension RemappingUnit where Self: ~Copyable {
  /// Queues an invalidation, which holds once the wait behind it completes.
  mutating func enqueue(_ invalidation: IOInvalidation) {
    queue.count(invalidation)
    if invalidatesAtOnce {
      apply(invalidation)
    } else if let forced = queue.add(invalidation) {
      apply(forced)
    }
  }

  mutating func complete(at place: EventPlace) {
    guard queue.queued.count > 0 else { return }
    // Nothing is queued meanwhile.
    for at in 0..<queue.queued.count {
      var invalidation = queue.queued[at]
      invalidation.effective = place
      apply(invalidation)
    }
    queue.removeQueued()
  }

  mutating func flush(_ domain: UInt32, _ address: UInt64, pages: UInt64, at place: EventPlace) {
    guard let number = number(ofDomain: domain) else { return }
    var invalidation = IOInvalidation(.iotlb, .domain, at: place)
    invalidation.domain = number
    invalidation.isOfPolicy = true
    let shift = pages <= 1 ? 0 : 64 - (pages - 1).leadingZeroBitCount
    // A range of a power of two of pages that begins where it is aligned; what does not fit takes the
    // domain.
    if pages > 0, shift <= maximumAddressMask, address >> 12 & (1 << UInt64(shift) - 1) == 0 {
      invalidation.granularity = .pages
      invalidation.address = address
      invalidation.pages = 1 << UInt64(shift)
    }
    queue.countCommand()
    enqueue(invalidation)
    queue.countCommand()
    queue.countWait()
    complete(at: place)
  }

  @inline(__always)
  mutating func drainEffects(_ body: (inout IOInvalidation) -> Void) { queue.drain(body) }
}
