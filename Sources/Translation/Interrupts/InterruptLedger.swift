import Results

/// Who sent which interrupts, who owns entries, and how they moved.
struct InterruptLedger: ~Copyable {
  /// Messages of one device.
  struct Row: BitwiseCopyable {
    var device: UInt32
    var results: InlineArray<5, Int> = .init(repeating: 0)
    var deliveries: InlineArray<7, Int> = .init(repeating: 0)
  }

  /// An entry's vector or destination changed.
  struct Move: BitwiseCopyable {
    var tag: UInt64
    var from: InterruptRequest
    var to: InterruptRequest
    var place: EventPlace
  }

  /// How an entry was used.
  struct Use: BitwiseCopyable {
    var tag: UInt64 = 0
    var entry = InterruptEntry()
    var uses = 0
    var blocked = 0
    /// The last device that used it, and whether there were others.
    var device: UInt32 = 0
    var isShared = false
  }

  private(set) var rows: [Row] = []
  private var devices = IdentifierTable(limit: 65_537)
  private let guests: UnsafeMutablePointer<UInt32>
  private(set) var uses: [Use] = []
  private var tags = IdentifierTable(limit: maximumEntries)
  private var owners: [UInt32] = []
  private var owned = IdentifierTable(limit: maximumEntries)
  private(set) var moves: [Move] = []
  private(set) var untoldMoves = 0

  /// Entries that are told apart.
  static let maximumEntries = 65_536
  /// Moves that are listed.
  static let maximumMoves = 1000

  init() {
    guests = .allocate(capacity: 65_536)
    guests.initialize(repeating: 0, count: 65_536)
  }

  deinit { guests.deallocate() }

  /// The guest that a device is assigned to; 0 for the host.
  @inline(__always)
  func guest(of device: UInt32) -> UInt32 { device < 65_536 ? guests[Int(device)] : 0 }

  mutating func setGuest(_ guest: UInt64, of device: UInt64) {
    if device < 65_536 { guests[Int(device)] = UInt32(truncatingIfNeeded: guest) }
  }

  /// An entry belongs to a guest.
  mutating func setOwner(_ guest: UInt64, of tag: UInt64) {
    let known = owned.count
    let at = owned.insert(tag)
    guard at >= 0 else { return }
    if at == known { owners.append(0) }
    owners[at] = UInt32(truncatingIfNeeded: guest)
  }

  /// Whose an entry is; nothing where the trace does not say.
  @inline(__always)
  func owner(of tag: UInt64) -> UInt32? {
    guard owned.count > 0 else { return nil }
    let at = owned.place(of: tag)
    return at < 0 ? nil : owners[at]
  }

  @inline(__always)
  mutating func count(_ outcome: InterruptOutcome, _ delivery: Delivery) {
    let known = devices.count
    let place = devices.insert(UInt64(outcome.message.device))
    if place == known { rows.append(Row(device: outcome.message.device)) }
    if place >= 0 {
      rows[place].results[Int(outcome.result.rawValue)] += 1
      rows[place].deliveries[Int(delivery.result.rawValue)] += 1
    }
    guard outcome.index != InterruptOutcome.noIndex, outcome.index < 65_536 else { return }
    countUse(outcome)
  }

  @inline(__always)
  private mutating func countUse(_ outcome: InterruptOutcome) {
    let tag = UInt64(outcome.index)
    let known = tags.count
    let place = tags.insert(tag)
    guard place >= 0 else { return }
    if place == known { uses.append(Use(tag: tag, device: outcome.message.device)) }
    uses[place].uses += 1
    uses[place].entry = outcome.entry
    if outcome.result == .blocked { uses[place].blocked += 1 }
    if uses[place].device != outcome.message.device { uses[place].isShared = true }
    uses[place].device = outcome.message.device
  }

  mutating func move(
    _ tag: UInt64, from: InterruptRequest, to: InterruptRequest, at place: EventPlace
  ) {
    guard moves.count < Self.maximumMoves else {
      untoldMoves += 1
      return
    }
    moves.append(Move(tag: tag, from: from, to: to, place: place))
  }
}
