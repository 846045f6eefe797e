import Results

/// What requests of each device to each domain cost.
struct DeviceCosts: ~Copyable {
  private struct Entry {
    var device: UInt32
    var domain: UInt32
    var requests = 0
    var bytes = 0
    var misses = 0
    var references = 0
    var blocked = 0
  }

  private var entries: [Entry] = []
  private var numbers = PairTable()
  /// The pair of the last request, apart from the others while requests of it come, and its number.
  private var current = Entry(device: 0, domain: 0)
  private var at = -1
  /// Requests beyond the pairs that are told apart.
  private var untold = 0
  /// Requests that missed the IOTLB.
  private(set) var misses = 0
  /// Table entries read for requests.
  private(set) var references = 0

  /// Pairs that are told apart: a bound for hostile traces.
  static let most = 1 << 16
  private static let shown = 50

  @inline(__always)
  mutating func count(_ outcome: DMAOutcome) {
    let (device, domain) = (outcome.request.device, outcome.domain)
    misses += outcome.iotlb == .miss ? 1 : 0
    references += Int(outcome.references)
    if at < 0 || current.device != device || current.domain != domain {
      guard turn(to: device, domain) else {
        untold += 1
        return
      }
    }
    current.requests += 1
    current.bytes &+= Int(outcome.request.bytes)
    current.misses += outcome.iotlb == .miss ? 1 : 0
    current.references += Int(outcome.references)
    current.blocked += outcome.result == .fault ? 1 : 0
  }

  /// Makes a pair the current one; false where there is no room for it.
  @inline(never)
  private mutating func turn(to device: UInt32, _ domain: UInt32) -> Bool {
    if at >= 0 { entries[at] = current }
    guard let number = number(device, domain) else {
      at = -1
      return false
    }
    at = number
    current = entries[number]
    return true
  }

  private mutating func number(_ device: UInt32, _ domain: UInt32) -> Int? {
    if let number = numbers.number(of: UInt64(device), UInt64(domain)) { return number }
    guard entries.count < Self.most else { return nil }
    numbers.set(UInt64(device), UInt64(domain), to: entries.count)
    entries.append(Entry(device: device, domain: domain))
    return entries.count - 1
  }

  /// The costliest pairs; nothing without requests.
  func table(_ names: NameBook) -> ResultTable? {
    guard !entries.isEmpty else { return nil }
    var entries = entries
    if at >= 0 { entries[at] = current }
    let ranked = entries.enumerated().sorted { one, other in
      if one.element.references != other.element.references {
        return one.element.references > other.element.references
      }
      return one.element.requests != other.element.requests
        ? one.element.requests > other.element.requests : one.offset < other.offset
    }.prefix(Self.shown).map(\.element)
    let more = untold == 0 ? "" : " \(untold) requests of further pairs are in no row."
    return ResultTable(
      name: "devices", title: "Devices and domains by cost",
      explanation: "Requests of each device to each domain, the \(ranked.count) of "
        + "\(entries.count) for which most entries of tables and device structures were read.\(more)",
      columns: [
        ResultTable.Column("device", "device"), ResultTable.Column("domain", "domain"),
        ResultTable.Column("requests", "requests"), ResultTable.Column("bytes", "bytes"),
        ResultTable.Column("iotlbMisses", "IOTLB misses"),
        ResultTable.Column("missPercent", "miss rate, %"),
        ResultTable.Column("references", "entries read"),
        ResultTable.Column("sharePercent", "share, %"), ResultTable.Column("blocked", "blocked"),
      ],
      rows: ranked.map { entry in
        [
          .text(names.device(entry.device)),
          entry.domain == DMAOutcome.noDomain ? .empty : .text(names.domain(entry.domain)),
          .number(entry.requests), .number(entry.bytes), .number(entry.misses),
          .ratio(entry.misses * 100, over: entry.requests), .number(entry.references),
          .ratio(entry.references * 100, over: references), .number(entry.blocked),
        ]
      })
  }
}
