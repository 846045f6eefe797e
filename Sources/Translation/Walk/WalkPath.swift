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
struct WalkPath: ~Copyable {
  /// Five levels over five: (5 + 1) * (5 + 1) - 1.
  static let capacity = 35
  /// The first-stage step after the last table.
  static let data: UInt8 = 5
  /// The second-stage step after the last table: the first-stage entry itself.
  static let entry: UInt8 = 5
  /// Steps of either stage: tables of levels 0 to 4, and what comes after them.
  static let steps = 6

  // Not inline, so that handing a path on never copies it.
  private let references = UnsafeMutablePointer<TableReference>.allocate(capacity: capacity)
  private(set) var count = 0

  deinit { references.deallocate() }

  /// - Precondition: `index` is below `count`.
  subscript(_ index: Int) -> TableReference { references[index] }

  mutating func begin() { count = 0 }

  @inline(__always)
  mutating func append(_ reference: TableReference) {
    precondition(count < Self.capacity, "a walk has more steps than levels allow")
    references[count] = reference
    count += 1
  }
}
