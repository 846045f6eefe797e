/// What a record does to memory.
public enum AccessKind: UInt8, Sendable, CaseIterable {
  /// Entry into a 64-byte line by instruction fetch.
  case fetch = 0
  case load = 1
  case store = 2
  /// A load and a store of one place by one instruction.
  case modify = 3
}

/// One memory access.
public struct TraceRecord: Sendable, Hashable {
  /// First byte touched, in the virtual space of the traced program.
  public var address: UInt64
  /// What the access does.
  public var kind: AccessKind
  /// Bytes touched; 0 where the trace does not know, which counts as one byte.
  public var size: UInt16
  /// The traced program's thread; 0 where the trace does not know.
  public var thread: UInt16
  /// Instructions retired since the previous record, this one's included.
  public var instructions: UInt32

  /// Creates a record of its parts.
  public init(
    address: UInt64, kind: AccessKind, size: UInt16, thread: UInt16 = 0, instructions: UInt32
  ) {
    self.address = address
    self.kind = kind
    self.size = size
    self.thread = thread
    self.instructions = instructions
  }

  /// The most bytes that one record may touch: two pages at most are touched, never three.
  public static let maximumSize: UInt16 = 4095
}
