/// Who else may reach a frame.
extension MappingTable {
  /// Mappings of a frame are looked through at most so far.
  private static var maximumAliases: Int { 64 }

  @inline(__always)
  private func first(
    of frame: UInt64, where matches: (Mapping) -> Bool
  ) -> Mapping? {
    for size in 0..<2 where counts[size] > 0 {
      var at = alias(of: frame, size: size).map { Int32($0) } ?? Mapping.none
      var steps = 0
      while at >= 0, steps < Self.maximumAliases {
        let mapping = pool[Int(at)]
        if matches(mapping) { return mapping }
        at = mapping.nextAlias
        steps += 1
      }
    }
    return nil
  }

  /// A mapping of the frame that belongs to another guest.
  func otherGuest(of frame: UInt64, than guest: UInt32) -> Mapping? {
    first(of: frame) {
      !$0.isStale && $0.guest != guest && $0.guest != FindingLog.Subject.none
    }
  }

  /// A mapping of the frame for another device, or in another direction.
  func otherUse(of frame: UInt64, than space: MappingSpace, _ rights: UInt8) -> Mapping? {
    first(of: frame) { !$0.isStale && ($0.space != space || $0.rights != rights) }
  }

  /// A stale mapping of the frame in another space.
  func staleUse(of frame: UInt64, outside space: MappingSpace) -> Mapping? {
    first(of: frame) { $0.isStale && $0.space != space }
  }

  /// A stale mapping of the frame in a space.
  func staleUse(of frame: UInt64, in space: MappingSpace) -> Mapping? {
    first(of: frame) { $0.isStale && $0.space == space }
  }

  /// Whether a space has stale mappings.
  func hasStale(_ space: MappingSpace) -> Bool {
    knownState(of: space).map { spaces[$0].stale > 0 } ?? false
  }

  /// Mappings that are not stale and have a frame in `first..<end`.
  func live(in first: UInt64, _ end: UInt64) -> [Int] {
    var found: [Int] = []
    if end - first <= 4096 {
      for size in 0..<2 where counts[size] > 0 {
        let step: UInt64 = size == 0 ? 1 : 512
        var frame = size == 0 ? first : first & ~511
        while frame < end {
          var at = alias(of: frame, size: size).map { Int32($0) } ?? Mapping.none
          var steps = 0
          while at >= 0, steps < Self.maximumAliases {
            if !pool[Int(at)].isStale { found.append(Int(at)) }
            at = pool[Int(at)].nextAlias
            steps += 1
          }
          frame += step
        }
      }
      return found
    }
    for at in 0..<used where isInUse(at) && !pool[at].isStale {
      if pool[at].frame < end, pool[at].frame + pool[at].pageCount > first { found.append(at) }
    }
    return found
  }

  /// A mapping of the frame in another space, made after an event.
  func reuse(of frame: UInt64, from space: MappingSpace, after event: UInt64) -> Mapping? {
    first(of: frame) { !$0.isStale && $0.space != space && $0.mapped.event > event }
  }
}
