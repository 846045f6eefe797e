import Machine
import Results

/// What each way to invalidate costs on the same events of devices, beside what it leaves open.
struct InvalidationTable: AnswerTable {
  var variants: [Variant] { [] }
  let devices: [DeviceVariant]
  private let isUsual: Bool
  /// Of the processors, in megahertz, where the machine says it.
  private let clock: Int?

  init(_ machine: MachineDescription) {
    let latency = machine.iommu?.latency
    clock = machine.interrupts?.clockMegahertz
    isUsual = latency.map { $0 == .none } ?? false
    let usual = isUsual
    devices = IOInvalidationPolicy.allCases.compactMap { policy in
      DeviceVariant(
        policy.rawValue,
        machine.with {
          $0.iommu?.invalidation = policy
          if usual { $0.iommu?.latency = .usual }
        })
    }
  }

  /// Nothing where no device asked for anything.
  var tables: [ResultTable] {
    guard devices.contains(where: { $0["iommu.requests"] > 0 }) else { return [] }
    let exposure = "isolation.exposure."
    return [
      ResultTable(
        name: "invalidation", title: "What invalidating costs, and what it leaves open",
        explanation:
          "The same maps, unmaps and requests under each policy: recorded takes the trace's own "
          + "invalidations, strict one for each unmap, lazy a domain's once its queue is full or "
          + "old, and pass-through translates nothing. Cost is lookups, table entries and waits for "
          + "invalidations, as work and not time, and in cycles too where the machine has "
          + "`interrupts.clockMegahertz`. Exposure is what stayed reachable after its unmap, "
          + "as bytes times microseconds; under pass-through everything is reachable always, and no "
          + "number stands for it. A trace whose driver was strict uses addresses again at once: "
          + "under lazy its devices then meet stale translations, which its driver would not have "
          + "let happen." + (isUsual ? " " + IOLatencyDescription.usualNote : ""),
        columns: [
          ResultTable.Column("policy", "policy"), ResultTable.Column("requests", "requests"),
          ResultTable.Column("hits", "IOTLB hits"), ResultTable.Column("misses", "IOTLB misses"),
          ResultTable.Column("references", "references"),
          ResultTable.Column("referencesPerRequest", "a request"),
          ResultTable.Column("invalidations", "invalidations"),
          ResultTable.Column("waits", "waits"),
          ResultTable.Column("walkNanoseconds", "translating ns"),
          ResultTable.Column("invalidationNanoseconds", "invalidating ns"),
          ResultTable.Column("nanosecondsPerRequest", "ns a request"),
        ] + cycleColumns + [
          ResultTable.Column("byteMicroseconds", "bytes x us"),
          ResultTable.Column("longestNanoseconds", "longest ns"),
          ResultTable.Column("staleRequests", "stale requests"),
        ],
        rows: devices.map { device in
          let isOpen = device.name == IOInvalidationPolicy.passThrough.rawValue
          let work = device["iommu.nanoseconds"] + device["iommu.invalidation.nanoseconds"]
          let invalidations = ["global", "domain", "pages"].reduce(0) {
            $0 + device["iommu.invalidations.\($1)"]
          }
          return [
            .text(device.name), .number(device["iommu.requests"]), .number(device["iotlb.hits"]),
            .number(device["iotlb.misses"]), .number(device["iommu.memoryReads"]),
            .ratio(device["iommu.memoryReads"], over: device["iommu.requests"]),
            .number(invalidations), .number(device["iommu.waits"]),
            .number(device["iommu.nanoseconds"]),
            .number(device["iommu.invalidation.nanoseconds"]),
            .ratio(work, over: device["iommu.requests"]),
          ] + cycles(of: work, over: device["iommu.requests"]) + [
            isOpen ? .empty : .number(device[exposure + "byteMicroseconds"]),
            isOpen ? .empty : .number(device[exposure + "longestNanoseconds"]),
            isOpen ? .empty : .number(device[exposure + "uses"]),
          ]
        })
    ]
  }

  private var cycleColumns: [ResultTable.Column] {
    clock == nil
      ? []
      : [
        ResultTable.Column("cycles", "cycles"),
        ResultTable.Column("cyclesPerRequest", "cycles a request"),
      ]
  }

  /// Nanoseconds as cycles of the machine's clock, where it has one; nothing where they are too many.
  private func cycles(of nanoseconds: Int, over requests: Int) -> [ResultTable.Cell] {
    guard let clock else { return [] }
    let (product, isTooMany) = nanoseconds.multipliedReportingOverflow(by: clock)
    guard !isTooMany else { return [.empty, .empty] }
    return [.number(product / 1000), .ratio(product / 1000, over: requests)]
  }
}
