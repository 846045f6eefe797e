import Machine
import Results
import TraceFile

/// Where interrupt messages and the events of interrupt remapping arrive.
///
/// What a recorder saw of a message follows the message, so a message waits until an event comes that
/// says nothing more of it.
struct InterruptUnit: ~Copyable {
  let machine: InterruptDescription
  let isAMD: Bool
  /// Without a description nothing is judged.
  let isFitted: Bool
  var vtd: VTdInterrupts
  var amd: AMDViInterrupts
  /// VT-d's table, or AMD-Vi's device table; nothing where the trace did not say.
  var tableAddress: UInt64?
  /// What the next command to set the table's address sets.
  var nextTableAddress = VTdInterruptTableAddress(rawValue: 0)
  /// Entries of AMD-Vi's device table.
  var deviceTableEntries: UInt64 = 0
  var cache: InterruptEntryCache
  var entries = InterruptEntries()
  var model: DeliveryModel
  var targets: InterruptTargets
  var counters = InterruptCounters()
  var ledger = InterruptLedger()
  var check: InterruptCheck
  private var pending: PendingMessage?

  init(
    _ machine: InterruptDescription?, _ architecture: IOMMUArchitecture,
    checksRecorded: Bool = true
  ) {
    check = InterruptCheck(isOn: checksRecorded)
    isFitted = machine != nil
    let machine = machine ?? InterruptDescription.absent
    self.machine = machine
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
  @inline(__always)
  mutating func receive(
    _ message: InterruptMessage, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    settle(memory, &isolation)
    pending = PendingMessage(message: message)
  }

  /// Judges the message that waits.
  @inline(__always)
  mutating func settle(_ memory: borrowing IOMemory, _ isolation: inout IsolationMonitor) {
    guard let pending else { return }
    self.pending = nil
    guard isFitted else {
      counters.count(InterruptOutcome(pending.message, .unresolved), Delivery(.unknown))
      return
    }
    var judged = judge(pending.message, memory)
    judged.isEnforced = vtd.isEnabled && machine.mode != .none
    check.compare(judged, pending)
    let outcome = machine.mode == .none ? unchecked(judged) : judged
    var delivery = deliver(outcome, judged: judged)
    if judged.isEnforced {
      delivery.nanoseconds += machine.costs.remapNanoseconds
      let isRead = outcome.lookup == .none && outcome.index != InterruptOutcome.noIndex
      if outcome.lookup == .miss || isRead {
        delivery.nanoseconds += machine.costs.referenceNanoseconds
      }
    }
    counters.count(outcome, delivery)
    counters.exitNanoseconds += delivery.exits * machine.costs.exitNanoseconds
    ledger.count(outcome, delivery)
    if delivery.processor >= 0 {
      targets[delivery.processor].outcomes[Int(delivery.result.rawValue)] += 1
    }
    isolation.judge(outcome, delivery, targets)
  }

  /// What the unit makes of a message.
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
  func entry(_ index: UInt32, _ memory: borrowing IOMemory) -> InterruptEntry? {
    guard let tableAddress, index < vtd.entries else { return nil }
    let address = tableAddress &+ UInt64(index) * 16
    guard let low = memory.read(address), let high = memory.read(address &+ 8) else { return nil }
    return InterruptEntry(low: low, high: high)
  }

  private mutating func judgeAMD(
    _ message: InterruptMessage, _ memory: borrowing IOMemory
  ) -> InterruptOutcome {
    guard vtd.isEnabled else {
      var outcome = InterruptOutcome(message, .passedThrough)
      outcome.request = InterruptRequest(message)
      return outcome
    }
    let device = message.device & 0xffff
    guard message.hasDevice else { return InterruptOutcome(message, .unresolved) }
    let controls = deviceEntry(device, memory)
    switch amd.decide(message, controls.rawValue) {
    case .decided(let outcome): return outcome
    case .entry(let index):
      let tag = InterruptEntryCache.tag(device, index)
      if let entry = cache.find(tag) {
        var outcome = amd.judge(message, entry, index: index, device: controls.rawValue)
        outcome.lookup = .hit
        return outcome
      }
      guard let entry = entries.entry(tag) ?? amdEntry(index, controls, memory) else {
        var outcome = InterruptOutcome(message, .unresolved)
        outcome.index = index
        return outcome
      }
      var outcome = amd.judge(message, entry, index: index, device: controls.rawValue)
      if cache.isFitted {
        outcome.lookup = .miss
        if outcome.check != .present { cache.insert(tag, entry) }
      }
      return outcome
    }
  }

  /// What a device's entry says of its interrupts.
  ///
  /// Model: where neither the trace nor the image has the device table, interrupts are remapped by a
  /// table of as many entries as the machine says, and nothing else passes.
  private func deviceEntry(
    _ device: UInt32, _ memory: borrowing IOMemory
  ) -> AMDViDeviceInterrupts {
    if let tableAddress, UInt64(device) < deviceTableEntries,
      let word = memory.read(tableAddress &+ UInt64(device) * 32 &+ 16)
    {
      return AMDViDeviceInterrupts(rawValue: word)
    }
    var word: UInt64 = 1
    let log = UInt64(max(machine.start.entries, 1).trailingZeroBitCount)
    word[AMDViDeviceInterrupts.tableLength] = min(log, 11)
    word[AMDViDeviceInterrupts.control] = 2
    return AMDViDeviceInterrupts(rawValue: word)
  }

  private func amdEntry(
    _ index: UInt32, _ controls: AMDViDeviceInterrupts, _ memory: borrowing IOMemory
  ) -> InterruptEntry? {
    let table = controls.rawValue & AMDViDeviceInterrupts.table.mask
    guard table != 0 else { return nil }
    if amd.hasLongEntries {
      let address = table &+ UInt64(index) * 16
      guard let low = memory.read(address), let high = memory.read(address &+ 8) else { return nil }
      return InterruptEntry(low: low, high: high)
    }
    return memory.read((table &+ UInt64(index) * 4) & ~7).map {
      InterruptEntry(low: ($0 >> UInt64(index % 2 * 32)) & 0xffff_ffff)
    }
  }

  /// The same message where nothing is checked.
  ///
  /// Model: software would have programmed the device with what the entry delivers, so a message whose
  /// entry is present delivers that; another is taken as it was written.
  private func unchecked(_ judged: InterruptOutcome) -> InterruptOutcome {
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

  // MARK: Delivery

  private mutating func deliver(
    _ outcome: InterruptOutcome, judged: InterruptOutcome
  ) -> Delivery {
    let guest = ledger.guest(of: outcome.message.device)
    switch outcome.result {
    case .blocked: return Delivery(.blocked)
    case .unresolved: return Delivery(.unknown)
    case .passedThrough:
      if machine.mode == .none, judged.result != .blocked {
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
      if machine.mode == .remapped { return inject(outcome, into: place) }
      let delivery =
        isAMD
        ? model.ring(outcome, to: place, targets)
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
    guard var message = pending else { return false }
    guard body(&message) else { return false }
    pending = message
    return true
  }
}

/// A message that was not judged yet, and what the recorder saw of it.
struct PendingMessage: BitwiseCopyable {
  var message: InterruptMessage
  var hasEntry = false
  var entryIndex: UInt32 = 0
  var entry = InterruptEntry()
  var hasRequest = false
  var requestIndex = InterruptOutcome.noIndex
  var request = InterruptRequest()
}
