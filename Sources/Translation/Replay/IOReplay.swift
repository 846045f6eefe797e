import Machine
import Results
import TraceFile

/// The devices' side of a machine, and the only loop over a block's events of devices.
///
/// What a recorder saw of a request follows it, at times after other events: it is looked for ahead.
struct IOReplay<Unit: RemappingUnit & ~Copyable>: ~Copyable {
  /// In a place of its own: what lies within the replay is copied for each call that also changes the
  /// replay.
  private let memory = UnsafeMutablePointer<IOMemory>.allocate(capacity: 1)
  var units: IOUnits<Unit>
  private let isVTd: Bool
  var isolation: IsolationMonitor
  var interrupts: InterruptUnit
  var counters = IOCounters()
  var costs = DeviceCosts()
  var samples = SampleSeries(step: Self.chunk)
  private var flushes: FlushPolicy
  private var domains = DeviceDomains()
  var check: IOCheck
  var link: LinkModel?
  private var place = EventPlace()
  /// Events and records before the block.
  private var events: UInt64 = 0
  private var records: UInt64 = 0
  /// A request that the last block ended with, which may still have recorded outcomes.
  private var pending: PendingTransfer?
  /// There is one; asking the optional itself would copy it.
  private var isWaiting = false
  /// The trace has recorded outcomes, so that they are worth looking for.
  private var hasRecords = false
  var attachedRecords = 0
  /// Events of the block before this one have no outcome left for a request that still waits.
  private var firstFree = 0
  var seenRecords = 0
  private var watch: DeviceWatch?
  /// The event that is shown; no event has this number where none is.
  private var watched = UInt64.max

  /// Events between two looks at whether a sample is due.
  private static var chunk: Int { 16 }

  init(_ machine: MachineDescription, _ iommu: IOMMUDescription, checksRecorded: Bool) {
    memory.initialize(to: IOMemory())
    units = IOUnits(iommu, seed: machine.synthesis.seed)
    isVTd = iommu.architecture == .vtd
    isolation = IsolationMonitor(
      isVTd: isVTd, IsolationPolicy(machine.isolation))
    interrupts = InterruptUnit(
      machine.interrupts, iommu.architecture, checksRecorded: checksRecorded)
    flushes = FlushPolicy(iommu)
    check = IOCheck(isOn: checksRecorded)
    link = LinkModel(iommu.link)
  }

  deinit {
    memory.deinitialize(count: 1)
    memory.deallocate()
  }

  /// Table writes that found no memory.
  var refusedWrites: Int { memory.pointee.refusedWrites }

  /// Adds a page of the image in which the machine's memory starts.
  ///
  /// - Returns: whether it was new and there was memory for it.
  mutating func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    check.hasImage = true
    return memory.pointee.addPage(address >> 12, bytes)
  }

  /// Replays a block's events.
  ///
  /// - Throws: a `TraceError` where the column is damaged.
  mutating func replay(_ block: TraceBlock) throws(TraceError) {
    try block.loadEvents()
    firstFree = 0
    block.withEvents { list in
      var next = 0
      while next < list.count {
        let end = min(next + Self.chunk, list.count)
        for at in next..<end {
          let event = list[at]
          place.event = events + UInt64(at)
          place.record = records + UInt64(event.record)
          take(event, at, list)
        }
        next = end
        sample(at: Int(events) + next)
      }
      events += UInt64(list.count)
    }
    records += UInt64(block.counts.records)
  }

  /// Judges what still waits; nothing is replayed afterwards.
  mutating func finish() {
    settle()
    interrupts.finish(memory.pointee, &isolation)
    reportBlocked()
    isolation.finish()
    check.finish { device, page in
      units.all[units.number(of: device)].peek(device, page, memory.pointee)
    }
    samples.take(progress, at: Int(events))
  }

  private mutating func sample(at event: Int) {
    if samples.isDue(at: event) { samples.take(progress, at: event) }
  }

  private var progress: [Int] {
    [
      counters.requests, counters.count(of: .fault), costs.misses, costs.references,
      interrupts.counters.requests,
    ]
  }

  static var followed: [String] {
    ["iommu.requests", "iommu.faults", "iotlb.misses", "iommu.memoryReads", "interrupt.requests"]
  }

  @inline(__always)
  private mutating func take(_ event: TraceEvent, _ at: Int, _ list: EventList) {
    switch event.tag {
    case .time:
      place.time = event[0]
      if flushes.isDue(at: place) { flush() }
    case .dma: takeTransfer(event, at, list)
    case .recordedTranslation, .recordedFault, .recordedContext:
      hasRecords = true
      seenRecords += 1
      if at >= firstFree, pending?.take(event) == true { attachedRecords += 1 }
    case .interruptMessage:
      settle()
      interrupts.receive(
        InterruptMessage(
          device: UInt32(truncatingIfNeeded: event[0]), address: event[1], data: event[2],
          hasData: true, place: place), isLast: isLast(at, list), memory.pointee, &isolation)
      reportBlocked()
    default: takeOther(event)
    }
  }

  /// Nothing behind an interrupt message says what the recorder saw of it; where the block ends the
  /// next may.
  @inline(__always)
  private func isLast(_ at: Int, _ list: EventList) -> Bool {
    var next = at + 1
    while next < list.count {
      let tag = list[next].tag
      if tag != .time { return !tag.isRecordedInterrupt }
      next += 1
    }
    return false
  }

  @inline(__always)
  private mutating func takeTransfer(_ event: TraceEvent, _ at: Int, _ list: EventList) {
    settle()
    isolation.see(event, at: place)
    if !hasRecords, counters.transfers >= 64, at + 1 < list.count,
      !list[at + 1].tag.isRecordedOutcome
    {
      // A trace without recorded outcomes.
      firstFree = at + 1
      judge(DMATransfer(event, at: place), RecordedOutcome())
      return
    }
    var transfer = PendingTransfer(event, at: place)
    var next = at + 1
    while next < list.count, list[next].tag.isRecordedOutcome, transfer.take(list[next]) {
      attachedRecords += 1
      next += 1
    }
    firstFree = next
    if hasRecords || counters.transfers < 64, !transfer.isAnswered {
      lookAhead(&transfer, next, list)
    }
    if next < list.count || transfer.isAnswered {
      judge(transfer.transfer, transfer.recorded)
    } else {
      pending = transfer
      isWaiting = true
    }
  }

  /// Looks for recorded outcomes behind events of other threads, up to the device's next transfer.
  @inline(never)
  private mutating func lookAhead(
    _ transfer: inout PendingTransfer, _ first: Int, _ list: EventList
  ) {
    for next in first..<min(first + 64, list.count) {
      let event = list[next]
      if event.tag == .dma, UInt32(truncatingIfNeeded: event[0]) == transfer.transfer.device {
        return
      }
      if event.tag.isRecordedOutcome, transfer.take(event) {
        attachedRecords += 1
        if transfer.isAnswered { return }
      }
    }
  }

  @inline(never)
  private mutating func takeOther(_ event: TraceEvent) {
    switch event.tag.rawValue {
    case EventTag.name.rawValue: isolation.see(event, at: place)
    case 48...51, 64...95:
      settle()
      isolation.see(event, at: place)
      interrupts.see(event, at: place, memory.pointee, &isolation)
      reportBlocked()
      takeChange(event)
      tellEffects()
    case 16...20, 96...127:
      settle()
      isolation.see(event, at: place)
      interrupts.see(event, at: place, memory.pointee, &isolation)
      reportBlocked()
    default: break
    }
  }

  private mutating func takeChange(_ event: TraceEvent) {
    switch event.tag {
    case .tableWrite:
      guard event[0] != 1 else { return }
      isolation.seeTableWrite(event[1], event[2], memory.pointee, at: place)
      memory.pointee.write(event[1], event[2])
    case .iommuRegister:
      let at = units.number(named: event[0])
      units.all[at].write(register: event[1], bytes: event[2], event[3], at: place)
      isolation.seeRoot(event, memory.pointee, at: place)
    case .iommuCommand:
      let command = IOCommand(
        word0: event[1], word1: event[2], word2: event[3], word3: event[4])
      let at = units.number(named: event[0])
      units.all[at].take(command: command, at: place)
    case .iommuCompletion:
      let at = units.number(named: event[0])
      units.all[at].complete(at: place)
    case .pageRequest: takePageRequest(event)
    case .translationCompletion:
      units.all[units.number(of: UInt32(truncatingIfNeeded: event[0]))].grant(event)
    case .faultRecord:
      let at = units.number(named: event[0])
      check.compare(units.all[at].lastFault, low: event[2], high: event[3], at: place)
    case .recordedReset: check.countReset(event[1])
    default:
      if let attachment = domains.implicitAttachment(of: event) { take(attachment, unit: 0) }
      guard let change = domains.change(of: event) else { return }
      take(change, unit: event.tag == .attach ? event[3] : 0)
      if case .unmap(let domain, let address, let bytes) = change {
        flushes.note(domain, address, bytes, at: place)
        if flushes.isDue(at: place) { flush() }
      }
    }
  }

  /// Changes the tables: of the unit that a device is behind, or of every unit for a domain's maps.
  private mutating func take(_ change: DomainChange, unit: UInt64) {
    switch change {
    case .attach(let device, let domain, let pasid):
      units.attach(device, pasid, to: domain, unit: unit, &isolation)
      units.all[units.number(of: device)].take(change, &memory.pointee, at: place)
    case .detach(let device, _, let pasid):
      units.detach(device, pasid, &isolation)
      units.all[units.number(of: device)].take(change, &memory.pointee, at: place)
    case .map, .unmap:
      for at in 0..<units.count { units.all[at].take(change, &memory.pointee, at: place) }
    }
  }

  private mutating func takePageRequest(_ event: TraceEvent) {
    let request = DMARequest(
      device: UInt32(truncatingIfNeeded: event[0]),
      pasid: event[4] == 0 ? DMARequest.noPASID : UInt32((event[4] &- 1) & 0xf_ffff),
      address: event[1], bytes: 0, kind: event[2] & 2 != 0 ? .write : .read, place: place)
    let at = units.number(of: request.device)
    let group = UInt32(truncatingIfNeeded: event[3])
    if var outcome = units.all[at].post(request, group: group, memory.pointee) {
      isolation.judge(&outcome)
    }
  }

  /// Invalidates as the policy's driver would.
  private mutating func flush() {
    for at in 0..<flushes.count {
      let one = flushes[at]
      for number in 0..<units.count where units.has(one.domain, number) {
        units.all[number].flush(one.domain, one.address, pages: one.pages, at: place)
      }
    }
    flushes.clear()
    tellEffects()
  }

  @inline(__always)
  private mutating func tellEffects() {
    for at in 0..<units.count {
      units.all[at].drainEffects { effect in
        effect.unit = UInt8(truncatingIfNeeded: at)
        isolation.see(&effect)
        check.note(effect)
      }
    }
  }

  /// Tells software of the interrupt message that was judged last, where it was blocked.
  @inline(__always)
  private mutating func reportBlocked() {
    if let blocked = interrupts.takeBlocked() {
      units.all[units.number(of: blocked.message.device)].report(blocked)
    }
  }

  /// Judges the transfer that waits.
  @inline(__always)
  private mutating func settle() {
    if isWaiting { settlePending() }
  }

  @inline(never)
  private mutating func settlePending() {
    isWaiting = false
    guard let pending else { return }
    self.pending = nil
    judge(pending.transfer, pending.recorded)
  }

  /// Judges a transfer page by page; what was recorded is of the first page.
  @inline(__always)
  private mutating func judge(_ transfer: borrowing DMATransfer, _ recorded: RecordedOutcome) {
    counters.transfers += 1
    var pages = PageRequests()
    // A request is written where it stays.
    var outcome = DMAOutcome(pages.next(of: transfer), .interrupt)
    judge(&outcome, recorded)
    while !pages.isDone {
      outcome = DMAOutcome(pages.next(of: transfer), .interrupt)
      judge(&outcome, RecordedOutcome())
    }
    counters.cutTransfers += pages.isCut ? 1 : 0
  }

  @inline(never)
  private mutating func judge(_ outcome: inout DMAOutcome, _ recorded: RecordedOutcome) {
    let at = units.number(of: outcome.request.device)
    let isShown = outcome.request.place.event == watched
    if isShown { watch?.begin(units.all[at].snapshot()) }
    if !outcome.request.isMessage { units.all[at].translate(&outcome, recorded, memory.pointee) }
    if isShown { show(outcome, at) }
    counters.count(outcome)
    costs.count(outcome)
    units.count(outcome, at)
    if outcome.result == .interrupt {
      interrupts.receive(
        InterruptMessage(
          device: outcome.request.device, address: outcome.request.address, data: 0,
          hasData: false, place: outcome.request.place), memory.pointee, &isolation)
      reportBlocked()
    }
    link?.take(outcome)
    isolation.judge(&outcome)
    if check.isOn { check.compare(recorded, outcome, units.all[at]) }
  }

  /// Shows somebody how an event of a device is served.
  mutating func watch(_ watch: DeviceWatch) {
    self.watch = watch
    watched = watch.event
    memory.pointee.watch(watch)
    interrupts.watch(watch)
  }

  @inline(never)
  private func show(_ outcome: DMAOutcome, _ unit: Int) {
    let request = outcome.request
    watch?.end(
      "\(hexadecimal(request.address)), \(request.bytes) bytes", outcome.told(isVTd: isVTd),
      units.all[unit].snapshot())
  }
}
