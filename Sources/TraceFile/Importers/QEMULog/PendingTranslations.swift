/// A lookup whose outcome was printed and whose result was not yet.
struct PendingTranslation: BitwiseCopyable {
  var thread: UInt64 = 0
  var device: UInt64 = 0
  var address: UInt64 = 0
  /// As in `EventTag.recordedTranslation`.
  var hit: UInt64 = 0
  var entry: UInt64 = 0
  var domain: UInt64 = EventTag.unknownDomain
}

/// Lookups of several threads that wait for the line with their result.
///
/// QEMU prints the outcome of the lookup under the IOMMU's lock and the result after it
/// (`vtd_do_iommu_translate`, then `vtd_iommu_translate`), so that another thread's lines may stand
/// between the two.
struct PendingTranslations {
  private static let capacity = 16
  private var items = InlineArray<16, PendingTranslation>(repeating: PendingTranslation())
  private(set) var count = 0

  /// Waits for a result.
  ///
  /// - Returns: one that will never get its own: of the same device and thread, or the oldest of too
  ///   many.
  @inline(__always)
  mutating func add(_ item: PendingTranslation) -> PendingTranslation? {
    var forgotten: PendingTranslation?
    if count > 0 {
      forgotten = take { $0.device == item.device && $0.thread == item.thread }
      if forgotten == nil, count == Self.capacity { forgotten = remove(at: 0) }
    }
    items[count] = item
    count += 1
    return forgotten
  }

  /// Takes the newest that fits.
  @inline(__always)
  mutating func take(_ fits: (PendingTranslation) -> Bool) -> PendingTranslation? {
    var at = count
    while at > 0 {
      at -= 1
      if fits(items[at]) { return remove(at: at) }
    }
    return nil
  }

  private mutating func remove(at place: Int) -> PendingTranslation {
    let item = items[place]
    for at in place..<(count - 1) { items[at] = items[at + 1] }
    count -= 1
    return item
  }
}

/// Buffers that a device's own events announce, which gives the accesses to them length and kind.
///
/// Model: QEMU maps an announced buffer page by page, so an access ends with the announced buffer or
/// with its 4 KiB page, whichever comes first.
struct AnnouncedBuffers {
  /// Who announces; the device of each is learnt from its first access.
  enum Source: Int {
    case nvme = 0
    case e1000e = 1
  }

  private struct Buffer: BitwiseCopyable {
    var address: UInt64 = 0
    var bytes: UInt64 = 0
    var kind: UInt64 = 0
    var source = 0
  }

  private static let capacity = 32
  private var buffers = InlineArray<32, Buffer>(repeating: Buffer())
  private var next = 0
  private var open = 0
  private var devices: InlineArray<2, UInt64> = [.max, .max]

  /// Keeps a buffer; `kind` is that of the access to come, as in `EventTag.dma`.
  mutating func announce(_ address: UInt64, _ bytes: UInt64, kind: UInt64, by source: Source) {
    guard bytes > 0, bytes <= 1 << 32, address.addingReportingOverflow(bytes).overflow == false
    else { return }
    if buffers[next].bytes > 0 { open -= 1 }
    buffers[next] = Buffer(address: address, bytes: bytes, kind: kind, source: source.rawValue)
    next = (next + 1) % Self.capacity
    open += 1
  }

  /// Takes what was announced for an access that begins here.
  @inline(__always)
  mutating func take(
    device: UInt64, _ address: UInt64
  ) -> (bytes: UInt64, kind: UInt64)? {
    guard open > 0 else { return nil }
    return search(device, address)
  }

  private mutating func search(
    _ device: UInt64, _ address: UInt64
  ) -> (bytes: UInt64, kind: UInt64)? {
    for back in 1...Self.capacity {
      let at = (next + Self.capacity - back) % Self.capacity
      let buffer = buffers[at]
      let known = devices[buffer.source]
      guard buffer.bytes > 0, buffer.address == address, known == .max || known == device else {
        continue
      }
      devices[buffer.source] = device
      let bytes = min(buffer.bytes, 4096 - address & 0xfff)
      buffers[at].address += bytes
      buffers[at].bytes -= bytes
      if buffers[at].bytes == 0 { open -= 1 }
      return (bytes, buffer.kind)
    }
    return nil
  }
}

/// An interrupt request whose lines are being read.
///
/// QEMU prints the request, the entry it read, what it became and the message that it sends, in this
/// order (`vtd_interrupt_remap_msi`, `amdvi_int_remap_msi`); a request that is blocked has no further
/// line after the entry.
struct PendingInterrupt: BitwiseCopyable {
  var isOpen = false
  var thread: UInt64 = 0
  var device: UInt64 = EventTag.unknownDevice
  var address: UInt64 = 0
  var data: UInt64 = 0
  /// Bytes from the table's start; where an entry's index is not printed.
  var offset: UInt64 = 0
  var hasEntry = false
  var index: UInt64 = EventTag.unknownIndex
  var low: UInt64 = 0
  var high: UInt64 = 0
}
