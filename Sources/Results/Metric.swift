/// What a counter or histogram means: one name, one unit, one sentence.
public struct Metric: Sendable, Equatable {
  /// The dotted name; a part in capitals (`NAME`, `REASON`) stands for a name of the machine's.
  public var pattern: String
  /// What is counted.
  public var unit: String
  /// One sentence that defines it.
  public var definition: String

  init(_ pattern: String, _ unit: String, _ definition: String) {
    self.pattern = pattern
    self.unit = unit
    self.definition = definition
  }

  /// Every metric of this version, in the order in which reports show them.
  public static let all: [Metric] =
    [
      Metric(
        "cpu.instructions", "instructions",
        "Instructions retired, from the trace."),
      Metric("cpu.fetches", "records", "Fetch records: one is one entry into a 64-byte line."),
      Metric("cpu.loads", "records", "Load records."),
      Metric("cpu.stores", "records", "Store records."),
      Metric(
        "cpu.modifies", "records",
        "Modify records: a load and a store of one place by one instruction, one access."),
      Metric("cpu.accesses", "records", "Fetches, loads, stores and modifies together."),
      Metric(
        "cpu.touches", "touches",
        "Pages touched by accesses, one for each access and one more where it crosses a page."),
      Metric("cpu.pages", "pages", "Distinct 4 KiB pages touched."),
      Metric("tlb.NAME.lookups", "touches", "Touches that probed this TLB, one for each page."),
      Metric("tlb.NAME.hits", "touches", "Lookups that found their translation in this TLB."),
      Metric(
        "tlb.NAME.misses", "touches",
        "Lookups that did not find it; hits and misses together are the lookups."),
      Metric("tlb.NAME.fills", "entries", "Entries written after a miss."),
      Metric("tlb.NAME.evictions", "entries", "Valid entries that a fill displaced."),
      Metric("tlb.NAME.invalidations", "entries", "Valid entries that an invalidation removed."),
      Metric(
        "tlb.cycles", "cycles",
        "Modelled latency of TLB lookups: each lookup costs its TLB's latency, hit or miss."),
      Metric("walk.count", "walks", "Walks begun, one for each miss of the last level."),
      Metric("walk.references", "references", "Table entries read by walks, in both stages."),
      Metric("walk.references.firstStage", "references", "First-stage entries read by walks."),
      Metric("walk.references.secondStage", "references", "Second-stage entries read by walks."),
      Metric("walk.cycles", "cycles", "Modelled latency of all references of walks."),
      Metric(
        "walk.updates", "updates",
        "Accessed and dirty bits set in table entries: accessed by the first walk that uses the "
          + "entry, dirty by the first store to the page."),
      Metric(
        "walk.splintered", "fills",
        "Walks whose translation reaches less far than the first-stage page, because the second "
          + "stage's page is smaller."),
      Metric(
        "walk.grid.FIRST.SECOND", "references",
        "References by what the first stage was doing (reading its table of level L4 to L0, or "
          + "translating the data address) and what was read (that first-stage entry, or the "
          + "second stage's table of a level on the way to it)."),
      Metric("walkCache.NAME.lookups", "lookups", "Probes of this walk cache."),
      Metric("walkCache.NAME.hits", "lookups", "Probes that found their tag in this walk cache."),
      Metric(
        "frames.firstStage", "frames",
        "Frames handed out in the guest-physical space, for tables and pages."),
      Metric("frames.secondStage", "frames", "Frames handed out in the host-physical space."),
      Metric(
        "fault.REASON", "faults",
        "Walks that ended in a fault of the modelled machine, by its architectural name."),
      Metric(
        "stall.cycles", "cycles",
        "Estimate: TLB and walk latency divided by the machine's overlap factor."),
    ] + virtualization + iommu + link + interrupts + isolation

  /// What the isolation rules judged and found.
  private static let isolation = [
    Metric("audit.roots", "roots", "Sets of tables that the audit looked at."),
    Metric("audit.tables", "tables", "Pages of table entries that the image holds of them."),
    Metric("audit.leaves", "entries", "Entries that map a page."),
    Metric("audit.malformed", "entries", "Present entries that the architecture forbids."),
    Metric(
      "audit.absentTables", "tables", "Tables that entries lead to and the image does not hold."),
    Metric(
      "isolation.judged.RULE", "times",
      "Times that the isolation rule was judged: requests, maps or messages that it speaks of."),
    Metric(
      "isolation.findings.RULE", "times",
      "Times that the isolation rule fired, for every subject and severity."),
    Metric(
      "isolation.exposure.windows", "windows",
      "Mapped pages that were unmapped and that an invalidation covered later, each open in between."
    ),
    Metric(
      "isolation.exposure.replaced", "windows",
      "Unmapped pages whose address was mapped anew before any invalidation covered them."),
    Metric(
      "isolation.exposure.open", "windows",
      "Unmapped pages that no invalidation has covered when the trace ends."),
    Metric(
      "isolation.exposure.bytes", "bytes", "Bytes of all windows of exposure, each counted once."),
    Metric(
      "isolation.exposure.byteMicroseconds", "byte-microseconds",
      "Bytes of each window of exposure times the time for which it was open."),
    Metric(
      "isolation.exposure.longestNanoseconds", "nanoseconds",
      "The longest time between an unmap and the completion of its invalidation."),
    Metric(
      "isolation.exposure.uses", "requests",
      "Requests that were served by a translation which had been unmapped."),
  ]

  /// The definition of a counter or histogram, by its full name or its pattern.
  ///
  /// - Parameter name: such as `tlb.L2.misses`.
  /// - Returns: nothing where this version has no such metric.
  public static func definition(of name: String) -> Metric? {
    all.first { $0.pattern == name } ?? all.first { matches(name, $0.pattern) }
  }

  /// Where a metric stands in reports: by its place in `all`, then by name.
  ///
  /// - Parameter name: a counter's or histogram's full name.
  /// - Returns: a number that grows with the place; one past the last for an unknown name.
  public static func order(of name: String) -> Int {
    all.firstIndex { $0.pattern == name } ?? all.firstIndex { matches(name, $0.pattern) }
      ?? all.count
  }

  private static let placeholders: Set<Substring> = [
    "NAME", "FIRST", "SECOND", "REASON", "RULE", "CODE",
  ]

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    let given = name.split(separator: ".", omittingEmptySubsequences: false)
    let parts = pattern.split(separator: ".", omittingEmptySubsequences: false)
    // A name of the machine's may itself hold dots (`firstStage.L1`), so a placeholder takes as
    // many parts as the rest of the pattern leaves it.
    guard let hole = parts.firstIndex(where: { placeholders.contains($0) }) else {
      return given == parts
    }
    let holes = parts[hole...].prefix { placeholders.contains($0) }.count
    let tail = parts[(hole + holes)...]
    guard given.count >= parts.count, given[..<hole] == parts[..<hole] else { return false }
    return given[(given.count - tail.count)...].elementsEqual(tail)
      && given[hole..<(given.count - tail.count)].allSatisfy { !$0.isEmpty }
  }
}
