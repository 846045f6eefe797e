import Results

/// VT-d's root, context and PASID tables, and what their devices reach: V10, V27, and the rules about
/// frames for devices of guests.
extension TableAudit {
  /// A context or PASID entry's tables.
  private struct Translation: Hashable {
    var root: UInt64
    var levels: Int
    var isFirstStage: Bool
  }

  /// Rows of the table of devices.
  private static var maximumRows: Int { 256 }

  func guest(of device: UInt32) -> String? {
    options.assignments.first { $0.device == device }?.guest
  }

  /// Visits every context from a root table register's value on.
  func sweepVTd(_ register: UInt64) throws(TableError) {
    let root = register & VTdRootAddress.table.mask
    let isScalable = register[VTdRootAddress.mode] == 1
    guard let words = memory.words(in: root >> 12) else {
      notes.append("The image does not hold VT-d's root table at \(hex(root)).")
      return
    }
    structures.append(root >> 12)
    var audit = ContextAudit()
    for bus in 0..<256 {
      let (low, high) = (words[2 * bus], words[2 * bus + 1])
      if low & VTdRootEntryLow.present.mask != 0 {
        let reserved = isScalable ? 0 : high
        judgeReserved(
          low & VTdRootEntryLow.reserved.mask | reserved, root + UInt64(16 * bus), low,
          "a root entry")
        try visitContexts(low, bus << 8, isScalable, &audit)
      }
      if isScalable, high & VTdRootEntryHigh.present.mask != 0 {
        judgeReserved(
          high & VTdRootEntryHigh.reserved.mask, root + UInt64(16 * bus + 8), high, "a root entry")
        try visitContexts(high, bus << 8 | 128, true, &audit)
      }
    }
    tables.append(
      ResultTable(
        name: "contexts", title: "Devices by VT-d's tables",
        explanation: "How each device with an entry translates; a pass-through device reaches all "
          + "of memory."
          + (audit.untold > 0 ? " \(audit.untold) further entries are not listed." : ""),
        columns: [
          .init("device", "device"), .init("guest", "guest"), .init("type", "translates by"),
          .init("domain", "domain"), .init("root", "root"), .init("bytes", "bytes"),
        ], rows: audit.rows))
  }

  /// What was met so far, so that tables which many devices share are swept once.
  private struct ContextAudit {
    var swept: [Translation: Int] = [:]
    var directories: Set<UInt64> = []
    var rows: [[ResultTable.Cell]] = []
    var untold = 0
  }

  private func visitContexts(
    _ entry: UInt64, _ first: Int, _ isScalable: Bool, _ audit: inout ContextAudit
  ) throws(TableError) {
    let table = entry & VTdRootEntryLow.table.mask
    guard let words = memory.words(in: table >> 12) else {
      notes.append("The image does not hold the context table at \(hex(table)).")
      return
    }
    structures.append(table >> 12)
    let size = isScalable ? 4 : 2
    for at in 0..<(512 / size) {
      let (low, high) = (words[size * at], words[size * at + 1])
      guard low & VTdContextLow.present.mask != 0 else { continue }
      let device = UInt32(first + at)
      let place = table + UInt64(8 * size * at)
      if isScalable {
        judgeReserved(
          low & VTdScalableContextLow.reserved.mask | high & VTdScalableContextHigh.reserved.mask
            | words[size * at + 2] | words[size * at + 3], place, low, "a context entry")
        try visitDirectory(low, device, &audit)
      } else {
        judgeReserved(
          low & VTdContextLow.reserved.mask | high & VTdContextHigh.reservedHigh.mask, place, low,
          "a context entry")
        try judge(
          device, kind: low[VTdContextLow.type] == 2 ? 4 : low[VTdContextLow.type] == 3 ? 0 : 2,
          domain: UInt32(high[VTdContextHigh.domain]),
          Translation(
            root: low & VTdContextLow.table.mask, levels: Int(high[VTdContextHigh.width]) + 2,
            isFirstStage: false), place, &audit)
      }
    }
  }

  /// A device's PASIDs; a directory that devices share is visited for the first of them.
  private func visitDirectory(
    _ context: UInt64, _ device: UInt32, _ audit: inout ContextAudit
  ) throws(TableError) {
    let directory = context & VTdScalableContextLow.directory.mask
    guard audit.directories.insert(directory).inserted else { return }
    let entries = 1 << (Int(context[VTdScalableContextLow.directorySize]) + 7)
    for at in 0..<entries {
      let place = directory + UInt64(8 * at)
      guard let words = memory.words(in: place >> 12) else { continue }
      if at % 512 == 0 { structures.append(place >> 12) }
      let entry = words[at % 512]
      guard entry & VTdPASIDDirectoryEntry.present.mask != 0 else { continue }
      judgeReserved(
        entry & VTdPASIDDirectoryEntry.reserved.mask, place, entry, "a PASID directory entry")
      try visitPASIDs(entry & VTdPASIDDirectoryEntry.table.mask, device, &audit)
    }
  }

  private func visitPASIDs(
    _ table: UInt64, _ device: UInt32, _ audit: inout ContextAudit
  ) throws(TableError) {
    guard audit.directories.insert(table | 1).inserted else { return }
    guard let words = memory.words(in: table >> 12) else { return }
    structures.append(table >> 12)
    for at in 0..<64 {
      let entry = words[8 * at]
      guard entry & VTdPASIDEntry0.present.mask != 0 else { continue }
      let kind = Int(entry[VTdPASIDEntry0.type])
      let (domain, first) = (words[8 * at + 1], words[8 * at + 2])
      let translation =
        kind == 1
        ? Translation(
          root: first & VTdPASIDEntry2.firstTable.mask,
          levels: first[VTdPASIDEntry2.firstLevels] == 1 ? 5 : 4, isFirstStage: true)
        : Translation(
          root: entry & VTdPASIDEntry0.secondTable.mask,
          levels: Int(entry[VTdPASIDEntry0.secondWidth]) + 2, isFirstStage: false)
      try judge(
        device, kind: kind, domain: UInt32(domain[VTdPASIDEntry1.domain]), translation,
        table + UInt64(64 * at), &audit)
    }
  }

  /// Judges how a device translates: 1 first stage, 2 second, 3 nested, 4 pass-through.
  private func judge(
    _ device: UInt32, kind: Int, domain: UInt32, _ translation: Translation, _ place: UInt64,
    _ audit: inout ContextAudit
  ) throws(TableError) {
    judged[10] += 1
    let guest = guest(of: device)
    var bytes = 0
    let names = ["an invalid type", "first stage", "second stage", "nested", "pass-through"]
    if kind == 4 {
      var subject = FindingLog.Subject()
      (subject.device, subject.domain) = (device, domain)
      var detail = ["entry": hex(place), "how": "its entry passes requests"]
      if let guest { detail["guest"] = guest }
      find(10, guest == nil ? .low : .high, subject, detail)
    } else if (1...3).contains(kind), (3...5).contains(translation.levels) {
      let at = try sweep(translation, device, domain, guest, &audit)
      bytes = sweeps[at].bytes()
    } else {
      judgeReserved(1, place, translation.root, "a context or PASID entry's type or width")
    }
    guard audit.rows.count < Self.maximumRows else {
      audit.untold += 1
      return
    }
    audit.rows.append([
      .text(NameBook().device(device)), .text(guest ?? "host"),
      .text(kind < names.count ? names[kind] : names[0]), .text(hex(UInt64(domain))),
      kind == 4 ? .empty : .text(hex(translation.root)), kind == 4 ? .empty : .number(bytes),
    ])
  }

  private func sweep(
    _ translation: Translation, _ device: UInt32, _ domain: UInt32, _ guest: String?,
    _ audit: inout ContextAudit
  ) throws(TableError) -> Int {
    if let known = audit.swept[translation] {
      // Tables of the host's that a guest's device uses too are that guest's.
      if let guest, !subjects[known].isGuest {
        (subjects[known].isGuest, subjects[known].name) = (true, guest)
      }
      return known
    }
    var sweep = TableSweep(subject: sweeps.count)
    if translation.isFirstStage {
      try sweep.visit(
        X86PageTable.self, root: translation.root, levels: translation.levels, in: memory)
    } else {
      try sweep.visit(
        VTdSecondStage.self, root: translation.root, levels: translation.levels, in: memory)
    }
    audit.swept[translation] = sweeps.count
    sweeps.append(sweep)
    subjects.append(
      Subject(
        name: guest ?? "domain \(hex(UInt64(domain)))", isGuest: guest != nil, device: device,
        domain: domain))
    return sweeps.count - 1
  }

  private func judgeReserved(_ bits: UInt64, _ place: UInt64, _ value: UInt64, _ what: String) {
    judged[27] += 1
    guard bits != 0 else { return }
    find(
      27, .medium, FindingLog.Subject(),
      ["entry": hex(place), "value": hex(value), "change": "reserved bits are set", "of": what])
  }

  // MARK: Interrupt entries

  /// V13 and V15 over an interrupt remapping table, by its address register's value.
  func judgeInterruptTable(_ register: UInt64) {
    let base = register & VTdInterruptTableAddress.base.mask
    let count = 2 << Int(register[VTdInterruptTableAddress.size])
    let rules = VTdInterrupts(
      isEnabled: true, isExtended: register & VTdInterruptTableAddress.extended.mask != 0)
    var absent = 0
    for at in 0..<count {
      let place = base + UInt64(16 * at)
      guard let words = memory.words(in: place >> 12) else {
        absent += at % 256 == 0 ? 1 : 0
        continue
      }
      if at % 256 == 0 { structures.append(place >> 12) }
      let entry = InterruptEntry(low: words[at % 256 * 2], high: words[at % 256 * 2 + 1])
      if entry.low & VTdRemappedEntryLow.present.mask != 0 { judge(entry, at, place, rules) }
    }
    if absent > 0 {
      notes.append("\(absent) pages of the interrupt remapping table are not in the image.")
    }
  }

  private func judge(_ entry: InterruptEntry, _ at: Int, _ place: UInt64, _ rules: VTdInterrupts) {
    for rule in [13, 15, 27] { judged[rule] += 1 }
    var detail = [
      "index": String(at), "entry": "\(hex(entry.high)) \(hex(entry.low))", "address": hex(place),
    ]
    if VTdInterrupts.hasReservedBits(entry) {
      find(27, .medium, FindingLog.Subject(), detail)
      return
    }
    let validation = entry.high[VTdEntryHigh.validation]
    let source = UInt32(entry.high[VTdEntryHigh.source])
    let guest = validation == 1 ? guest(of: source) : nil
    if validation == 1 { detail["device"] = NameBook().device(source) }
    if let guest { detail["guest"] = guest }
    // An entry that checks no source, or buses, is an opening for the devices that guests have.
    let (start, end) = (entry.high[VTdEntryHigh.startBus], entry.high[VTdEntryHigh.endBus])
    let isOpen =
      validation == 0
      || validation == 2
        && options.assignments.contains { start...max(start, end) ~= UInt64($0.device >> 8) }
    if isOpen {
      let isExposed = !options.assignments.isEmpty
      find(13, isExposed ? .high : .low, FindingLog.Subject(), detail)
    }
    guard guest != nil || isOpen, entry.low & VTdRemappedEntryLow.mode.mask == 0 else { return }
    let request = rules.request(of: entry)
    guard !request.deliveryMode.isOrdinary || request.vector < 32 else { return }
    detail["vector"] = hex(UInt64(request.vector))
    detail["deliveryMode"] = "\(request.deliveryMode)"
    find(15, .critical, FindingLog.Subject(), detail)
  }
}
