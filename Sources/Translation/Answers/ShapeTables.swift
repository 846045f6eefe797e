import Machine
import Results

/// Every page size in either stage.
struct PageSizeTable: AnswerTable {
  let variants: [Variant]
  private let isWidened: Bool

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    let (wide, isWidened) = machine.holdingEverySize
    self.isWidened = isWidened
    let seconds = machine.mode.isVirtualized ? PageSizeName.allCases : [.base4K]
    variants = PageSizeName.allCases.flatMap { first in
      seconds.map { second in
        Variant(
          machine.mode.isVirtualized ? "\(first.rawValue) on \(second.rawValue)" : first.rawValue,
          wide.with {
            $0.synthesis.firstStagePage = .always(first)
            $0.synthesis.secondStagePage = .always(second)
          }, plan)
      }
    }
  }

  var tables: [ResultTable] {
    let base = variants.first.map { $0["walk.cycles"] } ?? 0
    return [
      ResultTable(
        name: "pageSizes", title: "Page sizes of both stages",
        explanation:
          "First-stage page on second-stage page. A TLB entry reaches no farther than the smaller "
          + "one: splintered fills are those that reach less than the first stage's page."
          + (isWidened
            ? " TLBs of this machine hold too few sizes: here those with 4K pages hold all." : ""),
        columns: [ResultTable.Column("pages", "pages")] + AnswerColumns.walks + [
          ResultTable.Column("splintered", "splintered"),
          ResultTable.Column("ofBase", "of 4K on 4K"),
        ],
        rows: variants.map { variant in
          [.text(variant.name)] + AnswerColumns.cells(variant) + [
            .number(variant["walk.splintered"]), .ratio(variant["walk.cycles"], over: base),
          ]
        })
    ]
  }
}

/// A fifth level in either stage, or in both.
struct LevelTable: AnswerTable {
  let variants: [Variant]

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    let seconds = machine.mode == .native ? [machine.secondStage?.levels ?? 4] : [4, 5]
    variants = seconds.flatMap { second in
      [4, 5].map { first in
        Variant(
          machine.mode == .native ? "\(first)" : "\(first) over \(second)",
          machine.with {
            $0.firstStage.levels = first
            $0.secondStage?.levels = second
            let levels = $0.virtualization.nestedLevels
            $0.virtualization.nestedLevels = levels.map { min($0, first) }
          }, plan)
      }
    }
  }

  var tables: [ResultTable] {
    let base = variants.first.map { $0["walk.cycles"] } ?? 0
    return [
      ResultTable(
        name: "levels", title: "Levels of both stages",
        explanation:
          "Levels of the first stage over those of the second, cold walks of 24, 29, 29 and 35 "
          + "references for 4 KiB pages without walk caches; here as warm as the machine's caches "
          + "make them.",
        columns: [ResultTable.Column("levels", "levels")] + AnswerColumns.walks + [
          ResultTable.Column("ofBase", "of the first row")
        ],
        rows: variants.map { variant in
          [.text(variant.name)] + AnswerColumns.cells(variant) + [
            .ratio(variant["walk.cycles"], over: base)
          ]
        })
    ]
  }
}

/// Tags off, and invalidations that take more than they must.
struct TagTableAnswer: AnswerTable {
  let variants: [Variant]
  private let hasEvents: Bool

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    hasEvents = plan.hasEvents
    func variant(
      _ name: String, _ change: (inout VirtualizationDescription) -> Void
    ) -> Variant {
      Variant(name, machine.with { change(&$0.virtualization) }, plan)
    }
    variants = [
      variant("as it is") { _ in },
      variant("without PCID") { $0.hasPCID = false },
      variant("without VPID") { $0.hasVPID = false },
      variant("without both") {
        $0.hasPCID = false
        $0.hasVPID = false
      },
      variant("conservative") { $0.invalidation = .conservative },
    ]
  }

  var tables: [ResultTable] {
    let base = variants.first.map { $0["walk.count"] } ?? 0
    return [
      ResultTable(
        name: "tags", title: "Tags and flushes",
        explanation: hasEvents
          ? "Without tags an address space or guest that comes back finds nothing: extra walks are "
            + "those beyond the machine as it is."
          : "The trace has no switches and no invalidations, so tags change nothing: import several "
            + "traces with --interleave to see what they save.",
        columns: [ResultTable.Column("machine", "machine")] + AnswerColumns.walks + [
          ResultTable.Column("extraWalks", "extra walks")
        ],
        rows: variants.map { variant in
          [.text(variant.name)] + AnswerColumns.cells(variant) + [
            .number(variant["walk.count"] - base)
          ]
        })
    ]
  }
}

/// Walks by the invalidation that caused them.
struct FlushTable: AnswerTable {
  let variants: [Variant]

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    // Attribution is the general replay's.
    variants = [Variant("as it is", machine, plan, observer: WalkObserver())]
  }

  private static let names = [
    "cr3Load", "invlpg", "invpcid", "controlChange", "invept", "invvpid", "invlpga", "tlbControl",
    "transition", "eptViolation", "pageFault", "tagsUsedUp",
  ]

  var tables: [ResultTable] {
    guard let variant = variants.first else { return [] }
    return [
      ResultTable(
        name: "flushes", title: "Walks by what flushed them",
        explanation:
          "A walk is an event's where it is of a page whose translation that event removed. "
          + "\(variant["walk.count"]) walks in all; those in no row would have been anyway, and an "
          + "empty table says that nothing was flushed.",
        columns: [
          ResultTable.Column("event", "event"), ResultTable.Column("events", "events"),
          ResultTable.Column("entries", "TLB entries removed"),
          ResultTable.Column("walks", "walks caused"),
        ],
        rows: Self.names.filter { variant["invalidation.\($0).events"] > 0 }.map { name in
          [
            .text(name), .number(variant["invalidation.\(name).events"]),
            .number(variant["invalidation.\(name).entries"]),
            .number(variant["invalidation.\(name).walks"]),
          ]
        })
    ]
  }
}
