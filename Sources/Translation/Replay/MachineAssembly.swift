import Machine
import Results
import TraceFile

/// The only place where a description becomes concrete types.
enum MachineAssembly {
  /// A core for a machine's formats; levels are numbers that it keeps.
  ///
  /// Native mode walks the same first stage with no levels in the second. The general replay serves
  /// what the fast one has no place for, and no other difference may be seen between them.
  static func core(
    of machine: MachineDescription, _ plan: ReplayPlan, everyTouch: Bool
  ) -> any ReplayCore {
    let format =
      plan.recorded.map { $0.second?.format == .npt } ?? (machine.secondStage?.format == .npt)
    if plan.isGeneral(on: machine) {
      return format
        ? GuestNestedCore(machine, plan, everyTouch: everyTouch)
        : GuestExtendedCore(machine, plan, everyTouch: everyTouch)
    }
    if !everyTouch, isNumbered(machine) { return NumberedCore(NumberedReplay([machine])) }
    return format
      ? NestedCore(machine, everyTouch: everyTouch) : ExtendedCore(machine, everyTouch: everyTouch)
  }

  /// Whether the fast way suits a machine.
  static func isNumbered(_ machine: MachineDescription) -> Bool { TLBPlan.suits(machine) }

  /// The general replay, whatever the machine, for those who look into its caches.
  static func explainableCore(
    of machine: MachineDescription, _ plan: ReplayPlan
  ) -> any ExplainableCore {
    let format =
      plan.recorded.map { $0.second?.format == .npt } ?? (machine.secondStage?.format == .npt)
    return format ? GuestNestedCore(machine, plan) : GuestExtendedCore(machine, plan)
  }

  /// What tables a run made, for its result.
  static func tables(of machine: MachineDescription, _ plan: ReplayPlan) -> String {
    if plan.recorded != nil { return "recorded" }
    let policy = machine.synthesis
    let second =
      machine.mode.isVirtualized ? ", second stage \(name(of: policy.secondStagePage))" : ""
    return "synthesised(first stage \(name(of: policy.firstStagePage))\(second), "
      + "frames \(policy.frames.rawValue), seed \(policy.seed))"
  }

  private static func name(of policy: PagePolicy) -> String {
    switch policy {
    case .always(let size): size.rawValue
    case .transparentHuge(let percent): "THP:\(percent)%"
    }
  }

  /// Says where a trace is too small for a machine: then a walk is a first touch, and what the
  /// machine would do in the long run does not show.
  static func footprintNotes(of machine: MachineDescription, pages: Int) -> [String] {
    let sizes = machine.reachableSizes
    let reaches = machine.tlbs.compactMap { tlb -> (pages: Int, name: String)? in
      guard let largest = tlb.pageSizes.intersection(sizes).max() else { return nil }
      return (tlb.sets * tlb.ways << Int(PageSize(largest).logFrames), tlb.name)
    }
    guard let widest = reaches.max(by: { $0.pages < $1.pages }), pages < 2 * widest.pages,
      pages > 0
    else { return [] }
    return [
      "The trace touches \(pages) pages of 4 KiB, fewer than twice the \(widest.pages) that "
        + "\(widest.name) reaches: most walks are first touches. A longer trace would say more."
    ]
  }

  /// What a machine leaves out, in the sentences of the report.
  static func modelNotes(of machine: MachineDescription) -> [String] {
    var notes = [
      "Model: pages are populated before the walk that first needs them, so first touches do not "
        + "fault.",
      "Model: every table reference costs \(machine.memory.referenceCycles) cycles, one after "
        + "another; table entries do not compete with data in caches.",
      "Model: a translation is looked up in the TLBs that hold its size alone.",
      "Walk cycles are work and not time: hardware overlaps independent misses, so time lost is "
        + "less, for streams by more than ten times.",
    ]
    if machine.mode == .nested {
      if machine.secondStage?.format == .ept {
        notes.append(
          "Model: accessed and dirty flags for EPT are off, so walks write no second-stage entry.")
      }
      if machine.synthesis.firstStagePage != machine.synthesis.secondStagePage {
        notes.append(
          "Model: a first-stage page that is larger than the second stage's is backed piece by "
            + "piece, as its pieces are touched.")
      }
    }
    return notes
  }
}
