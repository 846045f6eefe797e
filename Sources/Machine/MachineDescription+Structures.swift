/// Sets and ways of a TLB or another cache.
struct Geometry {
  var sets: Int
  var ways: Int

  /// Entries of one structure: 64 times the largest TLB that is built.
  static let maximumEntries = 1 << 20

  init(reading members: MachineMembers, of parent: MachineNode) throws(MachineError) {
    let expected = "a power of two, 1 to 65536"
    guard case .int(let sets)? = members["sets"].value, 1...65536 ~= sets, sets & (sets - 1) == 0
    else {
      throw members["sets"].refusal(expected: expected)
    }
    let ways = try members["ways"].whole(1...65536)
    // Both are at most 65536, so the product cannot overflow.
    guard sets * ways <= Self.maximumEntries else {
      throw parent.refusal(
        "has \(sets) sets of \(ways) ways", "expected at most \(Self.maximumEntries) entries")
    }
    self.sets = sets
    self.ways = ways
  }
}

extension ReplacementName {
  /// Reads a policy that can keep sets of so many ways.
  init(reading node: MachineNode, ways: Int) throws(MachineError) {
    self = try node.choice(ReplacementName.self)
    switch self {
    case .treePLRU where ways < 2 || ways > 64 || ways & (ways - 1) != 0:
      throw node.refusal(
        "is \(quoted(rawValue)) with \(ways) ways", "expected 2, 4, 8, 16, 32 or 64 ways, or lru")
    case .srrip where ways > 64:
      throw node.refusal(
        "is \(quoted(rawValue)) with \(ways) ways", "expected at most 64 ways, or lru")
    default: break
    }
  }
}

extension TLBDescription {
  /// TLBs of one machine, far beyond those that are built.
  private static let maximumCount = 64

  static func list(_ node: MachineNode) throws(MachineError) -> [TLBDescription] {
    let nodes = try node.elements(expected: "a list of TLBs in the order in which they are probed")
    guard 1...maximumCount ~= nodes.count else {
      throw node.refusal("has \(nodes.count) TLBs", "expected 1 to \(maximumCount)")
    }
    var tlbs: [TLBDescription] = []
    for node in nodes {
      let tlb = try TLBDescription(reading: node)
      if let first = tlbs.firstIndex(where: { $0.name == tlb.name }) {
        throw MachineNode(
          value: .string(tlb.name), place: node.place(of: "name"), source: node.source
        ).refusal(
          "is \(quoted(tlb.name)), the name of tlbs[\(first)]", "give each TLB its own name")
      }
      tlbs.append(tlb)
    }
    return tlbs
  }

  private init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members([
      "name", "serves", "pageSizes", "sets", "ways", "replacement", "latencyCycles", "index",
    ])
    name = try Self.name(members["name"])
    serves = try Self.choices(members["serves"], AccessClass.self)
    pageSizes = try Self.choices(members["pageSizes"], PageSizeName.self)
    let geometry = try Geometry(reading: members, of: node)
    sets = geometry.sets
    ways = geometry.ways
    replacement = try ReplacementName(reading: members["replacement"], ways: ways)
    latencyCycles = try members["latencyCycles"].whole(0...10_000)
    let index = members["index"]
    self.index = index.isAbsent ? .modulo : try index.choice(SetIndexName.self)
  }

  private static func name(_ node: MachineNode) throws(MachineError) -> String {
    let expected = "1 to 32 letters, digits, _ or -"
    let name = try node.text(expected: expected)
    guard 1...32 ~= name.utf8.count, name.utf8.allSatisfy({ isNameByte($0) }) else {
      throw node.refusal(expected: expected)
    }
    return name
  }

  private static func choices<Choice: RawRepresentable<String> & CaseIterable & Hashable>(
    _ node: MachineNode, _ type: Choice.Type
  ) throws(MachineError) -> Set<Choice> {
    let names = listing(Choice.allCases.map { quoted($0.rawValue) })
    var choices: Set<Choice> = []
    for element in try node.elements(expected: "a list of " + names) {
      let choice = try element.choice(type)
      guard choices.insert(choice).inserted else {
        throw element.refusal("is \(quoted(choice.rawValue)) a second time", "list each once")
      }
    }
    guard !choices.isEmpty else {
      throw node.refusal("is an empty list", "expected one or more of " + names)
    }
    return choices
  }
}

extension WalkCacheKind {
  /// How `--set` spells it: `first1`, `second2`, `nested`.
  public var shortName: String {
    switch self {
    case .firstStage(let level): "first\(level)"
    case .secondStage(let level): "second\(level)"
    case .nested: "nested"
    }
  }
}

extension WalkCacheDescription {
  private enum Stage: String, CaseIterable {
    case first
    case second
    case nested
  }

  static func list(
    _ node: MachineNode, firstLevels: Int, secondLevels: Int
  ) throws(MachineError) -> [WalkCacheDescription] {
    var caches: [WalkCacheDescription] = []
    for node in try node.elements(expected: "a list of walk caches, [] for none") {
      let cache = try WalkCacheDescription(
        reading: node, firstLevels: firstLevels, secondLevels: secondLevels)
      if let first = caches.firstIndex(where: { $0.kind == cache.kind }) {
        throw node.refusal(
          "caches the same as walkCaches[\(first)] (\(cache.kind.shortName))",
          "keep one cache for each stage and level")
      }
      caches.append(cache)
    }
    return caches
  }

  private init(
    reading node: MachineNode, firstLevels: Int, secondLevels: Int
  ) throws(MachineError) {
    let all = try node.members(["stage", "level", "sets", "ways", "replacement"])
    let stage = try all["stage"].choice(Stage.self)
    switch stage {
    case .first: kind = .firstStage(level: try all["level"].whole(1...(firstLevels - 1)))
    case .second: kind = .secondStage(level: try all["level"].whole(1...(secondLevels - 1)))
    case .nested:
      if all["level"].value != nil {
        throw all["level"].refusal(
          "stands in the nested TLB, which holds whole translations", "remove the key")
      }
      kind = .nested
    }
    let geometry = try Geometry(reading: all, of: node)
    sets = geometry.sets
    ways = geometry.ways
    replacement = try ReplacementName(reading: all["replacement"], ways: ways)
  }
}
