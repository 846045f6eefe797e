/// Where a walk ended.
enum WalkOutcome: Equatable {
  case translated(Translated)
  case fault(WalkFault)

  /// An address that both stages let through.
  struct Translated: Equatable {
    var address: HPA
    /// The sizes of both stages' pages; in native mode the second stage has none of its own.
    var first: PageSize
    var second: PageSize
    /// What every entry on the way allows.
    var rights: Rights
  }
}

/// What an entry allows, or what an access needs.
struct Rights: OptionSet, Sendable, BitwiseCopyable {
  let rawValue: UInt8

  static let read = Rights(rawValue: 1)
  static let write = Rights(rawValue: 2)
  static let execute = Rights(rawValue: 4)
  static let user = Rights(rawValue: 8)

  static let all: Rights = [.read, .write, .execute, .user]
}

/// A fault of the modelled machine: a value that is counted, never an error of ours.
struct WalkFault: Equatable {
  enum Stage: UInt8, CaseIterable {
    case first
    case second
  }

  enum Reason: UInt8, CaseIterable {
    /// Address bits above the highest translated one are not its copies.
    case notCanonical
    case notPresent
    /// A present entry that the architecture forbids.
    case malformed
    /// The entries on the way do not allow the access.
    case forbidden
    /// The image has no such table.
    case absent
    /// The machine has no frame left for the page or its tables.
    case outOfFrames
  }

  var stage: Stage
  var reason: Reason
  /// Guest-virtual for the first stage, guest-physical for the second.
  var address: UInt64
  /// The second stage failed on the way to a first-stage table.
  var onTableWalk: Bool

  /// The name in counters, by which the architecture calls it.
  var counter: String {
    switch (reason, stage) {
    case (.notCanonical, _): "generalProtection"
    case (.outOfFrames, _): "outOfFrames"
    case (.malformed, .second): "eptMisconfiguration"
    case (_, .second): "eptViolation"
    case (_, .first): "pageFault"
    }
  }
}
