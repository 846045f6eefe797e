extension MachineDescription {
  /// The whole description as JSON; a section that says only what is usual is left out.
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name),
      "cores": .int(cores),
      "virtualization": virtualization.json,
      "firstStage": firstStage.json,
      "secondStage": secondStage?.json ?? .null,
      "tlbs": .array(tlbs.map(\.json)),
      "walkCaches": .array(walkCaches.map(\.json)),
      "memory": memory.json,
      "synthesis": synthesis.json,
    ]
    if let exits { members["exits"] = exits.json }
    if let iommu { members["iommu"] = iommu.json }
    if let interrupts { members["interrupts"] = interrupts.json }
    if let isolation = isolation.json { members["isolation"] = isolation }
    return .object(members)
  }
}

extension StageDescription {
  fileprivate var json: JSONValue { .object(["format": .string(formatName)]) }
}

extension TLBDescription {
  fileprivate var json: JSONValue {
    let classes = AccessClass.allCases.filter(serves.contains)
    let sizes = PageSizeName.allCases.filter(pageSizes.contains)
    var members: [String: JSONValue] = [
      "name": .string(name),
      "serves": .array(classes.map { .string($0.rawValue) }),
      "pageSizes": .array(sizes.map { .string($0.rawValue) }),
      "sets": .int(sets),
      "ways": .int(ways),
      "replacement": .string(replacement.rawValue),
      "latencyCycles": .int(latencyCycles),
    ]
    if index != .modulo { members["index"] = .string(index.rawValue) }
    return .object(members)
  }
}

extension WalkCacheDescription {
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = [
      "sets": .int(sets), "ways": .int(ways), "replacement": .string(replacement.rawValue),
    ]
    switch kind {
    case .firstStage(let level):
      members["stage"] = .string("first")
      members["level"] = .int(level)
    case .secondStage(let level):
      members["stage"] = .string("second")
      members["level"] = .int(level)
    case .nested:
      members["stage"] = .string("nested")
    }
    return .object(members)
  }
}

extension MemoryDescription {
  fileprivate var json: JSONValue {
    let factor = overlapPercent.map { percent in
      percent.isMultiple(of: 100) ? JSONValue.int(percent / 100) : .double(Double(percent) / 100)
    }
    return .object([
      "model": .string("flat"),
      "referenceCycles": .int(referenceCycles),
      "overlapFactor": factor ?? .null,
    ])
  }
}

extension SynthesisDescription {
  fileprivate var json: JSONValue {
    .object([
      "firstStagePage": .string(firstStagePage.description),
      "secondStagePage": .string(secondStagePage.description),
      "frames": .string(frames.rawValue),
      "seed": .int(Int(seed)),
    ])
  }
}
