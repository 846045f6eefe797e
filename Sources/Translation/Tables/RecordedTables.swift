/// Tables that a run finds in the image of memory that it starts with, instead of making its own.
public struct RecordedTables: Sendable, Equatable {
  /// From the addresses of the trace's records.
  public var first: TableRoot
  /// From what `first` gives to host-physical addresses; nothing where that is host-physical already.
  public var second: TableRoot?

  /// Creates roots; the image's pages are added to the replay.
  public init(first: TableRoot, second: TableRoot? = nil) {
    self.first = first
    self.second = second
  }
}
