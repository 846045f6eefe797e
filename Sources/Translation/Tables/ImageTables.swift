import TraceFile

/// Real page tables in an image of physical memory.
public final class ImageTables {
  private let first: TableRoot
  private let second: TableRoot?
  private let walker: any StageWalk

  /// Tables without any page yet.
  ///
  /// - Parameters:
  ///   - first: from the addresses that are asked for.
  ///   - second: from what `first` gives to physical addresses; without it `first` is all.
  public init(first: TableRoot, second: TableRoot?) {
    self.first = first
    self.second = second
    walker = Self.walker(first, second)
  }

  private static func walker(_ first: TableRoot, _ second: TableRoot?) -> any StageWalk {
    switch first.format {
    case .x86: walker(of: X86PageTable.self, first, second)
    case .ept: walker(of: ExtendedPageTable.self, first, second)
    case .npt: walker(of: NestedPageTable.self, first, second)
    }
  }

  private static func walker<First: PageTableFormat>(
    of format: First.Type, _ first: TableRoot, _ second: TableRoot?
  ) -> any StageWalk {
    switch second?.format {
    case .ept: TwoStageWalk<First, ExtendedPageTable>(first, second)
    case .npt: TwoStageWalk<First, NestedPageTable>(first, second)
    case .x86: TwoStageWalk<First, X86PageTable>(first, second)
    case nil: TwoStageWalk<First, ExtendedPageTable>(first, nil)
    }
  }

  /// Adds a page of the image.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    walker.addPage(address >> 12, bytes)
  }

  /// Walks one address.
  ///
  /// - Parameters:
  ///   - address: any.
  ///   - kind: of the access; a modify is judged as a store.
  ///   - isUser: the access is an application's and not a kernel's.
  /// - Returns: every entry read and where the walk ended.
  public func walk(_ address: UInt64, _ kind: AccessKind, isUser: Bool) -> WalkReport {
    var access: Rights
    switch kind {
    case .fetch: access = .execute
    case .load: access = .read
    case .store, .modify: access = .write
    }
    if isUser { access.insert(.user) }
    var path = WalkPath()
    let outcome = walker.walk(GVA(address), access, &path)
    var report = WalkReport(
      address: address,
      path: (0..<path.count).map { at in
        let reference = path[at]
        return WalkReport.Reference(
          stage: reference.isSecondStage ? "second" : "first",
          level: Int(reference.isSecondStage ? reference.secondLevel : reference.firstLevel),
          address: reference.address.rawValue, value: reference.value)
      })
    switch outcome {
    case .translated(let found):
      report.output = found.address.rawValue
      report.firstBytes = 1 << found.first.shift
      report.secondBytes = second == nil ? nil : 1 << found.second.shift
      report.effective = found.rights.text
    case .fault(let fault):
      report.fault = WalkReport.Fault(
        stage: fault.stage == .first ? "first" : "second", reason: "\(fault.reason)",
        address: fault.address, onTableWalk: fault.onTableWalk,
        errorCode: fault.code)
    }
    return report
  }

  /// Gives every page that the tables map, in order of address.
  ///
  /// - Parameter body: called once a page.
  /// - Returns: how many there were and what else was met.
  /// - Throws: an error where the tables lead to more than a computer has time for, as tables that
  ///   contain themselves do.
  public func forEachLeaf(_ body: (LeafReport) -> Void) throws(TableError) -> LeafSummary {
    try walker.forEachLeaf(body)
  }
}

/// Tables that cannot be enumerated.
public struct TableError: Error, CustomStringConvertible, Equatable {
  /// What was met.
  public var problem: String
  /// What the user can do.
  public var cure: String

  /// Problem and cure.
  public var description: String { "\(problem); \(cure)" }
}
