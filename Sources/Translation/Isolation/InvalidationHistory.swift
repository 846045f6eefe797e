/// The latest invalidations of the IOTLB, for evidence.
struct InvalidationHistory: ~Copyable {
  static let capacity = 1 << 10

  private let ring: UnsafeMutablePointer<IOInvalidation>
  private(set) var count = 0

  init() { ring = .allocate(capacity: Self.capacity) }

  deinit { ring.deallocate() }

  @inline(__always)
  mutating func add(_ invalidation: IOInvalidation) {
    guard invalidation.cache == .iotlb else { return }
    (ring + count % Self.capacity).initialize(to: invalidation)
    count += 1
  }

  /// The latest invalidation of a domain that was queued after an event, whatever it covers.
  func latest(ofDomain domain: UInt32?, after event: UInt64) -> IOInvalidation? {
    var at = count - 1
    while at >= 0, at >= count - Self.capacity {
      let found = ring[at % Self.capacity]
      guard found.comes(after: event) else { return nil }
      let isOfDomain =
        found.granularity == .global || domain == nil || found.domain == DMAOutcome.noDomain
        || found.domain == domain
      if isOfDomain { return found }
      at -= 1
    }
    return nil
  }
}

extension IOInvalidation {
  /// For people.
  var text: String {
    var parts: [String] = []
    if domain != DMAOutcome.noDomain, granularity != .global {
      parts.append("domain 0x\(String(domain, radix: 16))")
    }
    if granularity == .pages {
      parts.append("0x\(String(address, radix: 16)), \(pages) pages")
    } else {
      parts.append("\(granularity)")
    }
    if keepsTables { parts.append("leaves only") }
    return parts.joined(separator: ", ") + ", \(Moment(effective).text)"
  }
}
