/// An address of one space; two spaces' addresses do not mix.
struct Address<Space>: Hashable, Sendable, BitwiseCopyable {
  var rawValue: UInt64

  init(_ rawValue: UInt64) { self.rawValue = rawValue }

  init(frame: UInt64) { rawValue = frame << 12 }

  /// The address shifted right by 12.
  var frame: UInt64 { rawValue >> 12 }

  /// The entry's index in a table of a level.
  @inline(__always)
  func index(at level: Int) -> UInt64 { (rawValue &>> TableLevel.shift(level)) & 511 }

  /// What the walk cache of a level is tagged with.
  @inline(__always)
  func prefix(at level: Int) -> UInt64 { rawValue &>> TableLevel.shift(level) }

  /// The offset in a page of a level.
  @inline(__always)
  func offset(at level: Int) -> UInt64 { rawValue & TableLevel.offsets(level) }

  @inline(__always)
  func advanced(by bytes: UInt64) -> Address { Address(rawValue &+ bytes) }
}

/// The arithmetic of levels with the 4 KiB granule.
///
/// Levels are at most 5, so that nothing here overflows; the operators that do not check are a fifth of
/// a walk's time.
enum TableLevel {
  /// Address bits below this one are the offset in a page of the level.
  @inline(__always)
  static func shift(_ level: Int) -> UInt64 { UInt64(truncatingIfNeeded: 12 &+ 9 &* level) }

  /// Ones for those bits.
  @inline(__always)
  static func offsets(_ level: Int) -> UInt64 { (1 &<< shift(level)) &- 1 }
}

/// The space of addresses that guest software uses.
enum GuestVirtual: Sendable {}
/// The space of addresses that a guest takes for physical.
enum GuestPhysical: Sendable {}
/// The space of addresses that memory answers to.
enum HostPhysical: Sendable {}

typealias GVA = Address<GuestVirtual>
typealias GPA = Address<GuestPhysical>
typealias HPA = Address<HostPhysical>

extension GVA {
  /// Bits 63 down to the highest translated one are equal.
  ///
  /// Source: Intel SDM volume 1, June 2016, "Canonical Addressing".
  @inline(__always)
  func isCanonical(levels: Int) -> Bool {
    let unused = Int64(64 &- (12 &+ 9 &* levels))
    return UInt64(bitPattern: (Int64(bitPattern: rawValue) &<< unused) &>> unused) == rawValue
  }
}
