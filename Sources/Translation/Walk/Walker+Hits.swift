/// What a TLB asks of a translation that it holds.
extension Walker {
  /// Why an access to a page that a TLB holds is not allowed any more, or not to this access.
  ///
  /// A TLB keeps what the entries allow, and the control registers decide at each access. What is
  /// denied here is walked again, because the tables may allow more by now.
  ///
  /// - Parameters:
  ///   - access: of the instruction.
  ///   - page: as a walk gave it.
  ///   - context: of the moment.
  /// - Returns: the stage and reason; nothing where the access may go on.
  @inline(__always)
  static func denial(
    of access: Rights, to page: Translated, in context: WalkContext
  ) -> (stage: WalkFault.Stage, reason: WalkFault.Reason)? {
    if let reason = First.denial(of: access, page.firstRights, key: page.key, context.firstControls)
    {
      return (.first, reason)
    }
    guard context.secondLevels > 0 else { return nil }
    let needs = Second.dataAccess(access, page: page.firstRights)
    let reason = Second.denial(of: needs, page.secondRights, key: 0, context.secondControls)
    return reason.map { (.second, $0) }
  }

  /// The counters of every walk cache, by the names of the contract.
  func cacheCounters() -> [(name: String, lookups: Int, hits: Int)] {
    var counters: [(name: String, lookups: Int, hits: Int)] = []
    for at in 0..<firstCaches.count {
      counters.append(
        firstCaches.withCache(at) { ("firstStage.L\($0.level)", $0.lookups, $0.hits) })
    }
    for at in 0..<secondCaches.count {
      counters.append(
        secondCaches.withCache(at) { ("secondStage.L\($0.level)", $0.lookups, $0.hits) })
    }
    if hasNestedTLB { counters.append(("nested", nestedTLB.lookups, nestedTLB.hits)) }
    return counters
  }
}

extension Translated {
  /// A write to a page whose leaves are not both dirty must be walked, so that they become it.
  @inline(__always)
  func needsDirty(_ access: Rights) -> Bool {
    access.contains(.write) && !(isFirstDirty && isSecondDirty)
  }
}
