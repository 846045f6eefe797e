import Machine
import Results

/// Native, nested, shadow and agile translation of one trace.
struct ModeTable: AnswerTable {
  let variants: [Variant]
  private let isUsual: Bool

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    isUsual = machine.exits == nil
    let machine = machine.withExitCosts
    var variants = [
      Variant("native", machine.mode(.native), plan),
      Variant("nested", machine.mode(.nested), plan),
      Variant("shadow", machine.mode(.shadow), plan),
    ]
    for levels in 1...machine.firstStage.levels {
      variants.append(
        Variant(
          "agile \(levels)", machine.mode(.agile, nestedLevels: levels), plan))
    }
    // Without a second stage in the image there is nothing but the native walk.
    self.variants = plan.recorded != nil && plan.recorded?.second == nil ? [variants[0]] : variants
  }

  var tables: [ResultTable] {
    let base = variants.first { $0.name == "native" }.map(\.cycles) ?? 0
    return [
      ResultTable(
        name: "modes", title: "Modes side by side",
        explanation:
          "The same trace on the same machine. Native counts no exits; nested exits where the "
          + "second stage gives a page on first touch; shadow where the guest faults, writes a "
          + "table, loads CR3 or first stores to a page; agile in between, by the number of levels that are "
          + "left to the guest's tables. Cycles are work and not time."
          + (isUsual ? " " + ExitsDescription.usualNote : ""),
        columns: [ResultTable.Column("mode", "mode")] + AnswerColumns.walks + [
          ResultTable.Column("exits", "exits"), ResultTable.Column("exitCycles", "exit cycles"),
          ResultTable.Column("cycles", "together"),
          ResultTable.Column("overNative", "over native"),
        ],
        rows: variants.map { variant in
          [.text(variant.name)] + AnswerColumns.cells(variant) + [
            .number(variant["exit.count"]), .number(variant["exit.cycles"]),
            .number(variant.cycles), .ratio(variant.cycles, over: base),
          ]
        })
    ]
  }
}

/// What kinds of hypervisor make of the same events.
struct HypervisorTable: AnswerTable {
  let variants: [Variant]
  private let isUsual: Bool

  init(_ machine: MachineDescription, _ plan: ReplayPlan) {
    isUsual = machine.exits == nil
    let machine = machine.withExitCosts
    variants = HypervisorProfile.allCases.map { profile in
      let hasHardware = profile == .full || profile == .thin
      let mode: TranslationMode = hasHardware ? .nested : .shadow
      return Variant(
        profile.rawValue, machine.mode(mode).with { $0.exits?.hypervisor = profile }, plan)
    }
  }

  var tables: [ResultTable] {
    [
      ResultTable(
        name: "hypervisors", title: "Kinds of hypervisor",
        explanation:
          "Full handles exits in the kernel, thin each in a process; both have nested paging. "
          + "Trap-and-emulate and binary translation have no hardware support and shadow tables; "
          + "translated code calls instead of trapping."
          + (isUsual ? " " + ExitsDescription.usualNote : ""),
        columns: [
          ResultTable.Column("hypervisor", "hypervisor"), ResultTable.Column("exits", "exits"),
          ResultTable.Column("userSpace", "in a process"),
          ResultTable.Column("exitCycles", "exit cycles"),
          ResultTable.Column("walkCycles", "walk cycles"),
          ResultTable.Column("cycles", "together"),
        ],
        rows: variants.map { variant in
          [
            .text(variant.name), .number(variant["exit.count"]),
            .number(variant["exit.userSpace"]), .number(variant["exit.cycles"]),
            .number(variant["walk.cycles"]), .number(variant.cycles),
          ]
        })
    ]
  }
}
