import Machine
import Results
import TraceFile

/// Replays a trace and tells how the machine's remapping unit serves one request or message of a device.
public final class DeviceExplainer {
  private let machine: ResolvedMachine
  private let io: any DeviceReplay
  private let watch: DeviceWatch
  private var story: DeviceStory?
  private var events = 0
  /// The event, where it is nothing that a unit judges.
  private var other: EventTag?

  /// Builds the devices' side of a machine; nothing where it has none.
  ///
  /// - Parameters:
  ///   - machine: checked.
  ///   - event: counted from 0.
  public init?(_ machine: ResolvedMachine, event: Int) {
    guard
      let io = MachineAssembly.devices(of: machine.description, checksRecorded: false),
      event >= 0
    else { return nil }
    self.machine = machine
    self.io = io
    watch = DeviceWatch(event: UInt64(event))
    io.watch(watch)
  }

  /// Adds a page of the image in which memory starts, as `Replay` does.
  ///
  /// - Parameters:
  ///   - address: physical, a multiple of 4096.
  ///   - bytes: 4096.
  /// - Returns: whether it was new and there was memory for it.
  public func addPage(at address: UInt64, _ bytes: UnsafeRawBufferPointer) -> Bool {
    io.addPage(at: address, bytes)
  }

  /// The event was judged, or is none that is: nothing after it is needed.
  public var isDone: Bool { !watch.steps.isEmpty || other != nil }

  /// Takes a block after those before it.
  ///
  /// - Parameter block: of the trace, in order.
  /// - Throws: a `TraceError` where its events are damaged.
  public func replay(_ block: TraceBlock) throws(TraceError) {
    guard block.counts.events > 0 else { return }
    try io.replay(block)
    let wanted = Int(watch.event) - events
    try block.loadEvents()
    block.withEvents { list in
      guard wanted >= 0, wanted < list.count else { return }
      note(list[wanted])
    }
    events += Int(block.counts.events)
  }

  private func note(_ event: TraceEvent) {
    switch event.tag {
    case .dma:
      let transfer = DMATransfer(event, at: EventPlace())
      story = DeviceStory(
        trace: "", machine: machine.description.name, event: Int(watch.event),
        kind: transfer.kind == .unknown ? "access" : "\(transfer.kind)",
        device: deviceName(transfer.device), address: transfer.address,
        bytes: Int(clamping: transfer.bytes))
    case .interruptMessage:
      story = DeviceStory(
        trace: "", machine: machine.description.name, event: Int(watch.event),
        kind: "interrupt message", device: deviceName(UInt32(truncatingIfNeeded: event[0])),
        address: event[1], bytes: 4)
    default: other = event.tag
    }
  }

  /// What was found.
  ///
  /// - Parameter trace: its name.
  /// - Returns: the event's story, or what the event is instead; nothing where there is no such event.
  /// - Throws: the laws that are broken, which is a defect of this program.
  public func finish(_ trace: String) throws(ConservationError) -> Found? {
    if watch.steps.isEmpty, story != nil { try io.finish() }
    if let other { return .other("\(other)") }
    guard var story else { return nil }
    story.trace = trace
    story.steps = watch.steps
    story.left = watch.left
    return .story(story)
  }

  /// What an event is.
  public enum Found {
    /// A request or a message, and how it was served.
    case story(DeviceStory)
    /// Something that no unit judges, by its name.
    case other(String)
  }
}
