import Machine
import Results
import TraceFile

/// A machine that differs from the one that was asked about, replayed beside it.
final class Variant {
  let name: String
  let machine: MachineDescription
  let observer: WalkObserver?
  private let core: (any ReplayCore)?
  private let devices: (any DeviceReplay)?
  /// Complete once it is finished.
  private(set) var result = RunResult(
    trace: TraceIdentity(name: "", sha256: "", records: 0, tables: "", notes: []),
    machine: MachineIdentity(name: "", sha256: "", resolvedJSON: "{}"))

  init(
    _ name: String, _ machine: MachineDescription, _ plan: ReplayPlan,
    observer: WalkObserver? = nil
  ) {
    self.name = name
    self.machine = machine
    self.observer = observer
    var plan = plan
    plan.observer = observer
    core = MachineAssembly.core(of: machine, plan, everyTouch: false)
    devices = nil
  }

  /// A variant of the devices' side alone.
  init(devices name: String, _ machine: MachineDescription) {
    self.name = name
    self.machine = machine
    observer = nil
    core = nil
    devices = MachineAssembly.devices(of: machine, checksRecorded: false)
  }

  func addPage(_ frame: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    guard core?.addPage(frame, bytes) ?? true else { return false }
    return devices?.addPage(at: frame << 12, bytes) ?? true
  }

  func replay(_ block: TraceBlock) throws(TraceError) {
    try core?.replay(block)
    if block.counts.events > 0 { try devices?.replay(block) }
  }

  /// Checks every sum and keeps the counters.
  func finish() throws(ConservationError) {
    try core?.checkLaws()
    try devices?.finish()
    core?.addCounters(to: &result)
    devices?.addResults(to: &result)
  }

  /// A counter; 0 where the variant has none.
  subscript(_ name: String) -> Int { result.counters[name, default: 0] }

  /// Modelled work of translation: walks and exits.
  var cycles: Int { self["walk.cycles"] + self["exit.cycles"] }
}

extension MachineDescription {
  /// The same machine with changes.
  func with(_ change: (inout MachineDescription) -> Void) -> MachineDescription {
    var copy = self
    change(&copy)
    return copy
  }

  /// The same machine whose TLBs hold every size, each where it holds 4 KiB pages already; whether
  /// any had to be widened.
  var holdingEverySize: (machine: MachineDescription, isWidened: Bool) {
    var copy = self
    var isWidened = false
    for access in AccessClass.allCases {
      for size in PageSizeName.allCases
      where !tlbs.contains(where: { $0.serves.contains(access) && $0.pageSizes.contains(size) }) {
        for index in copy.tlbs.indices
        where copy.tlbs[index].serves.contains(access)
          && copy.tlbs[index].pageSizes.contains(.base4K)
        {
          copy.tlbs[index].pageSizes.insert(size)
          isWidened = true
        }
      }
    }
    return (copy, isWidened)
  }

  /// The same machine with a mode.
  func mode(_ mode: TranslationMode, nestedLevels: Int? = nil) -> MachineDescription {
    with {
      $0.virtualization.mode = mode
      $0.virtualization.nestedLevels = nestedLevels
      if mode.isVirtualized, $0.secondStage == nil {
        $0.secondStage = .usualSecond
      }
    }
  }

  /// The same machine with costs of exits, where it has none of its own.
  var withExitCosts: MachineDescription {
    with { $0.exits = $0.exits ?? .usual }
  }
}

extension ExitsDescription {
  /// What a table says where it had to use `usual`.
  static let usualNote =
    "The machine has no `exits`: an exit is taken to cost 1,350 cycles there and back and 1,000 to "
    + "handle."
}
