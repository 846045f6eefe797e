import Machine
import TraceFile

/// What happens between records.
extension GuestReplay {
  /// Carries one event out; those of devices are not a processor's.
  mutating func handle(_ event: TraceEvent, in block: TraceBlock) throws(TraceError) {
    forgetRepeats()
    try checkRoom(for: event, block)
    switch event.tag {
    case .vcpuDefine: define(event)
    case .vcpuIn: try enterCore(event, block)
    case .vcpuOut: leaveCore(event)
    case .vmEntry: enterGuest(event)
    case .vmExit: exitGuest(event)
    case .cr3: loadCR3(event[0], noFlush: event[1] != 0)
    case .control: writeControl(event)
    case .privilege:
      vcpus[running.vcpu].isUser = event[0] == 3
      vcpus[running.vcpu].registers.hasAlignmentCheck = event[1] != 0
      refresh()
    case .sensitive: intercept(event[0])
    case .invlpg, .invpcid, .invept, .invvpid, .invlpga, .tlbControl, .pageFault:
      invalidate(event)
    case .tableWrite: try writeTable(event, block)
    case .map, .unmap, .protect: try changeTables(event, block)
    default: break
    }
  }

  // Virtual processors

  /// Virtual processors, guests and address spaces of one run, far beyond those that traces have.
  private static var maximumProcessors: Int { 4096 }
  private static var maximumSpaces: Int { 1 << 17 }

  /// Refuses an event that would need more of something than a run keeps.
  private func checkRoom(for event: TraceEvent, _ block: TraceBlock) throws(TraceError) {
    guard vcpus.count < Self.maximumProcessors, guestNumbers.count < Self.maximumProcessors else {
      throw block.refusal(
        of: event, "the trace has more than \(Self.maximumProcessors) vCPUs or guests",
        "fewer: import a part of the trace")
    }
    guard tables.spaces.count < Self.maximumSpaces else {
      throw block.refusal(
        of: event, "the trace has more than \(Self.maximumSpaces) address spaces",
        "fewer: import a part of the trace")
    }
  }

  private mutating func vcpu(_ id: UInt64) -> Int {
    let number = Int(truncatingIfNeeded: id & 0xffff_ffff)
    if let index = vcpus.firstIndex(where: { $0.id == number }) { return index }
    // One that nothing defined is another of the first one's guest.
    var new = vcpus[0]
    new.id = number
    new.core = nil
    (new.entries, new.exits) = (0, 0)
    vcpus.append(new)
    return vcpus.count - 1
  }

  /// The place of a guest by the trace's number; guest 0 of the tables is the first that is named.
  private mutating func guest(_ id: UInt64, root: UInt64) -> Int {
    if let guest = guestNumbers[id] { return guest }
    let index: Int
    if guestNumbers.isEmpty {
      index = 0
    } else if tables.isSynthesised {
      index = tables.addGuest() ?? 0
    } else {
      index = tables.addRecordedGuest(second: HPA(root & (1 << 52 - 1 << 12)))
    }
    guestNumbers[id] = index
    return index
  }

  private mutating func define(_ event: TraceEvent) {
    let index = vcpu(event[0])
    let guest = guest(event[1], root: event[3])
    vcpus[index].guest = guest
    let hasTag = machine.mode.isVirtualized && machine.virtualization.hasVPID
    vcpus[index].tag = hasTag ? UInt16(truncatingIfNeeded: event[2]) : 0
    vcpus[index].space = space(of: guest, event[4])
    vcpus[index].pcid = pcid(of: event[4], vcpus[index])
    refresh()
  }

  private func pcid(of cr3: UInt64, _ vcpu: VirtualProcessor) -> UInt16 {
    machine.virtualization.hasPCID && vcpu.registers.usesPCID
      ? UInt16(truncatingIfNeeded: cr3 & 0xfff) : 0
  }

  /// The address space that CR3 names; the guest's first one is the one that it began with.
  private mutating func space(of guest: Int, _ cr3: UInt64) -> Int {
    let name = SpaceName(guest: guest, root: cr3 & (1 << 52 - 1 << 12))
    if let space = spaceNumbers[name] { return space }
    let space: Int
    if !tables.isSynthesised {
      space = tables.addRecordedSpace(of: guest, first: GPA(name.root))
    } else if guest == 0, !isFirstSpaceNamed {
      space = 0
      isFirstSpaceNamed = true
    } else {
      space = tables.addSpace(of: guest) ?? 0
    }
    spaceNumbers[name] = space
    return space
  }

  private mutating func enterCore(_ event: TraceEvent, _ block: TraceBlock) throws(TraceError) {
    guard event[1] < UInt64(machine.cores) else {
      throw block.refusal(
        of: event,
        "vCPU \(event[0]) runs on core \(event[1]), and the machine has \(machine.cores)",
        "a machine with more, as by --set cores=\(min(event[1], 63) + 1)")
    }
    let core = Int(event[1])
    let index = vcpu(event[0])
    for other in vcpus.indices where vcpus[other].core == core { vcpus[other].core = nil }
    vcpus[index].core = core
    cores[core].vcpu = index
    (running.core, running.vcpu) = (core, index)
    refresh()
  }

  private mutating func leaveCore(_ event: TraceEvent) {
    let index = vcpu(event[0])
    vcpus[index].core = nil
  }

  // Entries and exits

  private mutating func enterGuest(_ event: TraceEvent) {
    let index = vcpu(event[0])
    vcpus[index].isInGuest = true
    vcpus[index].entries += 1
    running.vcpu = index
    if let core = vcpus[index].core { running.core = core }
    if machine.mode.isVirtualized, !machine.virtualization.hasVPID { invalidate(.transition) }
    refresh()
  }

  private mutating func exitGuest(_ event: TraceEvent) {
    let index = vcpu(event[0])
    vcpus[index].isInGuest = false
    vcpus[index].exits += 1
    recordedExits += 1
    ledger.count(reason(event[1]))
    if machine.mode.isVirtualized, !machine.virtualization.hasVPID { invalidate(.transition) }
  }

  private func reason(_ number: UInt64) -> ExitReason {
    machine.secondStage?.format == .npt ? ExitReason(svm: number) : ExitReason(vmx: number)
  }

  /// An event that may exit, by the number that its exit would have.
  private mutating func intercept(_ number: UInt64) {
    let reason = reason(number)
    sensitive += 1
    if intercepts.exits(reason) { leave(reason, 1, \.others) }
  }

  // Registers and invalidations

  private mutating func loadCR3(_ value: UInt64, noFlush: Bool) {
    if intercepts.exits(.crAccess) { leave(.crAccess, 1, \.spaceChanges) }
    let vcpu = vcpus[running.vcpu]
    let pcid = pcid(of: value, vcpu)
    vcpus[running.vcpu].space = space(of: vcpu.guest, value)
    vcpus[running.vcpu].pcid = pcid
    let keeps = noFlush && machine.virtualization.hasPCID && vcpu.registers.usesPCID
    if !keeps { invalidate(.cr3(pcid: pcid)) }
    refresh()
  }

  private mutating func writeControl(_ event: TraceEvent) {
    if event[0] == 0 || event[0] == 4, intercepts.exits(.crAccess) {
      leave(.crAccess, 1, \.spaceChanges)
    }
    if let event = vcpus[running.vcpu].registers.write(event[1], to: event[0]) {
      invalidate(event)
    }
    if !vcpus[running.vcpu].registers.usesPCID { vcpus[running.vcpu].pcid = 0 }
    refresh()
  }

  private mutating func invalidate(_ event: TraceEvent) {
    func low(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: event[index]) }
    switch event.tag {
    case .invlpg:
      if intercepts.exits(.invlpg) { leave(.invlpg, 1, \.pageInvalidations) }
      invalidate(.page(event[0]))
    case .invpcid:
      if intercepts.exits(.invpcid) { leave(.invpcid, 1, \.pageInvalidations) }
      invalidate(.pcid(type: event[0], pcid: low(1) & 0xfff, address: event[2]))
    case .invept: invalidate(.ept(type: event[0], root: root(event[1])))
    case .invvpid: invalidate(.vpid(type: event[0], vpid: low(1), address: event[2]))
    case .invlpga: invalidate(.asidPage(address: event[0], asid: low(1)))
    case .tlbControl: invalidate(.asidControl(code: event[0], asid: low(1)))
    case .pageFault:
      if machine.mode == .shadow { leave(.exception, 1, \.guestFaults) }
      invalidate(.pageFault(event[0]))
    default: break
    }
  }

  /// The root that an event means: where tables are synthesised the trace's number names a guest's.
  private func root(_ value: UInt64) -> UInt64 {
    let address = value & (1 << 52 - 1 << 12)
    guard tables.isSynthesised else { return address }
    let named = guestNumbers[value].map { tables.guests[$0].second.rawValue }
    return named ?? tables.guests[vcpus[running.vcpu].guest].second.rawValue
  }

  // Tables

  /// Pages that one event may map; more is a mistake and would take the memory of a table for each 512.
  private static var maximumPages: UInt64 { 1 << 20 }

  /// Pages that a hypervisor invalidates one by one; of more it forgets the whole guest, as Linux
  /// flushes everything for more than 33.
  private static var singlePages: UInt64 { 33 }

  private mutating func writeTable(_ event: TraceEvent, _ block: TraceBlock) throws(TraceError) {
    let guest = vcpus[running.vcpu].guest
    let isFirst = event[0] == 1
    guard event[0] < 3 else {
      throw block.refusal(of: event, "stage \(event[0])", "0, 1 or 2")
    }
    let host = isFirst ? tables.host(of: GPA(event[1]), guest) : HPA(event[1])
    guard let host, tables.write(event[2], at: HPA(host.rawValue & ~7)) else {
      strayWrites += 1
      return
    }
    changed(stage: isFirst ? 1 : 2, 0..<UInt64.max, "tableWrite")
    if isFirst { tellShadow(of: 0..<UInt64.max, written: 1) } else { forgetShadow() }
  }

  private mutating func changeTables(_ event: TraceEvent, _ block: TraceBlock) throws(TraceError) {
    guard event[0] == 1 || event[0] == 2 else {
      throw block.refusal(of: event, "stage \(event[0])", "1 or 2")
    }
    let (end, overflows) = event[1].addingReportingOverflow(event[2])
    let range = event[1]..<max(event[1], overflows ? .max : end)
    if event.tag == .map { return try map(event, range, block) }
    let change: TableChange =
      event.tag == .unmap
      ? .unmap : .protect(Rights(rawValue: UInt8(truncatingIfNeeded: event[3] & 7)))
    if event[0] == 1 {
      let written = tables.changeFirst(range, in: running.space, change)
      guard written > 0 else { return }
      changed(stage: 1, range, "\(event.tag)")
      tellShadow(of: range, written: written)
    } else {
      guard tables.secondLevels > 0 else { return }
      let written = tables.changeSecond(range, of: vcpus[running.vcpu].guest, change)
      guard written > 0 else { return }
      changed(stage: 2, range, "\(event.tag)")
      forgetShadow()
    }
  }

  /// Software maps pages before they are touched.
  private mutating func map(
    _ event: TraceEvent, _ range: Range<UInt64>, _ block: TraceBlock
  ) throws(TraceError) {
    guard event[0] == 1, tables.isSynthesised else { return }
    guard (range.upperBound - range.lowerBound) >> 12 <= Self.maximumPages else {
      throw block.refusal(
        of: event, "it maps \(event[2]) bytes at once", "at most \(Self.maximumPages << 12)")
    }
    var at = range.lowerBound & ~0xfff
    while at < range.upperBound {
      if First.accepts(at, levels: tables.firstLevels) {
        _ = prepare(GVA(at), isWrite: event[3] & 2 != 0)
      }
      // The last page of all has none after it.
      at &+= 4096
      if at == 0 { break }
    }
  }

  private mutating func changed(stage: Int, _ range: Range<UInt64>, _ name: String) {
    pages.forget()
    hot.forget(under: running)
    changes.note(
      TableChanges.Change(
        record: record, stage: stage,
        owner: stage == 1 ? running.space : vcpus[running.vcpu].guest, range: range, name: name))
  }

  /// The hypervisor sees the guest's writes to tables that its own follow.
  private mutating func tellShadow(of range: Range<UInt64>, written: Int) {
    guard usesShadow else { return }
    // Model: the leaf's table is the one that is written; where the guest's own tables are walked from
    // its level on, nobody sees it.
    guard machine.mode == .shadow || shadow.nestedLevels == 0 else { return }
    leave(.exception, written, \.tableWrites)
    if range.upperBound - range.lowerBound > Self.singlePages << 12 {
      shadow.forget(guest: vcpus[running.vcpu].guest, tables)
      forgetShadows()
      invalidate(.vpid(type: 1, vpid: vcpus[running.vcpu].tag, address: 0))
      return
    }
    forgetShadows()
    var at = range.lowerBound & ~0xfff
    while at < range.upperBound {
      shadow.forget(GVA(at), in: running.space, tables)
      invalidate(.vpid(type: 0, vpid: vcpus[running.vcpu].tag, address: at))
      at &+= 4096
      if at == 0 { break }
    }
  }

  private mutating func forgetShadows() {
    pages.forgetShadows()
    hot.forget(under: running)
  }

  /// The second stage changed under the shadow.
  private mutating func forgetShadow() {
    guard usesShadow else { return }
    shadow.forget(guest: vcpus[running.vcpu].guest, tables)
    forgetShadows()
    if machine.mode == .shadow {
      invalidate(.vpid(type: 1, vpid: vcpus[running.vcpu].tag, address: 0))
    }
  }
}
