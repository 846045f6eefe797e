import Machine
import Results
import TraceFile

/// A core whatever its formats; crossed once a block and once a run.
protocol ReplayCore {
  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool
  func replay(_ block: TraceBlock) throws(TraceError)
  func addCounters(to result: inout RunResult)
  func checkLaws() throws(ConservationError)
}

/// A core on synthesised tables whose counters are one report.
protocol ReportingCore: ReplayCore {
  /// What it counted so far.
  var report: CoreReport { get }
}

extension ReportingCore {
  /// Its tables are synthesised.
  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool { true }
  func addCounters(to result: inout RunResult) { report.addCounters(to: &result) }
  func checkLaws() throws(ConservationError) { try report.checkLaws() }
}

// One class for each pair of formats, and not a generic one: the methods of a generic class are not
// specialised, and every entry of a walk would be read through a witness.

/// x86-64 alone or over EPT.
final class ExtendedCore: ReportingCore {
  private var core: CoreReplay<X86PageTable, ExtendedPageTable>

  init(_ machine: MachineDescription, everyTouch: Bool) {
    core = CoreReplay(machine, everyTouch: everyTouch)
  }

  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  var report: CoreReport { core.report }
}

/// x86-64 over AMD's nested tables.
final class NestedCore: ReportingCore {
  private var core: CoreReplay<X86PageTable, NestedPageTable>

  init(_ machine: MachineDescription, everyTouch: Bool) {
    core = CoreReplay(machine, everyTouch: everyTouch)
  }

  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  var report: CoreReport { core.report }
}

/// x86-64 alone or over EPT, by the fast way.
final class NumberedExtendedCore: ReportingCore {
  private var core: NumberedReplay<X86PageTable, ExtendedPageTable>

  init(_ machine: MachineDescription) { core = NumberedReplay(machine) }

  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  var report: CoreReport { core.report }
}

/// x86-64 over AMD's nested tables, by the fast way.
final class NumberedNestedCore: ReportingCore {
  private var core: NumberedReplay<X86PageTable, NestedPageTable>

  init(_ machine: MachineDescription) { core = NumberedReplay(machine) }

  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  var report: CoreReport { core.report }
}

/// The general replay of x86-64 alone or over EPT.
final class GuestExtendedCore: ReplayCore {
  private var core: GuestReplay<X86PageTable, ExtendedPageTable>

  init(_ machine: MachineDescription, _ plan: ReplayPlan) { core = GuestReplay(machine, plan) }

  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    core.addPage(frame, bytes)
  }
  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  func addCounters(to result: inout RunResult) { core.addCounters(to: &result) }
  func checkLaws() throws(ConservationError) { try core.checkLaws() }
}

/// The general replay of x86-64 over AMD's nested tables.
final class GuestNestedCore: ReplayCore {
  private var core: GuestReplay<X86PageTable, NestedPageTable>

  init(_ machine: MachineDescription, _ plan: ReplayPlan) { core = GuestReplay(machine, plan) }

  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    core.addPage(frame, bytes)
  }
  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  func addCounters(to result: inout RunResult) { core.addCounters(to: &result) }
  func checkLaws() throws(ConservationError) { try core.checkLaws() }
}
