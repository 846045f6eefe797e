/// What software changed in tables since the run began, to say of a stale translation what made it so.
struct TableChanges {
  /// One change of a stage's entries.
  struct Change {
    var record: Int
    /// 1 or 2.
    var stage: Int
    /// The space of a first-stage change, the guest of a second-stage one.
    var owner: Int
    var range: Range<UInt64>
    var name: String
  }

  /// The changes so far; entries filled at the last of them are current.
  private(set) var epoch: UInt32 = 0
  private var recent: [Change] = []

  /// Older changes are forgotten: what they made stale is then told without them.
  private static let kept = 4096

  var isEmpty: Bool { epoch == 0 }

  mutating func note(_ change: Change) {
    epoch &+= 1
    recent.append(change)
    if recent.count > 2 * Self.kept { recent.removeFirst(Self.kept) }
  }

  /// The last change that can have made a translation of an address stale.
  func last(covering address: UInt64, space: Int, guest: Int) -> Change? {
    recent.last { change in
      change.stage == 1
        ? change.owner == space && change.range.contains(address) : change.owner == guest
    }
  }
}

/// Uses of translations that the tables no longer have.
struct StaleUses {
  /// One place where it was first seen.
  struct Example {
    var record: Int
    var page: UInt64
    var change: TableChanges.Change?
    /// The event that would have removed it.
    var missing: String
  }

  private(set) var count = 0
  /// Of the first stage's changes, which concern the guest alone.
  private(set) var firstStage: [Example] = []
  /// Of the second stage's, by which a guest reaches what is no longer its own.
  private(set) var secondStage: [Example] = []
  private(set) var firstStageCount = 0
  private(set) var secondStageCount = 0
  private static let kept = 16

  mutating func count(_ example: Example) {
    count += 1
    if example.change?.stage == 2 {
      secondStageCount += 1
      if secondStage.count < Self.kept { secondStage.append(example) }
    } else {
      firstStageCount += 1
      if firstStage.count < Self.kept { firstStage.append(example) }
    }
  }
}
