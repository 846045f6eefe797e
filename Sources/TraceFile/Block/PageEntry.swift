/// A page of a block's dictionary: which page, for instructions or data, and what a run on it
/// writes.
///
/// One word: later write 63, first write 62, data 61, page 51:0 (address bits 63:12).
public struct PageEntry: Equatable, Sendable, BitwiseCopyable {
  /// The word.
  public var rawValue: UInt64

  /// Creates an entry of its word.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  init(page: UInt64, isData: Bool, writes: RunWrites) {
    rawValue = page | (isData ? Self.dataBit : 0) | UInt64(writes.rawValue) << 62
  }

  /// The address shifted right by 12.
  public var page: UInt64 { rawValue & Self.pageMask }
  /// Data, and not instructions.
  public var isData: Bool { rawValue & Self.dataBit != 0 }
  /// The first touch of the run writes.
  public var writesFirst: Bool { rawValue & Self.writesFirstBit != 0 }
  /// Some touch of the run writes.
  public var writes: Bool { rawValue >> 62 != 0 }

  /// The bits of `page`.
  public static let pageMask: UInt64 = (1 << 52) - 1
  /// The bit of `isData`.
  public static let dataBit: UInt64 = 1 << 61
  /// The bit of `writesFirst`.
  public static let writesFirstBit: UInt64 = 1 << 62
}

/// What the touches of a run write.
enum RunWrites: UInt8 {
  case nothing = 0
  /// The first touch writes.
  case first = 1
  /// The first reads and a later one writes.
  case later = 2
}
