import Results

/// Who sent which interrupts, who owns entries, and how they moved.
struct InterruptLedger: ~Copyable {
  /// Messages of one device.
  struct Row: BitwiseCopyable {
    var device: UInt32
    var results: InlineArray<5, Int> = .init(repeating: 0)
    var deliveries: InlineArray<7, Int> = .init(repeating: 0)
  }

  /// The vector or destination of an entry, or of an interrupt of the kernel's, changed.
  struct Move: BitwiseCopyable {
    /// The entry, or the interrupt's number.
    var tag: UInt64
    var isInterrupt: Bool
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

  private var rowList = LedgerList<Row>()
  private var devices = IdentifierTable(limit: 65_537)
  private let guests: UnsafeMutablePointer<UInt32>
  private var useList = LedgerList<Use>()
  private var tags = IdentifierTable(limit: maximumEntries)
  private var owners: [UInt32] = []
  private var owned = IdentifierTable(limit: maximumEntries)
  private(set) var moves: [Move] = []
  private(set) var untoldMoves = 0
  private(set) var windows = TimeWindows()
  /// Entries by the vector and core that they last got.
  private var places = IdentifierTable(limit: maximumEntries)
  private var placed: [UInt64] = []

  /// Entries that are told apart.
  static let maximumEntries = 65_536
  /// Moves that are listed.
  static let maximumMoves = 1000

  init() {
    guests = .allocate(capacity: 65_536)
    guests.initialize(repeating: 0, count: 65_536)
  }

  deinit { guests.deallocate() }

  /// Messages by device, in order of first sight.
  var rows: [Row] { rowList.array }
  /// Entries that were used, in order of first sight.
  var uses: [Use] { useList.array }

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
  mutating func count(_ outcome: InterruptOutcome, _ delivery: Delivery, tag: UInt64) {
    let known = devices.count
    let device = outcome.message.device
    let place = devices.insert(UInt64(device))
    if place == known { rowList.append(Row(device: device)) }
    if place >= 0 {
      let row = rowList.place(place)
      row.pointee.results[Int(outcome.result.rawValue)] += 1
      row.pointee.deliveries[Int(delivery.result.rawValue)] += 1
    }
    guard outcome.index < 65_536 else { return }
    let knownTags = tags.count
    let used = tags.insert(tag)
    guard used >= 0 else { return }
    if used == knownTags { useList.append(Use(tag: tag, device: device)) }
    let use = useList.place(used)
    use.pointee.uses += 1
    use.pointee.entry = outcome.entry
    if outcome.result == .blocked { use.pointee.blocked += 1 }
    if use.pointee.device != device {
      use.pointee.isShared = true
      use.pointee.device = device
    }
  }

  mutating func move(
    _ tag: UInt64, from: InterruptRequest, to: InterruptRequest, at place: EventPlace
  ) {
    add(Move(tag: tag, isInterrupt: false, from: from, to: to, place: place))
  }

  mutating func move(
    interrupt: UInt64, from: InterruptRequest, to: InterruptRequest, at place: EventPlace
  ) {
    add(Move(tag: interrupt, isInterrupt: true, from: from, to: to, place: place))
  }

  private mutating func add(_ move: Move) {
    windows.add(at: move.place.time)
    guard moves.count < Self.maximumMoves else {
      untoldMoves += 1
      return
    }
    moves.append(move)
  }

  /// An entry remaps to a vector of a core.
  mutating func set(_ tag: UInt64, at vector: UInt8, of core: UInt32) {
    let known = places.count
    let at = places.insert(UInt64(core) << 8 | UInt64(vector))
    guard at >= 0 else { return }
    if at == known { placed.append(tag) } else { placed[at] = tag }
  }

  /// The entry that last got a vector of a core.
  func entry(at vector: UInt8, of core: UInt32) -> UInt64? {
    let at = places.place(of: UInt64(core) << 8 | UInt64(vector))
    return at < 0 ? nil : placed[at]
  }
}

/// Values that are added and changed in place, without the checks that an array makes each time.
struct LedgerList<Value: BitwiseCopyable>: ~Copyable {
  private var values: UnsafeMutablePointer<Value>
  private var capacity = 64
  private(set) var count = 0

  init() { values = .allocate(capacity: capacity) }

  deinit { values.deallocate() }

  mutating func append(_ value: Value) {
    if count == capacity {
      let larger = UnsafeMutablePointer<Value>.allocate(capacity: 2 * capacity)
      larger.initialize(from: values, count: count)
      values.deallocate()
      values = larger
      capacity *= 2
    }
    (values + count).initialize(to: value)
    count += 1
  }

  /// A value's place, until the next is added.
  ///
  /// - Parameter index: below `count`.
  /// - Returns: where it can be read and changed.
  @inline(__always)
  func place(_ index: Int) -> UnsafeMutablePointer<Value> { values + index }

  var array: [Value] { Array(UnsafeBufferPointer(start: values, count: count)) }
}
