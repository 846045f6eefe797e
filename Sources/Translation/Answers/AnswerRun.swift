import Machine
import Results
import TraceFile

/// Answers questions about one machine while its trace is replayed: every variant that they need sees
/// the same blocks.
public final class AnswerRun {
  private let tables: [AnswerTable]
  private let variants: [Variant]
  private let devices: [DeviceVariant]

  /// Builds the variants.
  ///
  /// - Parameters:
  ///   - answers: in the order in which their tables are wanted.
  ///   - machine: that is asked about.
  ///   - plan: as of the run itself.
  public init(_ answers: [Answer], of machine: ResolvedMachine, _ plan: ReplayPlan) {
    let machine = machine.description
    tables = answers.map { answer in
      switch answer {
      case .modes: ModeTable(machine, plan)
      case .pageSizes: PageSizeTable(machine, plan)
      case .levels: LevelTable(machine, plan)
      case .tags: TagTableAnswer(machine, plan)
      case .flushes: FlushTable(machine, plan)
      case .regions: RegionTable(machine, plan)
      case .conflicts: ConflictTable(machine, plan)
      case .hypervisors: HypervisorTable(machine, plan)
      case .invalidation: InvalidationTable(machine)
      case .interrupts: InterruptTable(machine, plan)
      }
    }
    variants = tables.flatMap(\.variants)
    devices = tables.flatMap(\.devices)
  }

  /// Independent parts of the work on a block.
  public var parts: Int { variants.count + devices.count }

  /// Adds a page of the image in which memory starts.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    variants.allSatisfy { $0.addPage(address >> 12, bytes) }
      && devices.allSatisfy { $0.addPage(at: address, bytes) }
  }

  /// Replays a block on every variant.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    for part in 0..<parts { try replay(block, part: part) }
  }

  /// Replays a block on one of the variants; others may be replayed at the same time.
  ///
  /// - Parameters:
  ///   - block: of the trace, in order for each part.
  ///   - part: below `parts`.
  /// - Throws: a `TraceError` where one of the block's columns is damaged.
  public func replay(_ block: TraceBlock, part: Int) throws(TraceError) {
    if part < variants.count {
      try variants[part].replay(block)
    } else {
      try devices[part - variants.count].replay(block)
    }
  }

  /// The tables, in the order of the questions.
  ///
  /// - Returns: one or more for each question.
  /// - Throws: the laws that a variant broke, which is a defect of this program.
  public func finish() throws(ConservationError) -> [ResultTable] {
    for variant in variants { try variant.finish() }
    for device in devices { try device.finish() }
    return tables.flatMap(\.tables)
  }
}

/// One question's variants, and the table that they make.
protocol AnswerTable {
  var variants: [Variant] { get }
  var devices: [DeviceVariant] { get }
  /// Complete once every variant is finished.
  var tables: [ResultTable] { get }
}

extension AnswerTable {
  var devices: [DeviceVariant] { [] }
}

/// Columns that several tables have.
enum AnswerColumns {
  static let walks: [ResultTable.Column] = [
    ResultTable.Column("walks", "walks"), ResultTable.Column("references", "references"),
    ResultTable.Column("referencesPerWalk", "per walk"),
    ResultTable.Column("walkCycles", "walk cycles"),
  ]

  static func cells(_ variant: Variant) -> [ResultTable.Cell] {
    [
      .number(variant["walk.count"]), .number(variant["walk.references"]),
      .ratio(variant["walk.references"], over: variant["walk.count"]),
      .number(variant["walk.cycles"]),
    ]
  }
}
