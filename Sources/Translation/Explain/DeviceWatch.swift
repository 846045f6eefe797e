import Results
import TraceFile

/// Looks on while one event of a device is judged: what caches did, and which entries were read.
///
/// It is asked for by one replay in many, so what it costs others is a comparison a request.
final class DeviceWatch {
  /// The event that is shown, counted from 0.
  let event: UInt64
  private(set) var steps: [DeviceStory.Step] = []
  /// Steps beyond those that are kept.
  private(set) var left = 0
  private var before: [CacheSnapshot.Cache] = []
  private var reads: [DeviceStory.Read] = []
  private var isOpen = false

  private static let mostSteps = 16

  init(event: UInt64) { self.event = event }

  /// An entry that a unit read while the event was judged.
  func note(_ address: UInt64, _ value: UInt64) {
    guard isOpen, reads.last?.address != address else { return }
    reads.append(DeviceStory.Read(address: address, value: value))
  }

  /// A request or message of the event is about to be judged.
  func begin(_ caches: [CacheSnapshot.Cache]) {
    (before, reads, isOpen) = (caches, [], true)
  }

  /// It was judged.
  func end(_ title: String, _ outcome: [String], _ caches: [CacheSnapshot.Cache]) {
    isOpen = false
    guard steps.count < Self.mostSteps else {
      left += 1
      return
    }
    steps.append(
      DeviceStory.Step(
        title: title, outcome: outcome, caches: CacheSnapshot.changes(before, caches),
        reads: reads))
  }
}

extension CacheSnapshot {
  /// What caches did between two looks.
  static func changes(_ earlier: [Cache], _ later: [Cache]) -> [AccessStory.Cache] {
    zip(earlier, later).map { old, new in
      AccessStory.Cache(
        name: new.name, lookups: new.lookups - old.lookups, hits: new.hits - old.hits,
        filled: new.entries.subtracting(old.entries).sorted(),
        removed: old.entries.subtracting(new.entries).sorted())
    }
  }
}

extension DMAOutcome {
  /// What became of the request, in sentences.
  func told(isVTd: Bool) -> [String] {
    let place = hexadecimal(request.address)
    var lines: [String]
    switch result {
    case .translated:
      let size = pageShift < 64 ? sizeName(1 << UInt64(pageShift)) : "all"
      lines = [
        "\(place) is at \(hexadecimal(output)), in a page of \(size) of domain "
          + "\(hexadecimal(UInt64(domain))) (\(rights.told))"
      ]
      if leaf != 0 { lines[0] += "; leaf \(hexadecimal(leaf))" }
    case .passedThrough: lines = ["\(place) passes as it is: the device's entry says so"]
    case .untranslated: lines = ["\(place) passes as it is: the unit does not translate"]
    case .interrupt:
      lines = ["\(place) is in the interrupt range: a message, which no table translates"]
    case .unresolved:
      lines = ["\(place) is not decided: the trace and the image do not have the tables"]
    case .fault:
      let name =
        isVTd ? "fault " + String(fault, radix: 16) + "h" : AMDViEvent.name(Int(fault))
      lines = ["\(place) is blocked: \(name)"]
      if isFaultSilent { lines.append("The device's entry keeps the fault out of the log") }
      if isFaultLost { lines.append("The log was full, so that nobody hears of it") }
    }
    if iotlb == .hit {
      lines.append(
        "The IOTLB knew the page since event \(filledAt), so that no table of pages was read")
    }
    return lines
  }
}

extension Rights {
  /// Such as `rw`.
  fileprivate var told: String {
    let letters = (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "")
    return letters == "" ? "no access" : letters
  }
}

/// Such as `4K`; bytes are a power of two.
func sizeName(_ bytes: UInt64) -> String {
  for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")] as [(UInt64, String)]
  where bytes >> shift > 0 { return "\(bytes >> shift)\(unit)" }
  return "\(bytes)"
}

extension InterruptOutcome {
  /// What became of the message, in sentences.
  func told(_ delivery: Delivery) -> [String] {
    var lines: [String] = []
    if index != Self.noIndex { lines.append("It names entry \(index) of the remapping table") }
    if entry != InterruptEntry() {
      lines.append("The entry is \(hexadecimal(entry.high)) \(hexadecimal(entry.low))")
    }
    switch result {
    case .passedThrough: lines.append("The message goes on as it was written")
    case .remapped: lines.append("The entry remaps it")
    case .posted:
      lines.append(
        "The entry posts it: \(hexadecimal(descriptor)) names the descriptor or the guest's tag")
    case .blocked:
      lines.append("It is blocked by the check of \(check), code \(String(fault, radix: 16))h")
    case .unresolved: lines.append("Neither the trace nor the image has the entry that decides")
    }
    if result != .blocked, result != .unresolved {
      lines.append("Vector \(request.vector), destination \(request.destination)")
    }
    var end = "Delivery: \(delivery.result)"
    if delivery.core != Delivery.noCore { end += " on core \(delivery.core)" }
    if delivery.exits > 0 { end += ", exits \(delivery.exits)" }
    if delivery.nanoseconds > 0 { end += ", \(delivery.nanoseconds) ns" }
    if delivery.defect != .none { end += ", \(delivery.defect)" }
    if delivery.isMerged { end += ", merged with one that waits" }
    return lines + [end]
  }
}
