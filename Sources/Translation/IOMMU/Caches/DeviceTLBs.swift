import Machine
import Results

/// What each device with ATS keeps: a TLB of its own, made with its first translation.
///
/// Model: all of them are of the size that the machine gives; devices beyond a quarter of a million
/// entries in all share those that are there.
struct DeviceTLBs: ~Copyable {
  private let description: IOCacheDescription
  private let seed: UInt64
  private var numbers = PairTable()
  private var tlbs: UnsafeMutablePointer<IOTLB>
  private(set) var count = 0
  private var capacity = 4
  private let maximum: Int

  init(_ description: IOCacheDescription, seed: UInt64) {
    self.description = description
    self.seed = seed
    maximum = min(max((1 << 18) / max(description.entries, 1), 1), 1 << 16)
    tlbs = .allocate(capacity: 4)
  }

  deinit {
    tlbs.deinitialize(count: count)
    tlbs.deallocate()
  }

  /// Finds what a device was given.
  @inline(__always)
  func find(
    _ device: UInt32, _ space: UInt64, _ address: UInt64
  ) -> UnsafeMutablePointer<IOTranslation>? {
    guard let at = numbers.number(of: UInt64(device), 0) else { return nil }
    return tlbs[at].find(space, address)
  }

  mutating func fill(
    _ device: UInt32, _ space: UInt64, _ address: UInt64, _ value: IOTranslation
  ) {
    guard description.ways > 0 else { return }
    // Making a TLB may move them all.
    let at = number(of: device)
    tlbs[at].fill(space, address, value)
  }

  private mutating func number(of device: UInt32) -> Int {
    if let known = numbers.number(of: UInt64(device), 0) { return known }
    if count == maximum {
      let shared = Int(device) % maximum
      if numbers.count < 1 << 17 { numbers.set(UInt64(device), 0, to: shared) }
      return shared
    }
    if count == capacity {
      let larger = UnsafeMutablePointer<IOTLB>.allocate(capacity: 2 * capacity)
      larger.moveInitialize(from: tlbs, count: count)
      tlbs.deallocate()
      tlbs = larger
      capacity *= 2
    }
    (tlbs + count).initialize(to: IOTLB(description, seed: seed &+ UInt64(count)))
    numbers.set(UInt64(device), 0, to: count)
    count += 1
    return count - 1
  }

  /// Removes from a device's TLB what a rule picks by page and translation.
  mutating func remove(of device: UInt32, where isGone: (UInt64, IOTranslation) -> Bool) {
    guard let at = numbers.number(of: UInt64(device), 0) else { return }
    tlbs[at].remove(where: isGone)
  }

  func add(to result: inout RunResult) {
    var (fills, evictions, invalidations) = (0, 0, 0)
    for at in 0..<count {
      fills += tlbs[at].cache.fills
      evictions += tlbs[at].cache.evictions
      invalidations += tlbs[at].cache.invalidations
    }
    result.counters["iommu.deviceTLB.devices"] = count
    result.counters["iommu.deviceTLB.fills"] = fills
    result.counters["iommu.deviceTLB.evictions"] = evictions
    result.counters["iommu.deviceTLB.invalidations"] = invalidations
  }

  func checkLaws(_ laws: inout Conservation) {
    for at in 0..<count { tlbs[at].checkLaws(&laws, "a device's TLB") }
  }
}
