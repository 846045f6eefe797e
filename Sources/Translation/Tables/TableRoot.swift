import Machine

/// The tables of one stage in an image: their format, depth and root, written `x86-64:5@0x1000`.
public struct TableRoot: Sendable, Equatable {
  /// The names of formats in `FORMAT@ROOT`, each with `:4` or `:5`.
  public enum Format: String, Sendable, CaseIterable {
    case x86 = "x86-64"
    case ept
    case npt
  }

  /// The family of the entries.
  public var format: Format
  /// 4 or 5.
  public var levels: Int
  /// Of the root table; the bits of a control register below 12 and above 51 are dropped.
  public var address: UInt64
  /// Bit 6 of an EPTP that is given whole: the entries have accessed and dirty flags.
  public var hasAccessedDirty: Bool

  /// Reads `FORMAT@ROOT`.
  ///
  /// - Parameter text: the root is hexadecimal with `0x`, or decimal.
  public init?(_ text: String) {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let kind = parts[0].split(separator: ":", omittingEmptySubsequences: false)
    guard kind.count == 2, let format = Format(rawValue: String(kind[0])),
      let levels = Int(kind[1]), levels == 4 || levels == 5,
      let address = number(String(parts[1]))
    else { return nil }
    self.format = format
    self.levels = levels
    self.address = address & (1 << 52 - 1 << 12)
    hasAccessedDirty = format == .ept && address & 1 << 6 != 0
  }
}

/// A number as people write addresses.
///
/// - Parameter text: hexadecimal with `0x`, or decimal.
/// - Returns: nothing where it is no number of 64 bits.
public func number(_ text: String) -> UInt64? {
  text.hasPrefix("0x") || text.hasPrefix("0X")
    ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
}
