/// An invalidation of a remapping unit's caches, at the moment from which it holds.
///
/// The fields that the granularity does not name say nothing.
struct IOInvalidation: BitwiseCopyable, Sendable {
  enum Cache: UInt8, Sendable {
    /// Translations, and the tables on the way to them unless `keepsTables`.
    case iotlb
    /// Context or device-table entries.
    case context
    case pasid
    /// Translations that devices keep.
    case deviceTLB
    case interruptEntries
  }

  enum Granularity: UInt8, Sendable {
    case global
    case domain
    /// One PASID of a domain or device.
    case pasid
    /// A range of pages of a domain, of a PASID or of a device.
    case pages
    /// A device, or several by `functionMask`.
    case device
    /// Interrupt entries from `address`, `pages` of them.
    case entries
  }

  // Larger fields come first, so that no copy moves bytes between them.
  /// Of the first page; a multiple of the range's size.
  var address: UInt64 = 0
  /// Pages of 4 KiB; 0 for all that there are.
  var pages: UInt64 = 0
  /// When software queued it.
  var queued: EventPlace
  /// From when on it holds: the completion of the wait behind it.
  var effective: EventPlace
  var domain: UInt32 = DMAOutcome.noDomain
  var device: UInt32 = 0
  var pasid: UInt32 = DMARequest.noPASID
  /// Bits of the function number that are not compared.
  var functionMask: UInt32 = 0
  var cache: Cache
  var granularity: Granularity
  /// Only leaf entries have changed: the tables on the way may stay cached.
  var keepsTables = false
  /// Of pages: what first stages of the domain have goes too, all of it.
  var takesFirstStages = false
  /// The number of the unit whose caches it takes from.
  var unit: UInt8 = 0
  /// The driver of a policy queued it, behind what the event itself changed.
  var isOfPolicy = false

  init(_ cache: Cache, _ granularity: Granularity, at place: EventPlace) {
    self.cache = cache
    self.granularity = granularity
    queued = place
    effective = place
  }

  /// Whether it was queued after a change that an event made.
  func comes(after event: UInt64) -> Bool {
    event < queued.event || isOfPolicy && event == queued.event
  }

  /// Whether it takes from a PASID's first stage, of the pages that it covers.
  func isOfFirstStage(_ number: UInt32) -> Bool {
    pasid == number
      || pasid == DMARequest.noPASID && (granularity != .pages || takesFirstStages)
  }

  /// The same as a PASID's first stage sees it.
  var ofFirstStages: IOInvalidation {
    guard takesFirstStages else { return self }
    var all = self
    all.granularity = .domain
    return all
  }

  /// Whether a page of 2^`shift` bytes has a byte in the range.
  func covers(_ page: UInt64, shift: UInt8) -> Bool {
    guard granularity == .pages, pages > 0 else { return true }
    let size: UInt64 = 1 << UInt64(min(shift, 63))
    let first = page & ~(size - 1)
    let last = first | (size - 1)
    let end = address &+ ((pages << 12) &- 1)
    return first <= end && last >= address
  }
}
