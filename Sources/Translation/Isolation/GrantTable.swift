/// Translations that devices were given (ATS) and have not been told to forget.
///
/// What a device's own TLB still has room for does not matter here: software may count on nothing but
/// the invalidation.
struct GrantTable: ~Copyable {
  struct Grant: BitwiseCopyable {
    /// The device, and one more than its PASID in the upper half; 0 there for none.
    var holder: UInt64
    var page: UInt64
    var output: UInt64
    var domain: UInt32
    var shift: UInt8
    /// Bit 0 reading, bit 1 writing.
    var rights: UInt8

    var device: UInt32 { UInt32(truncatingIfNeeded: holder) }
  }

  private var grants: [Grant] = []
  /// By holder and page, and by holder and output: the place in `grants`.
  private var inputs = PairTable()
  private var outputs = PairTable()
  /// By domain and page: how many devices hold it.
  private var held = PairTable()
  /// Sizes that any grant had, a bit for each.
  private var sizes: UInt64 = 0
  private(set) var dropped = 0

  /// A bound for hostile traces.
  private static let maximum = 1 << 17

  @inline(__always)
  var isEmpty: Bool { grants.isEmpty }

  static func holder(_ device: UInt32, pasid: UInt32) -> UInt64 {
    UInt64(device) | UInt64(pasid == DMARequest.noPASID ? 0 : pasid + 1) << 32
  }

  private static func key(_ address: UInt64, _ shift: UInt8) -> UInt64 {
    (address >> UInt64(shift)) << 6 | UInt64(shift)
  }

  /// A device is given a page of 2^`shift` bytes.
  mutating func add(_ grant: Grant) {
    guard 12..<58 ~= grant.shift else { return }
    let key = Self.key(grant.page, grant.shift)
    if let known = inputs.number(of: grant.holder, key) { remove(known) }
    guard grants.count < Self.maximum else {
      dropped += 1
      return
    }
    inputs.set(grant.holder, key, to: grants.count)
    outputs.set(grant.holder, Self.key(grant.output, grant.shift), to: grants.count)
    count(grant, 1)
    sizes |= 1 << UInt64(grant.shift)
    grants.append(grant)
  }

  private mutating func count(_ grant: Grant, _ change: Int) {
    let (domain, key) = (UInt64(grant.domain), Self.key(grant.page, grant.shift))
    let count = (held.number(of: domain, key) ?? 0) + change
    if count > 0 { held.set(domain, key, to: count) } else { held.remove(domain, key) }
  }

  private mutating func remove(_ at: Int) {
    let gone = grants[at]
    inputs.remove(gone.holder, Self.key(gone.page, gone.shift))
    let output = Self.key(gone.output, gone.shift)
    // Two pages may lead to one frame.
    if outputs.number(of: gone.holder, output) == at { outputs.remove(gone.holder, output) }
    count(gone, -1)
    let last = grants.removeLast()
    guard at < grants.count else { return }
    grants[at] = last
    inputs.set(last.holder, Self.key(last.page, last.shift), to: at)
    if outputs.number(of: last.holder, Self.key(last.output, last.shift)) == grants.count {
      outputs.set(last.holder, Self.key(last.output, last.shift), to: at)
    }
  }

  /// A device forgets what an invalidation of its TLB covers.
  ///
  /// - Returns: whether it had any of it.
  mutating func forget(_ invalidation: IOInvalidation) -> Bool {
    var found = false
    for at in grants.indices.reversed() {
      let grant = grants[at]
      let isOfPASID =
        invalidation.pasid == DMARequest.noPASID
        || grant.holder >> 32 == UInt64(invalidation.pasid) + 1
      guard grant.device == invalidation.device, isOfPASID,
        invalidation.covers(grant.page, shift: grant.shift)
      else { continue }
      remove(at)
      found = true
    }
    return found
  }

  /// Whether a device was given where a translated request leads, for what it does.
  func covers(_ request: DMARequest) -> Bool {
    let holder = Self.holder(request.device, pasid: request.pasid)
    var rest = sizes
    while rest != 0 {
      let shift = UInt8(truncatingIfNeeded: rest.trailingZeroBitCount)
      if let at = outputs.number(of: holder, Self.key(request.address, shift)) {
        let needs = request.kind.needs.rawValue & 3
        if grants[at].rights & needs == needs { return true }
      }
      rest &= rest &- 1
    }
    return false
  }

  /// Whether a device holds any of a domain's pages, in pages of 4 KiB.
  func holds(_ domain: UInt32, _ first: UInt64, _ count: UInt64) -> Bool {
    guard !grants.isEmpty else { return false }
    var rest = sizes
    while rest != 0 {
      let shift = UInt64(rest.trailingZeroBitCount)
      var address = (first << 12) & ~(1 << shift - 1)
      while address < (first &+ count) << 12 {
        if held.number(of: UInt64(domain), Self.key(address, UInt8(shift))) != nil { return true }
        address &+= 1 << shift
      }
      rest &= rest &- 1
    }
    return false
  }

  /// A device that holds a domain's page, for evidence.
  func device(holding page: UInt64, of domain: UInt32) -> UInt32? {
    grants.first { $0.domain == domain && page << 12 &- $0.page < 1 << UInt64($0.shift) }?.device
  }
}
