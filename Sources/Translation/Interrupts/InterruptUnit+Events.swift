import Machine
import Results
import TraceFile

extension InterruptUnit {
  /// Takes an event of schedules, tables, registers or interrupts.
  mutating func see(
    _ event: TraceEvent, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    guard isFitted else { return }
    switch event.tag {
    case .recordedEntry: seeEntry(event, memory)
    case .recordedInterrupt: seeRequest(event)
    case .recordedBlock: seeBlock()
    case .interruptMessage: break
    default:
      settle(memory, &isolation)
      act(event, at: place, memory, &isolation)
    }
  }

  private mutating func act(
    _ event: TraceEvent, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    switch event.tag {
    case .vcpuIn, .vcpuOut, .vmEntry, .vmExit, .vcpuDefine, .postedDefine, .postedControl,
      .postedRequest:
      schedule(event, at: place, &isolation)
    case .deviceOwner: ledger.setGuest(event[1], of: event[0])
    case .interruptEntry:
      write(
        tag(event[0], event[1]), InterruptEntry(low: event[2], high: event[3]), at: place, memory,
        &isolation)
    case .entryOwner: ledger.setOwner(event[2], of: tag(event[0], event[1]))
    case .tableWrite:
      if event[0] != 1 { writeWord(event[1], event[2], at: place, memory, &isolation) }
    case .iommuRegister: setRegister(event)
    case .iommuCommand: command(event)
    case .interruptDelivery, .postedRoute, .interruptInjection, .interruptAccept, .vectorUpdate,
      .vectorConfig, .interruptHandler, .vcpuWake, .guestInterruptLog, .softwareInterrupt:
      observe(event, at: place, memory, &isolation)
    default: break
    }
  }

  private mutating func tag(_ unit: UInt64, _ index: UInt64) -> UInt64 {
    InterruptEntryCache.tag(
      isAMD ? UInt32(truncatingIfNeeded: unit) & 0xffff : 0,
      UInt32(truncatingIfNeeded: index) & 0xffff)
  }

  // MARK: Tables

  /// Software writes an entry.
  mutating func write(
    _ tag: UInt64, _ entry: InterruptEntry, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    isolation.writeEntry(tag, isPresent: entry.low & 1 != 0, at: place)
    set(tag, entry, at: place, memory, isMove: true)
  }

  /// An entry is another from now on; where it was rewritten while in use, that is a move.
  private mutating func set(
    _ tag: UInt64, _ entry: InterruptEntry, at place: EventPlace, _ memory: borrowing IOMemory,
    isMove: Bool
  ) {
    let (table, last) = (isAMD ? nil : tableAddress, vtd.entries)
    let before = entries.entry(tag) ?? InterruptEntry()
    if before == entry, entries.has(tag) { return }
    if isMove { noteMove(tag, from: before, to: entry, at: place) }
    if let request = request(of: entry) {
      ledger.set(tag, at: request.vector, of: model.core(of: request))
    }
    entries.write(tag, entry) { number in
      let index = UInt64(tag & 0xff00) | UInt64(number)
      guard let table, index < UInt64(last),
        let low = memory.read(table &+ index * 16), let high = memory.read(table &+ index * 16 &+ 8)
      else { return InterruptEntry() }
      return InterruptEntry(low: low, high: high)
    }
  }

  /// A write of memory, where it is one of the unit's entries.
  private mutating func writeWord(
    _ address: UInt64, _ value: UInt64, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    if isAMD { return writeAMDWord(address, value, at: place, memory, &isolation) }
    guard let tableAddress, address >= tableAddress,
      address - tableAddress < UInt64(vtd.entries) * 16
    else { return }
    let offset = address - tableAddress
    let tag = InterruptEntryCache.tag(0, UInt32(offset / 16))
    var entry =
      entries.entry(tag) ?? self.entry(UInt32(offset / 16), memory) ?? InterruptEntry()
    if offset % 16 < 8 { entry.low = value } else { entry.high = value }
    write(tag, entry, at: place, memory, &isolation)
  }

  /// An entry got another vector or destination while it was in use.
  mutating func noteMove(
    _ tag: UInt64, from old: InterruptEntry, to new: InterruptEntry, at place: EventPlace
  ) {
    guard let before = request(of: old), let after = request(of: new),
      before.vector != after.vector || before.destination != after.destination
    else { return }
    counters.moves += 1
    ledger.move(tag, from: before, to: after, at: place)
  }

  /// What an entry that is present and remaps delivers; nothing for others.
  mutating func request(of entry: InterruptEntry) -> InterruptRequest? {
    if isAMD { return amd.request(of: entry) }
    guard entry.low.has(VTdRemappedEntryLow.present), !entry.low.has(VTdRemappedEntryLow.mode)
    else { return nil }
    return vtd.request(of: entry)
  }

  // MARK: Registers and commands

  /// Source: VT-d specification, "Register Descriptions": GCMD 18h (SIRTP bit 24, IRE 25, CFI 23),
  /// IRTA B8h, of which a 32-bit write sets one half.
  private mutating func setRegister(_ event: TraceEvent) {
    let (offset, bytes, value) = (event[1], event[2], event[3])
    if isAMD { return setAMDRegister(offset, bytes, value) }
    switch offset {
    case 0x18:
      if value & 1 << 24 != 0 { setTable() }
      vtd.isEnabled = value & 1 << 25 != 0
      vtd.passesCompatibility = value & 1 << 23 != 0
    case 0xb8:
      if bytes == 4 {
        nextTableAddress.rawValue =
          nextTableAddress.rawValue & ~0xffff_ffff | value & 0xffff_ffff
      } else {
        nextTableAddress.rawValue = value
      }
    case 0xbc:
      nextTableAddress.rawValue = nextTableAddress.rawValue & 0xffff_ffff | value << 32
    default: break
    }
  }

  private mutating func setTable() {
    let word = nextTableAddress.rawValue
    tableAddress = word & VTdInterruptTableAddress.base.mask
    vtd.entries = 2 << UInt32(word[VTdInterruptTableAddress.size])
    vtd.isExtended = word.has(VTdInterruptTableAddress.extended)
    model.isExtended = vtd.isExtended
    cache.invalidate(table: 0)
  }

  private mutating func command(_ event: TraceEvent) {
    let word = event[1]
    if isAMD { return takeAMDCommand(word) }
    guard word[VTdEntryInvalidation.kind] == VTdEntryInvalidation.type else { return }
    if word.has(VTdEntryInvalidation.isSelective) {
      let index = UInt32(word[VTdEntryInvalidation.index])
      let mask = Int(word[VTdEntryInvalidation.mask])
      cache.invalidate(table: 0, index: index, mask: mask)
      check.invalidate(index: index, mask: mask)
    } else {
      cache.invalidate(table: 0)
      check.invalidateAll()
    }
  }

  // MARK: Schedule

  private mutating func schedule(
    _ event: TraceEvent, at place: EventPlace, _ isolation: inout IsolationMonitor
  ) {
    if event.tag == .postedControl || event.tag == .postedRequest {
      guard let target = targets.owner(of: event[0]) else { return }
      if event.tag == .postedControl {
        // Software that replaces the word keeps a notification that is outstanding.
        let isOutstanding = targets[target].descriptor.control.isOutstanding
        targets[target].descriptor.control.rawValue = event[1]
        if isOutstanding { targets[target].descriptor.control.isOutstanding = true }
        targets[target].isRecorded = true
      } else {
        let vector = UInt8(truncatingIfNeeded: event[1])
        if !targets[target].descriptor.has(vector) {
          targets[target].waitingSince[Int(vector)] = place.time
          counters.addSoftwarePost()
        }
        _ = targets[target].descriptor.post(vector, isUrgent: false)
      }
      return
    }
    let isDefinition = event.tag == .postedDefine
    guard let target = targets.place(of: isDefinition ? event[1] : event[0]) else { return }
    switch event.tag {
    case .vcpuDefine: targets.setGuest(event[1], of: target)
    case .postedDefine:
      targets.setGuest(event[2], of: target)
      targets.setDescriptor(event[0], of: target)
    case .vcpuIn:
      guard targets.begin(target, on: event[1]) else { return }
      model.update(&targets[target])
      if targets[target].isInGuest { enter(target, at: place) }
    case .vcpuOut: leave(target, isBlocked: event[2] != 0, at: place, &isolation)
    case .vmEntry:
      targets[target].showsEntries = true
      targets[target].isInGuest = targets[target].core != nil
      if targets[target].isInGuest { enter(target, at: place) }
    default:
      targets[target].showsEntries = true
      targets[target].isInGuest = false
    }
  }

  /// At VM entry the hypervisor hands the virtual processor what waits.
  ///
  /// Linux looks at the request bits only where ON is set (`vmx_sync_pir_to_irr`).
  private mutating func enter(_ target: Int, at place: EventPlace) {
    let control = targets[target].descriptor.control
    if isAMD || machine.mode != .posted || control.isOutstanding {
      takeAll(of: target, except: nil, at: place.time)
    }
  }

  private mutating func leave(
    _ target: Int, isBlocked: Bool, at place: EventPlace, _ isolation: inout IsolationMonitor
  ) {
    guard let core = targets[target].core else { return }
    if isBlocked, targets[target].isRecorded, machine.mode == .posted,
      !targets[target].descriptor.isEmpty
    {
      counters.count(.lostNotification)
      var delivery = Delivery(.pending)
      (delivery.processor, delivery.core) = (target, core)
      (delivery.defect, delivery.breach) = (.lostNotification, .blockedWithRequests)
      isolation.judge(delivery, at: place, targets)
    }
    targets.stop(target, isBlocked ? .blocked(core: core) : .preempted)
    model.update(&targets[target])
  }

  // MARK: What the recorder saw

  /// An entry that the recorder saw read is what memory holds at that moment.
  private mutating func seeEntry(_ event: TraceEvent, _ memory: borrowing IOMemory) {
    let index = UInt32(truncatingIfNeeded: event[0]) & 0xffff
    let entry = InterruptEntry(low: event[1], high: event[2])
    var table: UInt32 = 0
    var place = EventPlace()
    let isAMD = isAMD
    let isExpected = withPending { pending in
      if pending.hasEntry { return false }
      pending.hasEntry = true
      pending.entryIndex = index
      pending.entry = entry
      table = isAMD ? pending.message.device & 0xffff : 0
      place = pending.message.place
      return true
    }
    guard isExpected else {
      check.unmatched += 1
      return
    }
    let tag = InterruptEntryCache.tag(table, index)
    let isKnown = check.hasObserved(tag)
    let isChanged = isKnown && entries.entry(tag) != entry
    // An image may be of the trace's end, so an entry's first reading is no change of it.
    set(tag, entry, at: place, memory, isMove: isKnown)
    check.observe(tag, changed: isChanged)
  }

  private mutating func seeRequest(_ event: TraceEvent) {
    var request = InterruptRequest()
    request.vector = UInt8(truncatingIfNeeded: event[1])
    request.destination = UInt32(truncatingIfNeeded: event[2])
    request.deliveryMode = DeliveryMode(event[3])
    request.isLevel = event[4] != 0
    request.isLogical = event[5] != 0
    let index = UInt32(truncatingIfNeeded: event[0])
    let isExpected = withPending { pending in
      if pending.hasRequest { return false }
      pending.hasRequest = true
      pending.requestIndex = index
      pending.request = request
      return true
    }
    if !isExpected { check.unmatched += 1 }
  }

  /// The recorder's unit stopped the message.
  private mutating func seeBlock() {
    let isExpected = withPending { pending in
      if pending.hasRequest || pending.isBlocked { return false }
      pending.isBlocked = true
      return true
    }
    if !isExpected { check.unmatched += 1 }
  }
}
