import Results

extension InterruptUnit {
  /// Each entry that a message named, and who may use it.
  var entryTable: ResultTable? {
    guard !ledger.uses.isEmpty else { return nil }
    return ResultTable(
      name: "interrupts.entries", title: "Interrupt entries and who may use them",
      explanation:
        "Each entry that a message named, as it was when last used: what it does, which sources it "
        + "lets use it, and how often messages used it or were blocked.",
      columns: [
        ResultTable.Column("table", "table"), ResultTable.Column("index", "index"),
        ResultTable.Column("does", "does"),
        ResultTable.Column("vector", "vector"), ResultTable.Column("destination", "destination"),
        ResultTable.Column("sources", "may be used by"), ResultTable.Column("owner", "guest"),
        ResultTable.Column("uses", "messages"), ResultTable.Column("blocked", "blocked"),
      ],
      rows: ledger.uses.sorted { $0.tag < $1.tag }.prefix(1000).map { row(of: $0) })
  }

  private func row(of use: InterruptLedger.Use) -> [ResultTable.Cell] {
    let (does, vector, destination, sources) = isAMD ? amdWords(of: use) : vtdWords(of: use)
    let owner = ledger.owner(of: use.tag)
    return [
      .text(isAMD ? Self.name(of: UInt32(use.tag >> 16)) : "the unit's"),
      .number(Int(use.tag & 0xffff)), .text(does), vector, destination, sources,
      owner.map { $0 == 0 ? .text("host") : .number(Int($0)) } ?? .empty,
      .number(use.uses), .number(use.blocked),
    ]
  }

  private typealias Words = (
    does: String, vector: ResultTable.Cell, destination: ResultTable.Cell,
    sources: ResultTable.Cell
  )

  private func vtdWords(of use: InterruptLedger.Use) -> Words {
    let low = use.entry.low
    guard low.has(VTdRemappedEntryLow.present) else { return ("absent", .empty, .empty, .empty) }
    let sources = ResultTable.Cell.text(Self.sources(use.entry.high, vtd))
    let request = vtd.request(of: use.entry)
    if low.has(VTdRemappedEntryLow.mode) {
      let address = "0x" + String(VTdInterrupts.descriptor(of: use.entry), radix: 16)
      return ("posts", .number(Int(request.vector)), .text(address), sources)
    }
    return (
      "remaps \(request.deliveryMode)", .number(Int(request.vector)),
      .text(Self.destination(request)), sources
    )
  }

  /// An entry of AMD-Vi is its device's: the table is found by the requester's id.
  private func amdWords(of use: InterruptLedger.Use) -> Words {
    let low = use.entry.low
    guard low.has(AMDViEntryLow.enabled) else { return ("absent", .empty, .empty, .empty) }
    let sources = ResultTable.Cell.text(Self.name(of: UInt32(use.tag >> 16)))
    if let request = amd.request(of: use.entry) {
      return (
        "remaps \(request.deliveryMode)", .number(Int(request.vector)),
        .text(Self.destination(request)), sources
      )
    }
    guard amd.hasLongEntries, low.has(AMDViEntryLow.guestMode) else {
      return ("is malformed", .empty, .empty, sources)
    }
    let tag = "tag 0x" + String(low[AMDViGuestEntryLow.tag], radix: 16)
    return ("posts", .number(Int(use.entry.high[AMDViEntryHigh.vector])), .text(tag), sources)
  }

  private static func destination(_ request: InterruptRequest) -> String {
    (request.isLogical ? "logical 0x" : "core 0x") + String(request.destination, radix: 16)
  }

  /// Which sources an entry lets use it, in words.
  static func sources(_ high: UInt64, _ unit: VTdInterrupts) -> String {
    let source = UInt32(high[VTdEntryHigh.source])
    switch high[VTdEntryHigh.validation] {
    case 0: return "any device"
    case 1:
      let count = unit.devices(allowedBy: high)
      return count == 1 ? name(of: source) : "\(count) functions like \(name(of: source))"
    case 2:
      let (start, end) = (high[VTdEntryHigh.startBus], high[VTdEntryHigh.endBus])
      return "buses \(hex(start, 2)) to \(hex(end, 2))"
    default: return "none"
    }
  }
}
