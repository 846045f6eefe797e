extension InterruptDescription {
  /// Reads the key `interrupts`; a machine without it has none.
  ///
  /// - Parameters:
  ///   - node: the key's value.
  ///   - iommu: the machine's, without which there is no unit to remap interrupts.
  /// - Returns: nothing where the key is missing or null.
  /// - Throws: the first place that is not what is allowed there.
  static func optional(
    _ node: MachineNode, iommu: IOMMUDescription?
  ) throws(MachineError) -> InterruptDescription? {
    if node.value == nil || node.value == .null { return nil }
    guard iommu != nil else {
      throw node.refusal(
        "describes how devices interrupt a machine that has no IOMMU", "add the key iommu")
    }
    return try InterruptDescription(reading: node)
  }

  private init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members([
      "mode", "start", "cores", "entryCache", "vectors", "costs", "quirks",
      "clockMegahertz",
    ])
    mode = try members["mode"].choice(InterruptMode.self)
    start = try InterruptStart(reading: members["start"])
    cores = try members["cores"].whole(1...4096)
    entryCache = try InterruptCacheDescription(reading: members["entryCache"])
    vectors = try InterruptVectors(reading: members["vectors"])
    costs = try InterruptCosts(reading: members["costs"])
    switch members["clockMegahertz"].value {
    case nil, .null?: clockMegahertz = nil
    default: clockMegahertz = try members["clockMegahertz"].whole(1...100_000)
    }
    quirks = []
    for element in try members["quirks"].elements(expected: "a list of quirks, [] for none") {
      guard quirks.insert(try element.choice(InterruptQuirk.self)).inserted else {
        throw element.refusal("is there a second time", "list each quirk once")
      }
    }
  }
}

extension InterruptStart {
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members([
      "enabled", "extended", "compatibility", "entries", "longEntries",
    ])
    isEnabled = try members["enabled"].flag()
    isExtended = try members["extended"].flag()
    passesCompatibility = try members["compatibility"].flag()
    let expected = "a power of two, 2 to 65536"
    entries = try members["entries"].whole(2...65_536)
    guard entries & (entries - 1) == 0 else { throw members["entries"].refusal(expected: expected) }
    hasLongEntries = try members["longEntries"].flag()
  }
}

extension InterruptCacheDescription {
  /// Reads a cache; `null` for one that is not there.
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    if node.value == .null {
      self.init(sets: 1, ways: 0, replacement: .lru)
      return
    }
    let members = try node.members(["sets", "ways", "replacement"])
    let geometry = try Geometry(reading: members, of: node)
    self.init(
      sets: geometry.sets, ways: geometry.ways,
      replacement: try ReplacementName(reading: members["replacement"], ways: geometry.ways))
  }
}

extension InterruptVectors {
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members(["notification", "wakeup"])
    notification = try members["notification"].whole(16...255)
    wakeup = try members["wakeup"].whole(16...255)
    guard notification != wakeup else {
      throw members["wakeup"].refusal(
        "is \(wakeup), the vector of notifications", "expected another vector")
    }
  }
}

extension InterruptCosts {
  static let keys = [
    "remapNanoseconds", "referenceNanoseconds", "deliveryNanoseconds", "postNanoseconds",
    "exitNanoseconds", "injectionNanoseconds", "forwardNanoseconds", "wakeupNanoseconds",
  ]

  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members(Self.keys)
    let range = 0...1_000_000_000
    remapNanoseconds = try members["remapNanoseconds"].whole(range)
    referenceNanoseconds = try members["referenceNanoseconds"].whole(range)
    deliveryNanoseconds = try members["deliveryNanoseconds"].whole(range)
    postNanoseconds = try members["postNanoseconds"].whole(range)
    exitNanoseconds = try members["exitNanoseconds"].whole(range)
    injectionNanoseconds = try members["injectionNanoseconds"].whole(range)
    forwardNanoseconds = try members["forwardNanoseconds"].whole(range)
    wakeupNanoseconds = try members["wakeupNanoseconds"].whole(range)
  }
}

extension InterruptDescription {
  /// The description as JSON, every key written.
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "mode": .string(mode.rawValue),
      "start": .object([
        "enabled": .bool(start.isEnabled), "extended": .bool(start.isExtended),
        "compatibility": .bool(start.passesCompatibility), "entries": .int(start.entries),
        "longEntries": .bool(start.hasLongEntries),
      ]),
      "cores": .int(cores),
      "entryCache": entryCache.ways == 0
        ? .null
        : .object([
          "sets": .int(entryCache.sets), "ways": .int(entryCache.ways),
          "replacement": .string(entryCache.replacement.rawValue),
        ]),
      "vectors": .object([
        "notification": .int(vectors.notification), "wakeup": .int(vectors.wakeup),
      ]),
      "costs": costs.json,
      "quirks": .array(
        InterruptQuirk.allCases.filter(quirks.contains).map { .string($0.rawValue) }),
    ]
    if let clockMegahertz { members["clockMegahertz"] = .int(clockMegahertz) }
    return .object(members)
  }
}

extension InterruptCosts {
  fileprivate var json: JSONValue {
    .object([
      "remapNanoseconds": .int(remapNanoseconds),
      "referenceNanoseconds": .int(referenceNanoseconds),
      "deliveryNanoseconds": .int(deliveryNanoseconds),
      "postNanoseconds": .int(postNanoseconds),
      "exitNanoseconds": .int(exitNanoseconds),
      "injectionNanoseconds": .int(injectionNanoseconds),
      "forwardNanoseconds": .int(forwardNanoseconds),
      "wakeupNanoseconds": .int(wakeupNanoseconds),
    ])
  }
}
