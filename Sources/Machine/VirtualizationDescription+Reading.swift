extension VirtualizationDescription {
  /// Reads the section; what it leaves out is tagged and minimal, as processors of today are.
  init(reading node: MachineNode, firstLevels: Int) throws(MachineError) {
    let members = try node.members(["mode", "nestedLevels", "pcid", "vpid", "invalidation"])
    mode = try members["mode"].choice(TranslationMode.self)
    let levels = members["nestedLevels"]
    if mode == .agile {
      nestedLevels = levels.isAbsent ? Self.usualNestedLevels : try levels.whole(0...firstLevels)
    } else if !levels.isAbsent {
      throw levels.refusal(
        "stands in \(mode.rawValue) mode, which has no switch between tables",
        "leave it out, or set virtualization.mode to \"agile\"")
    }
    hasPCID = try members["pcid"].flag(default: true)
    hasVPID = try members["vpid"].flag(default: true)
    let variant = members["invalidation"]
    invalidation = variant.isAbsent ? .minimal : try variant.choice(InvalidationVariant.self)
  }

  /// The leaf level in the guest's tables: its updates are the most frequent.
  private static let usualNestedLevels = 1

  /// The section as JSON: what is as usual is left out.
  var json: JSONValue {
    var members: [String: JSONValue] = ["mode": .string(mode.rawValue)]
    if let nestedLevels { members["nestedLevels"] = .int(nestedLevels) }
    if !hasPCID { members["pcid"] = .bool(false) }
    if !hasVPID { members["vpid"] = .bool(false) }
    if invalidation != .minimal { members["invalidation"] = .string(invalidation.rawValue) }
    return .object(members)
  }
}

extension ExitsDescription {
  static func optional(_ node: MachineNode) throws(MachineError) -> ExitsDescription? {
    node.isAbsent ? nil : try ExitsDescription(reading: node)
  }

  private init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members([
      "hypervisor", "roundTripCycles", "userSpaceCycles", "calloutCycles", "handlerCycles",
    ])
    hypervisor = try members["hypervisor"].choice(HypervisorProfile.self)
    roundTripCycles = try members["roundTripCycles"].whole(0...10_000_000)
    userSpaceCycles = try members["userSpaceCycles"].whole(0...10_000_000)
    calloutCycles = try members["calloutCycles"].whole(0...10_000_000)
    handlerCycles = try members["handlerCycles"].whole(0...10_000_000)
  }

  var json: JSONValue {
    .object([
      "hypervisor": .string(hypervisor.rawValue),
      "roundTripCycles": .int(roundTripCycles),
      "userSpaceCycles": .int(userSpaceCycles),
      "calloutCycles": .int(calloutCycles),
      "handlerCycles": .int(handlerCycles),
    ])
  }
}
