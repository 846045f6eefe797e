import Machine
import Results

/// A machine's remapping units, and which of them each device is behind.
///
/// A device that no attachment names a unit for is behind the first; so are commands and registers of
/// units that the machine does not have, which are counted.
struct IOUnits<Unit: RemappingUnit & ~Copyable>: ~Copyable {
  let count: Int
  /// Each by its number.
  let all: UnsafeMutablePointer<Unit>
  /// By device; devices have 16 bits.
  private let behind: UnsafeMutablePointer<UInt8>
  /// Requests by unit, where there are several.
  private let requests: UnsafeMutablePointer<IOCounters>
  /// Devices that each domain has behind each unit, and the domain of each device or PASID, where
  /// there are several units.
  private var attached: [UInt32: InlineArray<8, Int>] = [:]
  private var domains: [UInt64: UInt32] = [:]
  /// Events that name a unit which the machine does not have.
  private(set) var foreign = 0

  init(_ description: IOMMUDescription, seed: UInt64) {
    count = description.units
    all = .allocate(capacity: count)
    requests = .allocate(capacity: count)
    behind = .allocate(capacity: 1 << 16)
    behind.initialize(repeating: 0, count: 1 << 16)
    for number in 0..<count {
      (all + number).initialize(
        to: Unit(description, seed: seed &+ UInt64(number) << 8, number: number))
      (requests + number).initialize(to: IOCounters())
    }
  }

  deinit {
    all.deinitialize(count: count)
    all.deallocate()
    requests.deallocate()
    behind.deallocate()
  }

  /// The unit that a device is behind.
  @inline(__always)
  func number(of device: UInt32) -> Int {
    count == 1 ? 0 : Int(behind[Int(device & 0xffff)])
  }

  /// The unit that an event names.
  mutating func number(named name: UInt64) -> Int {
    if name < UInt64(count) { return Int(name) }
    foreign += 1
    return 0
  }

  /// Puts a device behind the unit that its attachment names, if any.
  ///
  /// The monitor hears which units serve the domain: a mapping is gone when the last has forgotten it.
  mutating func attach(
    _ device: UInt32, _ pasid: UInt32, to domain: UInt32, unit: UInt64,
    _ isolation: inout IsolationMonitor
  ) {
    guard count > 1 else { return }
    detach(device, pasid, &isolation)
    if unit > 0 { behind[Int(device & 0xffff)] = UInt8(number(named: unit - 1)) }
    let number = number(of: device)
    attached[domain, default: .init(repeating: 0)][number] += 1
    domains[Self.key(device, pasid)] = domain
    isolation.devices.serve(device, number, domain, by: serving(domain))
  }

  private static func key(_ device: UInt32, _ pasid: UInt32) -> UInt64 {
    UInt64(device & 0xffff) | UInt64(pasid) << 32
  }

  /// Takes a device out of its domain.
  ///
  /// Model: a unit whose last device of a domain has left it need not be told of the domain's unmaps.
  mutating func detach(
    _ device: UInt32, _ pasid: UInt32, _ isolation: inout IsolationMonitor
  ) {
    guard count > 1, let domain = domains.removeValue(forKey: Self.key(device, pasid)) else {
      return
    }
    let unit = number(of: device)
    attached[domain]?[unit] -= 1
    isolation.devices.serve(device, unit, domain, by: serving(domain))
  }

  /// The units behind which a domain has devices, a bit each; the first where it has none.
  func serving(_ domain: UInt32) -> UInt8 {
    guard let devices = attached[domain] else { return 1 }
    var units: UInt8 = 0
    for number in 0..<count where devices[number] > 0 { units |= 1 << UInt8(number) }
    return units == 0 ? 1 : units
  }

  /// Whether a domain has devices behind a unit.
  func has(_ domain: UInt32, _ number: Int) -> Bool {
    count == 1 || serving(domain) >> UInt8(number) & 1 == 1
  }

  @inline(__always)
  func count(_ outcome: DMAOutcome, _ number: Int) {
    if count > 1 { requests[number].count(outcome) }
  }

  /// The counters of all units together, and a row for each where there are several.
  func add(to result: inout RunResult) {
    var rows: [[ResultTable.Cell]] = []
    for number in 0..<count {
      var one = RunResult(trace: result.trace, machine: result.machine)
      all[number].addCounters(to: &one)
      for (name, value) in one.counters { result.counters[name, default: 0] += value }
      result.notes += one.notes
      rows.append([
        .number(number), .number(requests[number].requests),
        .number(one.counters["iotlb.hits", default: 0]),
        .number(one.counters["iotlb.misses", default: 0]),
        .number(one.counters["iommu.memoryReads", default: 0]),
        .number(one.counters["iommu.commands", default: 0]),
        .number(requests[number].count(of: .fault)),
      ])
    }
    if foreign > 0 {
      result.notes.append(
        "\(foreign) commands, registers or attachments name a unit beyond the machine's \(count) and "
          + "were taken as the first's; iommu.units says how many there are.")
    }
    guard count > 1 else { return }
    result.tables.append(
      ResultTable(
        name: "units", title: "By remapping unit",
        explanation:
          "What each of the machine's \(count) units was asked by the devices behind it.",
        columns: [
          .init("unit", "unit"), .init("requests", "requests"), .init("hits", "IOTLB hits"),
          .init("misses", "IOTLB misses"), .init("references", "references"),
          .init("commands", "commands"), .init("faults", "faults"),
        ], rows: rows))
  }

  func checkLaws(_ laws: inout Conservation, _ counters: IOCounters) {
    guard count > 1 else { return all[0].checkLaws(&laws, counters) }
    var sum = 0
    for number in 0..<count {
      requests[number].checkLaws(&laws)
      all[number].checkLaws(&laws, requests[number])
      sum += requests[number].requests
    }
    laws.equal(counters.requests, sum, "requests = those of every unit")
  }
}
