/// What a TLB of the general replay knows of a page: all that a walk said, and how old it may be.
struct CachedTranslation: BitwiseCopyable {
  /// As the walk gave it, with the address of the first byte that the entry reaches.
  ///
  /// An address-specific invalidation finds the entry by the first stage's size, a lookup by the reach.
  var page: Translated
  /// The last change of tables with which the entry was compared.
  var epoch: UInt32

  /// Never read.
  static let empty = CachedTranslation(
    page: Translated(
      address: HPA(0), first: .base4K, second: .base4K, firstRights: [], secondRights: [],
      isGlobal: false, isFirstDirty: false, isSecondDirty: false, key: 0,
      type: MemoryType(patIndex: 0, second: 0)), epoch: 0)
}

/// The key of a translation: its tag's number, its reach and its page, in one word.
///
/// Tag 63:48, reach 46:45, page 44:0 (57 bits of address less the 4 KiB offset, or fewer); the set is
/// found by the low bits.
struct TLBKey: Hashable, BitwiseCopyable {
  var rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue }

  @inline(__always)
  init(tag: UInt16, reach: PageSize, address: UInt64) {
    rawValue =
      UInt64(tag) << 48 | UInt64(reach.rawValue) << 45
      | (address & (1 << 57 - 1)) >> reach.shift
  }

  var tag: UInt16 { UInt16(truncatingIfNeeded: rawValue >> 48) }
  var reach: PageSize { PageSize(rawValue: UInt8(rawValue >> 45 & 3)) ?? .base4K }
  /// The page's first address, without the copies of its highest bit.
  var address: UInt64 { (rawValue & (1 << 45 - 1)) << reach.shift }

  /// The same page under another tag.
  @inline(__always)
  func under(_ tag: UInt16) -> TLBKey {
    TLBKey(rawValue: rawValue & (1 << 48 - 1) | UInt64(tag) << 48)
  }
}
