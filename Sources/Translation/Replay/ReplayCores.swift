import Machine
import Results
import TraceFile

/// A core whatever its formats; crossed once a block and once a run.
protocol ReplayCore {
  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool
  func replay(_ block: TraceBlock) throws(TraceError)
  func addCounters(to result: inout RunResult)
  func checkLaws() throws(ConservationError)
  /// What it counted so far, for a time line; asked now and then.
  var progress: CoreProgress { get }
  /// Sums that it took within blocks; nothing where it takes none.
  var samples: SampleSeries? { get }
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
  var progress: CoreProgress { CoreProgress(report) }
  var samples: SampleSeries? { nil }
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

/// The only machine of a numbered replay.
struct NumberedCore: ReportingCore {
  let cores: NumberedReplay

  init(_ cores: NumberedReplay) { self.cores = cores }

  func replay(_ block: TraceBlock) throws(TraceError) { try cores.replay(block) }
  var report: CoreReport { cores.report(of: 0) }
  var samples: SampleSeries? { cores.samples(of: 0) }
}

/// The general replay of x86-64 alone or over EPT.
final class GuestExtendedCore: ExplainableCore {
  private var core: GuestReplay<X86PageTable, ExtendedPageTable>

  init(_ machine: MachineDescription, _ plan: ReplayPlan, everyTouch: Bool = false) {
    core = GuestReplay(machine, plan, everyTouch: everyTouch)
  }

  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    core.addPage(frame, bytes)
  }
  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  func addCounters(to result: inout RunResult) { core.addCounters(to: &result) }
  func checkLaws() throws(ConservationError) { try core.checkLaws() }
  var progress: CoreProgress { core.progress }
  var samples: SampleSeries? { core.samples }
  func snapshot() -> CacheSnapshot { core.snapshot() }
  func place(of address: UInt64, _ access: Rights) -> String {
    core.place(of: GVA(address), access)
  }
  var levels: (first: Int, second: Int) {
    (core.running.context.firstLevels, core.running.context.secondLevels)
  }
}

/// The general replay of x86-64 over AMD's nested tables.
final class GuestNestedCore: ExplainableCore {
  private var core: GuestReplay<X86PageTable, NestedPageTable>

  init(_ machine: MachineDescription, _ plan: ReplayPlan, everyTouch: Bool = false) {
    core = GuestReplay(machine, plan, everyTouch: everyTouch)
  }

  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    core.addPage(frame, bytes)
  }
  func replay(_ block: TraceBlock) throws(TraceError) { try core.replay(block) }
  func addCounters(to result: inout RunResult) { core.addCounters(to: &result) }
  func checkLaws() throws(ConservationError) { try core.checkLaws() }
  var progress: CoreProgress { core.progress }
  var samples: SampleSeries? { core.samples }
  func snapshot() -> CacheSnapshot { core.snapshot() }
  func place(of address: UInt64, _ access: Rights) -> String {
    core.place(of: GVA(address), access)
  }
  var levels: (first: Int, second: Int) {
    (core.running.context.firstLevels, core.running.context.secondLevels)
  }
}
