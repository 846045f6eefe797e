/// How a machine's remapping unit served one transfer or interrupt message of a device.
public struct DeviceStory: Sendable, Equatable {
  /// An entry of a table or structure that was read.
  public struct Read: Sendable, Equatable {
    /// Where it stands, host-physical.
    public var address: UInt64
    /// Its 64 bits.
    public var value: UInt64

    /// Creates it of its parts.
    public init(address: UInt64, value: UInt64) {
      self.address = address
      self.value = value
    }
  }

  /// One page of a transfer, or one message.
  public struct Step: Sendable, Equatable {
    /// What was asked.
    public var title: String
    /// What became of it, in sentences without a point at their ends.
    public var outcome: [String]
    /// The unit's caches.
    public var caches: [AccessStory.Cache]
    /// In the order of reading.
    public var reads: [Read]

    /// Creates it of its parts.
    public init(
      title: String, outcome: [String], caches: [AccessStory.Cache], reads: [Read]
    ) {
      self.title = title
      self.outcome = outcome
      self.caches = caches
      self.reads = reads
    }
  }

  /// The trace's name.
  public var trace: String
  /// The machine's name.
  public var machine: String
  /// Counted from 0.
  public var event: Int
  /// `read`, `write`, `access` or `interrupt message`.
  public var kind: String
  /// Bus, device and function.
  public var device: String
  /// As the device names it.
  public var address: UInt64
  /// Bytes; 0 where the recorder did not say.
  public var bytes: Int
  /// In the order of judging.
  public var steps: [Step]
  /// Pages beyond those in `steps`.
  public var left: Int

  /// Creates a story without steps.
  public init(
    trace: String, machine: String, event: Int, kind: String, device: String, address: UInt64,
    bytes: Int
  ) {
    self.trace = trace
    self.machine = machine
    self.event = event
    self.kind = kind
    self.device = device
    self.address = address
    self.bytes = bytes
    (steps, left) = ([], 0)
  }
}
