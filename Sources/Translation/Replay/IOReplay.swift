import Machine
import Results
import TraceFile

/// The devices' side of a machine, and the only loop over a block's events of DMA, IOMMUs and
/// interrupts.
///
/// What a recorder saw of a request follows the request, so a request waits until an event comes that
/// says nothing more of it.
struct IOReplay: ~Copyable {
  private(set) var memory: IOMemory
  private var isolation: IsolationMonitor
  private var interrupts: InterruptUnit
  private var counters = IOCounters()
  private var place = EventPlace()
  /// Events and records before the block.
  private var events: UInt64 = 0
  private var records: UInt64 = 0
  /// A request that was not judged yet, and what the recorder saw of it.
  private var pending: PendingTransfer?

  init(_ machine: IOMMUDescription, _ interrupts: InterruptDescription?) {
    memory = IOMemory()
    isolation = IsolationMonitor(isVTd: machine.architecture == .vtd)
    self.interrupts = InterruptUnit(interrupts, machine.architecture)
  }

  /// Adds a page of the image in which the machine's memory starts.
  ///
  /// - Returns: whether it was new and there was memory for it.
  mutating func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    memory.addPage(address >> 12, bytes)
  }

  /// Replays a block's events.
  ///
  /// - Throws: a `TraceError` where the column is damaged.
  mutating func replay(_ block: TraceBlock) throws(TraceError) {
    try block.loadEvents()
    block.withEvents { list in
      for at in 0..<list.count {
        let event = list[at]
        place.event = events + UInt64(at)
        place.record = records + UInt64(event.record)
        take(event)
      }
      events += UInt64(list.count)
    }
    records += UInt64(block.counts.records)
  }

  /// Judges what still waits; nothing is replayed afterwards.
  mutating func finish() {
    settle()
    interrupts.settle(memory, &isolation)
    isolation.finish()
  }

  @inline(__always)
  private mutating func take(_ event: TraceEvent) {
    switch event.tag {
    case .time: place.time = event[0]
    case .dma:
      settle()
      isolation.see(event, at: place)
      pending = PendingTransfer(event, at: place)
    case .recordedTranslation, .recordedFault, .recordedContext:
      if pending?.take(event) != true { counters.unmatchedRecords += 1 }
    case .interruptMessage:
      settle()
      isolation.see(event, at: place)
      interrupts.receive(
        InterruptMessage(
          device: UInt32(truncatingIfNeeded: event[0]), address: event[1], data: event[2],
          hasData: true, place: place), memory, &isolation)
    default: takeOther(event)
    }
  }

  @inline(never)
  private mutating func takeOther(_ event: TraceEvent) {
    switch event.tag.rawValue {
    case EventTag.name.rawValue: isolation.see(event, at: place)
    case 48...51, 64...95:
      settle()
      isolation.see(event, at: place)
      interrupts.see(event, at: place, memory, &isolation)
      if event.tag == .tableWrite, event[0] != 1 { memory.write(event[1], event[2]) }
    case 16...20, 96...127:
      settle()
      isolation.see(event, at: place)
      interrupts.see(event, at: place, memory, &isolation)
    default: break
    }
  }

  /// Judges the transfer that waits, page by page.
  private mutating func settle() {
    guard let transfer = pending else { return }
    pending = nil
    counters.transfers += 1
    var pages = transfer.pages
    while let request = pages.next() {
      let outcome = DMAOutcome(request, request.isMessage ? .interrupt : .untranslated)
      counters.count(outcome)
      if outcome.result == .interrupt {
        interrupts.receive(
          InterruptMessage(
            device: request.device, address: request.address, data: 0, hasData: false,
            place: request.place), memory, &isolation)
      }
      isolation.judge(outcome)
    }
    counters.cutTransfers += pages.isCut ? 1 : 0
  }

  /// The counters under the names of results.
  func addCounters(to result: inout RunResult) {
    counters.add(to: &result)
    interrupts.addCounters(to: &result)
    isolation.addFindings(to: &result)
    result.notes += notes
  }

  private var notes: [String] {
    var notes: [String] = []
    if memory.refusedWrites > 0 {
      notes.append(
        "\(memory.refusedWrites) table writes fall outside the 4 GiB of tables that one run keeps "
          + "and were passed over.")
    }
    if counters.cutTransfers > 0 {
      notes.append(
        "\(counters.cutTransfers) transfers name more than \(PageRequests.maximum) pages; the rest "
          + "of each was passed over.")
    }
    return notes
  }

  /// Every sum that must come out.
  func checkLaws() throws(ConservationError) {
    var laws = Conservation()
    counters.checkLaws(&laws)
    interrupts.checkLaws(&laws)
    isolation.checkLaws(&laws)
    try laws.check()
  }
}
