extension MachineDescription {
  /// Reads a description strictly: no key beyond these, and no default for any but `secondStage` in
  /// native mode, `memory.overlapFactor`, `exits`, `iommu`, `interrupts`,
  /// `isolation` and what is tagged.
  init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members([
      "name", "cores", "virtualization", "firstStage", "secondStage", "tlbs", "walkCaches",
      "memory", "synthesis", "exits", "iommu", "interrupts", "isolation",
    ])
    name = try Self.name(members["name"])
    cores = try Self.cores(members["cores"])
    firstStage = try StageDescription.first(members["firstStage"])
    virtualization = try VirtualizationDescription(
      reading: members["virtualization"], firstLevels: firstStage.levels)
    secondStage = try Self.secondStage(members["secondStage"], mode: virtualization.mode)
    tlbs = try TLBDescription.list(members["tlbs"])
    walkCaches = try WalkCacheDescription.list(
      members["walkCaches"], firstLevels: firstStage.levels,
      secondLevels: secondStage?.levels ?? TableFormat.modelledLevels.upperBound)
    memory = try MemoryDescription(reading: members["memory"])
    synthesis = try SynthesisDescription(reading: members["synthesis"])
    exits = try ExitsDescription.optional(members["exits"])
    iommu = try IOMMUDescription.optional(members["iommu"])
    interrupts = try InterruptDescription.optional(members["interrupts"], iommu: iommu)
    isolation = try IsolationDescription.optional(members["isolation"])
  }

  private static func name(_ node: MachineNode) throws(MachineError) -> String {
    let expected = "1 to 100 characters on one line"
    let name = try node.text(expected: expected)
    guard name.unicodeScalars.allSatisfy({ !$0.isUnprintable }), 1...100 ~= name.count,
      name.utf8.count <= 400
    else {
      throw node.refusal(expected: expected)
    }
    return name
  }

  private static func cores(_ node: MachineNode) throws(MachineError) -> Int {
    try node.whole(1...64)
  }

  private static func secondStage(
    _ node: MachineNode, mode: TranslationMode
  ) throws(MachineError) -> StageDescription? {
    let isAbsent = node.value == nil || node.value == .null
    if isAbsent, mode == .native { return nil }
    if isAbsent {
      throw node.refusal(
        "missing, and \(mode.rawValue) mode has two stages",
        "give { \"format\": \"ept:4\" }, or set virtualization.mode to \"native\"")
    }
    return try StageDescription.second(node)
  }
}

extension TableFormat {
  /// Levels of tables, the root's included, that this version walks.
  fileprivate static let modelledLevels = 4...5

  /// Formats that have a name but no model yet.
  fileprivate static let notModelled = [
    "sv39", "sv48", "sv57", "sv39x4", "sv48x4", "sv57x4", "vtd:3", "vtd:4", "vtd:5",
  ]
}

extension StageDescription {
  /// How descriptions spell the stage's format, such as `x86-64:4`.
  public var formatName: String { "\(format.rawValue):\(levels)" }

  private static let firstStages = stages(of: [.x86])
  private static let secondStages = stages(of: [.ept, .npt])

  private static func stages(of families: [TableFormat]) -> [StageDescription] {
    families.flatMap { family in
      TableFormat.modelledLevels.map { StageDescription(format: family, levels: $0) }
    }
  }

  fileprivate static func first(_ node: MachineNode) throws(MachineError) -> StageDescription {
    try choice(node, among: firstStages, not: secondStages, of: "second")
  }

  fileprivate static func second(_ node: MachineNode) throws(MachineError) -> StageDescription {
    try choice(node, among: secondStages, not: firstStages, of: "first")
  }

  /// Reads a stage.
  ///
  /// - Parameters:
  ///   - node: with the key `format`.
  ///   - stages: that are allowed here.
  ///   - others: of the other stage, to be refused as such.
  ///   - other: the name of the other stage.
  /// - Returns: one of `stages`.
  /// - Throws: what stands there, and the formats that this stage takes.
  private static func choice(
    _ node: MachineNode, among stages: [StageDescription], not others: [StageDescription],
    of other: String
  ) throws(MachineError) -> StageDescription {
    let format = try node.members(["format"])["format"]
    let names = stages.map(\.formatName)
    let expected = listing(names.map(quoted))
    let text = try format.text(expected: expected)
    if let stage = stages.first(where: { $0.formatName == text }) { return stage }
    if others.contains(where: { $0.formatName == text }) {
      throw format.refusal(
        "is \(quoted(text)), a format of the \(other) stage", "expected " + expected)
    }
    let known = TableFormat.notModelled + (text.hasPrefix("vmsa:") ? [text] : [])
    try format.refuseUnmodelled(text, known: known, expected: expected)
    throw format.refusal(text, near: names, expected: expected)
  }
}

extension MemoryDescription {
  private enum Model: String, CaseIterable {
    case flat
  }

  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members(["model", "referenceCycles", "overlapFactor"])
    _ = try members["model"].choice(Model.self, notModelled: ["cached"])
    referenceCycles = try members["referenceCycles"].whole(1...100_000)
    overlapPercent = try Self.overlapPercent(members["overlapFactor"])
  }

  private static func overlapPercent(_ node: MachineNode) throws(MachineError) -> Int? {
    let factor: Double
    switch node.value {
    case nil, .null?: return nil
    case .int(let number)? where 1...100 ~= number: factor = Double(number)
    case .double(let number)? where 1...100 ~= number: factor = number
    default: throw node.refusal(expected: "a number, 1 to 100, of at most two decimals")
    }
    let hundredths = (factor * 100).rounded()
    guard abs(hundredths / 100 - factor) < 1e-9 else {
      throw node.refusal(expected: "a number, 1 to 100, of at most two decimals")
    }
    return Int(hundredths)
  }
}

extension SynthesisDescription {
  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let members = try node.members(["firstStagePage", "secondStagePage", "frames", "seed"])
    firstStagePage = try PagePolicy(reading: members["firstStagePage"])
    secondStagePage = try PagePolicy(reading: members["secondStagePage"])
    frames = try members["frames"].choice(FramePolicy.self)
    seed = UInt64(try members["seed"].whole(0...(1 << 53)))
  }
}

extension PagePolicy: CustomStringConvertible {
  /// How descriptions spell the policy, such as `2M` or `THP:75%`.
  public var description: String {
    switch self {
    case .always(let size): size.rawValue
    case .transparentHuge(let percent): "THP:\(percent)%"
    }
  }

  /// Sizes of the pages that tables of this policy can map, smallest first.
  public var sizes: [PageSizeName] {
    switch self {
    case .always(let size): [size]
    case .transparentHuge(percent: 0): [.base4K]
    case .transparentHuge(percent: 100): [.large2M]
    case .transparentHuge: [.base4K, .large2M]
    }
  }

  /// Reads a policy as descriptions spell it.
  ///
  /// - Returns: nothing where the text is no policy.
  public init?(_ text: String) {
    if let size = PageSizeName(rawValue: text) {
      self = .always(size)
      return
    }
    guard text.hasPrefix("THP:"), text.hasSuffix("%") else { return nil }
    let digits = text.dropFirst(4).dropLast()
    guard 1...3 ~= digits.utf8.count, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
      let percent = Int(digits), percent <= 100
    else { return nil }
    self = .transparentHuge(percent: percent)
  }

  fileprivate init(reading node: MachineNode) throws(MachineError) {
    let names = PageSizeName.allCases.map(\.rawValue)
    let expected = listing((names + ["THP:0%"]).map(quoted)) + " to \"THP:100%\""
    let text = try node.text(expected: expected)
    guard let policy = PagePolicy(text) else {
      throw node.refusal(text, near: names, expected: expected)
    }
    self = policy
  }
}
