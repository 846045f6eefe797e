/// What the checker knows of a device.
struct DeviceState: BitwiseCopyable {
  var device: UInt32
  /// `FindingLog.Subject.none` where nobody said.
  var guest = FindingLog.Subject.none
  /// When it was given to its guest.
  var assigned = Moment()
  /// Of isolation; 0 where nobody said.
  var group: UInt32 = 0
  /// By attach events; nothing where it never was attached, or to a domain without a number.
  var domain: UInt32 = DMAOutcome.noDomain
  var attached = Moment()
  var detached = Moment()
  var isAttached = false
  var isDetached = false
  /// The domain that last translated one of its requests.
  var lastDomain: UInt32 = DMAOutcome.noDomain
  var requests = 0
  var faults = RateWindow()
  var writes = RateWindow()
  var interrupts = RateWindow()

  init(_ device: UInt32) { self.device = device }

  /// It was attached to a domain, whether or not it still is.
  var hasEpoch: Bool { isAttached || isDetached }

  /// The domain that its buffers are in, as far as is known.
  var knownDomain: UInt32? {
    if isAttached, domain != DMAOutcome.noDomain { return domain }
    return lastDomain == DMAOutcome.noDomain ? nil : lastDomain
  }
}

/// How many of something there were since a window began.
struct RateWindow: BitwiseCopyable {
  private var start: UInt64 = 0
  private(set) var count = 0
  /// The limit was passed in this window, and said.
  private var isTold = false

  /// Counts one.
  ///
  /// - Parameters:
  ///   - now: in the unit of `length`.
  ///   - length: of a window.
  ///   - limit: of one window.
  /// - Returns: true once for each window that goes beyond the limit.
  mutating func count(at now: UInt64, length: UInt64, limit: Int) -> Bool {
    if now &- start >= length || count == 0 {
      start = now
      count = 0
      isTold = false
    }
    count += 1
    guard count > limit, !isTold else { return false }
    isTold = true
    return true
  }
}

/// Devices, their PASIDs, domains and guests, as the events so far say.
struct DeviceDirectory: ~Copyable {
  private var numbers = PairTable()
  private(set) var states = UnsafeMutablePointer<DeviceState>.allocate(capacity: 8)
  private var count = 0
  private var capacity = 8
  private var domainGuests = PairTable()
  private var pasidDomains = PairTable()
  /// Units that serve a space, a bit each, where there are several.
  private var spaceUnits = PairTable()
  private(set) var regions: [DeviceRegion] = []
  private(set) var dropped = 0
  /// The device of the last look-up: requests come in bursts.
  private var last = -1

  /// Bounds for hostile traces.
  static let maximumDevices = 1 << 16
  static let maximumRegions = 1 << 12

  deinit { states.deallocate() }

  /// A device's registers or memory in the address space that requests name.
  struct DeviceRegion: BitwiseCopyable {
    var first: UInt64
    var last: UInt64
    var device: UInt32
  }

  /// The number of a device's state, made where there is none; nothing where there are too many.
  @inline(__always)
  mutating func number(of device: UInt32) -> Int? {
    if last >= 0, states[last].device == device { return last }
    if let number = numbers.number(of: UInt64(device), 0) {
      last = number
      return number
    }
    guard count < Self.maximumDevices else {
      dropped += 1
      return nil
    }
    if count == capacity { grow() }
    numbers.set(UInt64(device), 0, to: count)
    (states + count).initialize(to: DeviceState(device))
    count += 1
    last = count - 1
    return last
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<DeviceState>.allocate(capacity: 2 * capacity)
    larger.moveInitialize(from: states, count: count)
    states.deallocate()
    states = larger
    capacity *= 2
  }

  /// A device's state where there is one, until the next is made.
  @inline(__always)
  func state(of device: UInt32) -> UnsafeMutablePointer<DeviceState>? {
    numbers.number(of: UInt64(device), 0).map { states + $0 }
  }

  // MARK: Owners

  mutating func assign(domain: UInt32, to guest: UInt32) {
    guard domainGuests.count < Self.maximumDevices else {
      dropped += 1
      return
    }
    domainGuests.set(UInt64(domain), 0, to: Int(guest))
  }

  /// The guest of a domain; nothing where nobody said.
  @inline(__always)
  func guest(ofDomain domain: UInt32) -> UInt32? {
    domainGuests.number(of: UInt64(domain), 0).map { UInt32($0) }
  }

  /// The guest of a device; nothing where nobody said.
  func guest(ofDevice device: UInt32) -> UInt32? {
    guard let state = state(of: device), state.pointee.guest != FindingLog.Subject.none else {
      return nil
    }
    return state.pointee.guest
  }

  // MARK: Attachment

  mutating func attach(_ device: UInt32, to domain: UInt32, pasid: UInt32?, at moment: Moment) {
    if let pasid {
      guard pasidDomains.count < Self.maximumDevices else {
        dropped += 1
        return
      }
      pasidDomains.set(UInt64(device), UInt64(pasid), to: Int(domain))
      return
    }
    guard let number = number(of: device) else { return }
    states[number].domain = domain
    states[number].attached = moment
    states[number].isAttached = true
    states[number].isDetached = false
  }

  mutating func detach(_ device: UInt32, pasid: UInt32?, at moment: Moment) {
    if let pasid {
      pasidDomains.remove(UInt64(device), UInt64(pasid))
      return
    }
    guard let number = number(of: device) else { return }
    states[number].isDetached = states[number].isAttached
    states[number].isAttached = false
    states[number].detached = moment
  }

  /// Devices that are in a domain now; a search through all, for evidence.
  ///
  /// - Returns: five at most.
  func users(of domain: UInt32) -> [UInt32] {
    var found: [UInt32] = []
    for at in 0..<count where found.count < 5 && states[at].knownDomain == domain {
      found.append(states[at].device)
    }
    return found
  }

  func domain(of device: UInt32, pasid: UInt32) -> UInt32? {
    pasidDomains.number(of: UInt64(device), UInt64(pasid)).map { UInt32($0) }
  }

  /// Says which units serve a domain, and which a device is behind: a bit each.
  mutating func serve(_ device: UInt32, _ unit: Int, _ domain: UInt32, by units: UInt8) {
    guard spaceUnits.count < 2 * Self.maximumDevices else {
      dropped += 1
      return
    }
    spaceUnits.set(MappingSpace(device: device).word, 0, to: 1 << unit)
    spaceUnits.set(MappingSpace(domain: domain).word, 0, to: Int(units))
  }

  /// Units that serve a space, a bit each; 0 where one is enough.
  @inline(__always)
  func units(of space: MappingSpace) -> UInt8 {
    guard spaceUnits.count > 0 else { return 0 }
    let whose = space.pasid == nil ? space : space.domain.map { MappingSpace(domain: $0) } ?? space
    return UInt8(truncatingIfNeeded: spaceUnits.number(of: whose.word, 0) ?? 0)
  }

  // MARK: Peers

  mutating func addRegion(of device: UInt32, _ address: UInt64, _ bytes: UInt64) {
    guard bytes > 0, address &+ (bytes - 1) >= address else { return }
    guard regions.count < Self.maximumRegions else {
      dropped += 1
      return
    }
    let region = DeviceRegion(first: address, last: address &+ (bytes - 1), device: device)
    let at = regions.firstIndex { $0.first > region.first } ?? regions.count
    regions.insert(region, at: at)
  }

  /// The device whose region an address is in.
  func owner(ofRegion address: UInt64) -> UInt32? {
    var (low, high) = (0, regions.count)
    while low < high {
      let middle = (low + high) / 2
      if regions[middle].first <= address { low = middle + 1 } else { high = middle }
    }
    guard low > 0, regions[low - 1].last >= address else { return nil }
    return regions[low - 1].device
  }
}
