import Results
import TraceFile

/// What the recorder saw of interrupts besides messages.
extension InterruptUnit {
  /// Takes an event of the host's kernel or hypervisor.
  mutating func observe(
    _ event: TraceEvent, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    switch event.tag {
    case .interruptDelivery:
      observed.count(.deliveries)
      check.compareDelivery(event)
    case .postedRoute:
      observed.count(.routes)
      bind(event, at: place, memory, &isolation)
    case .interruptInjection:
      observed.count(.injections)
      observeInjection(event, at: place)
    case .interruptAccept:
      observed.count(.accepts)
      observeAccept(event, at: place)
    case .vectorUpdate:
      observed.count(.vectorUpdates)
      setVector(
        of: event[0], event[1], core: event[2], from: event[3], core: event[4], at: place)
    case .vectorConfig:
      observed.count(.vectorConfigs)
      setVector(of: event[0], event[1], core: event[2], from: 0, core: 0, at: place)
    case .interruptHandler:
      observed.count(.handlers)
      guard let at = observed.route(of: event[1]) else { return }
      let route = observed.routes[at]
      observed.update(at) { $0.handled += 1 }
      if route.isKnown, observed.handle(route.vector, on: event[0], at: place.time) {
        observed.match(.handlers)
      }
    case .vcpuWake:
      observed.count(.wakes)
      observeWake(event)
    case .guestInterruptLog:
      observed.count(.guestLogs)
      if observed.takeLogged(guest: event[0], vcpu: event[1]) { observed.match(.guestLogs) }
    default: observed.count(.software)
    }
  }

  // MARK: Routes

  /// The kernel gives an interrupt a vector of a core.
  private mutating func setVector(
    of interrupt: UInt64, _ vector: UInt64, core: UInt64, from oldVector: UInt64,
    core oldCore: UInt64, at place: EventPlace
  ) {
    guard let at = observed.route(of: interrupt) else { return }
    observed.keepArrivals()
    let isMove =
      vector != 0 && oldVector != 0 && vector < 256 && (vector, core) != (oldVector, oldCore)
    let isKept = core < UInt64(machine.cores) && vector < 256
    observed.update(at) { route in
      if isMove { route.moves += 1 }
      route.vector = UInt8(truncatingIfNeeded: vector)
      route.core = isKept && vector != 0 ? UInt32(core) : Delivery.noCore
    }
    guard isMove else { return }
    counters.vectorMoves += 1
    var (from, to) = (InterruptRequest(), InterruptRequest())
    from.vector = UInt8(truncatingIfNeeded: oldVector)
    from.destination = UInt32(truncatingIfNeeded: oldCore)
    to.vector = UInt8(truncatingIfNeeded: vector)
    to.destination = UInt32(truncatingIfNeeded: core)
    ledger.move(interrupt: interrupt, from: from, to: to, at: place)
  }

  /// KVM binds a host interrupt to a virtual processor's vector, or gives it back to the host.
  ///
  /// The entry that then posts is the one that remapped to the interrupt's vector and core; KVM has
  /// it invalidated with the change.
  ///
  /// Model: of AMD-Vi's entry the event lacks the tag, so that the entry stays as it is.
  ///
  /// Source: Linux 6.12 arch/x86/kvm/vmx/posted_intr.c, `vmx_pi_update_irte`;
  /// drivers/iommu/intel/irq_remapping.c, `intel_ir_set_vcpu_affinity` and `modify_irte`.
  private mutating func bind(
    _ event: TraceEvent, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    guard let at = observed.route(of: event[1]) else { return }
    var route = observed.routes[at]
    if event[0] == 0 {
      if route.tag != ObservedInterrupts.Route.noEntry {
        rewrite(route.tag, route.entry, at: place, memory, &isolation)
      }
      route.tag = ObservedInterrupts.Route.noEntry
      (route.processor, route.guestVector, route.descriptor) = (-1, 0, 0)
    } else if let processor = targets.place(of: event[2]) {
      (route.processor, route.descriptor) = (Int32(processor), event[5])
      route.guestVector = UInt8(truncatingIfNeeded: event[4])
      if event[5] != 0, !isAMD {
        targets.setDescriptor(event[5], of: processor)
        if route.tag == ObservedInterrupts.Route.noEntry, route.isKnown,
          let tag = ledger.entry(at: route.vector, of: route.core), let entry = entries.entry(tag)
        {
          (route.tag, route.entry) = (tag, entry)
        }
        if route.tag != ObservedInterrupts.Route.noEntry {
          let posted = Self.posted(route.entry, route.guestVector, event[5])
          rewrite(route.tag, posted, at: place, memory, &isolation)
        }
      }
    }
    observed.update(at) { $0 = route }
  }

  private mutating func rewrite(
    _ tag: UInt64, _ entry: InterruptEntry, at place: EventPlace, _ memory: borrowing IOMemory,
    _ isolation: inout IsolationMonitor
  ) {
    write(tag, entry, at: place, memory, &isolation)
    cache.invalidate(table: 0, index: UInt32(tag & 0xffff), mask: 0)
    check.invalidate(index: UInt32(tag & 0xffff), mask: 0)
  }

  /// An entry that posts, with the source check of the one that it replaces.
  private static func posted(
    _ entry: InterruptEntry, _ vector: UInt8, _ descriptor: UInt64
  ) -> InterruptEntry {
    var posted = InterruptEntry()
    posted.low[VTdRemappedEntryLow.present] = 1
    posted.low[VTdRemappedEntryLow.mode] = 1
    posted.low[VTdPostedEntryLow.vector] = UInt64(vector)
    posted.low[VTdPostedEntryLow.descriptorLow] = descriptor >> 6 & 0x3ff_ffff
    posted.high = entry.high
    posted.high[VTdEntryHigh.descriptorHigh] = descriptor >> 32
    return posted
  }

  // MARK: Virtual processors

  /// The hypervisor injects a vector: one that waited is taken now.
  private mutating func observeInjection(_ event: TraceEvent, at place: EventPlace) {
    guard let target = targets.place(of: event[0]) else { return }
    targets[target].observed[Int(InterruptTarget.Observed.injected.rawValue)] += 1
    let vector = UInt8(truncatingIfNeeded: event[1])
    guard event[1] < 256, targets[target].descriptor.remove(vector) else { return }
    let since = targets[target].waitingSince[Int(vector)]
    let waited = place.time &- min(place.time, since)
    counters.resume(after: waited)
    observed.inject(after: waited)
    observed.match(.injections)
  }

  /// A virtual processor's controller has a vector: the one that the model has just handed it, or one
  /// that software sent.
  ///
  /// Model: a controller's id is its virtual processor's number. A vector that software posts to one
  /// that runs is taken at once, and any other at its next entry.
  private mutating func observeAccept(_ event: TraceEvent, at place: EventPlace) {
    guard let target = targets.place(of: event[0]) else { return }
    let isPosted = event[3] != 0
    let kind: InterruptTarget.Observed = isPosted ? .acceptedPosted : .accepted
    targets[target].observed[Int(kind.rawValue)] += 1
    guard event[1] < 256 else { return }
    let vector = UInt8(event[1])
    if targets[target].descriptor.has(vector) || targets[target].handed.remove(vector) {
      observed.match(.accepts)
      return
    }
    guard !(isPosted && targets[target].isInGuest) else { return }
    targets[target].waitingSince[Int(vector)] = place.time
    counters.addSoftwarePost()
    _ = targets[target].descriptor.post(vector, isUrgent: true)
    targets[target].descriptor.control.isOutstanding = true
  }

  /// A blocked virtual processor runs again, though not yet on a core.
  private mutating func observeWake(_ event: TraceEvent) {
    guard let target = targets.place(of: event[0]) else { return }
    targets[target].observed[Int(InterruptTarget.Observed.woken.rawValue)] += 1
    if !targets[target].descriptor.isEmpty { observed.match(.wakes) }
    guard case .blocked = targets[target].activity else { return }
    targets.stop(target, .preempted)
    model.update(&targets[target])
  }

  // MARK: Tables

  var observedTable: ResultTable? {
    var rows: [[ResultTable.Cell]] = []
    for place in 0..<targets.count {
      let target = targets[place]
      var cells: [ResultTable.Cell] = []
      var sum = 0
      for kind in InterruptTarget.Observed.allCases {
        let count = target.observed[Int(kind.rawValue)]
        sum += count
        cells.append(.number(count))
      }
      if sum > 0, rows.count < 1000 { rows.append([.number(Int(clamping: target.id))] + cells) }
    }
    guard !rows.isEmpty else { return nil }
    return ResultTable(
      name: "interrupts.observed", title: "What virtual processors were seen to take",
      explanation:
        "Vectors that the recorder saw controllers accept, with an exit and without, vectors that it "
        + "saw injected, and wake-ups.",
      columns: [
        ResultTable.Column("vcpu", "virtual processor"),
        ResultTable.Column("acceptedPosted", "accepted without exit"),
        ResultTable.Column("accepted", "accepted otherwise"),
        ResultTable.Column("injected", "injected"), ResultTable.Column("woken", "woken"),
      ], rows: rows)
  }

  var routeTable: ResultTable? {
    guard !observed.routes.isEmpty else { return nil }
    return ResultTable(
      name: "interrupts.routes", title: "Interrupts of the host's kernel",
      explanation:
        "Each interrupt number of the kernel, as it was at the end: its vector and core, whom it is "
        + "posted to, how often its handler ran, and how often it moved.",
      columns: [
        ResultTable.Column("interrupt", "interrupt"), ResultTable.Column("vector", "vector"),
        ResultTable.Column("core", "core"), ResultTable.Column("vcpu", "posted to"),
        ResultTable.Column("guestVector", "as vector"), ResultTable.Column("index", "entry"),
        ResultTable.Column("handled", "handlers"), ResultTable.Column("moves", "moves"),
      ],
      rows: observed.routes.sorted { $0.interrupt < $1.interrupt }.prefix(1000).map { route in
        let isPosted = route.processor >= 0
        let hasEntry = route.tag != ObservedInterrupts.Route.noEntry
        return [
          .number(Int(clamping: route.interrupt)),
          route.isKnown ? .number(Int(route.vector)) : .empty,
          route.isKnown ? .number(Int(route.core)) : .empty,
          isPosted ? .number(Int(clamping: targets[Int(route.processor)].id)) : .empty,
          isPosted ? .number(Int(route.guestVector)) : .empty,
          hasEntry ? .number(Int(route.tag & 0xffff)) : .empty,
          .number(route.handled), .number(route.moves),
        ]
      })
  }

  var windowTable: ResultTable? {
    guard let first = ledger.windows.first else { return nil }
    let counts = ledger.windows.counts
    let last = counts.lastIndex { $0 > 0 } ?? 0
    return ResultTable(
      name: "interrupts.movesOverTime", title: "Migrations of vectors over time",
      explanation:
        "How many entries or interrupts got another vector or core in each of up to 64 windows of "
        + "\(ledger.windows.width) ns.",
      columns: [
        ResultTable.Column("nanoseconds", "from, ns"), ResultTable.Column("moves", "moves"),
      ],
      rows: (0...last).map { at in
        [
          .number(Int(clamping: first &+ UInt64(at) &* ledger.windows.width)), .number(counts[at]),
        ]
      })
  }
}
