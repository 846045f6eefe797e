/// One table entry that a walk read.
struct TableReference: BitwiseCopyable, Equatable {
  /// The level whose first-stage table was read or, for a second-stage entry, whose table was being
  /// found; `WalkPath.data` while the data address was.
  var firstLevel: UInt8
  /// The level of the second-stage table that was read; `WalkPath.entry` for a first-stage entry.
  var secondLevel: UInt8
  /// Where the entry stands.
  var address: HPA
  /// As it was before the walk set anything in it.
  var value: UInt64

  var isSecondStage: Bool { secondLevel != WalkPath.entry }
}

/// Every table entry that a walk read, in order; a walk knows no time.
struct WalkPath {
  /// Five levels over five: (5 + 1) * (5 + 1) - 1.
  static let capacity = 35
  /// The first-stage step after the last table.
  static let data: UInt8 = 5
  /// The second-stage step after the last table: the first-stage entry itself.
  static let entry: UInt8 = 5
  /// Steps of either stage: tables of levels 0 to 4, and what comes after them.
  static let steps = 6

  private var references = InlineArray<35, TableReference>(
    repeating: TableReference(firstLevel: 0, secondLevel: 0, address: HPA(0), value: 0))
  private(set) var count = 0

  subscript(_ index: Int) -> TableReference { references[index] }

  mutating func begin() { count = 0 }

  @inline(__always)
  mutating func append(_ reference: TableReference) {
    references[count] = reference
    count += 1
  }
}

/// Where a walk ended.
enum WalkOutcome: Equatable {
  /// The address, and the size of both stages' pages.
  case translated(HPA, first: PageSize, second: PageSize)
  case fault(TranslationFault)
}

/// A fault of the modelled machine: a value that is counted, never an error of ours.
enum TranslationFault: UInt8, Equatable, CaseIterable {
  /// #GP: the address is not canonical.
  case generalProtection
  /// #PF: a first-stage entry is not present, malformed, or forbids the access.
  case pageFault
  /// A second-stage entry is not present or forbids the access.
  case extendedViolation
  /// A present second-stage entry that the architecture forbids.
  case extendedMisconfiguration
  /// The machine has no frame left for the page or its tables.
  case outOfFrames

  /// The name in counters.
  var name: String {
    switch self {
    case .generalProtection: "generalProtection"
    case .pageFault: "pageFault"
    case .extendedViolation: "eptViolation"
    case .extendedMisconfiguration: "eptMisconfiguration"
    case .outOfFrames: "outOfFrames"
    }
  }
}
