/// How a machine served one access of a trace, step by step.
public struct AccessStory: Sendable, Equatable {
  /// What one cache of translations did for the access.
  public struct Cache: Sendable, Equatable {
    /// As in counters.
    public var name: String
    /// How often it was asked.
    public var lookups: Int
    /// How often it knew.
    public var hits: Int
    /// Entries that are in it now and were not before.
    public var filled: [String]
    /// Entries that are not in it any more.
    public var removed: [String]

    /// Creates it of its parts.
    public init(name: String, lookups: Int, hits: Int, filled: [String], removed: [String]) {
      self.name = name
      self.lookups = lookups
      self.hits = hits
      self.filled = filled
      self.removed = removed
    }
  }

  /// One table entry that a walk read.
  public struct Reference: Sendable, Equatable {
    /// What the first stage was doing: `L3` to `L0`, or `data`.
    public var first: String
    /// What was read: the second stage's `L3` to `L0`, or `entry` for the first stage's own entry.
    public var second: String
    /// Where it stands.
    public var address: UInt64
    /// As it was read.
    public var value: UInt64
    /// What reading it costs.
    public var cycles: Int

    /// Creates it of its parts.
    public init(first: String, second: String, address: UInt64, value: UInt64, cycles: Int) {
      self.first = first
      self.second = second
      self.address = address
      self.value = value
      self.cycles = cycles
    }
  }

  /// One walk.
  public struct Walk: Sendable, Equatable {
    /// The page that was walked.
    public var address: UInt64
    /// In the order of reading.
    public var references: [Reference]

    /// Creates it of its parts.
    public init(address: UInt64, references: [Reference]) {
      self.address = address
      self.references = references
    }
  }

  /// The trace's name.
  public var trace: String
  /// The machine's name.
  public var machine: String
  /// Counted from 0.
  public var record: Int
  /// `fetch`, `load`, `store` or `modify`.
  public var kind: String
  /// The first byte.
  public var address: UInt64
  /// Bytes.
  public var size: Int
  /// TLBs first, then walk caches.
  public var caches: [Cache]
  /// None where a TLB knew; two where an access crosses into a page that had to be walked too.
  public var walks: [Walk]
  /// Where each page of the access is, or why it is nowhere.
  public var outcomes: [String]
  /// Cycles of TLB lookups.
  public var lookupCycles: Int
  /// VM exits, by reason.
  public var exits: [String]
  /// Levels of the tables of both stages; 0 for no second stage.
  public var levels: (first: Int, second: Int)

  /// Creates a story without caches, walks and outcomes.
  public init(
    trace: String, machine: String, record: Int, kind: String, address: UInt64, size: Int
  ) {
    self.trace = trace
    self.machine = machine
    self.record = record
    self.kind = kind
    self.address = address
    self.size = size
    (caches, walks, outcomes, exits) = ([], [], [], [])
    lookupCycles = 0
    levels = (0, 0)
  }

  /// Whether all parts are the same.
  public static func == (one: AccessStory, other: AccessStory) -> Bool {
    one.trace == other.trace && one.machine == other.machine && one.record == other.record
      && one.kind == other.kind && one.address == other.address && one.size == other.size
      && one.caches == other.caches && one.walks == other.walks
      && one.outcomes == other.outcomes && one.lookupCycles == other.lookupCycles
      && one.exits == other.exits && one.levels == other.levels
  }

  /// Cycles of the walks' references.
  public var walkCycles: Int {
    walks.reduce(0) { $0 + $1.references.reduce(0) { $0 + $1.cycles } }
  }
}
