import Results

/// AMD-Vi's device table, and what its devices reach: V10, V14, V27, and the rules about frames for
/// devices of guests.
///
/// Model: guests' own tables (GV) are not swept; what they can reach is what the host's tables map.
extension TableAudit {
  /// A device's host tables, and what its entry lets pass.
  private struct Translation: Hashable {
    var root: UInt64
    var levels: Int
    var rights: UInt8
  }

  /// What was met so far.
  private struct DeviceAudit {
    var swept: [Translation: Int] = [:]
    /// Interrupt tables by their first guest.
    var interruptTables: [UInt64: (guest: String, device: UInt32)] = [:]
    var rows: [[ResultTable.Cell]] = []
    var invalid = 0
    var untold = 0
  }

  private static var maximumRows: Int { 256 }

  /// Visits every entry of the device table from its base register's value on: the address, and in bits
  /// 8:0 its pages less one.
  func sweepAMDVi(_ register: UInt64) throws(TableError) {
    let base = register & AMDViDevice0.root.mask
    var audit = DeviceAudit()
    var absent = 0
    for page in 0...(register & 0x1ff) {
      let place = base + page << 12
      guard let words = memory.words(in: place >> 12) else {
        absent += 1
        continue
      }
      structures.append(place >> 12)
      for at in 0..<128 {
        let entry = [words[4 * at], words[4 * at + 1], words[4 * at + 2]]
        try judge(UInt32(page) << 7 | UInt32(at), entry, place + UInt64(32 * at), &audit)
      }
    }
    if absent > 0 { notes.append("\(absent) pages of AMD-Vi's device table are not in the image.") }
    if audit.invalid > 0 {
      notes.append(
        "\(audit.invalid) entries of AMD-Vi's device table are not valid and would pass everything; "
          + "those of devices that no guest has are not listed.")
    }
    tables.append(
      ResultTable(
        name: "contexts", title: "Devices by AMD-Vi's table",
        explanation:
          "How each device with a valid entry translates; a pass-through device reaches all "
          + "of memory."
          + (audit.untold > 0 ? " \(audit.untold) further entries are not listed." : ""),
        columns: [
          .init("device", "device"), .init("guest", "guest"), .init("type", "translates by"),
          .init("domain", "domain"), .init("root", "root"), .init("bytes", "bytes"),
        ], rows: audit.rows))
  }

  private func judge(
    _ device: UInt32, _ entry: [UInt64], _ place: UInt64, _ audit: inout DeviceAudit
  ) throws(TableError) {
    let guest = guest(of: device)
    let isValid = entry[0].has(AMDViDevice0.valid)
    guard isValid || guest != nil else {
      audit.invalid += 1
      return
    }
    judged[10] += 1
    var subject = FindingLog.Subject()
    (subject.device, subject.domain) = (device, UInt32(entry[1][AMDViDevice1.domain]))
    var detail = ["entry": hex(place)]
    if let guest { detail["guest"] = guest }
    guard isValid else {
      detail["how"] = "its entry is not valid and passes everything"
      return find(10, .high, subject, detail)
    }
    judgeInterrupts(entry[2], guest, device, place, &audit)
    judged[27] += 1
    let mode = Int(entry[0][AMDViDevice0.mode])
    let reserved = entry[0] & (AMDViDevice0.reserved.mask | AMDViDevice0.reservedTop.mask)
    if reserved != 0 || mode == 7 {
      find(
        27, .medium, subject,
        ["entry": hex(place), "value": hex(entry[0]), "change": "reserved bits are set"])
    }
    let isGuest = entry[0].has(AMDViDevice0.guestValid)
    // Without TV every walk ends.
    let translates = entry[0].has(AMDViDevice0.translationValid)
    let isDirect = translates && mode == 0 && !isGuest
    var bytes: Int?
    let root = entry[0] & AMDViDevice0.root.mask
    if isDirect {
      let rights = AMDViUnit.rights(entry[0])
      if !rights.isEmpty {
        detail["how"] = "its entry passes requests"
        find(10, guest == nil ? .low : .high, subject, detail)
      }
    } else if translates, 1...6 ~= mode {
      let translation = Translation(
        root: root, levels: mode, rights: AMDViUnit.rights(entry[0]).rawValue)
      bytes = sweeps[try sweep(translation, device, subject.domain, guest, &audit)].bytes()
    }
    guard audit.rows.count < Self.maximumRows else {
      audit.untold += 1
      return
    }
    audit.rows.append([
      .text(NameBook().device(device)), .text(guest ?? "host"),
      .text(
        !translates ? "blocked" : isDirect ? "pass-through" : isGuest ? "nested" : "\(mode) levels"),
      .text(hex(UInt64(subject.domain))), bytes == nil ? .empty : .text(hex(root)),
      bytes.map { .number($0) } ?? .empty,
    ])
  }

  /// V14: two guests' devices name one interrupt table.
  private func judgeInterrupts(
    _ word: UInt64, _ guest: String?, _ device: UInt32, _ place: UInt64, _ audit: inout DeviceAudit
  ) {
    // IV is bit 0, IntTabRoot bits 51:6.
    guard let guest, word & 1 == 1 else { return }
    judged[14] += 1
    let table = word & (1 << 52 - 1) & ~0x3f
    guard let first = audit.interruptTables[table] else {
      audit.interruptTables[table] = (guest, device)
      return
    }
    guard first.guest != guest else { return }
    var subject = FindingLog.Subject()
    subject.device = device
    find(
      14, .critical, subject,
      [
        "entry": hex(place), "table": hex(table), "guest": guest, "otherGuest": first.guest,
        "alias": NameBook().device(first.device),
      ])
  }

  private func sweep(
    _ translation: Translation, _ device: UInt32, _ domain: UInt32, _ guest: String?,
    _ audit: inout DeviceAudit
  ) throws(TableError) -> Int {
    if let known = audit.swept[translation] {
      // Tables of the host's that a guest's device uses too are that guest's.
      if let guest, !subjects[known].isGuest {
        (subjects[known].isGuest, subjects[known].name) = (true, guest)
      }
      return known
    }
    var sweep = TableSweep(subject: sweeps.count)
    try sweep.visitAMDVi(
      root: translation.root, levels: translation.levels, Rights(rawValue: translation.rights),
      in: memory)
    audit.swept[translation] = sweeps.count
    sweeps.append(sweep)
    subjects.append(
      Subject(
        name: guest ?? "domain \(hex(UInt64(domain)))", isGuest: guest != nil, device: device,
        domain: domain))
    return sweeps.count - 1
  }
}
