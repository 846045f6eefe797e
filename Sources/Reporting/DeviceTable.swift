import Results

/// What devices asked for and what became of it, in the lines that a reader looks for first.
enum DeviceTable {
  /// Counters by name, with what they are a part of.
  private static let rows: [(name: String, counter: String, of: String?)] = [
    ("DMA requests", "iommu.requests", nil),
    ("translated", "iommu.translated", "iommu.requests"),
    ("passed through", "iommu.passedThrough", "iommu.requests"),
    ("blocked", "iommu.faults", "iommu.requests"),
    ("not decided", "iommu.unresolved", "iommu.requests"),
    ("IOTLB hits", "iotlb.hits", "iotlb.lookups"),
    ("context cache hits", "iommu.contextCache.hits", "iommu.contextCache.lookups"),
    ("table entries read", "iommu.walk.references", nil),
    ("invalidation waits", "iommu.waits", nil),
    ("interrupt messages", "interrupt.requests", nil),
    ("remapped", "interrupt.remapped", "interrupt.requests"),
    ("posted", "interrupt.posted", "interrupt.requests"),
    ("passed through unremapped", "interrupt.passedThrough", "interrupt.requests"),
    ("blocked messages", "interrupt.blocked", "interrupt.requests"),
    ("misdelivered", "interrupt.misdelivered", "interrupt.requests"),
    ("recorded outcomes agreed", "check.agreed", nil),
    ("recorded outcomes contradicted", "check.contradicted", nil),
    ("recorded interrupts agreed", "check.interrupts.agreed", nil),
    ("recorded interrupts contradicted", "check.interrupts.contradicted", nil),
  ]

  /// The table; nothing for a run without devices.
  static func table(of counters: [String: Int]) -> Table? {
    guard isAsked(counters) else { return nil }
    let cells = rows.compactMap { row -> [String]? in
      guard let count = counters[row.counter] else { return nil }
      let isCheck = row.counter.hasSuffix("contradicted")
      guard count > 0 || isCheck else { return nil }
      let share = row.of.flatMap { Ratio(count, over: counters[$0])?.percent } ?? ""
      return [row.name, grouped(count), share, row.counter]
    }
    return Table(
      "Devices", [.text("what"), .number("count"), .number("share"), .text("counter")], cells)
  }

  /// Whether devices asked for anything.
  static func isAsked(_ counters: [String: Int]) -> Bool {
    counters["iommu.requests", default: 0] > 0 || counters["interrupt.requests", default: 0] > 0
  }
}
