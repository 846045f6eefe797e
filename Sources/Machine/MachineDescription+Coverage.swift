extension MachineDescription {
  /// Sizes that a translation can reach, smallest first: the smaller of both stages' pages, or the
  /// first stage's alone in native mode.
  public var reachableSizes: [PageSizeName] {
    let first = synthesis.firstStagePage.sizes
    if mode == .native { return first }
    var reach: Set<PageSizeName> = []
    for size in first {
      for other in synthesis.secondStagePage.sizes { reach.insert(min(size, other)) }
    }
    return reach.sorted()
  }

  /// Refuses a machine in which some translation has no TLB to stand in.
  func checkCoverage(_ source: MachineSource) throws(MachineError) {
    for access in AccessClass.allCases {
      for size in reachableSizes where !holds(size, for: access) {
        let (key, policy) = origin(of: size)
        let place = "synthesis." + key
        throw MachineError(
          file: coveragePlaces.contains { source.isSet($0) } ? "--set" : source.file,
          place: place,
          problem: "is \(quoted(policy.description)), and no TLB holds \(access.rawValue) "
            + "translations of \(size.rawValue)",
          cure: "add \(quoted(size.rawValue)) to the pageSizes of a TLB that serves "
            + "\(quoted(access.rawValue)), or change \(place)")
      }
    }
  }

  private func holds(_ size: PageSizeName, for access: AccessClass) -> Bool {
    tlbs.contains { $0.serves.contains(access) && $0.pageSizes.contains(size) }
  }

  /// The stage whose pages bring a reach.
  private func origin(of size: PageSizeName) -> (key: String, policy: PagePolicy) {
    synthesis.firstStagePage.sizes.contains(size)
      ? ("firstStagePage", synthesis.firstStagePage)
      : ("secondStagePage", synthesis.secondStagePage)
  }

  /// The places whose values decide whether every translation finds a TLB.
  private var coveragePlaces: [String] {
    ["virtualization.mode", "synthesis.firstStagePage", "synthesis.secondStagePage"]
      + tlbs.indices.flatMap { ["tlbs[\($0)].serves", "tlbs[\($0)].pageSizes"] }
  }
}
