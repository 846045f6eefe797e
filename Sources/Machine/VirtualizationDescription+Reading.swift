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
    roundTripCycles = try Self.roundTrip(members["roundTripCycles"])
    userSpaceCycles = try members["userSpaceCycles"].whole(0...10_000_000)
    calloutCycles = try members["calloutCycles"].whole(0...10_000_000)
    handlerCycles = try members["handlerCycles"].whole(0...10_000_000)
  }

  /// Cycles, or the name of a generation of processors.
  private static func roundTrip(_ node: MachineNode) throws(MachineError) -> Int {
    guard case .string(let name)? = node.value else { return try node.whole(0...10_000_000) }
    let names = generations.map(\.name)
    guard let generation = generations.first(where: { $0.name == name }) else {
      throw node.refusal(name, near: names, expected: "cycles, or " + listing(names.map(quoted)))
    }
    return generation.cycles
  }

  /// What an exit and its return took on some generations.
  ///
  /// Intel's by Agesen et al., "Software Techniques for Avoiding Hardware Virtualization Exits", USENIX
  /// ATC 2012 (recalled); Zen's by the measurement that `usual` cites.
  static let generations: [(name: String, cycles: Int)] = [
    ("prescott", 3963), ("merom", 1579), ("penryn", 1266), ("nehalem", 1009), ("westmere", 761),
    ("sandy-bridge", 784), ("zen", 1350),
  ]

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
