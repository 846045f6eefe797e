/// One virtual processor as a target of interrupts, as the schedule has it.
struct InterruptTarget: BitwiseCopyable {
  /// Its number in the trace.
  var id: UInt64
  /// 0 where the trace does not say.
  var guest: UInt32 = 0
  var activity: PostedContract.Activity = .preempted
  /// It executes guest code: between VM entry and exit, or, where the trace shows neither, whenever
  /// it runs.
  var isInGuest = false
  var showsEntries = false
  var descriptor = PostedDescriptor()
  /// The trace shows what software writes into its descriptor; otherwise the contract is kept for it.
  var isRecorded = false
  /// When each waiting vector was posted, by vector.
  let waitingSince: UnsafeMutablePointer<UInt64>
  var outcomes: InlineArray<7, Int> = .init(repeating: 0)
  /// Vectors that the model has handed it, until the recorder is seen to have done so.
  var handed = VectorSet()
  /// How often the recorder saw something, by `Observed`.
  var observed: InlineArray<4, Int> = .init(repeating: 0)

  /// What a recorder sees of a virtual processor.
  enum Observed: UInt8, CaseIterable {
    case acceptedPosted, accepted, injected, woken
  }

  /// The core that it runs on.
  var core: UInt32? {
    if case .running(let core) = activity { return core }
    return nil
  }
}

/// Virtual processors and the cores that they run on, by the trace's schedule.
///
/// Model: a core that a virtual processor enters while another is still on it has preempted that one.
struct InterruptTargets: ~Copyable {
  private var processors: UnsafeMutablePointer<InterruptTarget>
  private var capacity = 16
  private var identifiers = IdentifierTable(limit: maximum)
  private var descriptors = IdentifierTable(limit: 4 * maximum)
  private var owners: UnsafeMutablePointer<Int32>
  private var guests = IdentifierTable(limit: maximum)
  private var representatives: UnsafeMutablePointer<Int32>
  private let onCore: UnsafeMutablePointer<Int32>
  let cores: UInt32
  /// Events that name a core or virtual processor beyond those that are kept.
  private(set) var refusals = 0

  static let maximum = 4096

  init(cores: Int) {
    self.cores = UInt32(cores)
    processors = .allocate(capacity: capacity)
    onCore = .allocate(capacity: cores)
    onCore.initialize(repeating: -1, count: cores)
    owners = .allocate(capacity: 4 * Self.maximum)
    owners.initialize(repeating: -1, count: 4 * Self.maximum)
    representatives = .allocate(capacity: Self.maximum)
    representatives.initialize(repeating: -1, count: Self.maximum)
  }

  deinit {
    for at in 0..<count { processors[at].waitingSince.deallocate() }
    processors.deallocate()
    onCore.deallocate()
    owners.deallocate()
    representatives.deallocate()
  }

  var count: Int { identifiers.count }

  subscript(place: Int) -> InterruptTarget {
    @inline(__always) _read { yield processors[place] }
    @inline(__always) nonmutating _modify { yield &processors[place] }
  }

  /// Counts where an interrupt of a virtual processor ended.
  @inline(__always)
  func note(_ delivery: Delivery, vector: UInt8) {
    let target = processors + delivery.processor
    target.pointee.outcomes[Int(delivery.result.rawValue)] += 1
    switch delivery.result {
    case .direct, .injected: target.pointee.handed.insert(vector)
    default: break
    }
  }

  /// The place of a virtual processor; nothing where there are too many.
  mutating func place(of id: UInt64) -> Int? {
    let known = identifiers.count
    let place = identifiers.insert(id)
    guard place >= 0 else {
      refusals += 1
      return nil
    }
    if identifiers.count > known { add(id) }
    return place
  }

  private mutating func add(_ id: UInt64) {
    let place = count - 1
    if place == capacity {
      let larger = UnsafeMutablePointer<InterruptTarget>.allocate(capacity: 2 * capacity)
      larger.moveInitialize(from: processors, count: place)
      processors.deallocate()
      processors = larger
      capacity *= 2
    }
    let times = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
    times.initialize(repeating: 0, count: 256)
    (processors + place).initialize(to: InterruptTarget(id: id, waitingSince: times))
  }

  /// A virtual processor belongs to a guest.
  mutating func setGuest(_ guest: UInt64, of place: Int) {
    guard guest != 0 else { return }
    processors[place].guest = UInt32(truncatingIfNeeded: guest)
    represent(place)
  }

  private mutating func represent(_ place: Int) {
    let guest = guests.insert(UInt64(processors[place].guest))
    if guest >= 0 { representatives[guest] = Int32(place) }
  }

  /// The virtual processor of a guest that last began to run; nothing where it has none.
  @inline(__always)
  func representative(of guest: UInt32) -> Int? {
    let at = guests.place(of: UInt64(guest))
    return at < 0 || representatives[at] < 0 ? nil : Int(representatives[at])
  }

  /// A descriptor, or AMD-Vi's tag, belongs to a virtual processor.
  mutating func setDescriptor(_ address: UInt64, of place: Int) {
    let at = descriptors.insert(address)
    guard at >= 0 else {
      refusals += 1
      return
    }
    owners[at] = Int32(place)
  }

  /// Whose a descriptor is; nothing where the trace does not say.
  @inline(__always)
  func owner(of descriptor: UInt64) -> Int? {
    let at = descriptors.place(of: descriptor)
    return at < 0 || owners[at] < 0 ? nil : Int(owners[at])
  }

  /// Who runs on a core; nothing for a core without one, or beyond those that are kept.
  @inline(__always)
  func running(on core: UInt32) -> Int? {
    guard core < cores, onCore[Int(core)] >= 0 else { return nil }
    return Int(onCore[Int(core)])
  }

  /// Who executes guest code on a core.
  @inline(__always)
  func inGuest(on core: UInt32) -> Int? {
    guard let place = running(on: core), processors[place].isInGuest else { return nil }
    return place
  }

  /// A virtual processor begins to run.
  ///
  /// - Returns: whether the core is one that is kept.
  mutating func begin(_ place: Int, on core: UInt64) -> Bool {
    guard core < UInt64(cores) else {
      refusals += 1
      return false
    }
    leave(place)
    if let other = running(on: UInt32(core)) { stop(other, .preempted) }
    onCore[Int(core)] = Int32(place)
    processors[place].activity = .running(core: UInt32(core))
    processors[place].isInGuest = !processors[place].showsEntries
    if processors[place].guest != 0 { represent(place) }
    return true
  }

  /// A virtual processor stops running.
  mutating func stop(_ place: Int, _ activity: PostedContract.Activity) {
    leave(place)
    processors[place].activity = activity
    processors[place].isInGuest = false
  }

  private func leave(_ place: Int) {
    if let core = processors[place].core, onCore[Int(core)] == Int32(place) {
      onCore[Int(core)] = -1
    }
  }
}

/// A set of vectors.
struct VectorSet: BitwiseCopyable {
  private var words: InlineArray<4, UInt64> = .init(repeating: 0)

  @inline(__always)
  mutating func insert(_ vector: UInt8) { words[Int(vector >> 6)] |= 1 << UInt64(vector & 63) }

  /// - Returns: whether it was there.
  mutating func remove(_ vector: UInt8) -> Bool {
    let (word, bit) = (Int(vector >> 6), UInt64(1) << UInt64(vector & 63))
    guard words[word] & bit != 0 else { return false }
    words[word] &= ~bit
    return true
  }
}
