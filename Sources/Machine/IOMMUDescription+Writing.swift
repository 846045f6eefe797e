extension IOMMUDescription {
  /// The description as JSON, every key written but a link that it does not have and one
  /// unit.
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "architecture": .string(architecture.rawValue),
      "mode": .string(mode.rawValue),
      "rootTable": rootTable.map { .int(Int($0)) } ?? .null,
      "cachingMode": .bool(cachingMode),
      "maximumAddressMask": .int(maximumAddressMask),
      "hostAddressBits": .int(hostAddressBits),
      "levels": .array(levels.sorted().map { .int($0) }),
      "faultRecords": .int(faultRecords),
      "iotlb": iotlb.json,
      "contextCache": contextCache.json,
      "pasidCache": pasidCache.json,
      "deviceTLB": deviceTLB.json,
      "walkCaches": .array(walkCaches.map(\.json)),
      "latency": .object([
        "iotlbNanoseconds": .int(latency.iotlbNanoseconds),
        "referenceNanoseconds": .int(latency.referenceNanoseconds),
        "invalidationNanoseconds": .int(latency.invalidationNanoseconds),
      ]),
      "invalidation": .string(invalidation.rawValue),
      "flushQueue": .object([
        "entries": .int(flushQueue.entries), "milliseconds": .int(flushQueue.milliseconds),
      ]),
      "quirks": .array(
        IOMMUQuirk.allCases.filter(quirks.contains).map { .string($0.rawValue) }),
    ]
    if let link { members["link"] = link.json }
    if units != 1 { members["units"] = .int(units) }
    return .object(members)
  }
}

extension IOCacheDescription {
  fileprivate var members: [String: JSONValue] {
    [
      "sets": .int(sets), "ways": .int(ways), "replacement": .string(replacement.rawValue),
    ]
  }

  fileprivate var json: JSONValue { ways == 0 ? .null : .object(members) }
}

extension IOWalkCacheDescription {
  fileprivate var json: JSONValue {
    var members = cache.members
    members["stage"] = .string(stage.rawValue)
    members["level"] = .int(level)
    return .object(members)
  }
}
