/// What a TLB of the general replay knows of a page.
struct CachedTranslation: BitwiseCopyable {
  /// Where the piece of the page that the entry reaches begins.
  var host: HPA
  /// What the first stage's entries allow together; permission is judged at each use.
  var rights: Rights
  /// What the second stage's entries allow together.
  var secondRights: Rights
  /// The first stage's page, by which an address-specific invalidation finds the entry.
  var first: PageSize
  var second: PageSize
  /// Of the first stage's leaf.
  var protectionKey: UInt8
  /// A store need set no dirty bit any more.
  var isDirty: Bool
  /// The last change of tables with which the entry was compared.
  var epoch: UInt32

  /// The smaller of both stages' pages.
  var reach: PageSize { min(first, second) }
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
