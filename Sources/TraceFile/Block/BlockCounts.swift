/// What a block holds, known before anything of it is inflated.
public struct BlockCounts: Sendable, Equatable {
  /// The agent whose accesses these are.
  public var stream: UInt32 = 0
  /// The stream's records before this block.
  public var firstRecord: UInt64 = 0
  /// Records in the block.
  public var records: UInt32 = 0
  /// Records that fetch.
  public var fetches: UInt32 = 0
  /// Records that load.
  public var loads: UInt32 = 0
  /// Records that store.
  public var stores: UInt32 = 0
  /// Records that modify.
  public var modifies: UInt32 = 0
  /// Pages touched by fetches, twice where one crosses a page.
  public var fetchTouches: UInt32 = 0
  /// Pages touched by data accesses, twice where one crosses a page.
  public var dataTouches: UInt32 = 0
  /// Runs of touches of one page by one class.
  public var transitions: UInt32 = 0
  /// Distinct pages of those runs, by class and by what a run writes.
  public var entries: UInt32 = 0
  /// Distinct shapes of records.
  public var shapes: UInt32 = 0
  /// Events between the records.
  public var events: UInt32 = 0
  /// Instructions retired up to and with the last record.
  public var instructions: UInt64 = 0
  /// Instructions retired after the last record; the stream's last block alone has some.
  public var trailingInstructions: UInt64 = 0

  /// No records.
  public init() {}
}
