/// Where a walk ended.
enum WalkOutcome: Equatable {
  case translated(Translated)
  case fault(WalkFault)
}

/// An address that both stages let through, with all that a TLB keeps of it.
struct Translated: Equatable, BitwiseCopyable {
  var address: HPA
  /// The sizes of both stages' pages; in native mode the second stage has none of its own.
  var first: PageSize
  var second: PageSize
  /// What every entry of a stage allows, before control registers are asked.
  var firstRights: Rights
  var secondRights: Rights
  /// The first stage's leaf is for every PCID, whatever CR4.PGE says.
  var isGlobal: Bool
  /// Both leaves after the walk; a leaf of a stage that keeps no dirty flags counts as dirty, because
  /// nothing is left to set.
  var isFirstDirty: Bool
  var isSecondDirty: Bool
  /// The protection key of the first stage's leaf.
  var key: UInt8
  /// What both leaves say of the memory's type.
  var type: MemoryType

  /// Of the TLB entry, which maps no more than the smaller page.
  var reach: PageSize { min(first, second) }

  /// What both stages allow; whether a user may execute depends on the page's mode.
  var rights: Rights {
    // The second stage's user bit says nothing of the guest's users.
    var both = firstRights.intersection(secondRights.union(.user))
    if firstRights.contains(.user) {
      if both.contains(.userExecute) { both.insert(.execute) } else { both.remove(.execute) }
    }
    return both
  }
}

/// What the leaves of both stages say of a memory type.
///
/// Model: the fields are kept as they stand; PAT and MTRRs, with which they make the type, are not.
struct MemoryType: Equatable, BitwiseCopyable {
  /// The first stage's index into the PAT: PAT, PCD, PWT.
  var patIndex: UInt8
  /// Of EPT bits 2:0 are the type and bit 3 says that the PAT is ignored; of long-mode tables it is
  /// the index into the PAT.
  var second: UInt8
}

/// What an entry allows, or what an access needs.
struct Rights: OptionSet, Sendable, Hashable, BitwiseCopyable {
  let rawValue: UInt8

  static let read = Rights(rawValue: 1)
  static let write = Rights(rawValue: 2)
  /// Of EPT entries under mode-based execute control: from supervisors' pages.
  static let execute = Rights(rawValue: 4)
  static let user = Rights(rawValue: 8)
  /// Execution from users' pages, which goes with `execute` but under mode-based execute control.
  static let userExecute = Rights(rawValue: 16)
  /// Of an access alone: the processor's own to a system structure, a supervisor's whatever the CPL.
  static let implicit = Rights(rawValue: 32)

  static let all: Rights = [.read, .write, .execute, .user, .userExecute]
  static let data: Rights = [.read, .write]
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
    /// The page's protection key does not allow the access.
    case protectionKey
    /// The image has no such table.
    case absent
    /// The machine has no frame left for the page or its tables.
    case outOfFrames
  }

  /// What the processor raises.
  enum Kind: String, CaseIterable {
    case generalProtection
    case pageFault
    case eptViolation
    case eptMisconfiguration
    case nestedPageFault
  }

  var stage: Stage
  var reason: Reason
  /// Guest-virtual for the first stage, guest-physical for the second.
  var address: UInt64
  /// The second stage failed on the way to a first-stage table.
  var onTableWalk: Bool
  var kind: Kind
  /// The page fault's or nested page fault's error code, or the exit qualification; nothing where the
  /// processor gives none, or where it is the model that ended the walk.
  var code: UInt64?
  /// An EPT violation that the guest gets as #VE instead of an exit.
  var isException = false
  /// The entry was a shadow table's, so that the fault is the hypervisor's first.
  var inShadow = false

  /// The name in counters, by which the architecture calls it.
  var counter: String { reason == .outOfFrames ? "outOfFrames" : kind.rawValue }
}

/// What a format needs to know of a fault to report it as its processor does.
struct FaultFacts {
  var reason: WalkFault.Reason
  /// What this stage was asked for.
  var access: Rights
  /// What the entries read so far allow together; none where one was not present.
  var allowed: Rights
  /// The entry that the fault was found in; nothing where it was none.
  var entry: UInt64?
  /// What the first stage's entries allow together, for a fault of the second.
  var page: Rights
  /// The walk began at a linear address: the format is not the only stage.
  var isSecondStage: Bool
  var onTableWalk: Bool
}
