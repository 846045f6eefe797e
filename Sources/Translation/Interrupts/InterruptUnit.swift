import Machine
import Results
import TraceFile

/// Where interrupt messages and the events of interrupt remapping arrive.
///
/// What a recorder saw of a message follows the message, so a message waits until an event comes that
/// says nothing more of it.
///
/// Some of its methods are mutating though they change nothing: a call that is not copies the unit.
struct InterruptUnit: ~Copyable {
  let machine: InterruptDescription
  let isAMD: Bool
  /// Without a description nothing is judged.
  let isFitted: Bool
  var vtd: VTdInterrupts
  var amd: AMDViInterrupts
  /// VT-d's table; nothing where the trace did not say.
  var tableAddress: UInt64?
  /// What the next command to set the table's address sets.
  var nextTableAddress = VTdInterruptTableAddress(rawValue: 0)
  /// AMD-Vi's device table register, as it was written: the address, and the size in bits 8:0.
  var deviceTableRegister: UInt64?
  /// AMD-Vi's control register, as it was written.
  var amdControl: UInt64 = 0
  /// AMD-Vi's guest log takes entries.
  var hasGuestLog = true
  /// Whose table AMD-Vi's memory holds, by its page.
  var tablePages = AMDViTablePages()
  var cache: InterruptEntryCache
  var entries = InterruptEntries()
  var model: DeliveryModel
  var targets: InterruptTargets
  var counters = InterruptCounters()
  var ledger = InterruptLedger()
  var check: InterruptCheck
  var observed: ObservedInterrupts
  /// A message of which the recorder may say more; it means something while `isPending`.
  private var pending = PendingMessage()
  private var isPending = false
  private let mode: InterruptMode
  private let costs: InterruptCosts
  /// The message that was blocked last, until the unit that tells software of it takes it.
  private var blocked: InterruptOutcome?
  private let recordsFaults: Bool
  private var watch: DeviceWatch?
  /// The event that is shown; no event has this number where none is.
  private var watched = UInt64.max

  init(
    _ machine: InterruptDescription?, _ architecture: IOMMUArchitecture,
    checksRecorded: Bool = true
  ) {
    check = InterruptCheck(isOn: checksRecorded)
    isFitted = machine != nil
    recordsFaults = machine?.quirks.contains(.faultsNotRecorded) == false
    let machine = machine ?? InterruptDescription.absent
    self.machine = machine
    mode = machine.mode
    costs = machine.costs
    isAMD = architecture == .amdvi
    vtd = VTdInterrupts(
      isEnabled: machine.start.isEnabled, isExtended: machine.start.isExtended,
      passesCompatibility: machine.start.passesCompatibility,
      entries: UInt32(machine.start.entries), quirks: machine.quirks)
    amd = AMDViInterrupts(
      hasLongEntries: machine.start.hasLongEntries, isExtended: machine.start.isExtended)
    cache = InterruptEntryCache(machine.entryCache, seed: 0)
    model = DeliveryModel(machine, isAMD: architecture == .amdvi)
    targets = InterruptTargets(cores: machine.cores)
    observed = ObservedInterrupts(cores: machine.cores)
  }

  /// Judges what still waits; nothing is replayed afterwards.
  mutating func finish(_ memory: borrowing IOMemory, _ isolation: inout IsolationMonitor) {
    settle(memory, &isolation)
    guard isFitted, !isAMD, let tableAddress else { return }
    check.compareImage(entries) { index in
      guard let low = memory.read(tableAddress &+ UInt64(index) * 16),
        let high = memory.read(tableAddress &+ UInt64(index) * 16 &+ 8)
      else { return nil }
      return InterruptEntry(low: low, high: high)
    }
  }

  // MARK: Messages

  /// Takes a message, to be judged once it is known what the recorder saw of it.
  ///
  /// - Parameters:
  ///   - message: after those before it.
  ///   - isLast: nothing that follows says more of it, so that it is judged at once.
  ///   - memory: what tables are read from.
  ///   - isolation: which judges what became of it.
  @inline(__always)
  mutating func receive(
    _ message: InterruptMessage, isLast: Bool = false, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    settle(memory, &isolation)
    if isLast {
      check.pass()
      take(message, isRecorded: false, memory, &isolation)
    } else {
      pending = PendingMessage(message: message)
      isPending = true
    }
  }

  /// Judges the message that waits.
  @inline(__always)
  mutating func settle(_ memory: borrowing IOMemory, _ isolation: inout IsolationMonitor) {
    if isPending { settleOne(memory, &isolation) }
  }

  @inline(never)
  private mutating func settleOne(
    _ memory: borrowing IOMemory, _ isolation: inout IsolationMonitor
  ) {
    isPending = false
    take(pending.message, isRecorded: true, memory, &isolation)
  }

  @inline(__always)
  private mutating func take(
    _ message: InterruptMessage, isRecorded: Bool, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    guard isFitted else {
      counters.count(InterruptOutcome(message, .unresolved), Delivery(.unknown))
      return
    }
    if message.place.event == watched { watch?.begin(snapshot) }
    var judged = judge(message, memory)
    judged.isEnforced = vtd.isEnabled && mode != .none
    if isRecorded { check.compare(judged, pending) }
    if mode == .none {
      end(unchecked(judged), by: judged, &isolation)
    } else {
      end(judged, by: judged, &isolation)
    }
  }

  /// Delivers a message, and counts what became of it.
  private mutating func end(
    _ outcome: InterruptOutcome, by judged: InterruptOutcome,
    _ isolation: inout IsolationMonitor
  ) {
    var delivery = deliver(outcome, judged: judged)
    if outcome.isEnforced {
      delivery.nanoseconds += costs.remapNanoseconds
      let isRead = outcome.lookup == .none && outcome.index != InterruptOutcome.noIndex
      if outcome.lookup == .miss || isRead {
        delivery.nanoseconds += costs.referenceNanoseconds
      }
    }
    counters.count(outcome, delivery)
    counters.exitNanoseconds += delivery.exits * costs.exitNanoseconds
    ledger.count(outcome, delivery, tag: tag(of: outcome))
    if delivery.processor >= 0 {
      targets.note(delivery, vector: outcome.request.vector)
    }
    if outcome.result != .posted {
      if delivery.core != Delivery.noCore {
        observed.arrive(
          outcome.request.vector, on: delivery.core, at: outcome.message.place.time)
      }
      if outcome.result == .blocked {
        if recordsFaults { blocked = outcome }
      } else if outcome.result != .unresolved, model.hasSeveralCores(outcome.request) {
        counters.severalCores += 1
      }
    }
    if delivery.isLogged { observed.log(outcome.descriptor) }
    if outcome.message.place.event == watched {
      watch?.end(
        "Message \(hexadecimal(outcome.message.address)), data "
          + hexadecimal(outcome.message.data), outcome.told(delivery), snapshot)
    }
    isolation.judge(outcome, delivery, targets)
  }

  /// Shows somebody what becomes of the messages of an event.
  mutating func watch(_ watch: DeviceWatch) {
    self.watch = watch
    watched = watch.event
  }

  private var snapshot: [CacheSnapshot.Cache] {
    cache.isFitted ? [CacheSnapshot.Cache(cache, isAMD: isAMD)] : []
  }

  /// A message that was blocked since the last call, for the fault log.
  @inline(__always)
  mutating func takeBlocked() -> InterruptOutcome? {
    guard blocked != nil else { return nil }
    let outcome = blocked
    blocked = nil
    return outcome
  }

  /// What the unit makes of a message.
  @inline(__always)
  private mutating func judge(
    _ message: InterruptMessage, _ memory: borrowing IOMemory
  ) -> InterruptOutcome {
    if isAMD { return judgeAMD(message, memory) }
    switch vtd.decide(message) {
    case .decided(let outcome): return outcome
    case .entry(let index):
      let tag = InterruptEntryCache.tag(0, index)
      if let entry = cache.find(tag) {
        var outcome = vtd.judge(message, entry, index: index)
        outcome.lookup = .hit
        return outcome
      }
      guard let entry = entries.entry(tag) ?? entry(index, memory) else {
        var outcome = InterruptOutcome(message, .unresolved)
        outcome.index = index
        return outcome
      }
      var outcome = vtd.judge(message, entry, index: index)
      if cache.isFitted {
        outcome.lookup = .miss
        if outcome.check != .present { cache.insert(tag, entry) }
      }
      return outcome
    }
  }

  /// A VT-d entry that only the image has.
  mutating func entry(_ index: UInt32, _ memory: borrowing IOMemory) -> InterruptEntry? {
    guard let tableAddress, index < vtd.entries else { return nil }
    let address = tableAddress &+ UInt64(index) * 16
    guard let low = memory.read(address), let high = memory.read(address &+ 8) else { return nil }
    return InterruptEntry(low: low, high: high)
  }

  /// The same message where nothing is checked.
  ///
  /// Model: software would have programmed the device with what the entry delivers, so a message whose
  /// entry is present delivers that; another is taken as it was written.
  private mutating func unchecked(_ judged: InterruptOutcome) -> InterruptOutcome {
    var outcome = judged
    outcome.result = .passedThrough
    outcome.isFaultSilent = false
    outcome.lookup = .none
    outcome.request = InterruptRequest(judged.message)
    switch judged.result {
    case .remapped, .posted, .passedThrough: outcome.request = judged.request
    default:
      guard !isAMD, judged.entry.low.has(VTdRemappedEntryLow.present) else { break }
      if judged.entry.low.has(VTdRemappedEntryLow.mode) {
        outcome.request.vector = UInt8(judged.entry.low[VTdPostedEntryLow.vector])
        outcome.descriptor = VTdInterrupts.descriptor(of: judged.entry)
      } else {
        outcome.request = vtd.request(of: judged.entry)
      }
    }
    return outcome
  }

  /// The entry that an outcome names: AMD-Vi's stand in their device's table.
  @inline(__always)
  private mutating func tag(of outcome: InterruptOutcome) -> UInt64 {
    InterruptEntryCache.tag(isAMD ? outcome.message.device & 0xffff : 0, outcome.index)
  }

  // MARK: Delivery

  private mutating func deliver(
    _ outcome: InterruptOutcome, judged: InterruptOutcome
  ) -> Delivery {
    let guest = ledger.guest(of: outcome.message.device)
    switch outcome.result {
    case .blocked: return Delivery(.blocked)
    case .unresolved: return Delivery(.unknown)
    case .passedThrough:
      if mode == .none, judged.result != .blocked {
        if judged.descriptor != 0, let place = targets.owner(of: judged.descriptor) {
          return inject(outcome, into: place)
        }
        if judged.result == .remapped { return remapped(outcome, guest: guest) }
      }
      var delivery = model.interruptHost(model.core(of: outcome.request), targets)
      if guest != 0 {
        // A guest's device chose what the host gets.
        delivery.result = .misdelivered
        delivery.defect = .forged
      }
      return delivery
    case .remapped: return remapped(outcome, guest: guest)
    case .posted:
      guard let place = targets.owner(of: outcome.descriptor) else { return Delivery(.unknown) }
      if mode == .remapped { return inject(outcome, into: place) }
      let delivery =
        isAMD
        ? model.ring(outcome, isLogged: hasGuestLog, to: place, targets)
        : model.post(outcome.request.vector, isUrgent: outcome.isUrgent, to: place, targets)
      wait(delivery, vector: outcome.request.vector, since: outcome.message.place.time)
      return delivery
    }
  }

  private mutating func remapped(_ outcome: InterruptOutcome, guest: UInt32) -> Delivery {
    let core = model.core(of: outcome.request)
    guard guest != 0 else { return model.interruptHost(core, targets) }
    // Where the guest runs on that core, the interrupt is that virtual processor's.
    var place = targets.representative(of: guest)
    if let there = targets.running(on: core), targets[there].guest == guest { place = there }
    guard let place else { return model.interruptHost(core, targets) }
    let delivery = model.inject(outcome.request.vector, by: core, into: place, targets)
    wait(delivery, vector: outcome.request.vector, since: outcome.message.place.time)
    return delivery
  }

  /// A posted interrupt where the host takes it: on the core that its virtual processor last was told.
  private mutating func inject(_ outcome: InterruptOutcome, into place: Int) -> Delivery {
    let core =
      isAMD
      ? outcome.request.destination
      : targets[place].core
        ?? targets[place].descriptor.control.core(isExtended: model.isExtended)
    let delivery = model.inject(outcome.request.vector, by: core, into: place, targets)
    wait(delivery, vector: outcome.request.vector, since: outcome.message.place.time)
    return delivery
  }

  /// What follows a post: who was told takes its vectors, and the others begin to wait.
  @inline(__always)
  private mutating func wait(_ delivery: Delivery, vector: UInt8, since time: UInt64) {
    let place = delivery.processor
    switch delivery.result {
    case .direct:
      if delivery.isMerged { counters.absorb() }
      takeAll(of: place, except: vector, at: time)
    case .pending, .misdelivered:
      if !delivery.isMerged {
        targets[place].waitingSince[Int(vector)] = time
        counters.beginWaiting()
      }
      // Another guest's virtual processor took the notification for its own.
      if delivery.disturbed >= 0, delivery.exits == 0, !isAMD {
        takeAll(of: delivery.disturbed, except: nil, at: time)
      }
    default: break
    }
  }

  /// A virtual processor takes every vector that waits; `current` is counted by its message.
  mutating func takeAll(of place: Int, except current: UInt8?, at time: UInt64) {
    targets[place].descriptor.control.isOutstanding = false
    while let vector = targets[place].descriptor.take() {
      if vector == current { continue }
      counters.resume(after: time &- min(time, targets[place].waitingSince[Int(vector)]))
    }
  }

  // MARK: What the recorder saw

  /// The message that waits, for what the recorder saw of it.
  mutating func withPending(_ body: (inout PendingMessage) -> Bool) -> Bool {
    isPending && body(&pending)
  }
}

/// A message that was not judged yet, and what the recorder saw of it.
struct PendingMessage: BitwiseCopyable {
  var message = InterruptMessage(
    device: 0, address: 0, data: 0, hasData: false, place: EventPlace())
  var hasEntry = false
  var entryIndex: UInt32 = 0
  var entry = InterruptEntry()
  /// The recorder says that it was stopped.
  var isBlocked = false
  var hasRequest = false
  var requestIndex = InterruptOutcome.noIndex
  var request = InterruptRequest()
}
