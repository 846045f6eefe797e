import TraceFile

/// Which domain each device translates by, from the trace's attachments.
///
/// Model: a driver's map for a device that no event attaches is one of a domain that is the device's
/// alone; for an attached device the domain's own events say the same.
struct DeviceDomains: ~Copyable {
  /// By device: one more than its domain's number, 0 for none; devices have 16 bits.
  private let attached = UnsafeMutablePointer<UInt64>.allocate(capacity: 1 << 16)

  /// Domains of devices alone have numbers that no trace has: those are 32 bits.
  private static func own(_ device: UInt32) -> UInt32 { 0xfffe_0000 | device & 0xffff }

  init() { attached.initialize(repeating: 0, count: 1 << 16) }

  deinit { attached.deallocate() }

  /// A device's first map of its own, which attaches it.
  mutating func implicitAttachment(of event: TraceEvent) -> DomainChange? {
    guard event.tag == .dmaMap else { return nil }
    let device = UInt32(truncatingIfNeeded: event[0])
    guard attached[Int(device & 0xffff)] == 0 else { return nil }
    attached[Int(device & 0xffff)] = UInt64(Self.own(device)) + 1
    return .attach(device: device, domain: Self.own(device), pasid: DMARequest.noPASID)
  }

  /// What an event changes.
  mutating func change(of event: TraceEvent) -> DomainChange? {
    switch event.tag {
    case .attach, .detach:
      let device = UInt32(truncatingIfNeeded: event[0])
      let domain = UInt32(truncatingIfNeeded: event[1])
      let pasid = event[2] == 0 ? DMARequest.noPASID : UInt32((event[2] &- 1) & 0xf_ffff)
      if pasid == DMARequest.noPASID {
        attached[Int(device & 0xffff)] = event.tag == .attach ? UInt64(domain) + 1 : 0
      }
      return event.tag == .attach
        ? .attach(device: device, domain: domain, pasid: pasid)
        : .detach(device: device, domain: domain, pasid: pasid)
    case .iommuMap:
      return .map(
        domain: UInt32(truncatingIfNeeded: event[0]), address: event[1], output: event[2],
        bytes: event[3], rights: Rights(rawValue: UInt8(truncatingIfNeeded: event[4] & 3)))
    case .iommuUnmap:
      return .unmap(
        domain: UInt32(truncatingIfNeeded: event[0]), address: event[1], bytes: event[2])
    case .dmaMap:
      guard let domain = ownDomain(of: event) else { return nil }
      // To the device is what it reads, from the device what it writes.
      let rights = Rights(rawValue: UInt8(truncatingIfNeeded: event[4] & 3))
      return .map(
        domain: domain, address: event[1], output: event[2], bytes: event[3], rights: rights)
    case .dmaUnmap:
      guard let domain = ownDomain(of: event) else { return nil }
      return .unmap(domain: domain, address: event[1], bytes: event[2])
    default: return nil
    }
  }

  private func ownDomain(of event: TraceEvent) -> UInt32? {
    let device = UInt32(truncatingIfNeeded: event[0])
    let own = Self.own(device)
    return attached[Int(device & 0xffff)] == UInt64(own) + 1 ? own : nil
  }
}
