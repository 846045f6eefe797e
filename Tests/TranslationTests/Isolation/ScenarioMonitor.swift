import Foundation
import Results
import TraceFile

@testable import Translation

/// A monitor that is fed from a scenario alone: what a request became is what the scenario's recorder
/// says of it, so that rules are tested without the model of any remapping unit.
///
/// A `recordedTranslation` with `hit=2` passed through; a hit was filled by the last miss of its page.
struct ScenarioMonitor: ~Copyable {
  private var monitor = IsolationMonitor(isVTd: true)
  private var place = EventPlace()
  private var request: DMARequest?
  private var fills: [UInt64: UInt64] = [:]
  private var queue: [IOInvalidation] = []

  /// What a scenario's rules found, by rule and severity, in the order of reports.
  static func findings(_ text: String) throws -> RunResult {
    let path = NSTemporaryDirectory() + "nestwalk-scenario-\(UUID().uuidString).txt"
    try Data(("nestwalk scenario 1\n" + text).utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    var scenario = ScenarioMonitor()
    let reader = try TraceReader(path: path, format: nil, salvage: false)
    let block = TraceBlock()
    while try reader.next(into: block) {
      try block.loadEvents()
      block.withEvents { events in
        for event in events {
          scenario.take(event)
          scenario.place.event += 1
        }
      }
    }
    scenario.monitor.finish()
    var result = RunResult(
      trace: TraceIdentity(name: "s", sha256: "", records: 0, tables: "", notes: []),
      machine: MachineIdentity(name: "m", sha256: "", resolvedJSON: "{}"))
    scenario.monitor.addFindings(to: &result)
    var laws = Conservation()
    scenario.monitor.checkLaws(&laws)
    try laws.check()
    return result
  }

  private mutating func take(_ event: TraceEvent) {
    switch event.tag {
    case .time:
      place.time = event[0]
    case .dma:
      monitor.see(event, at: place)
      request = DMARequest(
        device: UInt32(event[0]), pasid: event[4] == 0 ? DMARequest.noPASID : UInt32(event[4] - 1),
        address: event[1], bytes: UInt32(event[2]),
        kind: DMAKind(rawValue: UInt8(event[3] & 3)) ?? .unknown,
        addressType: DMAAddressType(rawValue: UInt8(event[3] >> 2)) ?? .untranslated, place: place)
    case .recordedTranslation:
      guard let request else { return }
      var outcome = DMAOutcome(request, event[2] == 2 ? .passedThrough : .translated)
      outcome.output = event[5] | request.address & 0xfff
      outcome.domain = UInt32(event[4])
      outcome.rights = [.read, .write]
      if event[2] < 2 {
        outcome.iotlb = event[2] == 1 ? .hit : .miss
        let page = event[4] << 52 | request.address >> 12
        if event[2] == 0 { fills[page] = place.event }
        outcome.filledAt = fills[page] ?? 0
      }
      // An entry of 1 says that the device was given this translation by ATS.
      outcome.isGranted = event[3] == 1
      monitor.judge(&outcome)
    case .recordedFault:
      guard let request else { return }
      var outcome = DMAOutcome(request, .fault)
      outcome.fault = UInt16(event[1])
      monitor.judge(&outcome)
    case .iommuCommand:
      queue(event[1], event[2])
    default: monitor.see(event, at: place)
    }
  }

  /// An IOTLB or context descriptor waits for the wait behind it.
  ///
  /// Source: Intel VT-d specification, "IOTLB Invalidate Descriptor": type 3:0 = 2, granularity 5:4,
  /// domain 31:16; in the second quadword AM 5:0, IH 6, address 63:12. Wait is type 5.
  private mutating func queue(_ low: UInt64, _ high: UInt64) {
    switch low & 15 {
    case 5:
      for var invalidation in queue {
        invalidation.effective = place
        monitor.see(&invalidation)
      }
      queue = []
    case 1:
      queue.append(IOInvalidation(.context, low >> 4 & 3 == 1 ? .global : .device, at: place))
    case 2:
      let kinds: [IOInvalidation.Granularity] = [.global, .global, .domain, .pages]
      var invalidation = IOInvalidation(.iotlb, kinds[Int(low >> 4 & 3)], at: place)
      invalidation.domain = UInt32(low >> 16 & 0xffff)
      if invalidation.granularity == .pages {
        invalidation.pages = 1 << (high & 63)
        invalidation.address = high & ~0xfff & ~(invalidation.pages << 12 - 1)
        invalidation.keepsTables = high >> 6 & 1 == 1
      }
      queue.append(invalidation)
    default: break
    }
  }
}
