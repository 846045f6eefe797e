extension IOMMUDescription {
  private static let keys = [
    "architecture", "mode", "rootTable", "cachingMode", "maximumAddressMask", "hostAddressBits",
    "levels", "faultRecords", "iotlb", "contextCache", "pasidCache", "deviceTLB", "walkCaches",
    "latency", "invalidation", "flushQueue", "quirks", "link", "units",
  ]

  /// Reads the key `iommu`; a machine without it has none.
  static func optional(_ node: MachineNode) throws(MachineError) -> IOMMUDescription? {
    if node.value == nil || node.value == .null { return nil }
    return try IOMMUDescription(reading: node)
  }

  private init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members(Self.keys)
    architecture = try members["architecture"].choice(
      IOMMUArchitecture.self, notModelled: ["smmuv3", "riscv"])
    mode = try members["mode"].choice(IOMMUMode.self)
    if architecture == .amdvi, mode == .scalable {
      throw members["mode"].refusal(
        "is \"scalable\", which only vtd has", "expected \"legacy\" with amdvi")
    }
    hostAddressBits = try members["hostAddressBits"].whole(32...52)
    rootTable = try Self.rootTable(members["rootTable"], bits: hostAddressBits)
    cachingMode = try members["cachingMode"].flag()
    maximumAddressMask = try members["maximumAddressMask"].whole(0...63)
    levels = try Self.levels(members["levels"], architecture)
    faultRecords = try members["faultRecords"].whole(1...65_536)
    iotlb = try IOCacheDescription(reading: members["iotlb"])
    contextCache = try IOCacheDescription(reading: members["contextCache"])
    pasidCache = try IOCacheDescription(reading: members["pasidCache"])
    deviceTLB = try IOCacheDescription(reading: members["deviceTLB"])
    walkCaches = try IOWalkCacheDescription.list(members["walkCaches"])
    latency = try IOLatencyDescription(reading: members["latency"])
    invalidation = try members["invalidation"].choice(IOInvalidationPolicy.self)
    flushQueue = try IOFlushQueueDescription(reading: members["flushQueue"])
    quirks = try Self.quirks(members["quirks"])
    link = try LinkDescription.optional(members["link"])
    units = members["units"].isAbsent ? 1 : try members["units"].whole(1...8)
    if units > 1, hostAddressBits < 40 {
      throw members["units"].refusal(
        "is \(units) with \(hostAddressBits) bits of host addresses",
        "expected 40 bits, or one unit")
    }
  }

  private static func rootTable(
    _ node: MachineNode, bits: Int
  ) throws(MachineError) -> UInt64? {
    let expected = "null, or a physical address of at most \(bits) bits, a multiple of 4096"
    switch node.value {
    case .null?: return nil
    case .int(let address)? where address >= 0 && address >> bits == 0 && address % 4096 == 0:
      return UInt64(address)
    default: throw node.refusal(expected: expected)
    }
  }

  private static func levels(
    _ node: MachineNode, _ architecture: IOMMUArchitecture
  ) throws(MachineError) -> Set<Int> {
    let range = architecture == .vtd ? 3...5 : 1...6
    let expected = "a list of depths, \(range.lowerBound) to \(range.upperBound)"
    var levels: Set<Int> = []
    for element in try node.elements(expected: expected) {
      guard levels.insert(try element.whole(range)).inserted else {
        throw element.refusal("is there a second time", "list each depth once")
      }
    }
    guard !levels.isEmpty else { throw node.refusal("is an empty list", "expected " + expected) }
    return levels
  }

  private static func quirks(_ node: MachineNode) throws(MachineError) -> Set<IOMMUQuirk> {
    var quirks: Set<IOMMUQuirk> = []
    for element in try node.elements(expected: "a list of quirks, [] for none") {
      guard quirks.insert(try element.choice(IOMMUQuirk.self)).inserted else {
        throw element.refusal("is there a second time", "list each quirk once")
      }
    }
    return quirks
  }
}

extension IOCacheDescription {
  /// Reads a cache; `null` for one that is not there.
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    if node.value == .null {
      self.init(sets: 1, ways: 0, replacement: .lru)
      return
    }
    let members = try node.members(["sets", "ways", "replacement"])
    try self.init(members, of: node)
  }

  fileprivate init(_ members: MachineMembers, of node: MachineNode) throws(MachineError) {
    let geometry = try Geometry(reading: members, of: node)
    sets = geometry.sets
    ways = geometry.ways
    replacement = try members["replacement"].choice(IOReplacementName.self)
    if replacement == .clear, sets != 1 {
      throw members["replacement"].refusal(
        "is \"clear\" with \(sets) sets", "expected 1 set, which it empties, or lru")
    }
  }
}

extension IOWalkCacheDescription {
  fileprivate static func list(
    _ node: MachineNode
  ) throws(MachineError) -> [IOWalkCacheDescription] {
    var caches: [IOWalkCacheDescription] = []
    for element in try node.elements(expected: "a list of walk caches, [] for none") {
      let members = try element.members(["stage", "level", "sets", "ways", "replacement"])
      let cache = IOWalkCacheDescription(
        stage: try members["stage"].choice(Stage.self), level: try members["level"].whole(1...5),
        cache: try IOCacheDescription(members, of: element))
      if cache.cache.replacement == .clear {
        throw members["replacement"].refusal(
          "is \"clear\", which walk caches do not do", "expected lru, fifo or random")
      }
      let twin = caches.firstIndex { $0.stage == cache.stage && $0.level == cache.level }
      if let twin {
        throw element.refusal(
          "caches the same as \(node.place)[\(twin)]", "keep one cache for each stage and level")
      }
      caches.append(cache)
    }
    return caches
  }
}

extension IOLatencyDescription {
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members([
      "iotlbNanoseconds", "referenceNanoseconds", "invalidationNanoseconds",
    ])
    iotlbNanoseconds = try members["iotlbNanoseconds"].whole(0...1_000_000)
    referenceNanoseconds = try members["referenceNanoseconds"].whole(0...1_000_000)
    invalidationNanoseconds = try members["invalidationNanoseconds"].whole(0...1_000_000_000)
  }
}

extension IOFlushQueueDescription {
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members(["entries", "milliseconds"])
    entries = try members["entries"].whole(1...1_048_576)
    milliseconds = try members["milliseconds"].whole(0...3_600_000)
  }
}
