import Machine

/// When the driver that a machine describes invalidates what it has unmapped.
///
/// The same trace of maps, unmaps and DMA is replayed under each policy: `strict` invalidates with each
/// unmap, `lazy` a whole domain once its queue is full or its oldest unmap old, as Linux does.
///
/// Source: Linux 6.12, drivers/iommu/dma-iommu.c, `queue_iova` and `fq_flush_iotlb`.
struct FlushPolicy: ~Copyable {
  struct Flush: BitwiseCopyable {
    var domain: UInt32
    var address: UInt64
    /// 0 for the whole domain.
    var pages: UInt64
  }

  private let policy: IOInvalidationPolicy
  private let capacity: Int
  private let nanoseconds: UInt64
  private var waiting: [Flush] = []
  private var unmaps = 0
  private var oldest: UInt64 = 0

  init(_ description: IOMMUDescription) {
    policy = description.invalidation
    capacity = description.flushQueue.entries
    nanoseconds = UInt64(description.flushQueue.milliseconds) * 1_000_000
  }

  var count: Int { waiting.count }
  subscript(_ index: Int) -> Flush { waiting[index] }

  /// An unmap has happened.
  mutating func note(
    _ domain: UInt32, _ address: UInt64, _ bytes: UInt64, at place: EventPlace
  ) {
    switch policy {
    case .recorded, .passThrough: return
    case .strict:
      let end = (address & 0xfff) &+ bytes
      let pages = end < bytes ? 0 : max(end >> 12 &+ (end & 0xfff == 0 ? 0 : 1), 1)
      waiting.append(Flush(domain: domain, address: address & ~0xfff, pages: pages))
    case .lazy:
      if unmaps == 0 { oldest = place.time }
      if !waiting.contains(where: { $0.domain == domain }) {
        waiting.append(Flush(domain: domain, address: 0, pages: 0))
      }
    }
    unmaps += 1
  }

  @inline(__always)
  func isDue(at place: EventPlace) -> Bool {
    guard unmaps > 0 else { return false }
    return policy == .strict || unmaps >= capacity
      || place.time >= oldest && place.time - oldest >= nanoseconds && place.time != 0
  }

  mutating func clear() {
    waiting.removeAll(keepingCapacity: true)
    unmaps = 0
  }
}
