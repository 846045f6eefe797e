import TraceFile

/// Real page tables in an image of physical memory.
public final class ImageTables {
  private let first: TableRoot
  private let second: TableRoot?
  private let image: ImageMemory
  private let stages: StageWalk
  private let context: WalkContext

  /// Tables without any page yet, or with those of an image from which pages are read as walks want
  /// them.
  ///
  /// - Parameters:
  ///   - first: from the addresses that are asked for.
  ///   - second: from what `first` gives to physical addresses; without it `first` is all.
  ///   - firstControls: control registers of the first stage.
  ///   - secondControls: of the second.
  ///   - pages: holds the tables, besides those that are added.
  public init(
    first: TableRoot, second: TableRoot?, firstControls: TableControls = TableControls(),
    secondControls: TableControls = TableControls(), pages: PagedImage? = nil
  ) {
    self.first = first
    self.second = second
    image = ImageMemory(pages)
    stages = StageWalk(first.format, second?.format, image)
    context = WalkContext(
      firstLevels: first.levels, secondLevels: second?.levels ?? 0, first: GPA(first.address),
      second: HPA(second?.address ?? 0), firstControls: firstControls.controls(of: first),
      secondControls: secondControls.controls(of: second))
  }

  /// Why pages of the image could not be read, where that happened; then what was reported of tables
  /// that the image does not hold may be wrong.
  public var readError: TraceError? { image.error }

  /// Adds a page of the image.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    image.addPage(address >> 12, bytes)
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
    let outcome = stages.walk(GVA(address), access, context, &path)
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
      report.isGlobal = found.isGlobal
      report.protectionKey = Int(found.key)
      if second?.format == .ept {
        report.memoryType = Self.memoryTypes[Int(found.type.second & 7)]
        report.ignoresPAT = found.type.second & 8 != 0
      }
    case .fault(let fault):
      report.fault = WalkReport.Fault(
        stage: fault.stage == .first ? "first" : "second", reason: "\(fault.reason)",
        address: fault.address, onTableWalk: fault.onTableWalk,
        errorCode: fault.code, raises: Self.raises(fault))
    }
    return report
  }

  /// Of EPT: Intel SDM volume 3C, June 2016, "EPT and Memory Typing".
  private static let memoryTypes = ["UC", "WC", "", "", "WT", "WP", "WB", ""]

  private static func raises(_ fault: WalkFault) -> String? {
    guard fault.reason != .absent, fault.reason != .outOfFrames else { return nil }
    return fault.isException ? "virtualizationException" : fault.kind.rawValue
  }

  /// Gives every page that the tables map, in order of address.
  ///
  /// - Parameter body: called once a page.
  /// - Returns: how many there were and what else was met.
  /// - Throws: an error where the tables lead to more than a computer has time for, as tables that
  ///   contain themselves do.
  public func forEachLeaf(_ body: (LeafReport) -> Void) throws(TableError) -> LeafSummary {
    try stages.forEachLeaf(context, body).get()
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
